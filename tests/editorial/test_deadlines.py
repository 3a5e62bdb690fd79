"""The hour comes near and nobody has signed: what is announced, and what the desk's rule does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest import alarms, hugo
from digest.models import Alarm, Desk, Issue
from editorial import deadlines, rules
from editorial.decisions import decide
from editorial.refusals import Refused
from editorial.scheduling import set_hour
from tests.conftest import approve_everything, cards_of, land, sign
from tests.editorial.conftest import HOUR
from tests.editorial.test_pages import client_of
from tests.editorial.work import rewrite
from tests.publisher import do, post_of, work

pytestmark = pytest.mark.usefixtures("english")


def at(clock, minutes: float) -> None:
    """What the desk does of itself so many minutes after the hour."""
    clock.move_to(HOUR + timedelta(minutes=minutes))
    deadlines.watch()
    deadlines.watch()  # two ticks at once do no harm


def kinds() -> list[str]:
    return list(Alarm.objects.open().order_by("pk").values_list("kind", flat=True))


def approve_first(issue: Issue, by, count: int) -> None:
    for card in cards_of(issue)[:count]:
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=by, seen=card.hash)


# --- announced -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "threshold"),
    [(-61, None), (-60, 60), (-40, 60), (-30, 30), (-29.5, 30), (-5, 5), (-0.5, 5)],
)
def test_an_issue_that_is_not_ready_is_announced_once_at_each_threshold(
    minutes, threshold, clock, issue
):
    at(clock, minutes)
    found = [alarm.key.rpartition(":")[2] for alarm in Alarm.objects.open()]
    assert found == ([str(threshold)] if threshold else [])


def test_the_announcement_says_what_is_missing_and_when_the_pace_ends(clock, issue, editor):
    clock.move_to(HOUR - timedelta(minutes=90))
    for card in cards_of(issue)[:6]:
        decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
        clock.shift(timedelta(minutes=5))
    at(clock, -60)  # six cards in thirty minutes, twelve to go: an hour
    [alarm] = Alarm.objects.open()
    sentence = alarms.sentence_of(alarm)
    assert "in 60 minutes" in sentence and "12 cards to judge" in sentence
    assert "the insight" in sentence and "at 06:50" in sentence


def test_each_announcement_takes_the_place_of_the_last_and_a_signature_ends_them(
    clock, issue, editor, chief
):
    for minutes in (-60, -30, -5):
        at(clock, minutes)
        assert kinds() == ["unready"]
    assert Alarm.objects.count() == 3
    approve_everything(issue, editor)
    sign(issue, chief)
    assert kinds() == []
    at(clock, -1)
    assert Alarm.objects.count() == 3


def test_an_issue_with_an_hour_of_its_own_is_announced_before_that(clock, issue):
    Issue.objects.update(hour=HOUR + timedelta(hours=2))
    at(clock, -5)
    assert kinds() == []
    at(clock, 90)
    assert kinds() == ["unready"]


def test_a_day_without_a_draft_is_never_silent(clock, issue, editor):
    clock.move_to(HOUR + timedelta(days=1))
    Issue.objects.update(published=None)
    at(clock, 24 * 60)
    assert [a.data["day"] for a in Alarm.objects.open().filter(kind="no_draft")] == ["2026-02-13"]
    html = client_of(editor).get("/desk/daily/").content.decode()
    assert "2026-02-13 has come and no draft has landed" in html


def test_a_desk_that_never_had_an_issue_is_not_alarmed(clock, desk):
    at(clock, 5)
    assert kinds() == []


def test_an_alarm_about_a_draft_ends_when_it_lands(clock, desk, sample):
    land(desk, sample.replace(b"2026-02-12", b"2026-02-11"))
    at(clock, 1)
    assert "no_draft" in kinds()
    land(desk, sample)
    at(clock, 2)
    assert "no_draft" not in kinds()


def test_one_broken_issue_keeps_no_other_desk_from_being_alarmed(
    clock, issue, other_desk, sample, monkeypatch
):
    land(other_desk, sample)
    real = deadlines.what_is_missing

    def break_the_first(case, now):
        if case.issue.desk_id == issue.desk_id:
            raise RuntimeError("a bug that only this issue meets")
        return real(case, now)

    monkeypatch.setattr(deadlines, "what_is_missing", break_the_first)
    at(clock, -30)
    assert [alarm.desk for alarm in Alarm.objects.all()] == [other_desk]


# --- the rule ------------------------------------------------------------------------------------


def follow(rule: str, by, notice: str = "") -> None:
    desk = Desk.objects.get(pk=by.desk_id)
    rules.sign_rule(rule=rule, notice=notice, seen=rules.mark_of(desk), by=by)


def test_by_default_nothing_goes_out_unsigned_and_everybody_knows(clock, issue, editor, settings):
    approve_first(issue, editor, 3)
    at(clock, 0)
    work()
    assert kinds() == ["unsigned"]
    assert not issue.editions.exists() and not post_of(issue).exists()


def test_under_the_rule_the_approved_cards_go_out_under_the_chiefs_name_and_say_so(
    clock, issue, editor, chief, settings
):
    follow("approved", chief)
    first, *others = cards_of(issue)
    approve_first(issue, editor, 3)
    at(clock, 0)
    work()
    [edition] = issue.editions.all()
    assert (edition.rule, edition.signed_by) == ("approved", chief.user)
    post = post_of(issue).read_bytes()
    assert post == bytes(edition.content)
    read = hugo.read(post)
    headlines = [card.headline for section in read.sections for card in section.cards]
    assert headlines == [card.headline for card in (first, *others[:2])]
    assert "3" in read.lead and not any(s.kind == "insight" for s in read.sections)
    assert not any(card.dropped for card in cards_of(issue))  # the desk keeps them all
    assert kinds() == ["by_rule"]
    event = issue.events.get(verb="issue.sign_by_rule")
    assert event.after["signed_by"] == chief.user_id
    assert event.actor.username == "machine:publisher"


def test_under_the_notice_only_the_notice_goes_out(clock, issue, editor, chief, settings):
    follow("notice", chief, "今日因故延後出刊，敬請見諒。")
    at(clock, 0)
    work()
    read = hugo.read(post_of(issue).read_bytes())
    [section] = read.sections
    assert (section.title, section.lead) == ("公告", "今日因故延後出刊，敬請見諒。")
    assert not section.cards


@pytest.mark.parametrize("why", ["nothing approved", "signer left", "signer demoted"])
def test_a_rule_that_cannot_be_followed_lets_nothing_out_and_says_why(
    why, clock, issue, editor, chief, settings
):
    follow("approved", chief)
    if why != "nothing approved":
        approve_first(issue, editor, 2)
    if why == "signer left":
        chief.user.is_active = False
        chief.user.save()
    if why == "signer demoted":
        type(chief).objects.filter(pk=chief.pk).update(role="editor")
    at(clock, 0)
    work()
    assert kinds() == ["rule_failed"]
    assert not issue.editions.exists() and not post_of(issue).exists()


@pytest.mark.parametrize("state", ["signed", "held", "taken back", "too late"])
def test_the_rule_leaves_alone_what_a_person_has_decided(
    state, clock, issue, editor, chief, settings
):
    follow("approved", chief)
    approve_everything(issue, editor)
    if state in ("signed", "taken back"):
        sign(issue, chief)
    if state == "held":
        decide("hold", issue_id=issue.pk, by=editor, seen="", note="等等")
    if state == "taken back":
        Issue.objects.update(due_at=None, due_edition=None)
    at(clock, 181 if state == "too late" else 0)
    assert not issue.editions.exclude(rule="").exists()


def test_a_rule_is_one_for_its_moment_and_not_for_the_hours_after_it(clock, issue, editor, chief):
    follow("approved", chief)
    at(clock, 0)
    assert kinds() == ["rule_failed"]  # nothing was approved by the hour
    approve_first(issue, editor, 1)
    at(clock, 1)
    assert kinds() == ["rule_failed"] and not issue.editions.exists()


@pytest.mark.parametrize("what", ["the draft", "the rule"])
def test_a_rule_binds_no_issue_and_no_desk_that_came_to_it_too_late(
    what, clock, desk, sample, editor, chief
):
    clock.move_to(HOUR - timedelta(hours=1))
    if what == "the draft":
        follow("notice", chief, "今日因故延後出刊。")
        clock.move_to(HOUR + timedelta(minutes=30))
    issue = land(desk, sample)
    if what == "the rule":
        clock.move_to(HOUR + timedelta(minutes=30))
        follow("notice", chief, "今日因故延後出刊。")
    at(clock, 31)
    assert kinds() == ["unsigned"] and not issue.editions.exists()


@pytest.mark.parametrize("what", ["another hour", "another rule"])
def test_a_rule_is_not_followed_over_what_somebody_decided_meanwhile(
    what, clock, issue, editor, chief, monkeypatch
):
    follow("approved", chief)
    approve_first(issue, editor, 3)

    def somebody_is_faster(*_args):
        if what == "another hour":
            later = HOUR + timedelta(hours=2)
            Issue.objects.filter(pk=issue.pk).update(hour=later)
        else:
            Desk.objects.update(deadline_rule="hold")
        return {}

    monkeypatch.setattr(deadlines, "what_is_missing", somebody_is_faster)
    clock.move_to(HOUR)
    deadlines.watch()
    assert not issue.editions.exists()


def test_under_four_eyes_the_rule_leaves_out_an_insight_its_signer_wrote(
    clock, issue, desk, editor, chief
):
    desk.four_eyes = True
    desk.save()
    follow("approved", chief)
    rewrite(issue.sections.get(kind="insight").passages.first(), chief, "總編自己寫的。")
    approve_everything(issue, editor)
    at(clock, 0)
    [edition] = issue.editions.all()
    read = hugo.read(bytes(edition.content))
    assert not any(section.kind == "insight" for section in read.sections)


def test_another_hour_ends_the_alarms_of_the_first_and_has_its_own(clock, issue, editor, chief):
    at(clock, -4)
    assert kinds() == ["unready"]
    set_hour(issue_id=issue.pk, hour=HOUR + timedelta(hours=1), seen=None, by=chief)
    assert kinds() == []
    at(clock, 60)
    assert kinds() == ["unsigned"]
    hour = HOUR + timedelta(hours=2)
    set_hour(issue_id=issue.pk, hour=hour, seen=HOUR + timedelta(hours=1), by=chief)
    at(clock, 120)
    assert kinds() == ["unsigned"] and Alarm.objects.count() == 3


def test_a_desk_that_was_down_for_longer_than_its_grace_says_what_it_slept_through(
    clock, issue, editor
):
    clock.move_to(HOUR + timedelta(days=1, hours=6))
    deadlines.watch()
    assert kinds() == ["unsigned", "no_draft"]


def test_what_was_signed_after_its_hour_is_not_forgotten(clock, ready, chief):
    at(clock, 0)
    clock.move_to(HOUR + timedelta(minutes=2))
    sign(ready, chief)
    at(clock, 3)
    assert kinds() == []
    at(clock, 8)
    assert kinds() == ["late"]
    [alarm] = Alarm.objects.open()
    assert "Publish now" in alarms.sentence_of(alarm)
    do("publish", ready, chief)
    work()
    assert kinds() == []


def test_a_rule_is_signed_by_a_chief_who_saw_the_present_one(desk, editor, chief):
    for by, seen in ((editor, rules.mark_of(desk)), (chief, "x")):
        with pytest.raises(Refused):
            rules.sign_rule(rule="approved", notice="", seen=seen, by=by)
    with pytest.raises(Refused):
        rules.sign_rule(rule="notice", notice=" ", seen=rules.mark_of(desk), by=chief)
    follow("approved", chief)
    desk.refresh_from_db()
    assert (desk.deadline_rule, desk.rule_signed_by) == ("approved", chief.user)
    assert desk.events.get(verb="desk.rule").after["rule"] == "approved"


def test_the_rule_page_shows_what_would_go_out(clock, issue, editor, chief):
    approve_first(issue, editor, 4)
    page = client_of(chief)
    html = page.get("/desk/daily/rule/").content.decode()
    assert "cards that go out: 4; left out: 14" in html
    desk = Desk.objects.get()
    sent = {"rule": "notice", "notice": "", "seen": rules.mark_of(desk)}
    refused = page.post("/desk/daily/rule/", sent)
    assert refused.status_code == 422 and "is empty" in refused.content.decode()
    answer = page.post("/desk/daily/rule/", sent | {"notice": "今日休刊。"})
    assert answer.status_code == 303
    assert Desk.objects.get().notice == "今日休刊。"
    assert "disabled" in client_of(editor).get("/desk/daily/rule/").content.decode()


def test_an_alarm_is_put_away_by_somebody_and_stays_away(clock, issue, editor):
    at(clock, 0)
    [alarm] = Alarm.objects.open()
    answer = client_of(editor).post(f"/desk/daily/alarms/{alarm.pk}/")
    assert answer.status_code == 303
    at(clock, 1)
    assert kinds() == []
    assert issue.events.get(verb="alarm.settle").actor == editor.user
