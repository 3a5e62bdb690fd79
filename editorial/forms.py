"""What a plain form sends, as changes of single fields.

Each field travels with the hash of the value it started from (`base-<field>`). A field that comes
back as it was sent out is no change, so two people on one card collide only on the same field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from digest.document import Importance
from editorial.editing import Change, Difference, Invalid, hash_of
from editorial.labels import FIELD_LABELS

_LINK = re.compile(r"\[(?P<title>.*)\]\((?P<url>\S+)\)")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _links_text(sources: list[dict]) -> str:
    return "\n".join(f"[{s['title']}]({s['url']})" for s in sources)


def _links(text: str) -> list[dict]:
    found = []
    for number, line in enumerate(_lines(text), 1):
        if match := _LINK.fullmatch(line):
            found.append({"title": match["title"], "url": match["url"]})
        elif re.fullmatch(r"https?://\S+", line):
            found.append({"title": line, "url": line})
        else:
            sentence = _("Line %(number)d is not a link. Write [title](https://…).")
            raise Invalid({"sources": [sentence % {"number": number}]})
    return found


@dataclass(frozen=True)
class Kind:
    """How a field is typed: its control, and its value as text and back."""

    control: str
    to_text: Callable[[Any], str] = str
    from_text: Callable[[str], Any] = str

    def shows(self, value: Any, text: str) -> bool:
        """Whether this is the text that a control with this value sends untouched."""
        sent = self.to_text(value)
        return text == (sent.replace("\n", "") if self.control == "line" else sent)


TEXT = Kind("textarea")
LINE = Kind("line")
CARD_KINDS: dict[str, Kind] = {
    "headline": LINE,
    "summary": TEXT,
    "details": TEXT,
    "applications": TEXT,
    "entities": Kind("names", "\n".join, _lines),
    "importance": Kind("rating", lambda v: v or "", lambda t: t or None),
    "importance_note": LINE,
    "sources": Kind("links", _links_text, _links),
    "rest": TEXT,
}
#: What of the front matter people edit; the rest of it is the machine's and Hugo's.
FRONT_KINDS: dict[str, Kind] = {
    "title": LINE,
    "description": LINE,
    "summary": LINE,
    "correction": LINE,
    "tags": Kind("names", "\n".join, _lines),
}


@dataclass(frozen=True)
class FieldView:
    """A field of a form as a template shows it."""

    name: str
    label: str | Promise
    control: str
    text: str
    base: str
    errors: list[str]
    theirs: str | None = None
    started_from: str | None = None
    machine: str | None = None

    @property
    def path(self) -> str:
        """Where this field alone is saved: `body.7` is the body of passage 7."""
        field, _dot, pk = self.name.partition(".")
        return f"{pk}/{field}" if pk else field

    @property
    def choices(self) -> list[str]:
        """The words of a rating."""
        return [importance.label for importance in Importance]

    @property
    def rows(self) -> int:
        """A textarea's height in lines, near that of its text (about 40 characters a line)."""
        return min(24, 2 + sum(1 + len(line) // 40 for line in self.text.split("\n")))


def typed(text: str) -> str:
    """What somebody typed: browsers send CRLF for each line break, whatever was typed."""
    return text.replace("\r\n", "\n")


def changes_in(
    posted: Mapping[str, str], present: Mapping[str, Any], kinds: Mapping[str, Kind]
) -> list[Change]:
    """The fields a form changed. Raises `Invalid` for text that is no value of its field."""
    changes = []
    sentences: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        if name not in posted or f"base-{name}" not in posted:
            continue
        base = posted[f"base-{name}"]
        text = typed(posted[name])
        if hash_of(present[name]) == base and kind.shows(present[name], text):
            continue
        try:
            value = kind.from_text(text)
        except Invalid as invalid:
            sentences |= invalid.sentences
            continue
        if hash_of(value) != base:
            changes.append(Change(name, value, base))
    if sentences:
        raise Invalid(sentences)
    return changes


def fields_of(
    present: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    *,
    machine: Mapping[str, Any],
    labels: Mapping[str, str | Promise] = FIELD_LABELS,
    posted: Mapping[str, str] | None = None,
    errors: Mapping[str, list[str]] | None = None,
    collided: Mapping[str, Difference] | None = None,
) -> list[FieldView]:
    """A form's fields. After a refusal it holds what was typed, beside it what is there now."""
    fields = []
    for name, kind in kinds.items():
        difference = (collided or {}).get(name)
        wrote = machine.get(name)
        fields.append(
            FieldView(
                name=name,
                label=labels[name],
                control=kind.control,
                text=typed(posted[name])
                if posted and name in posted
                else kind.to_text(present[name]),
                # After a collision the next save starts from what the editor has now been shown;
                # after any other refusal it still starts from where it started.
                base=hash_of(present[name])
                if difference or not posted
                else posted.get(f"base-{name}", hash_of(present[name])),
                errors=list((errors or {}).get(name, ())),
                theirs=kind.to_text(difference.theirs) if difference else None,
                started_from=kind.to_text(difference.base)
                if difference and difference.base is not None
                else None,
                machine=kind.to_text(wrote)
                if wrote is not None and wrote != present[name]
                else None,
            )
        )
    return fields


class SignInForm(AuthenticationForm):
    """The sign-in form; a name that no account can have is refused before it is looked up."""

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        limit = get_user_model()._meta.get_field("username").max_length
        if len(name) > limit:
            raise self.get_invalid_login_error()
        return name


def is_number(text: str) -> bool:
    """Whether a posted id is one: `isdigit` alone takes `²` and `٣`."""
    return text.isascii() and text.isdigit() and len(text) < 19
