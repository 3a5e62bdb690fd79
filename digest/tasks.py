"""Celery's doors: an id in, one function called, safe to run twice.

Which queue a task waits in is said by CELERY_TASK_ROUTES, and by `publish_due` for each delivery:
what readers wait for never stands behind what may take long or waits for somebody else's server.
"""

from __future__ import annotations

import structlog
from celery import shared_task

from digest import broker, inbox, operations, publishing, verifying
from digest.celery import app

log = structlog.get_logger(__name__)


#: A verification makes room for others on its queue after so many seconds, and goes on behind them.
VERIFY_FOR = 60


@shared_task
def publish_due(woken: bool = False) -> None:
    """Release what is due and hand on each delivery, so that one delays no other.

    `woken` is said by whoever does not want to wait for beat: that is no sign that beat is alive.
    """
    for delivery_id, is_local in publishing.publish_due().items():
        deliver.apply_async((delivery_id,), queue="publishing" if is_local else "network")
    if not woken:
        operations.note_tick("publish_due")


@shared_task
def deliver(delivery_id: int) -> None:
    """Work on one delivery."""
    publishing.deliver(delivery_id)


@shared_task
def read_inbox() -> None:
    """Take in what machines have put into the inbox."""
    inbox.read_inbox()


@shared_task
def verify_editions(after: int = 0) -> None:
    """Verify the editions behind the one with this id, and in the end all of them."""
    progress = verifying.verify_editions(after, seconds=VERIFY_FOR)
    if progress.after is not None:
        verify_editions.delay(progress.after)


def wake_publisher() -> None:
    """Ask for a `publish_due` now instead of at the next tick.

    A web request must never wait for the broker: with none in reach within a second nothing is
    lost, the tick of the minute finds what is due.
    """
    try:
        with broker.impatient_connection(app) as connection:
            publish_due.apply_async((True,), connection=connection, retry=False)
    except broker.OUT_OF_REACH as error:
        log.warning("broker out of reach; the next tick will publish", error=str(error))
