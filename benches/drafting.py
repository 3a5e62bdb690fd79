"""How long the machine takes for a day of stored articles, stage by stage, and how much memory.

Each size is measured in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from datetime import date

from benches.report import ratio, say, table
from benches.stage import stage

#: A day as the sample had it, and ten times that.
SIZES = (820, 8_200)
#: The bars: seconds and MiB for the first, and how many times as long for the second.
SECONDS, MEMORY, GROWTH = 10, 400, 15
STAGES = ("collect", "group", "write", "compose", "land")


def main() -> None:
    """Measure and print."""
    found = []
    for size in SIZES:
        argv = [sys.executable, "-m", "benches.drafting", str(size)]
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    say("\n## The machine: stored articles → a draft on the desk, extractive writer\n")
    head = ["", "seconds", *STAGES, "JSON of the same, parsed", "×", "peak MiB", "funnel"]
    say(
        table(
            head,
            [
                [
                    f"{size:,} articles",
                    f"{each['total']:.2f}",
                    *(f"{each['seconds'].get(name, 0):.2f}" for name in STAGES),
                    f"{each['parsed']:.3f}",
                    ratio(each["total"] / each["parsed"]),
                    f"{each['peak']:.0f}",
                    each["funnel"],
                ]
                for size, each in zip(SIZES, found, strict=True)
            ],
        )
    )
    small, large = found
    growth = large["total"] / small["total"]
    for what, value, bar in (
        (f"{SIZES[0]} articles, s", small["total"], SECONDS),
        (f"{SIZES[0]} articles, MiB", small["peak"], MEMORY),
        (f"{SIZES[1]} articles, × {SIZES[0]}", growth, GROWTH),
    ):
        say(f"{what}: {value:.1f}, bar {bar}: {'ok' if value <= bar else 'MISSED'}")


def _measure(size: int) -> dict:
    from benches.articles import make_articles
    from digest import hugo, machine
    from digest.models import Desk

    feeds = defaultdict(list)
    for article in make_articles(size, 7):
        feeds[article.feed].append(
            {
                "title": article.title,
                "url": article.url,
                "description": article.text,
                "published": article.published.isoformat(),
            }
        )
    snapshot = json.dumps(feeds, ensure_ascii=False).encode()
    started = time.perf_counter()
    json.loads(snapshot)
    parsed = time.perf_counter() - started
    desk = Desk.objects.get()
    run = machine.begin(desk, date(2026, 2, 13), writer="extractive", snapshot=snapshot)
    started = time.perf_counter()
    while machine.advance(run.pk, seconds=600):
        pass
    total = time.perf_counter() - started
    run.refresh_from_db()
    draft = run.draft
    assert run.state == run.State.DONE, run.error
    assert not draft.problems and not draft.deviations, (draft.problems, draft.deviations)
    written = bytes(run.content)
    assert hugo.write(hugo.read(written)) == written
    counts = run.counts
    steps = (counts[name] for name in ("articles", "distinct", "topics", "placed"))
    return {
        "total": total,
        "seconds": run.seconds | {"land": total - sum(run.seconds.values())},
        "parsed": parsed,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "funnel": " → ".join(f"{n:,}" for n in steps),
    }


if __name__ == "__main__":
    if len(sys.argv) > 1:  # one of the processes that measure
        with stage("sqlite"):
            print(json.dumps(_measure(int(sys.argv[1]))))
    else:
        main()
