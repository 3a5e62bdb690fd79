"""Where an issue stands on its way to readers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from digest.models import Delivery, Edition
from digest.publishing import channels_with
from editorial.queue import IssueCase

#: How an issue stands on its way to readers, in a word or two, and how that is coloured.
PRESS: dict[str, tuple[Promise, str]] = {
    "held": (_("presses stopped"), "bad"),
    "missed": (_("hour missed"), "bad"),
    "failed": (_("a delivery failed"), "bad"),
    "failing": (_("a delivery fails"), "bad"),
    "moving": (_("going out"), "wait"),
    "waiting": (_("signed, waits for its hour"), "wait"),
    "behind": (_("published; a later edition waits"), "wait"),
    "published": (_("published"), "good"),
    "withdrawn": (_("taken back"), "wait"),
    "signed": (_("signed, not published"), "wait"),
    "unsigned": (_("not signed"), "none"),
}


@dataclass(frozen=True)
class Publication:
    """Where an issue's way to its readers stands: the last edition, the one whose hour comes, and
    the one that readers have.

    `withdrawn_at` is when it was taken back from them, if it was and has not come again; `kept` are
    the channels that then have it still, as nothing there can be taken back.
    """

    edition: Edition | None
    is_current: bool
    due_at: datetime | None
    due_edition: Edition | None
    is_missed: bool
    is_held: bool
    changes: int
    published: Edition | None
    published_at: datetime | None
    withdrawn_at: datetime | None
    deliveries: list[Delivery]
    kept: list[str]

    @property
    def is_out(self) -> bool:
        """Whether readers have the last edition."""
        return self.edition is not None and self.published == self.edition

    @property
    def is_going_out(self) -> bool:
        """Whether its hour has come and no worker has taken it yet."""
        return (
            bool(self.due_at)
            and self.due_at <= timezone.now()
            and not self.is_missed
            and not self.is_held
        )

    @property
    def delivered(self) -> int:
        """How many channels have done what was asked of them."""
        return sum(d.state == Delivery.State.DELIVERED for d in self.deliveries)

    @property
    def is_all_back(self) -> bool:
        """Whether every channel that had it has taken it back."""
        return not self.kept and self.delivered == len(self.deliveries)

    @property
    def state(self) -> str:
        """Where it stands, the most pressing first: a key of `PRESS`."""
        states = {d.state for d in self.deliveries}
        under_way = {Delivery.State.WAITING, Delivery.State.RUNNING}
        found = {
            "held": self.is_held,
            "missed": self.is_missed,
            "failed": Delivery.State.FAILED in states,
            "failing": any(d.is_failing for d in self.deliveries),
            "moving": self.is_going_out or bool(states & under_way),
            "waiting": self.due_at is not None,
            "published": self.is_out,
            "behind": self.published is not None,
            "withdrawn": self.withdrawn_at is not None,
            "signed": self.edition is not None,
        }
        return next((state for state, is_so in found.items() if is_so), "unsigned")

    @property
    def word(self) -> str | Promise:
        """The same in a word or two."""
        return PRESS[self.state][0]

    @property
    def tone(self) -> str:
        """How good that is: `good`, `wait`, `bad` or `none`."""
        return PRESS[self.state][1]

    @property
    def mark(self) -> str:
        """A short text that differs where what is shown differs."""
        deliveries = ",".join(f"{d.pk}{d.state}{d.attempts}" for d in self.deliveries)
        editions = f"{self.edition and self.edition.pk}-{self.published and self.published.pk}"
        return (
            f"{editions}-{self.changes}-{self.due_at}-{self.is_going_out}-{self.is_held}-"
            f"{deliveries}"
        )

    @property
    def is_moving(self) -> bool:
        """Whether the page should look again soon."""
        return self.is_going_out or any(
            d.state in (Delivery.State.WAITING, Delivery.State.RUNNING) for d in self.deliveries
        )


def publication_of(case: IssueCase) -> Publication:
    """Where an issue's publication stands."""
    issue, last = case.issue, case.last_edition
    published = next((e for e in case.edition_rows if e.pk == issue.published_id), None)
    is_current = case.is_signed_as_it_stands
    taken_back = None
    if last and not published:
        taken_back = issue.events.filter(verb="issue.unpublish").order_by("-pk").first()
    everything = [d for edition in case.edition_rows for d in edition.deliveries.all()]
    if taken_back:
        asked, number = Delivery.Action.WITHDRAW, taken_back.after["edition"]
    else:
        asked, number = Delivery.Action.PUBLISH, published and published.number
    deliveries = [d for d in everything if (d.action, d.edition.number) == (asked, number)]
    kept = channels_with(everything) - {d.channel for d in deliveries} if taken_back else ()
    return Publication(
        edition=last,
        is_current=is_current,
        due_at=issue.due_at,
        due_edition=next((e for e in case.edition_rows if e.pk == issue.due_edition_id), None),
        is_missed=issue.is_missed,
        is_held=issue.held_at is not None,
        changes=0 if is_current or last is None else case.changes_since_signature,
        published=published,
        published_at=issue.published_at,
        withdrawn_at=taken_back and taken_back.at,
        deliveries=deliveries,
        kept=sorted(kept),
    )
