"""The environment, read strictly: nonsense stops the start with a sentence that names the variable.

A variable that is set but empty counts as not set (compose files and unit files often pass such);
`NAME_FILE` may name a file that holds the value of `NAME`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_FLAGS = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off"), False
)


def text(name: str, default: str = "") -> str:
    """The value of a variable, or of the file that `<name>_FILE` names."""
    value = os.environ.get(name, "")
    if value:
        return value
    file = os.environ.get(f"{name}_FILE", "")
    if not file:
        return default
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error}.") from None


def flag(name: str, default: bool) -> bool:
    """Yes or no."""
    value = text(name).lower()
    if value and value not in _FLAGS:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return _FLAGS[value] if value else default


def number(name: str, default: int, *, least: int) -> int:
    """A whole number of at least `least`."""
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit()) or int(value) < least:
        raise ImproperlyConfigured(
            f"{name} must be a whole number of at least {least}, not {value!r}."
        )
    return int(value)


def price(name: str) -> float | None:
    """An amount of money, such as `0.15`; None where nobody named one."""
    value = text(name)
    if value and not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        raise ImproperlyConfigured(f"{name} must be an amount such as 0.15, not {value!r}.")
    return float(value) if value else None


def folder(name: str, default: Path) -> Path:
    """A folder's absolute path."""
    return Path(text(name, str(default))).resolve()


def choice(name: str, default: str, choices: Collection[str]) -> str:
    """One of a few words."""
    value = text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def words(name: str, default: list[str]) -> list[str]:
    """A list with commas between its items."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or default
