"""Comments on cards: said at once, resolved by anybody, never lost when the text changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from django.utils.translation import override

from digest.document import FIELD_LIMIT, check_text
from digest.markup import to_html
from digest.models import Card, Event
from editorial.editing import Invalid
from editorial.labels import FIELD_LABELS
from editorial.locking import lock
from editorial.models import Comment, Membership, name_of
from editorial.refusals import Refusal, Refused

COMMENT_LIMIT = 4_000  # characters
_SAID_TWICE = timedelta(minutes=2)


@dataclass(frozen=True)
class Remark:
    """A comment as a page shows it. A quote that no longer stands in the card is outdated."""

    comment: Comment
    name: str
    resolved_by: str
    is_outdated: bool


def remarks_on(card: Card) -> list[Remark]:
    """The comments on a card, oldest first."""
    text, headings = _text_of(card), _headings_of(card)
    return [
        Remark(
            comment=each,
            name=name_of(each.by),
            resolved_by=name_of(each.resolved_by) if each.resolved_by else "",
            is_outdated=_quoted(each.quote, headings) not in text,
        )
        for each in card.comments.select_related("by", "resolved_by")
    ]


def _text_of(card: Card) -> str:
    """All of a card's text that somebody can quote: as a page shows it, and as it is written."""
    written = [card.headline, card.summary, card.details, card.applications, card.rest]
    lists = [item.tag.name for item in card.entity_items.all()]
    lists += [source.title for source in card.sources.all()]
    # Not `to_text`: it writes addresses behind links and marks before items, which nobody quotes.
    shown = [unescape(strip_tags(to_html(text))) for text in written]
    return _without_blanks("\n".join([*written, *shown, card.importance_note, *lists]))


def _headings_of(card: Card) -> set[str]:
    """What a page writes between the texts of a card, in any language: a selection takes it in."""
    headings = set(card.labels.values())
    for language, _name in settings.LANGUAGES:
        with override(language):
            headings |= {str(FIELD_LABELS[field]) for field in ("details", "applications")}
    return headings


def _quoted(quote: str, headings: Collection[str]) -> str:
    """A quote as it is looked for: without the headings between its lines."""
    lines = quote.split("\n")
    return _without_blanks("".join(line for line in lines if line.strip() not in headings))


def _without_blanks(text: str) -> str:
    """What a quote is compared by: browsers put breaks and blanks where blocks meet."""
    return "".join(text.split())


def add_comment(*, card_id: int, body: str, by: Membership | None, quote: str = "") -> Comment:
    """Say something about a card, or about a phrase of it. Raises `Invalid` and `Refused`.

    The same said again by the same person within `_SAID_TWICE` is a request that was sent twice
    because its answer got lost: it stays one comment.
    """
    try:
        check_text(body)
        check_text(quote)
    except ValueError:
        raise Invalid({"body": [_("This holds a character that cannot be kept.")]}) from None
    if not body.strip():
        raise Invalid({"body": [_("A comment says something.")]})
    if len(body) > COMMENT_LIMIT or len(quote) > FIELD_LIMIT:
        most = {"count": COMMENT_LIMIT}
        raise Invalid({"body": [_("A comment has at most %(count)d characters.") % most]})
    with transaction.atomic():
        issue, role = lock(by, sections__cards=card_id)
        card = Card.objects.only("hash").get(pk=card_id)
        said = {"issue": issue, "card": card, "by": role.user, "body": body, "quote": quote}
        since = timezone.now() - _SAID_TWICE
        if twice := Comment.objects.open().filter(**said, at__gt=since).first():
            return twice
        made = Comment.objects.create(**said, hash=card.hash)
        record(made, role, "comment.add")
    return made


def settle_comment(*, comment_id: int, resolve: bool, by: Membership | None) -> None:
    """Resolve a comment, or open it again. Raises `Refused` if somebody has done so already."""
    with transaction.atomic():
        _issue, role = lock(by, comments=comment_id)
        found = Comment.objects.get(pk=comment_id)
        if resolve == bool(found.resolved_at):
            sentence = (
                _("This comment is resolved already.") if resolve else _("This comment is open.")
            )
            raise Refused(Refusal(sentence))
        found.resolved_by = role.user if resolve else None
        found.resolved_at = timezone.now() if resolve else None
        found.save(update_fields=["resolved_by", "resolved_at"])
        record(found, role, "comment.resolve" if resolve else "comment.reopen")


def record(comment: Comment, by: Membership, verb: str) -> Event:
    """Write down what happened to a comment, in the transaction that did it."""
    return Event.objects.create(
        desk_id=by.desk_id,
        issue_id=comment.issue_id,
        card_id=comment.card_id,
        actor=by.user,
        verb=verb,
        after={"comment": comment.pk},
        note=comment.body if verb == "comment.add" else "",
    )
