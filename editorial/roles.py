"""Who may do what: one table, read wherever a right is asked for."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What somebody is at a desk. Somebody without a role there is a stranger."""

    EDITOR = "editor", _("editor")
    CHIEF = "chief", _("chief editor")
    MACHINE = "machine", _("machine")


PERMISSIONS: dict[str, frozenset[str]] = {
    Role.EDITOR: frozenset({"read", "review"}),
    Role.CHIEF: frozenset({"read", "review", "sign", "publish"}),
    Role.MACHINE: frozenset({"deliver"}),
}
