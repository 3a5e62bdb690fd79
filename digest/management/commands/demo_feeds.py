"""`manage.py demo_feeds`: feeds of invented news on the loopback, until Ctrl-C."""

from __future__ import annotations

from contextlib import suppress

from django.core.management.base import BaseCommand, CommandError

from digest import demonstration


class Command(BaseCommand):
    help = "Serves the demonstration's feeds on this machine; `desk --demo` does all of it."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--port", type=int, default=0, help="default: one that is free")

    def handle(self, *, port: int, **options) -> None:
        try:
            with suppress(KeyboardInterrupt):
                demonstration.serve(port, self.tell)
        except (OSError, OverflowError) as error:
            raise CommandError(f"Port {port} cannot be listened on: {error}.") from None

    def tell(self, port: int) -> None:
        """Say where the feeds are and what lets a desk reach them."""
        for feed in demonstration.told():
            self.stdout.write(f"http://127.0.0.1:{port}{feed['path']}  {feed['name']}")
        allowed = ",".join(demonstration.hosts(port))
        self.stdout.write(f"A desk reaches them with OUTGOING_ALLOW={allowed}")
        self.stdout.flush()
