"""A machine's draft becomes rows. One function, `receive`, behind every door.

The payload is committed verbatim before anything parses it, so that a crash, a bug or a bad draft
loses nothing: whatever is still `received` is landed by the next delivery or the next inbox tick.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from digest import document, payload, redraft, rows
from digest.models import SLUG, Desk, Draft, Event, HeldCard, Issue, Picture, Section, sha256
from digest.reading import Deviation, Problem, Reading
from digest.sentences import Said, Sentence

#: The formats of a draft, by the suffix of its file.
MEDIA_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".json": "application/json",
}
COVER_LIMIT = 5 * 1024 * 1024  # bytes
COVER_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
#: What a cover's path ends in: whatever else lies in the tree is not to be written over.
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".svg", ".avif")
#: A draft that is only kept after this time was left behind by whoever took it in.
LEFT_BEHIND = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class Unacceptable(ValueError):
    """A delivery that is not even kept: too large, or with a cover that is no picture."""


@dataclass(frozen=True)
class Receipt:
    """What became of a delivery. `landed` is true for the one delivery that made a change."""

    draft: Draft
    landed: bool


def receive(
    *,
    desk: Desk,
    content: bytes,
    media_type: str,
    by,
    name: str = "",
    cover: bytes | None = None,
    day: date | None = None,
) -> Receipt:
    """Take in a draft: keep its payload, then land it.

    `content` is at most `settings.DRAFT_LIMIT` bytes; `media_type` is `text/markdown` or
    `application/json`; `name` is the file name it came under, if any; `day` overrules the date in
    the draft. The same content again changes nothing, unless it comes with what it lacked: a cover,
    or, for a draft that was refused, a day or another media type. Raises `Unacceptable`.
    """
    if len(content) > settings.DRAFT_LIMIT:
        raise Unacceptable(
            f"{len(content):,} bytes; a draft has at most {settings.DRAFT_LIMIT:,} bytes"
        )
    picture = keep_picture(cover) if cover else None
    draft, _created = Draft.objects.get_or_create(
        desk=desk,
        sha256=sha256(content),
        defaults={
            "payload": content,
            "media_type": media_type,
            "name": _storable(name)[:255],
            "cover": picture,
            "received_by": by,
        },
    )
    if (picture and not draft.cover_id) or (
        draft.state == Draft.State.REFUSED and (day or media_type != draft.media_type)
    ):
        _supplement(draft, media_type, picture, day)
    return Receipt(draft, landed=land(draft, day=day))


def _storable(name: str) -> str:
    """A file's name as a database takes it: on disk it may be any bytes."""
    return name.encode("utf-8", "backslashreplace").decode().replace("\0", "␀")


def _supplement(draft: Draft, media_type: str, cover: Picture | None, day: date | None) -> None:
    """Add to a known draft what this delivery of it has and the first one lacked."""
    with transaction.atomic():
        Desk.objects.select_for_update(no_key=True).get(pk=draft.desk_id)
        draft.refresh_from_db()
        if draft.state == Draft.State.REFUSED and (day or media_type != draft.media_type):
            draft.state, draft.media_type = Draft.State.RECEIVED, media_type
        if cover and not draft.cover_id:
            draft.cover = cover
            issue = Issue.objects.select_for_update(no_key=True).filter(pk=draft.issue_id).first()
            if issue and not issue.cover_id:
                redraft.change_cover(issue, draft)
                issue.save(update_fields=["cover"])
        draft.save(update_fields=["state", "media_type", "cover"])


def keep_picture(content: bytes) -> Picture:
    """The stored picture with this content. Raises `Unacceptable` for anything but a picture."""
    from PIL import Image  # 30 ms, and most drafts have no cover

    if len(content) > COVER_LIMIT:
        raise Unacceptable(f"cover: {len(content):,} bytes; at most {COVER_LIMIT:,}")
    try:
        with Image.open(io.BytesIO(content), formats=list(COVER_TYPES)) as image:
            image.verify()
            media_type = COVER_TYPES[image.format]
    except Exception:  # a broken picture makes Pillow raise whatever its reader stumbled over
        raise Unacceptable("cover: not a PNG, JPEG or WebP picture") from None
    picture, _ = Picture.objects.get_or_create(
        sha256=sha256(content), defaults={"content": content, "media_type": media_type}
    )
    return picture


