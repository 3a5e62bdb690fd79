from django.apps import AppConfig
from django.db.models.signals import post_migrate

from digest.promises import make_promises


class EditorialConfig(AppConfig):
    name = "editorial"

    def ready(self) -> None:
        post_migrate.connect(make_promises, sender=self)
