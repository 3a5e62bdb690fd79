"""An issue's own hour, and the calendar that says what became of each day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from digest.models import Card, Edition, Event, Issue
from digest.publishing import publish_due
from editorial.calendar import weeks_of
from editorial.decisions import decide
from editorial.refusals import Refused
from editorial.scheduling import set_hour
from tests.conftest import approve_everything, cards_of, land, sign
from tests.editorial.conftest import HOUR
from tests.editorial.test_pages import address, client_of
from tests.editorial.work import change
from tests.publisher import do

pytestmark = pytest.mark.usefixtures("english")


def test_an_hour_of_its_own_moves_what_is_signed_and_waits(clock, ready, chief):
    sign(ready, chief)
    later = HOUR + timedelta(minutes=40)
    set_hour(issue_id=ready.pk, hour=later, seen=None, by=chief)
    ready.refresh_from_db()
    assert (ready.due_at, ready.moment) == (later, later)
    set_hour(issue_id=ready.pk, hour=None, seen=later, by=chief)
    ready.refresh_from_db()
    assert ready.due_at == HOUR


def test_what_is_signed_later_waits_for_its_own_hour(clock, ready, chief):
    later = HOUR + timedelta(minutes=40)
    set_hour(issue_id=ready.pk, hour=later, seen=None, by=chief)
    sign(ready, chief)
    ready.refresh_from_db()
    assert ready.due_at == later


def test_what_was_signed_too_late_goes_out_at_the_hour_it_is_given_then(clock, ready, chief):
    clock.move_to(HOUR + timedelta(minutes=20))
    sign(ready, chief)
    ready.refresh_from_db()
    assert ready.due_at is None  # no hour that has passed is made up for by itself
    later = HOUR + timedelta(minutes=40)
    set_hour(issue_id=ready.pk, hour=later, seen=None, by=chief)
    clock.move_to(later)
    publish_due()
    ready.refresh_from_db()
    assert ready.published == ready.editions.get()


def test_what_was_taken_back_comes_again_by_no_hour_alone(clock, ready, chief):
    edition = sign(ready, chief)
    clock.move_to(HOUR)
    publish_due()
    decide("unpublish", issue_id=ready.pk, by=chief, seen=edition.sha256, note="錯了。")
    set_hour(issue_id=ready.pk, hour=HOUR + timedelta(hours=2), seen=None, by=chief)
    ready.refresh_from_db()
    assert (ready.due_at, ready.due_edition) == (None, None)


def mended(issue, editor, chief):
    """Another edition of an issue in which a card was mended; answers with it."""
    card = cards_of(issue)[0]
    change(card, editor, summary="改正之後的一句。")
    decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=hash_now(card))
    return sign(issue, chief)


def hash_now(card: Card) -> str:
    return Card.objects.values_list("hash", flat=True).get(pk=card.pk)


def named_on_page(issue, by) -> str:
    """The first edition that the issue's page names as one whose hour comes or came."""
    html = client_of(by).get(address("issue", issue)).content.decode()
    return re.search(r'id="publication".*?<code>(\w{8})…</code>', html, re.DOTALL)[1]


def out(issue) -> Edition | None:
    publish_due()
    issue.refresh_from_db()
    return issue.published


def test_what_the_presses_were_stopped_for_gives_way_to_what_was_signed_then(
    clock, ready, editor, chief
):
    sign(ready, chief)
    clock.move_to(HOUR - timedelta(minutes=2))
    do("hold", ready, editor, "標題裡的數字有誤")
    clock.move_to(HOUR + timedelta(minutes=10))
    second = mended(ready, editor, chief)
    assert named_on_page(ready, chief) == second.sha256[:8]
    do("unhold", ready, chief)
    assert out(ready) == second


def test_whoever_lets_the_presses_go_on_has_seen_what_goes_out(clock, ready, editor, chief):
    first = sign(ready, chief)
    do("hold", ready, editor)
    mended(ready, editor, chief)
    with pytest.raises(Refused) as refused:
        decide("unhold", issue_id=ready.pk, by=chief, seen=first.sha256)
    assert refused.value.refusal.kind == "stale"


def test_an_issue_that_is_held_can_be_given_another_hour(clock, ready, editor, chief):
    edition = sign(ready, chief)
    do("hold", ready, editor)
    later = HOUR + timedelta(minutes=40)
    clock.move_to(HOUR + timedelta(minutes=10))
    set_hour(issue_id=ready.pk, hour=later, seen=None, by=chief)
    do("unhold", ready, chief)
    assert out(ready) is None
    clock.move_to(later)
    assert out(ready) == edition


def test_after_a_missed_hour_the_next_one_takes_what_was_signed_last(clock, ready, editor, chief):
    sign(ready, chief)
    clock.move_to(HOUR + timedelta(hours=3, minutes=30))
    assert out(ready) is None
    second = mended(ready, editor, chief)
    assert named_on_page(ready, chief) == second.sha256[:8]
    later = HOUR + timedelta(hours=5)
    set_hour(issue_id=ready.pk, hour=later, seen=None, by=chief)
    assert named_on_page(ready, chief) == second.sha256[:8]
    clock.move_to(later)
    assert out(ready) == second


def test_what_is_on_its_way_is_named_and_not_exchanged(clock, ready, editor, chief):
    first = sign(ready, chief)
    clock.move_to(HOUR + timedelta(minutes=1))  # and no worker is there
    mended(ready, editor, chief)
    assert named_on_page(ready, chief) == first.sha256[:8]
    assert out(ready) == first


