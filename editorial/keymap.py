"""The keys of the desk: one table of what they do, read by the page, the help and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from editorial.models import Preference


@dataclass(frozen=True)
class Action:
    """Something a key does. `key` is the usual one, as a browser names it (`KeyboardEvent.key`)."""

    key: str
    label: Promise


#: Keys that stay as they are: they carry meaning by their position or need a modifier.
FIXED: dict[str, Action] = {
    "rate": Action("1–5", gettext_lazy("Importance 低 中 中‑高 高 極高")),
    "up": Action("Alt+↑", gettext_lazy("Move the card up")),
    "down": Action("Alt+↓", gettext_lazy("Move the card down")),
    "section": Action("g 1–6", gettext_lazy("Go to a section")),
    "leave": Action("Esc", gettext_lazy("Leave a field; what was typed is saved")),
    "send": Action("Ctrl+Enter", gettext_lazy("In a field: save, approve and go on")),
}
ACTIONS: dict[str, Action] = {
    "next": Action("j", gettext_lazy("Next card")),
    "previous": Action("k", gettext_lazy("Previous card")),
    "next_attention": Action("n", gettext_lazy("Next that needs attention")),
    "previous_attention": Action("p", gettext_lazy("Previous that needs attention")),
    "open": Action("o", gettext_lazy("Open or close the card")),
    "approve": Action("a", gettext_lazy("Approve and go on")),
    "drop": Action("x", gettext_lazy("Drop and go on (asks for a reason)")),
    "edit": Action("e", gettext_lazy("Edit the summary")),
    "move": Action("m", gettext_lazy("Move to …")),
    "difference": Action("d", gettext_lazy("Differences to an earlier version")),
    "history": Action("h", gettext_lazy("History")),
    "source": Action("s", gettext_lazy("Open the first source")),
    "comment": Action("c", gettext_lazy("Comment")),
    "undo": Action("u", gettext_lazy("Undo my last action")),
    "search": Action("/", gettext_lazy("Search")),
    "sign": Action("S", gettext_lazy("See the proof and sign (chief editor)")),
    "hold": Action("H", gettext_lazy("Stop the presses (asks for a reason)")),
    "help": Action("?", gettext_lazy("These keys")),
}
#: Not to be given away: they mean something to the desk, or to the browser.
TAKEN = frozenset("12345g") | {" ", "Enter", "Backspace", "Tab", "Escape"}


def keys_of(preference: Preference | None) -> dict[str, str]:
    """Somebody's key for each action; empty where they work without keys."""
    if preference is None:
        return {name: action.key for name, action in ACTIONS.items()}
    if preference.keys_off:
        return {}
    return {name: str(preference.keys.get(name) or action.key) for name, action in ACTIONS.items()}


def faults_of(chosen: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a choice of keys, by action: each is one character, and each another."""
    faults = {}
    holders: dict[str, str] = {}
    for name, key in chosen.items():
        if len(key) != 1 or key in TAKEN or not key.isprintable():
            faults[name] = _("Choose one character that is not 1–5, g or a blank.")
        elif key in holders:
            faults[name] = _("This key is taken by: %(action)s.") % {
                "action": ACTIONS[holders[key]].label
            }
        holders.setdefault(key, name)
    return faults


def help_for(keys: Mapping[str, str]) -> list[tuple[str, Promise]]:
    """All keys somebody has, with what they do."""
    own = [(keys[name], action.label) for name, action in ACTIONS.items() if name in keys]
    return own + [(action.key, action.label) for action in FIXED.values()]
