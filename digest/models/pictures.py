"""The covers of drafts, issues and editions."""

from __future__ import annotations

from django.db import models


class Picture(models.Model):
    """A cover, kept once however many drafts carry it.

    Rows are never changed or deleted (trigger).
    """

    sha256 = models.CharField(max_length=64, unique=True)
    content = models.BinaryField()
    media_type = models.CharField(max_length=50)

    def __str__(self) -> str:
        return f"{self.media_type} {self.sha256[:12]}"
