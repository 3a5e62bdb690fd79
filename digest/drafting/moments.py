"""When something was published, as feeds and files write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

#: Before there was a web nothing was published on it: such dates are zeros somebody forgot to fill.
_FIRST = datetime(1991, 8, 6, tzinfo=UTC)
#: How far the clock of whoever publishes may be ahead of ours.
AHEAD = timedelta(hours=1)


def moment_of(value: Any) -> datetime | None:
    """A moment in UTC from text (ISO 8601, RFC 822, `2026/2/9 06:50`) or from seconds or
    milliseconds since 1970; None where it is none of these. Without a zone it is UTC.
    """
    if isinstance(value, str) and re.fullmatch(r"\d{9,13}(\.\d+)?", value.strip()):
        value = float(value)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
        if isinstance(value, str):
            return _in_utc(_read(value.strip()[:100]))
    except (ValueError, OverflowError, OSError):
        pass
    return None


def is_believable(moment: datetime, fetched: datetime) -> bool:
    """Whether something that was fetched then can have been published at that moment."""
    return _FIRST <= moment <= fetched + AHEAD


def _read(text: str) -> datetime:
    if found := re.match(r"(\d{4})\s*[/年.-]\s*(\d{1,2})\s*[/月.-]\s*(\d{1,2})日?", text):
        year, month, day = map(int, found.groups())
        text = f"{year:04}-{month:02}-{day:02}{text[found.end() :]}"
        return datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d)|\s*(?:UTC|GMT)$", "", text))
    return parsedate_to_datetime(text)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)
