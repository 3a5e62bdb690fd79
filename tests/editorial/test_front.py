"""The front matter that people edit, and the day page that shows it and how far the issue is."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from digest import hugo
from digest.models import Event, Suggestion
from editorial import queue
from editorial.editing import answer_suggestion, hash_of, suggested_over
from tests.conftest import approve_everything, cards_of, land
from tests.editorial.test_pages import BACKEND, Forms, address, client_of
from tests.editorial.work import change, change_issue, front_of, make, proof_in


@pytest.fixture
def page(editor) -> Client:
    return client_of(editor)


def form_at(page: Client, issue) -> dict[str, str]:
    """The form as the page draws it."""
    response = page.get(address("front_matter", issue))
    assert response.status_code == 200
    forms = Forms(response.content.decode()).forms
    return next(form["fields"] for form in forms if "base-title" in form["fields"])


def test_an_untouched_form_changes_nothing(page, issue):
    before, events = proof_in(issue), Event.objects.count()
    assert page.post(address("front_matter", issue), form_at(page, issue)).status_code == 303
    assert (proof_in(issue), Event.objects.count()) == (before, events)


def test_an_untouched_form_keeps_the_line_breaks_of_a_machine(page, desk, sample):
    """An input of one line sends none of them back."""
    lines = sample.decode().split("\n")
    told = ["description: |-\n  一行\n  二行" if "description:" in each else each for each in lines]
    issue = land(desk, "\n".join(told).encode())
    assert front_of(issue)["description"] == "一行\n二行"
    sent = {name: text.replace("\n", "") for name, text in form_at(page, issue).items()}
    sent["tags"] = "\n".join(front_of(issue)["tags"])
    assert page.post(address("front_matter", issue), sent).status_code == 303
    assert not Event.objects.filter(verb="issue.edit").exists()


def test_what_is_typed_goes_into_the_file_and_onto_the_day_page(page, issue):
    sent = {
        "title": "新標題：「測試」 # 1",
        "description": "一句話。",
        "summary": "摘要 & 更多",
        "correction": "更正：日期有誤。",
        "tags": " 晶片\r\n\r\nopen weights\r\nc: d ",
    }
    response = page.post(address("front_matter", issue), form_at(page, issue) | sent)
    assert (response.status_code, response["Location"]) == (303, address("issue", issue) + "#front")
    tags = ["晶片", "open weights", "c: d"]
    assert front_of(issue) == sent | {"tags": tags}
    read = hugo.read(proof_in(issue)).front_matter
    assert [read.text(key) for key in ("title", "description", "summary")] == [
        sent["title"], sent["description"], sent["summary"]]  # fmt: skip
    assert list(read.tags) == tags
    assert [e.field for e in Event.objects.filter(verb="issue.edit")] == list(sent)
    html = unescape(page.get(address("issue", issue)).content.decode())
    shown = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", html, re.DOTALL))
    assert shown["Title"] == sent["title"]
    assert shown["Tags"] == "\n".join(tags)


def test_what_the_machine_wrote_is_shown_beside_what_people_made_of_it(page, issue, editor):
    wrote = front_of(issue)
    assert "What the machine wrote" not in page.get(address("front_matter", issue)).content.decode()
    change_issue(issue, editor, title="新標題", tags=["晶片"])
    html = page.get(address("front_matter", issue)).content.decode()
    beside = [unescape(text) for text in re.findall(r"<pre>(.*?)</pre>", html, re.DOTALL)]
    assert beside == [wrote["title"], "\n".join(wrote["tags"])]


def test_the_form_of_the_day_page_saves_each_field_at_its_own_address(page, issue):
    response = page.get(address("front_matter", issue), headers={"HX-Request": "true"})
    html = response.content.decode()
    assert "<html" not in html
    actions = [form["action"] for form in Forms(html).forms]
    names = ("title", "description", "summary", "correction", "tags")
    assert actions == [address("front_field", issue, name) for name in names]


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("title", "", "An issue needs a title."),
        ("title", "長" * 501, "At most 500 characters."),
        ("summary", "長" * 20_001, "At most 20000 characters."),
        ("description", "a\x00b", ""),
        ("tags", "好\n" + "長" * 501, "At most 500 characters."),
    ],
)
def test_what_cannot_be_kept_is_refused_and_stays_in_the_form(field, text, sentence, page, issue):
    before = proof_in(issue)
    sent = form_at(page, issue) | {field: text, "description": "好的。"} | {field: text}
    response = page.post(address("front_matter", issue), sent)
    html = response.content.decode()
    assert response.status_code == 422
    assert f'id="error-{field}"' in html and sentence in html
    kept = next(f["fields"] for f in Forms(html).forms if "base-title" in f["fields"])
    assert kept[field] == text
    assert proof_in(issue) == before


def test_a_character_that_cannot_be_kept_is_refused_in_the_editors_language(editor, issue):
    page = Client(headers={"accept-language": "zh-TW"})
    page.force_login(editor.user, backend=BACKEND)
    sent = {"value": "第一\x07行", "base": hash_of(front_of(issue)["description"])}
    refused = page.post(address("front_field", issue, "description"), sent)
    assert refused.json() == {"errors": ["第 3 個字元（U+0007）無法保存。"]}


def test_a_collision_shows_both_and_saves_neither(page, issue, colleague):
    mine = form_at(page, issue) | {"title": "我的", "summary": "我的摘要"}
    base = front_of(issue)["title"]
    change_issue(issue, colleague, title="他的")
    response = page.post(address("front_matter", issue), mine)
    html = response.content.decode()
    assert response.status_code == 409
    assert all(text in unescape(html) for text in (base, "我的", "他的", "我的摘要"))
    assert (front_of(issue)["title"], front_of(issue)["summary"]) != ("他的", "我的摘要")
    again = next(f["fields"] for f in Forms(html).forms if "base-title" in f["fields"])
    assert page.post(address("front_matter", issue), again).status_code == 303
    assert (front_of(issue)["title"], front_of(issue)["summary"]) == ("我的", "我的摘要")


def test_a_collision_over_a_key_nobody_had_written_keeps_both(page, desk, sample, colleague):
    lines = sample.decode().split("\n")
    bare = land(desk, "\n".join(each for each in lines if "description:" not in each).encode())
    assert front_of(bare)["description"] == ""
    change_issue(bare, colleague, description="他的說明。")
    sent = {"value": "我的描述！", "base": hash_of("")}
    where = address("front_field", bare, "description")
    collided = page.post(where, sent, headers={"HX-Request": "true"})
    assert collided.status_code == 409
    assert all(text in collided.json()["merged"] for text in ("他的說明", "我的描述"))


def test_a_collision_with_a_later_draft_starts_from_what_the_page_showed(page, issue, desk, sample):
    shown = front_of(issue)["title"]
    land(desk, sample.replace(b'2026/02/12"', b'2026/02/12 (2)"', 1))
    sent = {"value": f"我的：{shown}", "base": hash_of(shown)}
    where = address("front_field", issue, "title")
    collided = page.post(where, sent, headers={"HX-Request": "true"})
    assert collided.status_code == 409
    assert collided.json()["merged"] == f"我的：{shown} (2)"


def test_two_people_on_different_keys_do_not_meet(page, issue, colleague):
    mine = form_at(page, issue) | {"summary": "我的摘要"}
    change_issue(issue, colleague, title="他的", tags=["他的"])
    assert page.post(address("front_matter", issue), mine).status_code == 303
    found = front_of(issue)
    assert (found["title"], found["summary"], found["tags"]) == ("他的", "我的摘要", ["他的"])


def test_a_later_draft_leaves_what_people_wrote_and_suggests_its_own(
    page, issue, editor, desk, sample
):
    change_issue(issue, editor, title="由人改寫", tags=["晶片"])
    before = proof_in(issue)
    land(desk, sample.replace(b'2026/02/12"', b'2026/02/12 (2)"', 1))
    assert proof_in(issue) == before
    suggestion = Suggestion.objects.get(state=Suggestion.State.OPEN)
    assert (suggestion.field, suggestion.card) == ("front_matter", None)
    seen = hash_of(suggested_over(suggestion))
    answer_suggestion(suggestion_id=suggestion.pk, take=True, by=editor, seen=seen)
    assert front_of(issue)["title"].endswith("(2)")
    assert front_of(issue)["tags"] == list(hugo.read(sample).front_matter.tags)
    # What is typed over it starts from it.
    sent = form_at(page, issue) | {"title": "又改"}
    assert page.post(address("front_matter", issue), sent).status_code == 303
    assert front_of(issue)["title"] == "又改"


def test_a_later_draft_reaches_a_front_matter_nobody_touched(page, issue, desk, sample):
    form = form_at(page, issue)
    land(desk, sample.replace(b'2026/02/12"', b'2026/02/12 (2)"', 1))
    assert front_of(issue)["title"].endswith("(2)")
    # And whoever had the form open is told.
    response = page.post(address("front_matter", issue), form | {"title": "我的"})
    assert response.status_code == 409


def test_the_front_matter_is_in_no_approval_but_in_every_signature(page, ready, chief):
    from tests.conftest import sign

    edition = sign(ready, chief)
    page.post(address("front_matter", ready), form_at(page, ready) | {"title": "新標題"})
    case = queue.case_of_issue(ready.pk)
    assert case.readiness.is_ready
    assert not case.is_signed_as_it_stands
    assert "新標題".encode() in case.proof.content
    assert "新標題".encode() not in bytes(edition.content)


# --- how far the issue is ------------------------------------------------------------------------


def counts(html: str) -> list[str]:
    readiness = re.search(r'id="readiness".*?</ul>', html, re.DOTALL)[0]
    shown = re.findall(r"<li(?![^>]* hidden)[^>]*>(.*?)</li>", readiness)
    return [re.sub(r"</?b>", "", each) for each in shown]


def test_the_day_page_says_how_far_the_issue_is(page, issue, editor, colleague):
    def shown() -> list[str]:
        return counts(page.get(address("issue", issue)).content.decode())

    first, second, third = cards_of(issue)[:3]
    assert shown() == ["0 approved", "18 waiting", "insight waiting"]
    make("approve", issue, editor, first)
    change(second, colleague, summary="改過。")
    make("drop", issue, editor, third)
    assert shown() == ["1 approved", "1 edited", "16 waiting", "1 dropped", "insight waiting"]
    change(first, colleague, summary="改過。")
    # Whoever approved it has seen it, and it is another text now.
    assert shown() == [
        *("0 approved", "2 edited", "17 waiting", "1 dropped", "insight waiting"),
        "1 changed since you looked",
    ]
    approve_everything(issue, editor)
    assert shown() == ["17 approved", "2 edited", "1 dropped", "insight approved"]
    html = page.get(address("issue", issue)).content.decode()
    assert 'class="button button--main" id="to-sign"' in html
