"""Front matter, YAML between `---` or TOML between `+++`: read into plain values, mended in place.

The text between the fences is kept and goes out again untouched for as long as it says what the
values say. Otherwise it is mended key by key, so that order, quoting and comments of all other
keys survive; where that fails, or there is no text yet, it is written anew in the sample's style.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import tomlkit
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, ScalarString
from tomlkit.exceptions import ParseError, TOMLKitError

from digest.document import NESTING_LIMIT, FrontMatter, check_values
from digest.sentences import Said, Sentence

FENCES = {"yaml": "---", "toml": "+++"}

_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
# Characters json.dumps leaves alone but a YAML reader takes for line breaks or refuses.
_UNSAFE_IN_QUOTES = re.compile("[\u2028\u2029\ufeff\ufffe\uffff]")

#: Keys with which Hugo decides whether, where and how it builds a page; it minds no case. None of
#: them is a machine's or an editor's to set: the desk says where an issue goes and when.
STEERING = (
    "aliases", "build", "_build", "cascade", "expiryDate", "headless", "kind", "layout", "markup",
    "outputs", "path", "pubdate", "publishDate", "published", "render", "resources", "sitemap",
    "translationKey", "type", "unpublishdate", "url",
)  # fmt: skip
_STEERING = {key.lower() for key in STEERING}

Values = dict[str, Any]


class FrontMatterError(ValueError):
    """Front matter that cannot be read; `line` counts from 1 inside the fences, or is None."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def parse(source: str, format: str = "yaml") -> Values:
    """The values front matter holds, in order, with dates as the text they were written in.

    Raises FrontMatterError for all that is not plain data: a key given twice, anchors and aliases,
    tags, keys that are not text, numbers JSON cannot hold, deep nesting, and broken syntax.
    """
    return json.loads(_parse_to_json(source, format))


def read(source: str, format: str = "yaml") -> FrontMatter:
    """Front matter as a value. Raises FrontMatterError, or pydantic's ValidationError."""
    return FrontMatter(format=format, values=parse(source, format), source=source)


def steering_keys(values: Values) -> list[str]:
    """The keys that would steer Hugo, as they are written."""
    return [key for key in values if key.lower() in _STEERING]


def steering_faults(values: Values) -> list[Sentence]:
    """Which keys would steer Hugo, and what to do: sentences; empty if none does."""
    return [Said.STEERS(key=key) for key in steering_keys(values)]


def hides_page(values: Values) -> bool:
    """Whether Hugo would take the page for a draft, and not show it."""
    said = (value for key, value in values.items() if key.lower() == "draft")
    return any(str(value).lower() in ("true", "t", "1", "1.0") for value in said)


def line_of(key: str, source: str) -> int | None:
    """The line, from 1, on which a key stands, in whatever case; None where that is unclear."""
    line = re.compile(
        rf"^[ \t]*\[?['\"]?{re.escape(key)}['\"]?[ \t]*[:=\]]", re.MULTILINE | re.IGNORECASE
    )
    found = line.search(source)
    return source.count("\n", 0, found.start()) + 1 if found else None


def settle(front_matter: FrontMatter) -> FrontMatter:
    """The same front matter with a source that says exactly what its values say."""
    values = front_matter.values
    for format, make in (
        (front_matter.format, lambda: front_matter.source),
        (front_matter.format, lambda: None if values else ""),
        (front_matter.format, lambda: _mend(front_matter)),
        (front_matter.format, lambda: _generate(values, front_matter.format)),
        ("yaml", lambda: _generate(values, "yaml")),  # TOML has no null
        ("yaml", lambda: _generate(values, "yaml", is_plain=lambda _: False)),
    ):
        source = _made(make)
        if source is not None and _says(source, format, values):
            if not source.strip():
                format, source = "yaml", ""
            return front_matter.model_copy(update={"format": format, "source": source})
    raise FrontMatterError(Said.FRONT_UNWRITABLE())


def write(front_matter: FrontMatter) -> str:
    """The front matter with its fences, without a last newline; empty where there is nothing."""
    settled = settle(front_matter)
    fence = FENCES[settled.format]
    return f"{fence}\n{settled.source}\n{fence}" if settled.source else ""


def _made(make: Callable[[], str | None]) -> str | None:
    try:
        return make()
    except (FrontMatterError, YAMLError, TOMLKitError, ValueError, TypeError, RecursionError):
        return None


def _says(source: str, format: str, values: Values) -> bool:
    """Whether a file with this source would be read back as these values."""
    if any(line.rstrip() == FENCES[format] for line in source.split("\n")):
        return False
    try:
        return _canonical(parse(source, format)) == _canonical(values)
    except FrontMatterError:
        return False


