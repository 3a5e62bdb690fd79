"""What the publisher's machinery does, for tests that need it done."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from digest.models import Issue
from digest.publishing import deliver, publish_due
from editorial import queue
from editorial.decisions import DECISIONS, decide, present_hash


def do(name: str, issue: Issue, by, note: str = "因為。"):
    """Make a decision about an issue as it stands; answers with its event."""
    seen = present_hash(DECISIONS[name], queue.case_of_issue(issue.pk))
    return decide(name, issue_id=issue.pk, by=by, seen=seen, note=note)


def work() -> None:
    """A tick of the publisher, with all that it hands to workers."""
    for delivery_id in publish_due():
        deliver(delivery_id)


def post_of(issue: Issue) -> Path:
    """Where Hugo finds an issue."""
    return Path(settings.HUGO_TREE) / "content/posts" / f"{issue.slug}.md"
