"""All addresses. The desk's own stand in editorial.urls, which is named here only as a string."""

from datetime import date

from django.contrib import admin
from django.urls import include, path, register_converter
from django.urls.converters import IntConverter
from django.views.i18n import set_language

from digest import probes, views
from digest.api import api
from digest.feeds import IssuesFeed


class DayConverter:
    """A day as `2026-02-11`; what is no day is no address."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


class KeyConverter(IntConverter):
    """The id of a row; a longer number than a database has is no address."""

    regex = "[0-9]{1,18}"


register_converter(DayConverter, "day")
register_converter(KeyConverter, "key")

urlpatterns = [
    path("", views.front, name="front"),
    path("feed.xml", IssuesFeed(), name="feed"),
    path("at/<slug:desk>/feed.xml", IssuesFeed(), name="feed_of"),
    path("<day:day>/", views.edition, name="edition"),
    path("at/<slug:desk>/", views.front, name="front_of"),
    path("at/<slug:desk>/<day:day>/", views.edition, name="edition_of"),
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path("api/", api.urls),
    path("language/", set_language, name="language"),
    path("admin/", admin.site.urls),
    path("", include("editorial.urls")),
]
