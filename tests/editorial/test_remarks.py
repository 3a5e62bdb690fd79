"""What the machine says of the whole issue reaches whoever reviews and signs it."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from digest.models import Issue, Run
from tests.conftest import approve_everything, land
from tests.editorial.test_pages import BACKEND, address, client_of

pytestmark = pytest.mark.usefixtures("english")

INVENTED = "The insight names what is in no card: <Polaris Corp>."


@pytest.fixture
def run(issue) -> Run:
    return drafted(issue, INVENTED, "“工具與資源” has none of 3 topics.")


def drafted(issue: Issue, *flags: str, **columns) -> Run:
    """A run whose draft is the issue's last one."""
    told = {"state": "done", "draft": issue.drafts.order_by("pk").last()} | columns
    return issue.desk.runs.create(day=issue.date, writer="extractive", flags=[*flags], **told)


def remarks_at(client: Client, url: str, **headers: str) -> list[str]:
    """The notices on a page that hold what the machine says of the issue."""
    html = client.get(url, headers=headers).content.decode()
    return re.findall(r'<details class="notice remarks.*?</details>', html, re.DOTALL)


PLACES = ("issue", "insight", "sign")


@pytest.mark.parametrize("place", PLACES)
def test_whoever_reviews_reads_the_remarks_and_finds_the_run(place, run, issue, chief):
    [notice] = remarks_at(client_of(chief), address(place, issue))
    assert "2 remarks" in notice
    assert "&lt;Polaris Corp&gt;" in notice
    assert "has none of 3 topics." in notice
    assert f'href="{reverse("run", args=[issue.desk.slug, run.pk])}"' in notice


def test_the_dialog_of_the_signature_shows_them_open(run, issue, chief):
    [notice] = remarks_at(client_of(chief), address("sign", issue), **{"HX-Request": "true"})
    assert notice.startswith('<details class="notice remarks" open>')


def test_they_stand_beside_the_insight_and_open_until_it_is_approved(run, issue, editor):
    page = client_of(editor)
    html = page.get(address("issue", issue)).content.decode()
    row, remarks, text = (
        html.index(part) for part in ('id="row-insight"', "notice remarks", 'id="body-insight"')
    )
    assert row < remarks < text
    assert remarks_at(page, address("issue", issue))[0].startswith(
        '<details class="notice remarks" open>'
    )
    approve_everything(issue, editor)
    assert remarks_at(page, address("issue", issue))[0].startswith(
        '<details class="notice remarks">'
    )


def test_an_issue_without_an_insight_has_them_above_its_sections(desk, sample, editor):
    before, _heading, _after = sample.partition("## 編輯洞察".encode())
    bare = land(desk, before)
    assert not bare.insight_hash
    drafted(bare, "a remark")
    html = client_of(editor).get(address("issue", bare)).content.decode()
    assert html.count("notice remarks") == 1
    assert html.index("notice remarks") < html.index("data-section=")


def test_it_is_the_last_run_that_landed_a_draft_of_this_very_issue(
    run, issue, desk, sample, editor
):
    other = land(desk, sample.replace(b"2026-02-12", b"2026-02-13"))
    drafted(other, "of another day")
    drafted(issue, "of a run that failed", state="failed")
    drafted(issue, "of a run without a draft", draft=None)
    page = client_of(editor)
    assert "Polaris" in remarks_at(page, address("issue", issue))[0]
    drafted(issue, "of the later run")
    [notice] = remarks_at(page, address("issue", issue))
    assert "of the later run" in notice
    assert "1 remark" in notice
    assert "Polaris" not in notice
    drafted(issue)  # and this one has nothing to say
    assert remarks_at(page, address("issue", issue)) == []


@pytest.mark.parametrize("place", [*PLACES, "reading"])
def test_where_no_run_was_nothing_is_said(place, issue, chief):
    assert remarks_at(client_of(chief), address(place, issue)) == []


def test_the_reading_list_has_none(run, issue, editor):
    assert remarks_at(client_of(editor), address("reading", issue)) == []


def test_they_are_announced_in_the_language_of_whoever_reads(run, issue, editor):
    client = Client(headers={"accept-language": "zh-TW"})
    client.force_login(editor.user, backend=BACKEND)
    [notice] = remarks_at(client, address("issue", issue))
    assert "機器對整期有 2 則備註" in notice
