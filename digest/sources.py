"""Lists of feeds come to a desk and leave it, as OPML."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from digest import drafting
from digest.drafting import opml
from digest.models import Desk, Feed

#: Well-known sources on artificial intelligence, to begin with.
STARTER = Path(drafting.__file__).parent / "starter.opml"


class Added(NamedTuple):
    """What an import did: how many feeds are new, how many were there, what could not be taken."""

    count: int
    known: int
    faults: tuple[str, ...]


def import_opml(desk: Desk, data: bytes) -> Added:
    """Add the feeds of a list that the desk does not have yet; those it has stay as they are.

    Raises `Unreadable` where it is no OPML.
    """
    found = opml.read_opml(data)
    known = set(desk.feeds.values_list("url", flat=True))
    new = [feed for feed in found.feeds if feed.url not in known]
    Feed.objects.bulk_create(
        (
            Feed(
                desk=desk,
                name=feed.name,
                url=feed.url,
                kind=feed.kind,
                section=feed.section,
                weight=feed.weight,
                language=feed.language,
            )
            for feed in new
        ),
        ignore_conflicts=True,
    )
    return Added(len(new), len(found.feeds) - len(new), found.faults)
