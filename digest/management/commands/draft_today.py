"""`manage.py draft_today`: have the machine draft a day, here and now."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, no_translations

from digest import machine
from digest.models import Desk, Run


class Command(BaseCommand):
    help = (
        "Drafts a day: asks the feeds (or reads a file of articles), groups, writes, and lands the "
        "draft on the desk. A run that was interrupted is gone on with; a further run of a day is "
        "a redraft, which touches nothing that people have changed."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--desk", default="daily", help="the desk's slug; default: daily")
        parser.add_argument("--date", type=date.fromisoformat, help="default: the desk's today")
        parser.add_argument(
            "--writer", default="", choices=machine.WRITERS, help="default: chat where it is set up"
        )
        parser.add_argument(
            "--offline",
            type=Path,
            metavar="FILE",
            help="a snapshot of feeds (JSON) or papers of arXiv (JSONL), instead of asking feeds",
        )

    @no_translations
    def handle(self, *args, **options) -> None:
        desk = Desk.objects.filter(slug=options["desk"]).first()
        if desk is None:
            raise CommandError(f"There is no desk “{options['desk']}”.")
        run = self._run(desk, options)
        shown: list[str] = []
        while run.state == Run.State.RUNNING:
            is_ours = machine.advance(run.pk, seconds=5)
            run.refresh_from_db()
            self._tell(run, shown)
            if not is_ours and run.state == Run.State.RUNNING:
                self._say(f"Somebody else is at run {run.pk}; waiting for them.", shown)
                time.sleep(1)
        if run.state == Run.State.FAILED:
            raise CommandError(f"Run {run.pk} failed: {run.error}")
        counts = run.counts
        self.stdout.write(
            f"Drafted {run.day} in {run.took.total_seconds():.1f} s: {counts['articles']} articles "
            f"→ {counts['distinct']} → {counts['topics']} topics → {counts['placed']} cards."
        )
        for flag in run.flags:
            self.stdout.write(f"  {flag}")

    def _run(self, desk: Desk, options: dict) -> Run:
        path = options["offline"]
        try:
            content = path.read_bytes() if path else b""
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from None
        if path and not content:
            raise CommandError(f"{path} is empty.")
        try:
            return machine.begin(
                desk,
                options["date"] or desk.today(),
                writer=options["writer"],
                snapshot=content,
                snapshot_name=path.name if path else "",
                asked_by="draft_today",
            )
        except machine.Busy as busy:
            return self._unfinished(busy.run, content, options)
        except machine.Unwilling as error:
            raise CommandError(f"Nothing was begun: {error}.") from None

    def _unfinished(self, run: Run, content: bytes, options: dict) -> Run:
        """The run to go on with, unless that is not what was asked for."""
        if options["date"] not in (None, run.day) or (content and content != bytes(run.snapshot)):
            raise CommandError(
                f"Run {run.pk} of {run.day} is not finished and comes first; "
                "`draft_today` alone goes on with it."
            )
        self.stdout.write(f"Run {run.pk} of {run.day} was not finished; going on.")
        return run

    def _tell(self, run: Run, shown: list[str]) -> None:
        """Say what is new: the stage, and faults."""
        counts = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in run.counts.items())
        for sentence in [f"{run.get_stage_display()}: {counts or '…'}", *run.faults]:
            self._say(sentence, shown)

    def _say(self, sentence: str, shown: list[str]) -> None:
        if sentence not in shown:
            shown.append(sentence)
            self.stdout.write(sentence)
            self.stdout.flush()
