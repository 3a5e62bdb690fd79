"""Changing text and order: one field at a time, compare-and-set, nothing typed ever lost.

A change carries the hash of the value it started from (`base`). If the value has moved on, the
caller gets a `Collision` with base, mine and theirs instead of a silent overwrite; if it could not
be written to the file and read back, `Invalid` says where and why.
"""

from editorial.editing.cards import Saved, change_card, field_values, put_field, save_card
from editorial.editing.front import (
    FRONT,
    change_front,
    front_machine,
    front_value,
    front_values,
    front_values_in,
    put_front,
)
from editorial.editing.held import dismiss_held, repair_card
from editorial.editing.passages import SavedPassages, change_passages, put_passage, save_passages
from editorial.editing.places import cards_in_order, move_card, place_of
from editorial.editing.suggestions import answer_suggestion, suggested_over
from editorial.editing.values import Change, Collision, Difference, Invalid, hash_of

__all__ = [
    "Change",
    "Collision",
    "Difference",
    "FRONT",
    "Invalid",
    "Saved",
    "SavedPassages",
    "answer_suggestion",
    "cards_in_order",
    "change_card",
    "change_front",
    "change_passages",
    "dismiss_held",
    "field_values",
    "front_machine",
    "front_value",
    "front_values",
    "front_values_in",
    "hash_of",
    "move_card",
    "place_of",
    "put_field",
    "put_front",
    "put_passage",
    "repair_card",
    "save_card",
    "save_passages",
    "suggested_over",
]
