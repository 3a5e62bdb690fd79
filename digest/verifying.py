"""Whether what was signed is still what is kept and what was delivered, edition by edition.

The bytes of the edition and those that its document makes today must agree with the hash somebody
has signed, the stored picture with its own, and each file at a channel with what was delivered. A
difference is a `Drift`; nobody here mends one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

import structlog
from django.db.models import F, Prefetch

from digest import alarms, hugo, operations
from digest.editions import document_in
from digest.models import Alarm, Delivery, Edition, sha256

log = structlog.get_logger(__name__)

#: So many editions are in memory at once.
BATCH = 20


@dataclass(frozen=True)
class Drift:
    """A place where something else is than what was signed.

    `where` names the place within the edition (`content`, `document`, `picture`, `file:<channel>`,
    `cover:<channel>`), `sentence` says what is wrong with it.
    """

    edition: Edition
    where: str
    sentence: str

    @property
    def key(self) -> str:
        """What the keys of its alarms begin with."""
        return f"drift:{self.edition.pk}:{self.where}:"

    def __str__(self) -> str:
        issue = self.edition.issue
        return f"{issue} edition {self.edition.number}, {self.where}: {self.sentence}"


@dataclass(frozen=True)
class Progress:
    """How far a verification came; `after` is the edition to go on behind, None at the end."""

    checked: int
    drifted: int
    after: int | None


def verify_editions(
    after: int = 0, *, seconds: float = inf, tell: Callable[[Drift], object] = lambda drift: None
) -> Progress:
    """Verify all editions behind the one with id `after`, for `seconds` at most.

    Each drift raises an alarm of its desk and is handed to `tell`; an alarm whose drift is gone is
    settled. Whoever is through has verified everything and notes it.
    """
    deadline = time.monotonic() + seconds
    open_alarms = _open_alarms()
    checked = drifted = 0
    while batch := _batch(after):
        if checked and time.monotonic() >= deadline:
            return Progress(checked, drifted, after)
        for edition in batch:
            drifts = list(drifts_of(edition))
            raised = open_alarms.get(edition.pk, set())
            for drift in drifts:
                if drift.key not in raised:
                    _raise(drift)
                tell(drift)
            for key in raised - {drift.key for drift in drifts}:
                alarms.settle(edition.issue.desk, key)
            drifted += bool(drifts)
        checked += len(batch)
        after = batch[-1].pk
    operations.note_tick("verify_editions")
    log.info("editions verified", checked=checked, drifted=drifted)
    return Progress(checked, drifted, None)


def _batch(after: int) -> list[Edition]:
    # By key, not with one long-running query: on SQLite that would keep an old snapshot, from
    # which no alarm can be written.
    done = Delivery.objects.filter(action=Delivery.Action.PUBLISH, state=Delivery.State.DELIVERED)
    found = Edition.objects.filter(pk__gt=after).order_by("pk").select_related("issue__desk")
    # Not joined: editions that share a picture read it once.
    wanted = ("cover", Prefetch("deliveries", done, to_attr="delivered"))
    return list(found.prefetch_related(*wanted)[:BATCH])


def drifts_of(edition: Edition) -> Iterator[Drift]:
    """Every place where something else is than what was signed of one edition."""
    found = sha256(bytes(edition.content))
    if found != edition.sha256:
        yield Drift(edition, "content", _otherwise("The stored bytes hash", found, edition.sha256))
    sentence = _fault_of_document(edition)
    if sentence:
        yield Drift(edition, "document", sentence)
    picture = edition.cover
    if picture and (found := sha256(bytes(picture.content))) != picture.sha256:
        sentence = _otherwise("The stored picture hashes", found, picture.sha256)
        yield Drift(edition, "picture", sentence)
    if edition.issue.published_id != edition.pk:
        return  # a later edition has taken the place of its files, or they were withdrawn
    for delivery in edition.delivered:
        for what, path, promised in _files_of(edition, delivery):
            sentence = _fault_of_file(path, promised)
            # A later edition may have gone out since we read the rows; then its file is the right
            # one.
            if sentence and _still_stands(delivery):
                yield Drift(edition, f"{what}:{delivery.channel}", sentence)


def _files_of(edition: Edition, delivery: Delivery) -> Iterator[tuple[str, str, str]]:
    """The files a delivery has left: what each is, its path, and the hash it was delivered with."""
    receipt = delivery.receipt
    if receipt.get("path") and receipt.get("sha256"):
        yield "file", receipt["path"], receipt["sha256"]
    if receipt.get("cover") and edition.cover:
        yield "cover", receipt["cover"], edition.cover.sha256


def _fault_of_document(edition: Edition) -> str:
    try:
        rebuilt = sha256(hugo.write(document_in(edition)))
    except Exception as error:
        # Whatever it is that a document from elsewhere breaks: it is what we are looking for.
        return f"The document cannot be written any more: {type(error).__name__}: {error}"
    if rebuilt == edition.sha256:
        return ""
    return _otherwise("The document makes bytes that hash", rebuilt, edition.sha256)


def _fault_of_file(path: str, promised: str) -> str:
    """What is wrong with a delivered file, or nothing."""
    try:
        if not Path(path).is_file():  # which raises, too, where a folder must not be looked into
            return f"{path} is not there any more."
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    return "" if found == promised else _otherwise(f"{path} hashes", found, promised)


def _otherwise(what: str, found: str, promised: str) -> str:
    return f"{what} to {found[:12]}…, not to {promised[:12]}…"


def _still_stands(delivery: Delivery) -> bool:
    return Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.DELIVERED, edition__issue__published=F("edition")
    ).exists()


# --- telling -------------------------------------------------------------------------------------


def _open_alarms() -> dict[int, set[str]]:
    """What the keys of open alarms of ours begin with, by the id of their edition."""
    found: dict[int, set[str]] = {}
    for key in Alarm.objects.open().filter(kind="drift").values_list("key", flat=True):
        found.setdefault(int(key.split(":")[1]), set()).add(f"{key.rpartition(':')[0]}:")
    return found


def _raise(drift: Drift) -> None:
    edition, issue = drift.edition, drift.edition.issue
    log.error("drift", edition=edition.pk, where=drift.where, sentence=drift.sentence)
    data = {
        "day": str(issue.date),
        "number": edition.number,
        "where": drift.where,
        "reason": drift.sentence,
    }
    alarm = alarms.raise_alarm(issue.desk, "drift", key=drift.key, issue=issue, data=data)
    if alarm.settled_at is not None:
        # It was mended or put away, and here it is again: that is news.
        key = f"{drift.key}{int(time.time())}"
        alarms.raise_alarm(issue.desk, "drift", key=key, issue=issue, data=data)
