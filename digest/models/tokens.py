"""The keys by which machines hand in their drafts."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models

from digest.models.desks import Desk
from digest.models.names import sha256


class MachineToken(models.Model):
    """A machine's key to the API. Only its hash is kept; the key itself is shown once."""

    desk = models.ForeignKey(Desk, models.PROTECT, related_name="tokens")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def issue(cls, *, desk: Desk, user, name: str) -> tuple[MachineToken, str]:
        """A new token and its key, which cannot be had again.

        The key has 256 random bits, so a plain hash keeps it; a slow one would only slow requests.
        """
        key = f"cdk_{secrets.token_urlsafe(32)}"
        return cls.objects.create(desk=desk, user=user, name=name, digest=sha256(key.encode())), key

    @classmethod
    def holder(cls, key: str) -> MachineToken | None:
        """The unrevoked token a key belongs to, whose user is active."""
        return (
            cls.objects.select_related("desk", "user")
            .filter(digest=sha256(key.encode()), revoked_at=None, user__is_active=True)
            .first()
        )