def land(draft: Draft, *, day: date | None = None) -> bool:
    """Turn a kept draft into rows, once; `draft` is brought up to date. True if this call did."""
    if draft.state != Draft.State.RECEIVED:
        return False
    reading = payload.parse(bytes(draft.payload), draft.media_type)
    filing = _filing(draft, reading, day)
    # Before the transaction and all at once, in order: two desks that met the same new names in
    # different order would wait for each other for ever.
    whole = reading.document
    rows.terms([*whole.front_matter.tags, *(name for c in whole.cards for name in c.entities)])
    with transaction.atomic():
        # The desk's lock, not the draft's: two different drafts for one day must not both make it.
        # NO KEY: whoever writes an event for the desk meanwhile must not wait for us holding an
        # issue that we wait for.
        Desk.objects.select_for_update(no_key=True).get(pk=draft.desk_id)
        draft.refresh_from_db()
        if draft.state != Draft.State.RECEIVED:
            return False
        draft.deviations = [
            {"line": d.line, "text": str(d.text)} for d in (*reading.deviations, *filing.deviations)
        ]
        problems = [*reading.problems, *filing.problems]
        draft.problems = [
            {"where": str(p.where), "line": p.line, "reason": str(p.reason), "text": p.text}
            for p in problems
        ]
        # Without its front matter an issue has no title and no tags: nothing to sign.
        headless = any(_is_of_front_matter(p) for p in reading.problems)
        refused = bool(filing.problems) or headless or (bool(problems) and not whole.cards)
        draft.state = Draft.State.REFUSED if refused else Draft.State.LANDED
        if not refused:
            draft.issue = _file(draft, whole, filing)
            # A later run may repeat a bad card word for word; one of it in sight is enough.
            in_sight = set(draft.issue.held_cards.values_list("text", flat=True))
            HeldCard.objects.bulk_create(
                HeldCard(
                    issue=draft.issue,
                    draft=draft,
                    where=str(p.where)[: document.LINE_LIMIT],
                    line=p.line,
                    reason=str(p.reason),
                    text=p.text,
                )
                for p in problems
                if p.text not in in_sight
            )
        draft.save()
        Event.objects.create(
            desk_id=draft.desk_id,
            issue=draft.issue,
            actor_id=draft.received_by_id,
            verb="draft.refuse" if refused else "draft.land",
            after={
                "draft": draft.pk,
                "cards": len(reading.document.cards),
                "problems": len(problems),
            },
        )
    return True


def land_left_behind(now: datetime | None = None) -> int:
    """Land the drafts whose delivery was cut off after they had been kept; answers how many did."""
    before = (now or timezone.now()) - LEFT_BEHIND
    count = 0
    for draft in Draft.objects.filter(state=Draft.State.RECEIVED, received_at__lt=before):
        try:
            count += land(draft)
        except Exception:
            log.exception("draft cannot be landed", draft=draft.pk)
    return count


# --- where a draft is filed ----------------------------------------------------------------------


@dataclass(frozen=True)
class Filing:
    """The day and the slug a draft belongs under, or why there are none."""

    day: date | None
    slug: str
    problems: tuple[Problem, ...] = ()
    deviations: tuple[Deviation, ...] = ()


def _filing(draft: Draft, reading: Reading, day: date | None) -> Filing:
    whole = reading.document
    front_matter = whole.front_matter
    problems, deviations = [], []
    if not day:
        day, faults = _day_of(front_matter.values, draft)
        problems += faults
        if day and not whole.date:
            deviations.append(Deviation(1, Said.NO_DATE(day=str(day))))
    if day is None and not problems:
        if any(_is_of_front_matter(p) for p in reading.problems):
            # Today's issue is another one: nothing may be replaced on a guess.
            problems.append(_fault(Said.DAY_UNKNOWN()))
        else:
            day = draft.desk.today(draft.received_at)
            deviations.append(Deviation(1, Said.NO_DATE(day=str(day))))
    for tag in front_matter.tags:
        if not tag.strip() or len(tag) > document.LINE_LIMIT or "\n" in tag:
            problems.append(_fault(Said.DRAFT_TAG(tag=repr(tag[:40]))))
    if fault := _cover_fault(front_matter.cover):
        problems.append(_fault(fault))
    slug, faults = _slug_of(front_matter, draft, day)
    return Filing(day, slug, (*problems, *faults), tuple(deviations))


