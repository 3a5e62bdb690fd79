"""People may be put on desks here; what they approved is looked at only."""

from django.contrib import admin

from digest.admin import LookOnly
from editorial.models import Approval, Membership, Withdrawal


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ["user", "desk", "role"]
    list_select_related = ["user", "desk"]


@admin.register(Approval)
class ApprovalAdmin(LookOnly):
    list_display = ["at", "by", "hash", "issue", "card"]
    list_select_related = ["by", "issue__desk", "card"]


admin.site.register(Withdrawal, LookOnly)
