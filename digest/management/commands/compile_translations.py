"""`manage.py compile_translations`: makes .mo files out of .po files, without the gettext tools."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Compile the translations that have changed since they were compiled."
    requires_system_checks = ()

    def handle(self, *args, **options) -> str:
        stale = [
            source
            for folder in settings.LOCALE_PATHS
            for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po"))
            if not _is_fresh(source)
        ]
        for source in stale:
            compile_file(source)
        return f"{len(stale)} compiled"


def _is_fresh(source: Path) -> bool:
    target = source.with_suffix(".mo")
    return target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns


def compile_file(source: Path) -> None:
    """Write the .mo beside a .po, whole or not at all: another process may be reading it."""
    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parent.parent.name, abort_invalid=True)
    with tempfile.NamedTemporaryFile(dir=source.parent, delete=False) as file:
        write_mo(file, catalogue)
    os.chmod(file.name, 0o644)
    os.replace(file.name, source.with_suffix(".mo"))
