"""Cards that could not be read."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from digest import hugo, rows
from digest.models import Card, HeldCard, Section
from digest.reading import Unreadable
from editorial.editing.values import Invalid, record
from editorial.locking import lock
from editorial.models import Membership
from editorial.refusals import Refusal, Refused
from editorial.sentences import translated


def repair_card(*, held_id: int, text: str, section_id: int, by: Membership | None) -> Card:
    """Make a held card a card of the issue, from Markdown a person has mended.

    Raises `Invalid` with the reasons if it still cannot be read.
    """
    try:
        value, _deviations = hugo.read_card(text.replace("\r\n", "\n"))
    except Unreadable as unreadable:
        raise Invalid(
            {"text": [translated(problem.sentence) for problem in unreadable.problems]}
        ) from None
    with transaction.atomic():
        held = HeldCard.objects.select_related("issue").get(pk=held_id)
        issue, role = lock(by, pk=held.issue_id)
        held.refresh_from_db()
        if not held.is_open:
            raise Refused(Refusal(_("Somebody has dealt with this card already.")))
        section = issue.sections.filter(pk=section_id, kind=Section.Kind.CARDS).first()
        if section is None:  # a later draft has taken it away while the lock was waited for
            raise Invalid({"": [_("Choose a section.")]})
        last = section.cards.order_by("-position").values_list("position", flat=True).first() or 0
        [card] = rows.add_cards([(section, last + 1, value)], by_machine=False)
        held.card = card
        held.save(update_fields=["card"])
        record(issue, role, "card.repair", card=card, before=held.text, after=text)
    return card


def dismiss_held(*, held_id: int, by: Membership | None) -> None:
    """Put a held card aside for good. Its text stays in the draft and in the event."""
    with transaction.atomic():
        held = HeldCard.objects.get(pk=held_id)
        issue, role = lock(by, pk=held.issue_id)
        held.refresh_from_db()
        if not held.is_open:
            raise Refused(Refusal(_("Somebody has dealt with this card already.")))
        held.dismissed = True
        held.save(update_fields=["dismissed"])
        record(issue, role, "card.dismiss", before=held.text)
