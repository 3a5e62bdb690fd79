"""What we ask the broker ourselves: how much is queued, and which workers take it.

Celery can ask its workers over the broker, but waits a second for answers that may not come. So
each worker signs a list in Redis (`digest.heartbeat` does it for it), and whoever wants to know
reads that list together with the lengths of the queues, in one round trip. Everybody here is
impatient: a broker that says nothing within a second is out of reach.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from celery import Celery
from kombu import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

#: What is raised when the broker does not answer.
OUT_OF_REACH = (KombuError, RedisError, OSError)
#: How often a worker signs, and for how long it then counts as alive, in seconds. Between the two
#: lie three signatures: one that was lost on the way makes nobody dead.
SIGN_EVERY = 15
ALIVE_FOR = 50

_WORKERS = "copydesk.workers"
_IMPATIENT = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry_on_timeout": False}


@dataclass(frozen=True)
class Worker:
    """A worker that is alive, and the queues it takes tasks from."""

    name: str
    queues: tuple[str, ...]
    seen_at: datetime


@dataclass(frozen=True)
class Broker:
    """What the broker holds: tasks waiting by queue, tasks in some worker's hands, the workers."""

    queues: dict[str, int]
    unacked: int
    workers: tuple[Worker, ...]

    @property
    def unserved(self) -> list[str]:
        """Queues that no living worker takes from."""
        served = {queue for worker in self.workers for queue in worker.queues}
        return [queue for queue in self.queues if queue not in served]


@contextmanager
def impatient_connection(app: Celery) -> Iterator[Connection]:
    """A connection to the broker that gives up after a second. Raises one of OUT_OF_REACH."""
    options = app.conf.broker_transport_options | _IMPATIENT
    with app.connection_for_write(connect_timeout=1, transport_options=options) as connection:
        yield connection


@contextmanager
def _redis(app: Celery) -> Iterator:
    with impatient_connection(app) as connection:
        # Kombu tries again for as long as it takes unless it is told otherwise.
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)
        yield connection.default_channel.client


def sign_in(app: Celery, *, worker: str, queues: Iterable[str]) -> None:
    """Enter a worker into the list of the living. Raises one of OUT_OF_REACH."""
    entry = json.dumps([worker, sorted(queues)])
    with _redis(app) as redis, redis.pipeline(transaction=False) as pipeline:
        pipeline.zadd(_WORKERS, {entry: time.time()})
        # Containers have another name each time: who has not signed for an hour is forgotten.
        pipeline.zremrangebyscore(_WORKERS, "-inf", time.time() - 3600)
        pipeline.execute()


def sign_out(app: Celery, *, worker: str, queues: Iterable[str]) -> None:
    """Take a worker that ends in order from the list. Raises one of OUT_OF_REACH."""
    with _redis(app) as redis:
        redis.zrem(_WORKERS, json.dumps([worker, sorted(queues)]))


def look_into(app: Celery) -> Broker:
    """What the broker holds now. Raises one of OUT_OF_REACH."""
    names = list(app.amqp.queues)
    with _redis(app) as redis, redis.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.llen(name)
        pipeline.hlen("unacked")  # where Kombu keeps what a worker has taken and not done yet
        pipeline.zrangebyscore(_WORKERS, time.time() - ALIVE_FOR, "+inf", withscores=True)
        *lengths, unacked, signed = pipeline.execute()
    return Broker(
        queues=dict(zip(names, lengths, strict=True)),
        unacked=unacked,
        workers=tuple(sorted((_worker(*each) for each in signed), key=lambda w: w.name)),
    )


def _worker(entry: bytes, signed_at: float) -> Worker:
    name, queues = json.loads(entry)
    return Worker(name, tuple(queues), datetime.fromtimestamp(signed_at, UTC))
