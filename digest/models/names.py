"""How things are named: by a slug in addresses, by their hash where the very content is meant."""

from __future__ import annotations

import hashlib

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
is_slug = RegexValidator(rf"\A{SLUG}\Z", _("Lower-case letters, digits and single hyphens."))


def sha256(content: bytes) -> str:
    """The hash by which content is named, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
