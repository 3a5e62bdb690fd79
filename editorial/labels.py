"""What the fields are called on the page, in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FIELD_LABELS: dict[str, str | Promise] = {
    "headline": _("Headline"),
    "summary": _("Core summary"),
    "details": _("Technical details"),
    "applications": _("Applications"),
    "entities": _("Key entities"),
    "importance": _("Importance"),
    "importance_note": _("Note on importance"),
    "sources": _("Sources"),
    "rest": _("Further text"),
    "labels": _("Labels"),
    "layout": _("Order of the fields"),
    "section": _("Section"),
    "dropped": _("Dropping of the card"),
    "place": _("Place"),
    "comment": _("Comment"),
    "front_matter": _("Front matter"),
    "cover": _("Cover"),
    "lead": _("Opening text"),
    "footer": _("Footer"),
    "title": _("Title"),
    "description": _("Description"),
    "tags": _("Tags"),
    "body": _("Text"),
    "passage": _("Passage"),
    "insight": _("Insight"),
    "reading": _("Reading list"),
    "hugo": _("Hugo post"),
}

#: What people change of the front matter: some of its keys are called like fields of a card.
FRONT_LABELS: dict[str, Promise] = {
    "title": _("Title"),
    "description": _("Description"),
    "summary": _("Summary"),
    "correction": _("Correction"),
    "tags": _("Tags"),
}


def label_of(verb: str, field: str) -> str | Promise:
    """What the field of an event is called: a card's, a passage's (`body.7`) or a key."""
    name = field.split(".")[0]
    if verb == "issue.edit" and name in FRONT_LABELS:
        return FRONT_LABELS[name]
    return FIELD_LABELS.get(name, field)
