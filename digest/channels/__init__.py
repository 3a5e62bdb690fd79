"""The places an edition goes: one file per channel, which knows values and files, no database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from digest.channels import hugo
from digest.channels.parcel import Parcel, Undeliverable

#: A channel delivers a parcel, verifies what it delivered and answers with a receipt (JSON values).
#: It may run twice for one parcel and must then leave the world as if it had run once. It raises
#: `Undeliverable` or OSError, whose text is shown at the desk.
CHANNELS: dict[str, Callable[[Parcel], dict[str, Any]]] = {"hugo": hugo.deliver}

__all__ = ["CHANNELS", "Parcel", "Undeliverable"]
