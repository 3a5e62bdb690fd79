"""`manage.py desk_status`: what an operator asks first. Exit code 1 if something is wrong."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, no_translations

from digest.broker import Worker
from digest.operations import Standing, standing_of


class Command(BaseCommand):
    help = "Show how the machinery stands; exit code 1 if something is wrong."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--json", action="store_true", help="the same for programs")

    @no_translations
    def handle(self, *, json: bool, **options: Any) -> None:
        standing = standing_of()
        self.stdout.write(_as_json(standing) if json else _as_table(standing))
        if standing.problems:
            sys.exit(1)


def _as_json(standing: Standing) -> str:
    return json.dumps(asdict(standing) | {"problems": standing.problems}, default=_plain, indent=2)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _as_table(standing: Standing) -> str:
    rows = [*_broker_rows(standing), *_rows(standing)]
    width = max(len(name) for name, _text in rows)
    lines = [f"{name:<{width}}  {text}" for name, text in rows]
    return "\n".join([*lines, *(f"! {problem}" for problem in standing.problems)])


def _broker_rows(standing: Standing) -> list[tuple[str, str]]:
    broker = standing.broker
    if broker is None:
        return [("broker", "out of reach")]
    return [
        ("broker", f"{broker.unacked} tasks in hand"),
        *((f"queue {name}", f"{length} tasks wait") for name, length in broker.queues.items()),
        *((f"worker {each.name}", _worker(standing, each)) for each in broker.workers),
    ]


def _worker(standing: Standing, worker: Worker) -> str:
    return f"takes from {', '.join(worker.queues)}; seen {_ago(standing, worker.seen_at)}"


def _rows(standing: Standing) -> list[tuple[str, str]]:
    states = ", ".join(f"{n} {state}" for state, n in standing.deliveries.items() if n)
    return [
        ("last beat", _ago(standing, standing.last_beat)),
        ("last verification", _ago(standing, standing.last_verification)),
        ("deliveries", states or "none"),
        ("oldest waiting delivery", _ago(standing, standing.oldest_waiting, none="none")),
        ("overdue deliveries", str(standing.overdue)),
        ("issues due now", str(standing.due)),
        ("issues waiting for their hour", str(standing.scheduled)),
        ("issues that missed it", str(standing.missed)),
        ("open alarms", str(standing.alarms)),
    ]


def _ago(standing: Standing, moment: datetime | None, *, none: str = "never") -> str:
    if moment is None:
        return none
    seconds = int((standing.at - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago ({moment:%Y-%m-%d %H:%M:%S} UTC)"
    return f"{max(seconds, 0)} s ago"