def _canonical(value: Any) -> str:
    """A form in which True, 1 and 1.0 differ and the order of keys does not."""
    return json.dumps(value, sort_keys=True)


@lru_cache(maxsize=256)
def _parse_to_json(source: str, format: str) -> str:
    values = _parse_yaml(source) if format == "yaml" else _parse_toml(source)
    return json.dumps(values)


# --- YAML


class _TextualDates(VersionedResolver):
    """Resolves YAML 1.2 but leaves dates as text: they must go out as they came in."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        tag = super().resolve(kind, value, implicit)
        if tag is not None and str(tag) == "tag:yaml.org,2002:timestamp":
            return self.DEFAULT_SCALAR_TAG
        return tag


def _yaml(kind: str) -> YAML:
    yaml = YAML(typ=kind, pure=True)
    yaml.Resolver = _TextualDates
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _parse_yaml(source: str) -> Values:
    try:
        _refuse_bombs(source)
        node = _yaml("safe").compose(source)
    except FrontMatterError:
        raise
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        detail = str(error.problem or error.context)
        raise FrontMatterError(Said.YAML(detail=detail), line) from error
    except (YAMLError, ValueError) as error:
        raise FrontMatterError(Said.YAML(detail=str(error).splitlines()[0])) from error
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        raise FrontMatterError(Said.NO_KEYS(), _line(node))
    return _yaml_value(node)


def _refuse_bombs(source: str) -> None:
    """Refuse aliases and deep nesting before anything recursive sees them."""
    depth = 0
    for event in _yaml("safe").parse(source):
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            raise FrontMatterError(Said.ALIASES(), line)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > NESTING_LIMIT:
            raise FrontMatterError(Said.DEEP(limit=NESTING_LIMIT), line)


def _line(node: Node) -> int:
    return node.start_mark.line + 1


def _yaml_value(node: Node) -> Any:
    if isinstance(node, ScalarNode):
        return _yaml_scalar(node)
    if isinstance(node, SequenceNode):
        return [_yaml_value(item) for item in node.value]
    values: Values = {}
    for key_node, value_node in node.value:
        key = _yaml_scalar(key_node) if isinstance(key_node, ScalarNode) else None
        if not isinstance(key, str) or key == "<<":
            raise FrontMatterError(Said.KEY_NOT_TEXT(), _line(key_node))
        if key in values:
            raise FrontMatterError(Said.KEY_TWICE(key=key), _line(key_node))
        values[key] = _yaml_value(value_node)
    return values


def _yaml_scalar(node: ScalarNode) -> Any:
    tag = str(node.tag).removeprefix("tag:yaml.org,2002:")
    text = node.value
    try:
        if tag in ("str", "timestamp", "value", "merge"):
            return text
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() in ("true", "yes", "on", "y")
        if tag == "int":
            digits = text.replace("_", "").lower()
            prefixed = digits.lstrip("+-").startswith(("0x", "0o", "0b"))
            return check_values(int(digits, 0 if prefixed else 10))
        if tag == "float":
            # ".5" and "1." are Python's too; ".inf" and ".nan" are not and fail below.
            return check_values(float(text.replace("_", "")))
    except ValueError:
        raise FrontMatterError(Said.NUMBER(number=text[:40]), _line(node)) from None
    raise FrontMatterError(Said.YAML_TAG(tag=node.tag), _line(node))


# --- TOML


def _parse_toml(source: str) -> Values:
    try:
        return _toml_value(tomlkit.parse(source))
    except ParseError as error:
        raise FrontMatterError(Said.TOML(detail=str(error)), error.line) from error
    except RecursionError as error:
        raise FrontMatterError(Said.DEEP(limit=NESTING_LIMIT)) from error
    except (TOMLKitError, ValueError) as error:
        raise FrontMatterError(Said.TOML(detail=str(error))) from error


def _toml_value(item: Any) -> Any:
    if isinstance(item, Mapping):
        return {str(key): _toml_value(value) for key, value in item.items()}
    if isinstance(item, list):
        return [_toml_value(value) for value in item]
    if isinstance(item, _TOML_DATES):
        return item.as_string()
    value = item.unwrap() if hasattr(item, "unwrap") else item
    return check_values(value) if isinstance(value, int | float) else str(value)


_TOML_DATES = (tomlkit.items.DateTime, tomlkit.items.Date, tomlkit.items.Time)


# --- mending


def _mend(front_matter: FrontMatter) -> str:
    """The source with only those keys changed whose values differ. Raises where it cannot."""
    then = parse(front_matter.source, front_matter.format)
    if not then:
        return None
    if front_matter.format == "toml":
        document = tomlkit.parse(front_matter.source)
        _mend_keys(document, then, front_matter.values, _toml_item)
        return tomlkit.dumps(document).removesuffix("\n")
    yaml = _yaml("rt")
    tree = yaml.load(front_matter.source)
    _mend_keys(tree, then, front_matter.values, _yaml_item)
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue().removesuffix("\n")


def _mend_keys(tree: Any, then: Values, now: Values, item: Callable[[Any, Any], Any]) -> None:
    for key in then.keys() - now.keys():
        del tree[key]
    for key, value in now.items():
        if key in then and _canonical(then[key]) == _canonical(value):
            continue
        if isinstance(value, dict) and isinstance(then.get(key), dict):
            _mend_keys(tree[key], then[key], value, item)
        else:
            tree[key] = item(value, tree.get(key))


def _yaml_item(value: Any, old: Any) -> Any:
    """A value as ruamel.yaml should write it where `old` stood."""
    if isinstance(value, str):
        plain = _TIMESTAMP.fullmatch(value) and not isinstance(old, ScalarString)
        return value if plain else DoubleQuotedScalarString(value)
    if isinstance(value, list):
        items = CommentedSeq(_yaml_item(v, None) for v in value)
        if isinstance(old, CommentedSeq) and old.fa.flow_style():
            items.fa.set_flow_style()
        return items
    if isinstance(value, dict):
        return CommentedMap((key, _yaml_item(v, None)) for key, v in value.items())
    return value


def _toml_item(value: Any, old: Any) -> Any:
    """A value as tomlkit should write it where `old` stood."""
    if isinstance(value, str) and isinstance(old, _TOML_DATES) and _TIMESTAMP.fullmatch(value):
        return tomlkit.parse(f"date = {value}")["date"]
    return tomlkit.item(value)


# --- writing anew


def _is_timestamp(text: str) -> bool:
    return _TIMESTAMP.fullmatch(text) is not None


def _generate(values: Values, format: str, is_plain: Callable[[str], bool] = _is_timestamp) -> str:
    """Front matter in the sample's style: text quoted, dates and booleans plain."""
    if format == "toml":
        return "\n".join(
            f"{_toml_key(key)} = {_toml_text(value, is_plain)}" for key, value in values.items()
        )
    return "\n".join(_yaml_lines(values, "", is_plain))


