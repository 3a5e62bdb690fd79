"""Markdown that people and machines wrote, made into HTML that may stand in a page.

`to_html` is the only door from text to markup. Text goes through four stations: a guard (what would
make Python-Markdown slow is shown as plain text), a layout (lists stand where Python-Markdown finds
them), Python-Markdown itself, and two cleaners with one allow-list, bleach and then nh3, whose
parsers share no code. `digest.markup.safe` walks them and holds the project's only `mark_safe`.

Two promises hold for every input. Nothing but the elements, attributes and links of the tables in
`safe` and `links` comes out. And people's words are not lost: raw HTML is shown as the text it is
instead of being stripped, a refused link leaves its words, an image its description.
"""

from digest.markup.links import link_target
from digest.markup.plain import to_text
from digest.markup.safe import to_html
from digest.markup.traps import warnings

__all__ = ["link_target", "to_html", "to_text", "warnings"]
