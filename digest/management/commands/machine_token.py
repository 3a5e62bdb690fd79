"""`manage.py machine_token`: keys for machines that deliver over HTTP."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from digest.models import Desk, MachineToken
from digest.publishing import machine_account


class Command(BaseCommand):
    help = "Make, list or revoke the tokens with which machines deliver drafts."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="what the token is for; the list without it")
        parser.add_argument("--desk", help="slug of the desk; the first one by default")
        parser.add_argument("--revoke", action="store_true", help="revoke the tokens of that name")

    def handle(self, *args: Any, **options: Any) -> None:
        desks = Desk.objects.order_by("pk")
        desk = desks.filter(slug=options["desk"]).first() if options["desk"] else desks.first()
        if desk is None:
            raise CommandError(f"no desk {options['desk']!r}")
        tokens = MachineToken.objects.filter(desk=desk)
        if not options["name"]:
            for token in tokens:
                state = f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else "valid"
                self.stdout.write(f"{token.name}\t{token.created_at:%Y-%m-%d}\t{state}")
        elif options["revoke"]:
            revoked = tokens.filter(name=options["name"], revoked_at=None).update(
                revoked_at=timezone.now()
            )
            if not revoked:
                raise CommandError(f"no valid token named {options['name']!r}")
            self.stdout.write(f"revoked: {revoked}")
        else:
            _token, key = MachineToken.issue(
                desk=desk, user=machine_account("machine"), name=options["name"]
            )
            self.stderr.write("This token is shown once:")
            self.stdout.write(key)
