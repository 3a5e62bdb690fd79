"""Celery's doors: an id in, one function called, safe to run twice."""

from __future__ import annotations

import structlog
from celery import shared_task
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from digest import inbox, publishing
from digest.celery import app

log = structlog.get_logger(__name__)


@shared_task
def publish_due() -> None:
    """Release what is due and hand each delivery to a worker of its own."""
    for delivery_id in publishing.publish_due():
        deliver.delay(delivery_id)


@shared_task
def deliver(delivery_id: int) -> None:
    """Work on one delivery."""
    publishing.deliver(delivery_id)


@shared_task
def read_inbox() -> None:
    """Take in what machines have put into the inbox."""
    inbox.read_inbox()


def wake_publisher() -> None:
    """Ask for a `publish_due` now instead of at the next tick.

    A web request must never wait for the broker: with none in reach within a second nothing is
    lost, the tick of the minute finds what is due.
    """
    impatient = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry_on_timeout": False}
    try:
        with app.connection_for_write(
            connect_timeout=1, transport_options=app.conf.broker_transport_options | impatient
        ) as connection:
            publish_due.apply_async(connection=connection, retry=False)
    except (KombuError, RedisError, OSError) as error:
        log.warning("broker out of reach; the next tick will publish", error=str(error))
