"""Text to plain text, for mail, feeds and search."""

from __future__ import annotations

from html.parser import HTMLParser

from digest.markup.safe import to_html


def to_text(text: str) -> str:
    """`text`, which is Markdown, as plain text for mail, feeds and search.

    Paragraphs keep a blank line between them, items their mark; a link is its words with the
    address after them. The answer is a plain `str`: it goes through escaping like any text.
    """
    plain = _PlainText()
    plain.feed(to_html(text))
    plain.close()
    return "".join(plain.pieces)


# How many line ends stand before and after what an element holds.
_BREAKS = dict.fromkeys(("p", "pre", "blockquote", "table", "h4", "h5", "h6", "hr"), 2)
_BREAKS |= dict.fromkeys(("li", "tr", "br"), 1)


class _PlainText(HTMLParser):
    """Reads what `to_html` made; knows no other HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.breaks = 0  # line ends to write before the next words
        self.mark = ""  # what goes before them on their line: `- `, `2. `
        self.lists: list[int | None] = []  # the next number of each open list; None has bullets
        self.link: tuple[str, int] = ("", 0)  # the address, and where the words for it begin
        self.cells = 0
        self.verbatim = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._break(tag)
        if tag in ("ul", "ol"):
            self.breaks = max(self.breaks, 1 if self.lists else 2)
            self.lists.append(int(values.get("start") or 1) if tag == "ol" else None)
        elif tag == "li":
            self.mark = "  " * (len(self.lists) - 1) + self._next_mark()
        elif tag == "a":
            self.link = (values.get("href") or "", len(self.pieces))
        elif tag == "tr":
            self.cells = 0
        elif tag in ("td", "th"):
            if self.cells:
                self.breaks = 0
                self._write(" | ")
            self.cells += 1
        elif tag == "hr":
            self._write("---")
            self._break(tag)
        self.verbatim |= tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)
        if tag in ("ul", "ol"):
            self.lists.pop()
            self.breaks = max(self.breaks, 1 if self.lists else 2)
        elif tag == "a":
            href, start = self.link
            address = href.removeprefix("mailto:")
            if "".join(self.pieces[start:]).strip() != address:
                self._write(f" ({address})")
        elif tag == "pre":
            self.verbatim = False

    def handle_data(self, data: str) -> None:
        if self.verbatim:
            self._write(data.rstrip("\n"))
            return
        for number, line in enumerate(data.split("\n")):
            self.breaks = max(self.breaks, 1 if number else 0)
            if line.strip() or (line and not self.breaks):
                self._write(line)

    def _break(self, tag: str) -> None:
        self.breaks = max(self.breaks, _BREAKS.get(tag, 0))

    def _next_mark(self) -> str:
        number = self.lists[-1] if self.lists else None
        if number is None:
            return "- "
        self.lists[-1] = number + 1
        return f"{number}. "

    def _write(self, words: str) -> None:
        if self.pieces:
            self.pieces.append("\n" * self.breaks)
        self.pieces.append(self.mark + words)
        self.breaks, self.mark = 0, ""
