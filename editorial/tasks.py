"""Celery's doors to what people's side does by itself."""

from __future__ import annotations

import structlog
from celery import shared_task

from digest import alarms, broker, machine
from editorial import deadlines, marking

log = structlog.get_logger(__name__)

#: A run makes room for others on its queue after so many seconds, and goes on behind them. One card
#: may take longer than that where a model has to be asked again and again.
DRAFT_FOR = 40


@shared_task
def watch_deadlines() -> None:
    """Announce issues that are late, and follow each desk's rule at its hour."""
    deadlines.watch()


@shared_task
def tell_alarms() -> None:
    """Tell outside the desk what nobody there may have seen."""
    alarms.tell_due()


@shared_task
def draft_due() -> None:
    """Begin what is to be drafted, and go on with what nobody is at."""
    for run_id in machine.begin_due():
        draft.delay(run_id)
    for run_id in marking.unmarked():
        try:
            marking.mark(run_id)
        except Exception:
            # One that cannot be marked must not keep the others.
            log.exception("cards not marked", run=run_id)


# Below the broker's visibility timeout, or it would be handed out twice.
@shared_task(soft_time_limit=540, time_limit=560)
def draft(run_id: int) -> None:
    """Go on with one run; with what it has to say of its cards when it is done."""
    if machine.advance(run_id, seconds=DRAFT_FOR):
        draft.delay(run_id)
    else:
        marking.mark(run_id)


def wake_drafter(run_id: int) -> None:
    """Ask for a run to be gone on with now. Without a broker within a second it waits for the tick
    of the minute."""
    try:
        with broker.impatient_connection(draft.app) as connection:
            draft.apply_async((run_id,), connection=connection, retry=False)
    except broker.OUT_OF_REACH as error:
        log.warning("broker out of reach; the next tick will draft", error=str(error))
