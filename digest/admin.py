"""The admin, for support. What carries hashes, order or signatures is shown there and not changed:
a change around `editorial.editing` would have no event and no check."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from digest import models, sources
from digest.channels import KINDS, configured
from digest.drafting import opml
from digest.drafting.entries import Unreadable
from digest.publishing import reschedule


class LookOnly(admin.ModelAdmin):
    """Rows that are looked at only."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ChannelForm(forms.ModelForm):
    """A channel whose configuration is what its kind asks for, or is refused with where and why."""

    kind = forms.ChoiceField(choices=[(name, name) for name in KINDS])

    def clean(self) -> dict:
        cleaned = super().clean()
        if "kind" in cleaned and "config" in cleaned:
            try:
                configured(cleaned["kind"], cleaned["config"] or {})
            except ValueError as error:
                self.add_error("config", str(error))
                fields = ", ".join(KINDS[cleaned["kind"]].config.model_fields)
                asked = _("This kind of channel asks for: %(fields)s") % {"fields": fields}
                self.add_error("config", asked)
        return cleaned


class ChannelInline(admin.StackedInline):
    model = models.Channel
    form = ChannelForm
    extra = 0


@admin.register(models.Desk)
class DeskAdmin(admin.ModelAdmin):
    list_display = ["title", "slug", "zone", "publication_hour", "four_eyes"]
    # The rule for the deadline is signed by a chief, at the desk.
    readonly_fields = ["deadline_rule", "notice", "rule_signed_by", "rule_signed_at"]
    inlines = [ChannelInline]

    def save_model(self, request: HttpRequest, obj: models.Desk, form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        reschedule(obj, now=timezone.now())


@admin.register(models.Issue)
class IssueAdmin(LookOnly):
    list_display = ["date", "desk", "slug", "due_at", "published_at"]
    list_select_related = ["desk"]
    date_hierarchy = "date"


@admin.register(models.Card)
class CardAdmin(LookOnly):
    list_display = ["headline", "section", "position", "importance", "dropped"]
    list_select_related = ["section"]


@admin.register(models.Event)
class EventAdmin(LookOnly):
    list_display = ["at", "actor", "verb", "field", "issue"]
    list_select_related = ["actor", "issue__desk"]
    list_filter = ["verb"]


@admin.register(models.Draft)
class DraftAdmin(LookOnly):
    list_display = ["received_at", "name", "media_type", "state", "desk"]
    list_select_related = ["desk"]
    exclude = ["payload"]


@admin.register(models.Edition)
class EditionAdmin(LookOnly):
    list_display = ["issue", "number", "sha256", "signed_by", "signed_at"]
    list_select_related = ["issue__desk", "signed_by"]
    exclude = ["content"]


@admin.register(models.Delivery)
class DeliveryAdmin(LookOnly):
    list_display = ["edition", "channel", "state", "attempts", "error"]
    list_select_related = ["edition"]
    list_filter = ["state", "channel"]


@admin.register(models.MachineToken)
class MachineTokenAdmin(LookOnly):
    list_display = ["name", "desk", "created_at", "revoked_at"]
    list_select_related = ["desk"]
    exclude = ["digest"]


class FeedsForm(forms.Form):
    """A list of feeds for a desk."""

    desk = forms.ModelChoiceField(models.Desk.objects.all(), label=_lazy("Desk"))
    file = forms.FileField(
        label=_lazy("OPML file"),
        required=False,
        help_text=_lazy("Without a file: well-known sources on artificial intelligence."),
    )


@admin.register(models.Feed)
class FeedAdmin(admin.ModelAdmin):
    list_display = ["name", "desk", "kind", "section", "weight", "enabled", "read_at", "errors"]
    list_select_related = ["desk"]
    list_filter = ["desk", "enabled", "kind"]
    search_fields = ["name", "url"]
    readonly_fields = ["tried_at", "read_at", "next_try_at", "errors", "is_gone", "fault"]
    actions = ["export"]

    def get_urls(self) -> list:
        ours = path("opml/", self.admin_site.admin_view(self.import_list), name="feeds_opml")
        return [ours, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: models.Feed, form, change: bool) -> None:
        """Another address is another feed: nothing that was learnt of the old one holds."""
        if change and "url" in form.changed_data:
            obj.etag = obj.modified = obj.fault = ""
            obj.errors, obj.is_gone = 0, False
            obj.tried_at = obj.read_at = obj.next_try_at = None
        super().save_model(request, obj, form, change)

    @admin.action(description=_lazy("Export as OPML"))
    def export(self, request: HttpRequest, queryset: QuerySet[models.Feed]) -> HttpResponse:
        """The feeds that were chosen, as a file."""
        content = opml.write_opml([feed.value for feed in queryset], "Copydesk")
        headers = {"Content-Disposition": 'attachment; filename="feeds.opml"'}
        return HttpResponse(content, content_type="text/x-opml; charset=utf-8", headers=headers)

    def import_list(self, request: HttpRequest) -> HttpResponse:
        """Add the feeds of an OPML file to a desk."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = FeedsForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            data = file.read(opml.SIZE_LIMIT + 1) if file else sources.STARTER.read_bytes()
            try:
                added = sources.import_opml(form.cleaned_data["desk"], data)
            except Unreadable as error:
                form.add_error("file", str(error))
            else:
                said = _("Added %(new)d feeds; %(known)d were there already.")
                messages.success(request, said % {"new": added.count, "known": added.known})
                for fault in added.faults:
                    messages.warning(request, fault)
                return redirect("admin:digest_feed_changelist")
        context = self.admin_site.each_context(request) | {"form": form, "opts": self.opts}
        return render(request, "admin/digest/feed/opml.html", context)


@admin.register(models.Article)
class ArticleAdmin(LookOnly):
    list_display = ["title", "outlet", "feed", "language", "published_at", "fetched_at"]
    list_filter = ["language"]
    search_fields = ["title", "key"]


@admin.register(models.Run)
class RunAdmin(LookOnly):
    list_display = ["day", "desk", "state", "stage", "writer", "started_at", "finished_at"]
    list_select_related = ["desk"]
    exclude = ["snapshot", "content"]


@admin.register(models.Picture)
class PictureAdmin(LookOnly):
    exclude = ["content"]


admin.site.register(
    [
        models.Section,
        models.Source,
        models.Passage,
        models.CardEntity,
        models.IssueTag,
        models.Term,
        models.HeldCard,
        models.Suggestion,
        models.WrittenCard,
    ],
    LookOnly,
)
