"""What the fields are called on the page, in the reader's language."""

import re

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
    "an issue needs a title": _("An issue needs a title."),
    "a tag is a single line with something in it": _(
        "A tag is a single line with something in it."
    ),
    "a link cannot carry a user name": _("A link cannot carry a user name."),
    "a link cannot contain blanks, <, >, \\ or direction marks": _(
        "A link cannot contain blanks, <, >, \\ or direction marks."
    ),
    "a link's parentheses must pair up; write %28 and %29 otherwise": _(
        "A link’s parentheses must pair up; write %28 and %29 otherwise."
    ),
}
#: Those of them that name what they refuse.
_NAMING: dict[str, Promise] = {
    r"character (?P<code>U\+\w+) at position (?P<place>\d+) cannot be kept": _(
        "The character at position %(place)s (%(code)s) cannot be kept."
    ),
    r"(?P<name>.+) is not one name \(entities are joined by ', '\)": _(
        "%(name)s is not one name: write one a line, without a comma and a blank in it."
    ),
}


def value_sentence(message: str) -> str:
    """What a value refuses, as `digest.document` says it, in the reader's language."""
    for pattern, sentence in _NAMING.items():
        if found := re.fullmatch(pattern, message):
            return str(sentence) % found.groupdict()
    return str(VALUE_SENTENCES.get(message, message))
