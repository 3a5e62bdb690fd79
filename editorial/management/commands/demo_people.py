"""`manage.py demo_people`: an editor and a chief for the embedded desk."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from digest.models import Desk
from editorial.models import Membership
from editorial.roles import Role

PEOPLE = (("editor", "copydesk-editor", Role.EDITOR), ("chief", "copydesk-chief", Role.CHIEF))


class Command(BaseCommand):
    help = "Make the demo accounts on a desk without people; print them as JSON."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError(
                "Demo accounts have known passwords; only the embedded desk has them."
            )
        if not Membership.objects.exists():
            desk = Desk.objects.order_by("pk").first()
            for username, password, role in PEOPLE:
                user = get_user_model().objects.create_user(username, password=password)
                Membership.objects.create(desk=desk, user=user, role=role)
        self.stdout.write(json.dumps([self._account(*person) for person in PEOPLE]))

    def _account(self, username: str, password: str, role: Role) -> dict[str, str | None]:
        user = get_user_model().objects.filter(username=username).first()
        known = user is not None and user.check_password(password)
        return {"username": username, "password": password if known else None, "role": role.value}
