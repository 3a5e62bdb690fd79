"""`manage.py import_draft FILE…`: drafts from files, through the same intake as all others."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from digest.inbox import report_of
from digest.intake import MEDIA_TYPES, Unacceptable, receive
from digest.models import Desk, Draft
from digest.publishing import machine_account


class Command(BaseCommand):
    help = "Take in machine-written drafts (Markdown or JSON) from files."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--desk", help="slug of the desk; the first one by default")
        parser.add_argument("--date", type=date.fromisoformat, help="overrules the draft's date")
        parser.add_argument("--cover", type=Path, help="picture for the issue (one FILE only)")

    def handle(self, *args: Any, **options: Any) -> None:
        desks = Desk.objects.order_by("pk")
        desk = desks.filter(slug=options["desk"]).first() if options["desk"] else desks.first()
        if desk is None:
            known = ", ".join(desks.values_list("slug", flat=True))
            raise CommandError(f"no desk {options['desk']!r}; there are: {known or 'none'}")
        if options["cover"] and len(options["files"]) > 1:
            raise CommandError("--cover goes with one FILE")
        failed = [str(path) for path in options["files"] if not self._import(path, desk, options)]
        if failed:
            raise CommandError(f"could not be filed: {', '.join(failed)}")

    def _import(self, path: Path, desk: Desk, options: dict[str, Any]) -> bool:
        media_type = MEDIA_TYPES.get(path.suffix.lower())
        if media_type is None:
            known = ", ".join(MEDIA_TYPES)
            self.stderr.write(f"{path}: unknown kind of file; a draft ends in one of {known}")
            return False
        try:
            receipt = receive(
                desk=desk,
                content=path.read_bytes(),
                media_type=media_type,
                by=machine_account("machine"),
                name=path.name,
                cover=options["cover"].read_bytes() if options["cover"] else None,
                day=options["date"],
            )
        except (OSError, Unacceptable) as error:
            self.stderr.write(f"{path}: {error}")
            return False
        draft = receipt.draft
        for deviation in draft.deviations:
            self.stdout.write(f"{path}:{deviation['line'] or ''}: {deviation['text']}")
        for line in report_of(draft).splitlines():
            self.stderr.write(f"{path}: {line}")
        if draft.state == Draft.State.REFUSED:
            return False
        what = "landed as" if receipt.landed else "known already as"
        self.stdout.write(f"{path}: {what} the issue of {draft.issue.date} ({desk.slug})")
        return True
