"""The readers' feed: what is published, and what was corrected."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from django.contrib.syndication.views import Feed
from django.db.models import F
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from digest.document import FrontMatter
from digest.models import Desk, Issue

ENTRIES = 30  # the newest issues


class Entry(NamedTuple):
    """An issue as the feed has it."""

    desk: str
    day: date
    title: str
    front_matter: dict[str, Any]
    published_at: datetime
    signed_at: datetime


class IssuesFeed(Feed):
    """An entry for each issue; a correction makes it new again and stands first in it."""

    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, desk: str | None = None) -> Desk:
        desks = Desk.objects.order_by("pk")
        found = desks.filter(slug=desk).first() if desk else desks.first()
        if found is None:
            raise Http404("no such paper")
        return found

    def title(self, desk: Desk) -> str:
        return desk.title

    def link(self, desk: Desk) -> str:
        return reverse("front_of", args=[desk.slug])

    def items(self, desk: Desk) -> list[Entry]:
        published = Issue.objects.of(desk).exclude(published=None)
        columns = published.values_list(
            "desk__slug",
            "date",
            "published__title",
            F("published__document__front_matter"),
            "published_at",
            "published__signed_at",
        )
        return [Entry(*row) for row in columns[:ENTRIES]]

    def item_title(self, item: Entry) -> str:
        return item.title

    def item_description(self, item: Entry) -> str:
        front_matter = FrontMatter(**item.front_matter)
        correction = front_matter.text("correction")
        said = [_("Correction: %(text)s") % {"text": correction}] if correction else []
        return "\n".join([*said, front_matter.text("summary")])

    def item_link(self, item: Entry) -> str:
        return reverse("edition_of", args=[item.desk, item.day])

    def item_pubdate(self, item: Entry) -> datetime:
        return item.published_at

    def item_updateddate(self, item: Entry) -> datetime:
        return max(item.published_at, item.signed_at)
