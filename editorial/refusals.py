"""Why something cannot be done: a sentence, and how it is raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Refusal:
    """Why a decision cannot be made. `stale` ones come with the difference to what was seen."""

    sentence: str
    kind: Literal["permission", "stale", "guard"] = "guard"

    def __str__(self) -> str:
        return self.sentence


class Refused(Exception):
    """A decision that was asked for and could not be made."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal
