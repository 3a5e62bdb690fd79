"""`manage.py import_feeds`: sources for the machine, from an OPML file or our own list."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from digest import sources
from digest.drafting.entries import Unreadable
from digest.models import Desk


class Command(BaseCommand):
    help = "Adds the feeds of an OPML file to a desk, or well-known sources on AI without a file."

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="default: the list that ships")
        parser.add_argument("--desk", default="daily", help="the desk's slug; default: daily")

    def handle(self, *args, **options) -> None:
        desk = Desk.objects.filter(slug=options["desk"]).first()
        if desk is None:
            raise CommandError(f"There is no desk “{options['desk']}”.")
        path = options["file"] or sources.STARTER
        try:
            added = sources.import_opml(desk, path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from None
        except Unreadable as error:
            raise CommandError(f"{path}: {error}") from None
        self.stdout.write(f"Added {added.count}; {added.known} were there already.")
        for fault in added.faults:
            self.stderr.write(fault)