def test_an_issue_that_readers_have_is_given_no_hour(clock, ready, chief):
    sign(ready, chief)
    clock.move_to(HOUR)
    out(ready)
    later = HOUR + timedelta(hours=2)
    with pytest.raises(Refused) as refused:
        set_hour(issue_id=ready.pk, hour=later, seen=None, by=chief)
    assert "Readers have this issue" in str(refused.value.refusal)
    assert 'name="hour"' not in client_of(chief).get(address("issue", ready)).content.decode()


@pytest.mark.parametrize("when", ["past", "now", "desk's hour of another day", "hour of another"])
def test_an_hour_that_has_passed_or_is_taken_is_refused_with_the_reason(
    when, clock, issue, desk, sample, chief
):
    other = land(desk, sample.replace(b"2026-02-12", b"2026-02-13"))
    moments = {
        "past": HOUR - timedelta(hours=4),
        "now": HOUR - timedelta(hours=3),
        "desk's hour of another day": HOUR + timedelta(days=1),
        "hour of another": HOUR + timedelta(hours=5),
    }
    if when == "hour of another":
        set_hour(issue_id=other.pk, hour=moments[when], seen=None, by=chief)
    with pytest.raises(Refused) as refused:
        set_hour(issue_id=issue.pk, hour=moments[when], seen=None, by=chief)
    reason = "passed" if when in ("past", "now") else "2026-02-13"
    assert reason in refused.value.refusal.sentence
    issue.refresh_from_db()
    assert issue.hour is None


def test_two_chiefs_do_not_overwrite_each_others_hour(clock, issue, chief):
    set_hour(issue_id=issue.pk, hour=HOUR + timedelta(hours=1), seen=None, by=chief)
    with pytest.raises(Refused) as refused:
        set_hour(issue_id=issue.pk, hour=HOUR + timedelta(hours=2), seen=None, by=chief)
    assert refused.value.refusal.kind == "stale"


def test_the_form_takes_the_newsrooms_time(clock, issue, chief, editor):
    where = address("hour", issue)
    assert client_of(editor).post(where, {"hour": "2026-02-12T07:15"}).status_code == 403
    page = client_of(chief)
    assert page.post(where, {"hour": "2026-02-12T07:15"}).status_code == 303
    issue.refresh_from_db()
    assert issue.hour == datetime(2026, 2, 12, 7, 15, tzinfo=ZoneInfo("Asia/Taipei"))
    html = page.get(address("issue", issue)).content.decode()
    assert 'value="2026-02-12T07:15"' in html
    seen = issue.hour.astimezone(ZoneInfo("Asia/Taipei")).isoformat()
    assert f'value="{seen}"' in html
    assert page.post(where, {"hour": "", "seen": seen}).status_code == 303
    issue.refresh_from_db()
    assert issue.hour is None
    for nonsense in ("2026-02-30T07:15", "soon", "07:15", "9999-12-31T23:59", "0001-01-01T00:00"):
        assert page.post(where, {"hour": nonsense}).status_code == 422


def test_the_calendar_says_what_became_of_each_day(clock, desk, sample, editor, chief):
    def issue_of(day: int) -> Issue:
        return land(desk, sample.replace(b"2026-02-12", f"2026-02-{day:02}".encode()))

    def signed_issue(day: int) -> Issue:
        issue = issue_of(day)
        approve_everything(issue, editor)
        sign(issue, chief)
        return issue

    clock.move_to(datetime(2026, 2, 1, tzinfo=UTC))
    for day in (2, 3, 4, 10):
        signed_issue(day)
    clock.move_to(desk.hour_of(date(2026, 2, 2)))
    publish_due()
    clock.move_to(desk.hour_of(date(2026, 2, 3)) + timedelta(minutes=30))
    publish_due()
    clock.move_to(desk.hour_of(date(2026, 2, 4)) + timedelta(hours=5))
    publish_due()
    issue_of(6)
    issue_of(9)
    held = issue_of(11)
    decide("hold", issue_id=held.pk, by=editor, seen="", note="等等")
    clock.move_to(datetime(2026, 2, 8, 3, tzinfo=UTC))
    found = {d.date.day: d for week in weeks_of(desk, date(2026, 2, 1)) for d in week if d.in_month}
    assert [found[day].state for day in range(1, 13)] == [
        *("before", "published", "late", "missed", "none", "unpublished"),
        *("none", "none", "review", "signed", "held", "ahead"),
    ]
    assert found[8].is_today and found[3].at == desk.hour_of(date(2026, 2, 3)) + timedelta(
        minutes=30
    )


def test_the_calendar_takes_as_many_queries_for_a_full_month(
    clock, desk, issue, sample, django_assert_num_queries
):
    for day in range(13, 28):
        land(desk, sample.replace(b"2026-02-12", f"2026-02-{day}".encode()))
    with django_assert_num_queries(3):
        weeks_of(desk, date(2026, 2, 1))


def test_the_calendar_page_shows_any_month_and_takes_no_nonsense(clock, issue, editor):
    page = client_of(editor)
    assert "2026-02" in page.get("/desk/daily/calendar/").content.decode()
    assert "2025-12" in page.get("/desk/daily/calendar/?month=2025-12").content.decode()
    for nonsense in ("2026-13", "soon", "", "9999-12", "0001-01", "-1"):
        assert page.get("/desk/daily/calendar/", {"month": nonsense}).status_code == 200
    assert not Event.objects.filter(verb="issue.hour").exists()
