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
    "body": _("Text"),
    "passage": _("Passage"),
    "insight": _("Insight"),
    "reading": _("Reading list"),
    "hugo": _("Hugo post"),
}
