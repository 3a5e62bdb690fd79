"""A sign of life in a file, for whoever watches over a worker or beat from outside.

Asking a worker over the broker costs a new Python each time; the age of a file costs nothing. The
worker touches HEARTBEAT_FILE every two seconds, from the loop that also takes in tasks; beat does
whenever it has handed a tick to the broker. If one hangs or lost its broker, the file grows old.
"""

from __future__ import annotations

from pathlib import Path

from celery.signals import after_task_publish, beat_init, heartbeat_sent
from django.conf import settings


@heartbeat_sent.connect
def touch(**kwargs) -> None:
    """Make HEARTBEAT_FILE new, if there is to be one."""
    if settings.HEARTBEAT_FILE:
        Path(settings.HEARTBEAT_FILE).touch()


@beat_init.connect
def touch_at_each_tick(**kwargs) -> None:
    """Have beat, and only beat, give its sign whenever it has published a task."""
    touch()
    after_task_publish.connect(touch)
