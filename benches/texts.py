"""Reading, writing, hashing and rendering one issue, without a database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from benches.measuring import Row, Task, compare


def measure_texts(content: bytes, times: int) -> Iterator[Row]:
    """What becomes of a file, beside plain ways to do something of its size."""
    from markdown_it import MarkdownIt

    from digest import hugo, markup, rendering
    from digest.document import Document

    whole = hugo.read(content)
    text = content.decode()
    as_json = whole.model_dump_json()
    plain = json.loads(as_json)
    commonmark = MarkdownIt()
    parse = Task("markdown-it-py on the same file", lambda: commonmark.render(text))
    loads = Task("json.loads of the same document", lambda: json.loads(as_json))
    dumps = Task("json.dumps of the same document", lambda: json.dumps(plain))
    for task, yardstick in (
        (Task("read the file", lambda: hugo.read(content)), parse),
        (Task("read its JSON", lambda: Document.model_validate_json(as_json)), loads),
        (Task("write the file", lambda: hugo.write(whole)), dumps),
        (
            Task(
                "hash the issue (write and SHA-256)",
                lambda: hashlib.sha256(hugo.write(whole)).hexdigest(),
            ),
            dumps,
        ),
        (
            Task(
                f"hash its {len(whole.cards)} cards",
                lambda: [hashlib.sha256(hugo.write_card(c).encode()) for c in whole.cards],
            ),
            dumps,
        ),
        (Task("HTML, cold", lambda: rendering.view_of(whole), before=forget_html), parse),
        (Task("HTML, kept", lambda: rendering.view_of(whole)), parse),
    ):
        yield compare(task, yardstick, times=times, database=False)
    assert markup.to_html(whole.footer)


def forget_html() -> None:
    """Empty every cache on the way to HTML."""
    from digest.markup import safe

    for each in vars(safe).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()
