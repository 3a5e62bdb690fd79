"""The standing of the desk in the text format that Prometheus reads.

Written out by hand: every number is read at the moment somebody asks, so there are only gauges,
and nothing is counted in a process. What a client library is for, registries and the sharing of
counters between processes, has no use here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from digest.operations import Standing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: The labels of a sample and its value. A value that is not known is left out.
Sample = tuple[dict[str, str], float | None]


def text_of(standing: Standing) -> str:
    """All gauges, each with the sentence that says what it measures."""
    lines: list[str] = []
    for name, meaning, samples in _gauges(standing):
        lines += [f"# HELP copydesk_{name} {meaning}", f"# TYPE copydesk_{name} gauge"]
        lines += [
            f"copydesk_{name}{_labelled(labels)} {float(value)!r}"
            for labels, value in samples
            if value is not None
        ]
    return "\n".join(lines) + "\n"


def _gauges(standing: Standing) -> Iterator[tuple[str, str, list[Sample]]]:
    broker = standing.broker
    queues = broker.queues if broker else {}
    workers = {
        queue: sum(queue in worker.queues for worker in broker.workers) if broker else 0
        for queue in queues
    }
    yield "broker_up", "Whether the broker answers.", [({}, broker is not None)]
    yield "workers", "Living workers that take from a queue.", _each("queue", workers)
    yield "queued_tasks", "Tasks that wait in a queue.", _each("queue", queues)
    unacked = broker.unacked if broker else None
    yield "unacked_tasks", "Tasks that a worker has taken and not done yet.", [({}, unacked)]
    for name, meaning, moment in (
        ("last_beat", "When a tick of beat was last worked on", standing.last_beat),
        ("last_verification", "When all editions had been verified", standing.last_verification),
        (
            "oldest_waiting",
            "When the oldest waiting delivery was released",
            standing.oldest_waiting,
        ),
    ):
        yield f"{name}_timestamp_seconds", f"{meaning}, Unix time.", [({}, _seconds(moment))]
    yield "deliveries", "Deliveries in a state.", _each("state", standing.deliveries)
    for name, meaning, number in (
        ("overdue_deliveries", "Deliveries no worker has tried in time.", standing.overdue),
        ("due_issues", "Issues that should go out right now.", standing.due),
        ("scheduled_issues", "Issues that wait for their hour.", standing.scheduled),
        ("missed_issues", "Issues that missed their hour.", standing.missed),
        ("undrafted_desks", "Desks whose machine should have begun today.", standing.undrafted),
        ("open_alarms", "Alarms that are not settled.", standing.alarms),
    ):
        yield name, meaning, [({}, number)]


def _each(label: str, numbers: dict[str, int]) -> list[Sample]:
    return [({label: str(name)}, number) for name, number in numbers.items()]


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _labelled(labels: dict[str, str]) -> str:
    # Queues and states are ours to name, and plain words: nothing to escape.
    pairs = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""