def _quoted(text: str) -> str:
    # A JSON string is a double-quoted YAML scalar and a basic TOML string.
    return _UNSAFE_IN_QUOTES.sub(
        lambda found: f"\\u{ord(found[0]):04X}", json.dumps(text, ensure_ascii=False)
    )


def _yaml_key(key: str) -> str:
    is_safe = _BARE_KEY.fullmatch(key) and key.lower() not in _YAML_WORDS
    return key if is_safe else _quoted(key)


def _yaml_lines(values: Values, indent: str, is_plain: Callable[[str], bool]) -> list[str]:
    lines = []
    for key, value in values.items():
        start = f"{indent}{_yaml_key(key)}:"
        if isinstance(value, dict) and value:
            lines += [start, *_yaml_lines(value, indent + "  ", is_plain)]
        elif isinstance(value, list) and value:
            items = (_yaml_flow(item, lambda _: False) for item in value)
            lines += [start, *(f"{indent}  - {item}" for item in items)]
        else:
            lines.append(f"{start} {_yaml_flow(value, is_plain)}")
    return lines


def _yaml_flow(value: Any, is_plain: Callable[[str], bool]) -> str:
    if isinstance(value, str):
        return value if is_plain(value) else _quoted(value)
    if isinstance(value, dict):
        pairs = (f"{_quoted(k)}: {_yaml_flow(v, is_plain)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_yaml_flow(v, is_plain) for v in value) + "]"
    return json.dumps(value)


def _toml_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _quoted(key)


def _toml_text(value: Any, is_plain: Callable[[str], bool]) -> str:
    if value is None:
        raise TypeError(value)  # TOML has no null
    if isinstance(value, str):
        return value if is_plain(value) else _quoted(value)
    if isinstance(value, dict):
        # Inline, because a table would swallow the keys that follow it.
        pairs = (f"{_toml_key(k)} = {_toml_text(v, is_plain)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml_text(v, is_plain) for v in value) + "]"
    return json.dumps(value)
