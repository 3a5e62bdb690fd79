"""Characters no text may keep, and those that make one thing look like another."""

from __future__ import annotations

import re

# C0 and C1 controls but tab and line feed, and lone surrogates. STX and ETX among them are
# Python-Markdown's own placeholders; a surrogate stops nh3.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NEW_LINES = re.compile("\r\n?")
# Characters that turn the direction of text or show nothing: how one thing is made to look like
# another. In links they are refused, in text the preview points them out.
BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
INVISIBLE = "\u200b\u2060\ufeff\u00ad"


def without_controls(text: str) -> str:
    """`text` with plain line ends and nothing that only a machine would read."""
    return CONTROLS.sub("", _NEW_LINES.sub("\n", text))
