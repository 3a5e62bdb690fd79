"""The issue as Hugo Markdown: read tolerantly, written byte-exact.

A file is a row of blocks with `---` between them: front matter, text before the first heading,
sections, cards, footer. The first card of a section shares its heading's block; the insight and
the reading list are one block each. There is no newline at the end.

Reading takes liberties with anything that can only mean one thing and lists each as a `Deviation`;
what cannot be understood becomes a `Problem` that holds its text. Writing takes none: one document
has one file, and a file read without deviations is written back byte for byte.
"""

from digest.hugo.cards import LABELS, card_faults, read_card, tidy_card, write_card
from digest.hugo.files import (
    KINDS,
    document_faults,
    kind_of,
    parse,
    passage_faults,
    read,
    tidy,
    tidy_section,
    write,
    write_section_passages,
)
from digest.reading import Deviation, Problem, Reading, Unreadable

__all__ = [
    "KINDS", "LABELS", "Deviation", "Problem", "Reading", "Unreadable",
    "parse", "read", "read_card", "kind_of",
    "write", "write_card", "write_section_passages",
    "tidy", "tidy_card", "tidy_section",
    "card_faults", "passage_faults", "document_faults",
]  # fmt: skip
