"""The places an edition goes: one file per channel, which knows values and files, no database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from digest.channels import hugo
from digest.channels.parcel import Message, Parcel, Undeliverable


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Kind:
    config: type[BaseModel]
    deliver: Callable[[Parcel, Any], dict[str, Any]]
    withdraw: Callable[[Parcel, Any], dict[str, Any]] | None = None
    tell: Callable[[Message, Any], dict[str, Any]] | None = None


KINDS: dict[str, Kind] = {"hugo": Kind(_Config, lambda parcel, config: hugo.deliver(parcel))}


def configured(kind: str, config: dict[str, Any]) -> BaseModel:
    return KINDS[kind].config.model_validate(config)


__all__ = ["KINDS", "Kind", "Message", "Parcel", "Undeliverable", "configured"]
