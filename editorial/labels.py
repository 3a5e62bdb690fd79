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
    "dropped": _("Dropping of the card"),
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

#: What values refuse, as `digest.document` says it to machines, for the people at the desk.
VALUE_SENTENCES: dict[str, Promise] = {
    "a card needs a headline": _("A card needs a headline."),
    "this is a single line and cannot contain a line break": _(
        "This is a single line and cannot contain a line break."
    ),
    "a source needs a title": _("A source needs a title."),
    "square brackets in a source's title must pair up": _(
        "Square brackets in a source’s title must pair up."
    ),
    "a link starts with http:// or https:// and names a host": _(
        "A link starts with http:// or https:// and names a host."
    ),
    "a link cannot carry a user name": _("A link cannot carry a user name."),
    "a link cannot contain blanks, <, >, \\ or direction marks": _(
        "A link cannot contain blanks, <, >, \\ or direction marks."
    ),
    "a link's parentheses must pair up; write %28 and %29 otherwise": _(
        "A link’s parentheses must pair up; write %28 and %29 otherwise."
    ),
}
