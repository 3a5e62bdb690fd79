"""The machine side: what an issue is, how drafts come in, how signed editions go out."""

from digest.celery import app as celery_app

__all__ = ["celery_app"]
