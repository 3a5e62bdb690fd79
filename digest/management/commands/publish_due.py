"""`manage.py publish_due`: what the scheduled job does, by hand and without Celery."""

from typing import Any

from django.core.management.base import BaseCommand

from digest.models import Delivery
from digest.publishing import deliver, publish_due


class Command(BaseCommand):
    help = "Release issues that are due and work on the deliveries that wait."

    def handle(self, *args: Any, **options: Any) -> None:
        for delivery_id in publish_due():
            deliver(delivery_id)
            delivery = Delivery.objects.get(pk=delivery_id)
            self.stdout.write(f"{delivery} {delivery.error or delivery.receipt}")
