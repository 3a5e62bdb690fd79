"""For tests of what the desk says and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import translation

#: 06:50 in Taipei on the sample's day.
HOUR = datetime(2026, 2, 11, 22, 50, tzinfo=UTC)


@pytest.fixture
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def clock():
    """Stands still three hours before the hour of the sample's day."""
    with time_machine.travel(HOUR - timedelta(hours=3), tick=False) as traveller:
        yield traveller
