"""What was measured, as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benches.measuring import Row

_WORDS = ("", "peer")  # columns that are no numbers


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Lines as a Markdown table, words to the left and numbers to the right."""
    widths = [max(len(line[n]) for line in [head, *lines]) for n in range(len(head))]

    def row(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(width) if name in _WORDS else cell.rjust(width)
            for name, cell, width in zip(head, cells, widths, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if name in _WORDS else "-" * (width - 1) + ":"
        for name, width in zip(head, widths, strict=True)
    ]
    return "\n".join([row(head), row(rule), *map(row, lines)])


def rows_table(rows: Sequence[Row]) -> str:
    """The rows, each with its peer; with the bars, where there are any."""
    has_bars = any(row.bar is not None for row in rows)
    head = ["", "ms", "10–90 %", "queries", "bytes", "peer", "its ms", "×"]
    return table(
        head + (["bar", "held"] if has_bars else []),
        [
            [
                row.name,
                f"{row.timing.median:.2f}",
                f"{row.timing.low:.2f}–{row.timing.high:.2f}",
                "" if row.queries is None else str(row.queries),
                "" if row.bytes is None else f"{row.bytes:,}",
                row.peer,
                f"{row.peer_timing.median:.2f}",
                ratio(row.ratio),
                *(_bar(row) if has_bars else ()),
            ]
            for row in rows
        ],
    )


def _bar(row: Row) -> tuple[str, str]:
    return "" if row.bar is None else f"≤ {row.bar:g}", row.verdict


def ratio(value: float) -> str:
    """A ratio with the digits that mean something."""
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def growth_table(measured: Mapping[int, Sequence[Row]], cards: int) -> str:
    """How medians grow with the archive, ours and the peer's: `measured` by issues.

    The sizes are measured minutes apart, so a machine that is busy with other things shows in both
    factors: beside each other they can be compared, alone they cannot.
    """
    sizes = list(measured)
    head = ["", *(f"{n:,} issues" if n > 1 else "1 issue" for n in sizes), "×", "peer", "peer's ×"]
    lines = []
    for same in zip(*measured.values(), strict=True):
        ours = [row.timing.median for row in same]
        theirs = [row.peer_timing.median for row in same]
        lines.append(
            [
                same[0].name,
                *(f"{row.timing.median:.2f} ms, {row.queries} q" for row in same),
                ratio(ours[-1] / ours[0]),
                same[0].peer,
                ratio(theirs[-1] / theirs[0]),
            ]
        )
    return f"{table(head, lines)}\n\nThe largest has {sizes[-1] * cards:,} cards."


def say(text: str = "") -> None:
    """Print, at once: the bench takes a while."""
    print(text, flush=True)