def _cover_fault(path: str) -> Sentence | None:
    """Why no picture can be put under a path below the tree's static folder, if none can."""
    if not path or "://" in path:
        return None  # no cover, or one that lies elsewhere in the net
    said = repr(path[:80])
    parts = PurePosixPath(path.lstrip("/")).parts
    if ".." in parts or "\\" in path:
        return Said.COVER_ELSEWHERE(path=said)
    if any(part.startswith(".") or len(part.encode()) > 200 for part in parts):
        return Said.COVER_HIDDEN(path=said)
    if PurePosixPath(path).suffix.lower() not in PICTURE_SUFFIXES:
        return Said.COVER_NO_PICTURE(path=said, suffixes=", ".join(PICTURE_SUFFIXES))
    return None


def _is_of_front_matter(problem: Problem) -> bool:
    return problem.where.startswith(("front matter", "/front_matter"))


def _fault(reason: Sentence) -> Problem:
    return Problem(Said.FRONT_MATTER(), None, reason, "")


def _day_of(values: Mapping, draft: Draft) -> tuple[date | None, list[Problem]]:
    """The day in the front matter, else the one the file's name starts with, else none."""
    written = values.get("date")
    if written in (None, ""):
        named = re.match(r"(\d{4}-\d{2}-\d{2})", draft.name)
        if not named:
            return None, []
        written = named[1]
    try:
        day = date.fromisoformat(str(written)[:10])
    except ValueError:
        return None, [_fault(Said.NOT_A_DAY(day=repr(str(written)[:40])))]
    if day.year not in document.YEARS:
        years = {"first": document.YEARS[0], "last": document.YEARS[-1]}
        return None, [_fault(Said.OTHER_YEARS(day=str(day), **years))]
    return day, []


def _slug_of(
    front_matter: document.FrontMatter, draft: Draft, day: date | None
) -> tuple[str, list[Problem]]:
    """The name of the published file: said in the front matter, else as the cover's or the file's
    name has it where that starts with the day, else made of the day and the desk.

    It always starts with the day: `index` would turn Hugo's whole folder into one page.
    """
    if (said := front_matter.values.get("slug")) is not None:
        if not (isinstance(said, str) and len(said) <= 80 and re.fullmatch(SLUG, said)):
            return "", [_fault(Said.SLUG(slug=repr(str(said)[:80])))]
        return (said if said.startswith(f"{day}-") else f"{day}-{said}"), []
    for path in (front_matter.cover, draft.name):
        stem = PurePosixPath(path).stem
        if len(stem) <= 100 and stem.startswith(f"{day}-") and re.fullmatch(SLUG, stem):
            return stem, []
    return f"{day}-{draft.desk.slug}", []


# --- filing it -----------------------------------------------------------------------------------


def _file(draft: Draft, whole: document.Document, filing: Filing) -> Issue:
    # People lock the issue they work on (not the desk): so do we before we read what they wrote.
    locked = Issue.objects.select_for_update(no_key=True)
    if issue := locked.filter(desk=draft.desk, date=filing.day).first():
        redraft.merge(issue, whole, draft=draft)
        return issue
    slug = filing.slug
    if Issue.objects.filter(desk=draft.desk, slug=slug).exists():
        slug = f"{filing.day}-{draft.desk.slug}-{draft.sha256[:8]}"
    issue = Issue.objects.create(
        desk=draft.desk,
        date=filing.day,
        slug=slug,
        front_matter=whole.front_matter.model_dump(mode="json"),
        lead=whole.lead,
        footer=whole.footer,
        machine=redraft.baseline_of(whole),
        cover=draft.cover,
    )
    rows.set_tags(issue, whole.front_matter.tags)
    sections = Section.objects.bulk_create(
        rows.new_section(issue, n, value) for n, value in enumerate(whole.sections, 1)
    )
    placed = list(zip(sections, whole.sections, strict=True))
    rows.add_cards(
        ((row, n, card) for row, value in placed for n, card in enumerate(value.cards, 1)),
        by_machine=True,
    )
    for row, value in placed:
        rows.add_passages(row, value.passages)
    refresh_insight_hash(issue)
    return issue


def refresh_insight_hash(issue: Issue) -> None:
    """Bring the hash that an approval of the insight must name up to date."""
    issue.insight_hash = rows.insight_hash(Issue.objects.whole().get(pk=issue.pk))
    issue.save(update_fields=["insight_hash"])
