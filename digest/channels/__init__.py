"""The places an edition goes: one file per kind of channel, which knows values and files and no
database.

A desk's channels are rows that name a kind and hold its configuration; here is what the kinds are
and what each asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from digest.channels import hugo, jsonfile, mail, webhook
from digest.channels.parcel import Message, Parcel, Undeliverable


@dataclass(frozen=True)
class Kind:
    """A kind of channel.

    `deliver` takes a parcel and a value of `config`, verifies what it delivered and answers with a
    receipt (JSON values). `withdraw` takes back what `deliver` did, where that can be done. `tell`
    sends an alarm where the configuration's `alarms` asks for it, and answers with an empty
    receipt where it does not. Each may run twice for one parcel or message and must then leave the
    world as if it had run once, as far as the other side lets it. They raise `Undeliverable` or
    OSError, whose text is shown at the desk. `is_local` says that it writes files of this machine
    and waits for nobody else's.
    """

    config: type[BaseModel]
    deliver: Callable[[Parcel, Any], dict[str, Any]]
    withdraw: Callable[[Parcel, Any], dict[str, Any]] | None = None
    tell: Callable[[Message, Any], dict[str, Any]] | None = None
    is_local: bool = False


KINDS: dict[str, Kind] = {
    "hugo": Kind(hugo.Config, hugo.deliver, hugo.withdraw, is_local=True),
    "json": Kind(jsonfile.Config, jsonfile.deliver, jsonfile.withdraw, is_local=True),
    "webhook": Kind(webhook.Config, webhook.deliver, webhook.withdraw, webhook.tell),
    "mail": Kind(mail.Config, mail.deliver, tell=mail.tell),
}


def configured(kind: str, config: dict[str, Any]) -> BaseModel:
    """A kind's configuration as a value. Raises ValueError, whose text says where and why.

    It repeats no address of a webhook and no secret.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of channel; there are {', '.join(KINDS)}")
    if not isinstance(config, dict):
        raise ValueError(f"{kind}: the configuration is an object of names and values")
    try:
        return KINDS[kind].config.model_validate(config)
    except ValidationError as error:
        raise ValueError("; ".join(_sentences(kind, error))) from None


def _sentences(kind: str, error: ValidationError) -> list[str]:
    return [
        ": ".join(
            filter(
                None,
                (
                    kind,
                    ".".join(map(str, fault["loc"])),
                    fault["msg"].removeprefix("Value error, "),
                ),
            )
        )
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    ]


__all__ = ["KINDS", "Kind", "Message", "Parcel", "Undeliverable", "configured"]
