"""`manage.py verify_editions`: what the nightly task does, by hand and without Celery."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from digest.verifying import verify_editions


class Command(BaseCommand):
    help = "Compare every edition and its files with what was signed; exit code 1 on drift."

    def handle(self, *args: Any, **options: Any) -> None:
        progress = verify_editions(tell=lambda drift: self.stdout.write(str(drift)))
        self.stdout.write(f"{progress.checked} editions verified, {progress.drifted} drifted.")
        if progress.drifted:
            sys.exit(1)
