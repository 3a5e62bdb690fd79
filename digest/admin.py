"""The admin, for support. What carries hashes, order or signatures is shown there and not changed:
a change around `editorial.editing` would have no event and no check."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from digest import models
from digest.channels import KINDS, configured
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
    ],
    LookOnly,
)
