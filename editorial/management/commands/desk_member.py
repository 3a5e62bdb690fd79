"""`manage.py desk_member NAME ROLE`: people and their roles by hand."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from digest.models import Desk
from editorial.models import Membership
from editorial.roles import Role


class Command(BaseCommand):
    help = "Give somebody a role at a desk; a new account gets its password from standard input."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("role", choices=[*Role.values, "none"])
        parser.add_argument("--desk", help="slug of the desk; the first one by default")

    def handle(self, *args: Any, **options: Any) -> None:
        desks = Desk.objects.order_by("pk")
        desk = desks.filter(slug=options["desk"]).first() if options["desk"] else desks.first()
        if desk is None:
            raise CommandError(f"no desk {options['desk']!r}")
        user = get_user_model().objects.filter(username=options["username"]).first()
        if options["role"] == "none":
            Membership.objects.filter(desk=desk, user=user).delete()
            return
        if user is None:
            user = get_user_model()(username=options["username"])
            password = (
                getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
            )
            try:
                validate_password(password, user)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
            user.set_password(password)
            user.save()
        Membership.objects.update_or_create(
            desk=desk, user=user, defaults={"role": options["role"]}
        )
