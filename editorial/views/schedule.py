"""When issues go out: an issue's own hour, the calendar, the rule for the deadline, alarms."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from digest.document import YEARS
from digest.models import Alarm, Desk, Issue
from editorial import calendar, rules
from editorial.access import issue_at, membership_at, signed_in
from editorial.alarms import alarms_of
from editorial.forms import typed
from editorial.models import name_of
from editorial.refusals import Refusal, Refused
from editorial.responses import bad_form, refused, see_other
from editorial.scheduling import set_hour


@require_POST
@signed_in
def hour(request: HttpRequest, desk: str, day: date) -> HttpResponse:
    """Give an issue an hour of its own, in the newsroom's time; empty for the desk's again."""
    by = membership_at(request, desk)
    issue = issue_at(by, day)
    back = f"{reverse('issue', args=[desk, day])}#publication"
    zone = ZoneInfo(by.desk.zone)
    try:
        wanted, saw = (_moment_of(request.POST.get(name, ""), zone) for name in ("hour", "seen"))
    except ValueError:
        return bad_form(request, back)
    try:
        set_hour(issue_id=issue.pk, hour=wanted, seen=saw, by=by)
    except Refused as error:
        return refused(request, error.refusal, back=back, issue=issue)
    messages.success(request, _("The hour of this issue is set."))
    return see_other(back)


def _moment_of(text: str, zone: ZoneInfo) -> datetime | None:
    """A moment as a form sends it, in the newsroom's zone unless it names one; None if empty.

    Raises ValueError for what is none.
    """
    if not text:
        return None
    found = parse_datetime(text)
    if found is None or found.year not in YEARS:
        raise ValueError(f"{text!r} is no date with a time, or none that an issue can have")
    return found if found.tzinfo else found.replace(tzinfo=zone)


@require_safe
@signed_in
def month(request: HttpRequest, desk: str) -> HttpResponse:
    """Every day of a month (`month`, as 2026-02): published when, late, missed, without a draft."""
    by = membership_at(request, desk)
    today = by.desk.today()
    try:
        asked = parse_date(f"{request.GET.get('month', '')}-01")
    except ValueError:
        asked = None
    # A calendar needs the month before and after it.
    shown = asked if asked and 1 < asked.year < 9999 else today.replace(day=1)
    context = {
        "by": by,
        "desk": by.desk,
        "month": shown,
        "weeks": calendar.weeks_of(by.desk, shown),
        "previous": shown - timedelta(days=1),
        "next": (shown + timedelta(days=32)).replace(day=1),
        **alarms_of(by.desk),
    }
    return render(request, "editorial/calendar.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def rule(request: HttpRequest, desk: str) -> HttpResponse:
    """What happens at the hour of an issue nobody has signed; a chief signs the rule here."""
    by = membership_at(request, desk)
    if request.method == "POST":
        wanted = request.POST.get("rule", "")
        if wanted not in Desk.Rule.values:
            return bad_form(request, request.path)
        notice = typed(request.POST.get("notice", ""))
        try:
            rules.sign_rule(rule=wanted, notice=notice, seen=request.POST.get("seen", ""), by=by)
        except Refused as error:
            if error.refusal.kind == "permission":
                return refused(request, error.refusal, back=request.path)
            status = 409 if error.refusal.kind == "stale" else 422
            return _rule_page(request, by, wanted, notice, error=error.refusal, status=status)
        messages.success(request, _("The rule is signed."))
        return see_other(request.path)
    return _rule_page(request, by, by.desk.deadline_rule, by.desk.notice)


def _rule_page(
    request: HttpRequest, by, chosen: str, notice: str, *, error: Refusal | None = None, status=200
) -> HttpResponse:
    present = Desk.objects.select_related("rule_signed_by").get(pk=by.desk_id)
    next_issue = (
        Issue.objects.filter(desk=present, editions=None, date__gte=present.today())
        .order_by("date")
        .first()
    )
    context = {
        "by": by,
        "desk": by.desk,
        "present": present,
        "signer": name_of(present.rule_signed_by) if present.rule_signed_by else "",
        "chosen": chosen,
        "notice": notice,
        "notice_limit": rules.NOTICE_LIMIT,
        "seen": rules.mark_of(present),
        "signs": by.may("sign"),
        "next_issue": next_issue,
        "outcomes": rules.outcomes(next_issue, notice) if next_issue else None,
        "error": error,
    }
    return render(request, "editorial/rule.html", context, status=status)


@require_safe
@signed_in
def alarms(request: HttpRequest, desk: str) -> HttpResponse:
    """The desk's alarms: a fragment that the queue asks for while somebody looks at it.

    The page says what it shows (`have`): where that is still so, 204 leaves it alone.
    """
    by = membership_at(request, desk)
    if not request.htmx:
        return redirect("queue", desk)
    found = alarms_of(by.desk)
    if request.GET.get("have") == found["alarms_mark"]:
        return HttpResponse(status=204)
    context = {"by": by, "desk": by.desk, "asks_again": True, **found}
    return render(request, "editorial/_alarms.html", context)


@require_POST
@signed_in
def alarm(request: HttpRequest, desk: str, pk: int) -> HttpResponse:
    """Put an alarm away: somebody has seen it and deals with it."""
    by = membership_at(request, desk)
    found = get_object_or_404(Alarm, pk=pk, desk=by.desk)
    issue = found.issue
    back = reverse("issue", args=[desk, issue.date]) if issue else reverse("queue", args=[desk])
    try:
        rules.put_away(found, by=by)
    except Refused as error:
        return refused(request, error.refusal, back=back)
    return see_other(back)
