"""Signs of life: in a file for whoever watches over a process, in Redis for whoever asks from afar.

Asking a worker over the broker costs a new Python each time; the age of a file costs nothing. The
worker touches HEARTBEAT_FILE every two seconds, from the loop that also takes in tasks; beat does
whenever it has handed a tick to the broker. If one hangs or lost its broker, the file grows old.
Every few of these beats the worker also signs the broker's list (digest.broker), which tells the
operator on whatever machine that it is there.
"""

from __future__ import annotations

import time
from pathlib import Path

import structlog
from celery import Celery
from celery.signals import after_task_publish, beat_init, heartbeat_sent, worker_shutdown
from django.conf import settings

from digest import broker

log = structlog.get_logger(__name__)

_next_signature = 0.0


@heartbeat_sent.connect
def touch(**kwargs) -> None:
    """Make HEARTBEAT_FILE new, if there is to be one."""
    if settings.HEARTBEAT_FILE:
        Path(settings.HEARTBEAT_FILE).touch()


@heartbeat_sent.connect
def sign(sender, **kwargs) -> None:
    """Sign the list of workers, once in a while. `sender` is Celery's heart of this worker."""
    global _next_signature
    if time.monotonic() < _next_signature:
        return
    # Set before trying: a broker that hangs costs the worker's loop a second now and then.
    _next_signature = time.monotonic() + broker.SIGN_EVERY
    app, name = sender.eventer.app, sender.eventer.hostname
    try:
        broker.sign_in(app, worker=name, queues=_queues(app))
    except broker.OUT_OF_REACH as error:
        log.warning("broker out of reach; nobody sees this worker", error=str(error))


@worker_shutdown.connect
def take_leave(sender, **kwargs) -> None:
    """Leave the list of workers. One that is killed drops out of it by itself."""
    try:
        broker.sign_out(sender.app, worker=sender.hostname, queues=_queues(sender.app))
    except broker.OUT_OF_REACH as error:
        log.warning("broker out of reach; this worker is missed for a while", error=str(error))


def _queues(app: Celery) -> list[str]:
    return list(app.amqp.queues.consume_from)


@beat_init.connect
def touch_at_each_tick(**kwargs) -> None:
    """Have beat, and only beat, give its sign whenever it has published a task."""
    touch()
    after_task_publish.connect(touch)
