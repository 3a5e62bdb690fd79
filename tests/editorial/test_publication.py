"""Stop the presses, take back, deliver again, correct: what a person does about what goes out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from digest import hugo
from digest.alarms import raise_alarm
from digest.models import Channel, Delivery, Issue
from digest.publishing import deliver, publish_due
from editorial import queue
from editorial.calendar import weeks_of
from editorial.decisions import decide
from editorial.publication import Publication, publication_of
from editorial.refusals import Refused
from tests.conftest import approve_everything, cards_of, say_correction, sign
from tests.editorial.conftest import HOUR
from tests.editorial.test_pages import address, client_of
from tests.editorial.work import change, front_of, rewrite
from tests.publisher import do, post_of, work

pytestmark = pytest.mark.usefixtures("english")


def publication(issue: Issue) -> Publication:
    return publication_of(queue.case_of_issue(issue.pk))


def states(issue: Issue) -> list[tuple[str, str]]:
    found = Delivery.objects.filter(edition__issue=issue).order_by("pk")
    return list(found.values_list("action", "state"))


# --- hold ----------------------------------------------------------------------------------------


def test_what_is_held_does_not_go_out_at_its_hour_and_goes_when_a_chief_lets_it(
    clock, ready, editor, chief, settings
):
    signed = sign(ready, chief)
    do("hold", ready, editor, "標題裡的數字有誤")
    clock.shift(timedelta(hours=4))  # long after its hour, within the grace
    work()
    assert not post_of(ready).exists()
    clock.shift(timedelta(hours=4))  # and after the grace: held is not missed
    work()
    ready.refresh_from_db()
    assert (ready.held_note, ready.held_by, ready.is_missed) == (
        "標題裡的數字有誤",
        editor.user,
        False,
    )
    with pytest.raises(Refused) as refused:
        do("unhold", ready, editor)
    assert refused.value.refusal.kind == "permission"
    do("unhold", ready, chief)
    work()
    assert post_of(ready).read_bytes() == bytes(signed.content)


def test_a_delivery_that_waits_is_held_too(signed, editor, chief, settings):
    do("publish", signed.issue, chief)
    [delivery] = publish_due()
    do("hold", signed.issue, editor)
    assert states(signed.issue) == [("publish", "held")]
    deliver(delivery)
    assert publish_due() == {} and not post_of(signed.issue).exists()
    do("unhold", signed.issue, chief)
    work()
    assert states(signed.issue) == [("publish", "delivered")]


def test_a_delivery_handed_out_before_the_hold_does_not_start_after_it(
    signed, editor, chief, settings
):
    do("publish", signed.issue, chief)
    [delivery] = publish_due()
    Issue.objects.update(held_at=timezone.now())  # between what the worker heard and its claim
    deliver(delivery)
    assert not post_of(signed.issue).exists()
    assert states(signed.issue) == [("publish", "waiting")]


def test_a_hold_needs_a_reason(issue, editor):
    with pytest.raises(Refused) as refused:
        do("hold", issue, editor, "  ")
    assert "why" in refused.value.refusal.sentence.lower()
    issue.refresh_from_db()
    assert issue.held_at is None


def test_an_editor_stops_the_presses_on_the_page_without_javascript(issue, editor):
    page = client_of(editor)
    answer = page.post(address("decide_issue", issue, "hold"), {"seen": "", "note": "等等"})
    assert answer.status_code == 303
    html = page.get(address("issue", issue)).content.decode()
    assert "等等" in html and 'id="held-notice"' in html


# --- take back, deliver again --------------------------------------------------------------------


def test_what_is_taken_back_is_gone_from_readers_and_channels_and_can_come_again(
    signed, chief, settings
):
    issue, reader = signed.issue, Client()
    do("publish", issue, chief)
    work()
    assert post_of(issue).exists()
    do("unpublish", issue, chief, "來源撤稿")
    assert reader.get(f"/{issue.date}/").status_code == 404
    assert "<entry>" not in reader.get("/at/daily/feed.xml").content.decode()
    work()
    assert not post_of(issue).exists()
    assert [(d.action, d.state) for d in publication(issue).deliveries] == [
        ("withdraw", "delivered")
    ]
    do("publish", issue, chief)
    work()
    assert post_of(issue).read_bytes() == bytes(signed.content)
    assert reader.get(f"/{issue.date}/").status_code == 200
    assert [(d.action, d.state) for d in publication(issue).deliveries] == [
        ("publish", "delivered")
    ]
    # Once more: what was withdrawn before is withdrawn again.
    do("unpublish", issue, chief)
    work()
    assert not post_of(issue).exists()


def test_taking_back_and_publishing_before_a_worker_came_leaves_it_published(
    signed, chief, settings
):
    issue = signed.issue
    do("publish", issue, chief)
    work()
    do("unpublish", issue, chief)
    do("publish", issue, chief)
    work()
    work()
    assert post_of(issue).read_bytes() == bytes(signed.content)
    assert ("withdraw", "replaced") in states(issue)


def test_a_channel_that_was_switched_off_since_takes_back_what_it_has(
    signed, desk, chief, settings
):
    issue = signed.issue
    do("publish", issue, chief)
    work()
    Channel.objects.create(desk=desk, name="for-programs", kind="json")
    desk.channels.filter(name="hugo").update(enabled=False)
    do("unpublish", issue, chief)
    assert "Nothing of this issue is out." not in shown(chief, "issue", issue)
    work()
    assert not post_of(issue).exists()
    assert "Nothing of this issue is out." in shown(chief, "issue", issue)
    # It is still switched off for what is to go out, and has nothing to take back twice.
    do("publish", issue, chief)
    work()
    assert not post_of(issue).exists()
    do("unpublish", issue, chief)
    assert not Delivery.objects.filter(channel="hugo", state=Delivery.State.WAITING).exists()


def test_what_was_begun_at_a_channel_and_failed_is_taken_back_there(signed, desk, chief, settings):
    """A post without its page is out, too."""
    issue = signed.issue
    desk.channels.update(config={"build": True})
    settings.HUGO_BUILD = ["false"]
    do("publish", issue, chief)
    work()
    assert post_of(issue).exists()
    desk.channels.update(enabled=False, config={})
    do("unpublish", issue, chief)
    work()
    assert not post_of(issue).exists()


@pytest.mark.parametrize("why", ["mail is sent", "the channel is gone"])
def test_the_page_says_which_channel_keeps_what_was_taken_back(signed, desk, chief, settings, why):
    issue = signed.issue
    Channel.objects.create(desk=desk, name="list", kind="mail", config={"to": ["a@example.org"]})
    if why == "mail is sent":
        desk.channels.filter(name="hugo").delete()
    do("publish", issue, chief)
    work()
    kept = "list"
    if why == "the channel is gone":
        desk.channels.all().delete()
        kept = "hugo, list"
    do("unpublish", issue, chief)
    work()
    found = publication(issue)
    assert (found.state, found.deliveries) == ("withdrawn", [])
    text = shown(chief, "issue", issue)
    assert f"What went to {kept} cannot be taken back from here." in text
    assert "Taken back from readers" in text and "0 channels" not in text
    assert "Nothing of this issue is out." not in text and "signed and not published" not in text


def test_what_is_delivered_again_is_written_again(signed, chief, settings):
    do("publish", signed.issue, chief)
    work()
    post_of(signed.issue).unlink()
    do("republish", signed.issue, chief)
    work()
    assert post_of(signed.issue).read_bytes() == bytes(signed.content)
    assert states(signed.issue) == [("publish", "delivered")]


# --- correct -------------------------------------------------------------------------------------


def test_a_correction_is_an_edition_that_says_what_it_corrects(signed, editor, chief, settings):
    issue, reader = signed.issue, Client()
    do("publish", issue, chief)
    work()
    card = cards_of(issue)[0]
    change(card, editor, summary="改正後的摘要。")
    card.refresh_from_db()
    decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
    with pytest.raises(Refused) as refused:
        do("sign", issue, chief)
    assert "Correction" in refused.value.refusal.sentence
    say_correction(issue, editor, "第一則摘要的數字有誤，已改正。")
    do("sign", issue, chief)
    do("publish", issue, chief)
    work()
    second = issue.editions.get(number=2)
    post = post_of(issue)
    assert post.read_bytes() == bytes(second.content)
    said = hugo.read(post.read_bytes()).front_matter.text("correction")
    assert said == "第一則摘要的數字有誤，已改正。"
    assert said in reader.get(f"/{issue.date}/").content.decode()
    feed = reader.get("/feed.xml").content.decode()
    assert feed.count("<entry>") == 1 and said in feed
    # The next correction needs a note of its own.
    change(card, editor, summary="再改一次的摘要。")
    card.refresh_from_db()
    decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
    with pytest.raises(Refused):
        do("sign", issue, chief)


def test_before_anybody_has_read_it_a_second_signature_needs_no_note(signed, editor, chief):
    card = cards_of(signed.issue)[0]
    change(card, editor, summary="還沒發布，改了。")
    card.refresh_from_db()
    decide("approve", issue_id=signed.issue_id, card_id=card.pk, by=editor, seen=card.hash)
    do("sign", signed.issue, chief)
    assert signed.issue.editions.count() == 2
    assert front_of(signed.issue)["correction"] == ""


def test_the_page_counts_what_is_not_in_the_signed_edition(signed, editor):
    assert publication(signed.issue).changes == 0
    first, second, *_ = cards_of(signed.issue)
    change(first, editor, summary="甲。")
    change(second, editor, summary="乙。", details="丙。")
    assert publication(signed.issue).changes == 3
    html = client_of(editor).get(address("issue", signed.issue)).content.decode()
    assert "3 changes are not in the signed edition" in html


# --- four eyes -----------------------------------------------------------------------------------


def test_at_a_four_eyes_desk_the_insight_is_signed_by_somebody_else(issue, desk, editor, chief):
    desk.four_eyes = True
    desk.save()
    passage = issue.sections.get(kind="insight").passages.first()
    rewrite(passage, chief, "總編輯自己寫的觀點。")
    approve_everything(issue, editor)
    with pytest.raises(Refused) as refused:
        do("sign", issue, chief)
    assert "insight" in refused.value.refusal.sentence
    rewrite(passage, editor, "編輯改寫的觀點。")
    issue.refresh_from_db()
    decide("approve_insight", issue_id=issue.pk, by=chief, seen=issue.insight_hash)
    do("sign", issue, chief)
    assert issue.editions.count() == 1


# --- what the desk says of it --------------------------------------------------------------------


def shown(by, name: str, issue: Issue) -> str:
    """The text of a page about an issue, without its tags."""
    html = client_of(by).get(address(name, issue)).content.decode()
    return " ".join(re.sub(r"<[^>]*>", "", html).split())


def test_one_sentence_says_what_will_happen_and_then_what_did(clock, ready, chief):
    signed = sign(ready, chief)
    hash_ = f"{signed.sha256[:8]}…"
    clock.move_to(HOUR - timedelta(minutes=72))
    text = shown(chief, "issue", ready)
    assert f"Goes out 06:50 Taipei, in 1 h 12 m, edition 1, {hash_}" in text
    assert "signed, goes out 06:50" in text  # beside the counts, which stay in sight
    clock.move_to(HOUR)
    assert f"Edition 1, {hash_}, is going out right now." in shown(chief, "issue", ready)
    work()
    text = shown(chief, "issue", ready)
    assert f"Edition 1, {hash_}, went out 06:50 Taipei. The channel has it." in text
    assert f"{signed.sha256[:12]}… as signed" in text
    clock.shift(timedelta(days=1))
    assert "went out 02-12 06:50 Taipei" in shown(chief, "issue", ready)


def test_a_delivery_is_red_at_its_first_failed_attempt(signed, editor, chief, settings):
    issue, desk = signed.issue, signed.issue.desk
    do("publish", issue, chief)
    publish_due()
    page, alarms = client_of(editor), reverse("alarms", args=[desk.slug])
    queue_page = reverse("queue", args=[desk.slug])
    html = page.get(queue_page).content.decode()
    [asked] = re.findall(rf'hx-get="({alarms}[^"]*)"', html)
    htmx = {"HX-Request": "true"}
    assert page.get(asked, headers=htmx).status_code == 204
    settings.HUGO_TREE = settings.HUGO_TREE / "file"
    settings.HUGO_TREE.parent.mkdir(parents=True, exist_ok=True)
    settings.HUGO_TREE.write_text("in the way")
    work()
    delivery = Delivery.objects.get()
    assert (delivery.attempts, delivery.is_failing) == (1, True) and delivery.error
    # The open queue hears of it, and so does whoever opens it or the issue.
    fragment = page.get(asked, headers=htmx).content.decode()
    sentence = escape(f"has not arrived at hugo yet: {delivery.error}")
    assert sentence in fragment and sentence in page.get(queue_page).content.decode()
    assert "a delivery fails and is tried again" in page.get(queue_page).content.decode()
    assert queue.is_out(queue.issues_of(desk).get()) is False
    html = page.get(address("issue", issue)).content.decode()
    assert 'class="press press--bad"' in html and "0 of 1 channels have it." in html
    settings.HUGO_TREE.unlink()
    Delivery.objects.update(next_attempt_at=timezone.now())
    work()
    assert "has not arrived" not in page.get(queue_page).content.decode()
    assert 'class="press press--good"' in page.get(address("issue", issue)).content.decode()


def test_a_page_that_is_open_hears_that_what_is_signed_is_not_what_stands_there(
    signed, editor, chief
):
    do("publish", signed.issue, chief)
    work()
    page, since = client_of(chief), signed.issue.events.last().pk
    change(cards_of(signed.issue)[0], editor, summary="甲。")
    pulse = page.post(
        address("pulse", signed.issue), {"since": since}, headers={"HX-Request": "true"}
    )
    html = pulse.content.decode()
    assert 'id="press" hx-swap-oob="true"' in html and "1 change not signed" in html


def test_readers_are_told_what_was_taken_back_and_nothing_of_what_never_was_out(signed, chief):
    issue, reader = signed.issue, Client()
    before = reader.get(f"/{issue.date}/", headers={"accept-language": "en"})
    assert before.status_code == 404 and "taken back" not in before.content.decode()
    do("publish", issue, chief)
    work()
    do("unpublish", issue, chief)
    after = reader.get(f"/{issue.date}/", headers={"accept-language": "en"})
    assert after.status_code == 404 and "has been taken back" in after.content.decode()
    assert "Nothing of this issue is out." not in shown(chief, "issue", issue)
    work()
    assert "Nothing of this issue is out." in shown(chief, "issue", issue)
    [day] = [d for week in weeks_of(issue.desk, issue.date) for d in week if d.has_issue]
    assert day.state == "withdrawn"


def test_many_alarms_leave_room_for_the_work(issue, editor):
    for number in range(5):
        raise_alarm(issue.desk, "no_draft", key=f"x{number}", data={"day": f"2026-02-0{number}"})
    html = client_of(editor).get(address("issue", issue)).content.decode()
    assert html.count('class="alarm"') == 5
    assert "2 more alarms" in html and html.count("alarms__more") == 1
