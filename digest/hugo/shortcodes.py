"""Keeps people's text from running Hugo shortcodes.

Hugo runs `{{< x >}}` and `{{% x %}}` wherever they stand, in code blocks too. `escape` writes them
in Hugo's own comment form, `{{</* x */>}}`, which readers see as `{{< x >}}`; an opener that its
line does not close becomes `{\\{<`. `unescape` is its inverse: `unescape(escape(text)) == text` for
every text, and therefore `escape(unescape(file))` is stable. Both work line by line, so that a text
means the same alone and inside a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Backslashes count because text may hold `{\{<` itself: escaping adds one, unescaping takes one.
_OPENER = re.compile(r"\{(\\*)\{([<%])")
_CLOSER = {"<": ">}}", "%": "%}}"}


def escape(text: str) -> str:
    """Text as it may stand in a file: no shortcode in it runs."""
    return "\n".join(_escape_line(line) for line in text.split("\n"))


def unescape(text: str) -> str:
    """Text as people see and edit it."""
    return "\n".join(unescape_line(line) for line in text.split("\n"))


def _escape_line(line: str) -> str:
    out, done = [], 0
    for start, end, backslashes, mark, inside in _find(line, "", ""):
        out.append(line[done:start])
        if inside is not None:
            out.append("{{" + mark + "/*" + inside + "*/" + _CLOSER[mark])
        else:
            out.append("{" + backslashes + "\\{" + mark)
        done = end
    return "".join(out) + line[done:]


def unescape_line(line: str) -> str:
    """`unescape` for a text known to be one line."""
    out, done = [], 0
    for start, end, backslashes, mark, inside in _find(line, "/*", "*/"):
        out.append(line[done:start])
        if inside is not None:
            out.append("{{" + mark + inside + _CLOSER[mark])
        else:
            out.append("{" + backslashes[1:] + "{" + mark)
        done = end
    return "".join(out) + line[done:]


def _find(
    line: str, after_opener: str, before_closer: str
) -> Iterator[tuple[int, int, str, str, str | None]]:
    """Start, end, backslashes, mark and inside of each opener; inside is None if not closed."""
    done = 0
    last: dict[
        str, int
    ] = {}  # where each closer stands last, so that unclosed openers cost no search
    for opener in _OPENER.finditer(line) if "{" in line else ():
        if opener.start() < done:
            continue
        backslashes, mark = opener.groups()
        start = opener.end() + len(after_opener)
        inside = None
        if not backslashes and line.startswith(after_opener, opener.end()):
            closer = before_closer + _CLOSER[mark]
            if mark not in last:
                last[mark] = line.rfind(closer)
            if last[mark] >= start:
                close = line.index(closer, start)
                inside, done = line[start:close], close + len(closer)
        if inside is None:
            done = opener.end()
        yield opener.start(), done, backslashes, mark, inside
