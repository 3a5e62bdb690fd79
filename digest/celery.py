"""The Celery application: `celery -A digest worker`, `celery -A digest beat`."""

import os

from celery import Celery

from digest import heartbeat  # noqa: F401  connects its signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")

app = Celery("copydesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
