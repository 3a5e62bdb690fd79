"""Celery's doors to what people's side does by itself."""

from __future__ import annotations

from celery import shared_task

from digest import alarms
from editorial import deadlines


@shared_task
def watch_deadlines() -> None:
    """Announce issues that are late, and follow each desk's rule at its hour."""
    deadlines.watch()


@shared_task
def tell_alarms() -> None:
    """Tell outside the desk what nobody there may have seen."""
    alarms.tell_due()
