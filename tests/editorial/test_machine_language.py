"""The machine speaks the newsroom's language in what it keeps, and yours in what it tells you."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from digest import alarms, machine
from digest.machine import FAULTS_KEPT
from digest.models import Feed, Run
from editorial.marking import mark
from editorial.models import Comment
from tests.editorial.test_pages import client_of

DAY = date(2026, 2, 12)
NOW = datetime(2026, 2, 12, 1, 0, tzinfo=UTC)
STORY = {
    "title": "北辰科技發布七十億參數的開放權重模型",
    "url": "https://news.example.com/polaris",
    "description": "",
    "published": "2026-02-11T22:00:00Z",
}


@pytest.fixture
def desk(desk):
    desk.sections = ["頭條快訊", "產業動態"]
    desk.save()
    return desk


@pytest.fixture(autouse=True)
def _asked_in_english():
    """Whoever asks for a run, or works on it, may speak another language than the newsroom."""
    with translation.override("en"):
        yield


def drafted(desk, *entries: dict) -> Run:
    """A run from a file with these entries, as far as it comes."""
    content = json.dumps({"晨報": list(entries)}).encode()
    run = machine.begin(desk, DAY, writer="extractive", snapshot=content, now=NOW)
    assert not machine.advance(run.pk)
    run.refresh_from_db()
    return run


def sentences_of(run: Run) -> tuple[list[str], list[str]]:
    """What stands on the cards of a run, and on its page."""
    assert run.state == Run.State.DONE, run.error
    assert mark(run.pk) == 1
    return Comment.objects.get().body.split("\n"), run.faults


def test_marks_and_faults_are_in_the_language_of_the_newsroom(desk):
    marks, faults = sentences_of(drafted(desk, STORY, {"title": "沒有連結的一則"}))
    assert marks == ["沒有文章有可引用的內文：卡片只有標題與連結。"]
    assert faults == [
        "晨報：只有標題，沒有內文：2 則中有 1 則，第一則是「北辰科技發布七十億參數的開放權重模型」",
        "晨報：沒有連結，已略去：2 則中有 1 則，第一則是「沒有連結的一則」",
    ]
    assert translation.get_language() == "en"  # the caller's own is as it was


def test_an_english_newsroom_is_spoken_to_in_english(desk, settings):
    settings.LANGUAGE_CODE = "en"
    with translation.override("zh-hant"):
        marks, faults = sentences_of(drafted(desk, STORY, {"title": "沒有連結的一則"}))
    assert marks == [
        "No article has text that could be quoted: the card has its headline and links only."
    ]
    assert faults[1] == "晨報: without a link, left out: 1 of 2 entries, the first “沒有連結的一則”"


def test_why_a_run_failed_is_said_in_the_language_of_the_newsroom(desk):
    run = drafted(desk, {"title": "沒有連結的一則"})
    assert run.state == Run.State.FAILED
    assert run.error == "沒有收到文章：沒有來源提供近幾小時的文章"
    assert desk.alarms.get().data["reason"] == run.error


def test_a_file_that_cannot_be_read_is_named_with_the_reason(desk):
    run = machine.begin(desk, DAY, snapshot=b"[]]", snapshot_name="feeds.json", now=NOW)
    machine.advance(run.pk)
    run.refresh_from_db()
    assert run.error == "feeds.json：不是快照，也不是一行一筆的 JSON"


def test_a_day_that_cannot_be_begun_alarms_in_the_language_of_the_newsroom(desk):
    Feed.objects.create(desk=desk, name="晨報", url="https://news.example.com/feed")
    desk.sections, desk.drafts_at = [], "00:00"
    desk.save()
    assert machine.begin_due(NOW) == []
    alarm = desk.alarms.get()
    assert alarm.data["reason"] == "編輯台沒有設定單元；主題要有單元可放"
    assert alarms.sentence_of(alarm).endswith(alarm.data["reason"])


@pytest.mark.parametrize(
    ("speaks", "said"),
    [
        ("zh-TW", "機器無法開始：編輯台沒有啟用的來源。"),
        ("en", "The machine could not begin: the desk has no feed that is switched on."),
    ],
)
def test_why_nothing_was_begun_is_said_in_the_language_of_whoever_asks(desk, editor, speaks, said):
    client = Client(headers={"accept-language": speaks})
    client.force_login(editor.user)
    page = client.post(f"/desk/{desk.slug}/machine/draft/", follow=True).content.decode()
    assert said in page


def test_a_run_that_kept_not_all_remarks_says_so(desk, editor):
    page = client_of(editor)
    for kept in (FAULTS_KEPT - 1, FAULTS_KEPT):
        faults = [f"remark {n}" for n in range(kept)]
        run = Run.objects.create(
            desk=desk, day=desk.today(), writer="extractive", state="done", faults=faults
        )
        html = page.get(reverse("run", args=[desk.slug, run.pk])).content.decode()
        assert f"remark {kept - 1}" in html
        assert ("There were more" in html) == (kept == FAULTS_KEPT)
