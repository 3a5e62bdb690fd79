"""Saving one field as it is typed: what is answered, what collides, and what is never kept."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from digest import rendering, rows
from digest.models import Card, Event, Issue, Passage
from editorial.editing import field_values, front_values, hash_of
from editorial.forms import CARD_KINDS
from tests.conftest import approve_everything, cards_of, land
from tests.editorial.test_pages import Forms, address, client_of, versions
from tests.editorial.work import change

ASKS = {"HX-Request": "true"}


@pytest.fixture
def page(editor) -> Client:
    return client_of(editor)


@pytest.fixture
def theirs(colleague) -> Client:
    return client_of(colleague)


@pytest.fixture
def card(issue) -> Card:
    return cards_of(issue)[0]


def values_of(card: Card) -> dict:
    return field_values(Card.objects.whole().get(pk=card.pk))


def save(page: Client, where: str, value: str, base) -> tuple[int, dict]:
    """Send what somebody typed over the value that they had before their eyes."""
    sent = {"value": value, "base": hash_of(base)}
    response = page.post(where, sent, headers=ASKS)
    return response.status_code, response.json()


def field_at(card: Card, field: str) -> str:
    return address("card_field", card.section.issue, card.pk, field)


# --- what is answered ----------------------------------------------------------------------------

NEW: dict[str, str] = {
    "headline": "新的標題",
    "summary": "新的摘要。",
    "details": "- 新的一點。",
    "applications": "新的應用。",
    "entities": "台積電\nvLLM",
    "importance": "低",
    "importance_note": "新的理由",
    "sources": "[公告](https://example.org/a)",
    "rest": "多一段。",
}


@pytest.mark.parametrize("field", CARD_KINDS)
def test_a_saved_field_is_kept_and_the_next_save_starts_from_it(field, page, card, editor):
    before = values_of(card)
    status, answer = save(page, field_at(card, field), NEW[field], before[field])
    after = values_of(card)
    assert status == 200
    assert after == before | {field: CARD_KINDS[field].from_text(NEW[field])} != before
    assert answer["base"] == hash_of(after[field])
    assert answer["before"] == card.hash
    assert answer["hash"] == Card.objects.get(pk=card.pk).hash != card.hash
    [event] = Event.objects.filter(verb="card.edit")
    assert (event.card, event.field, event.actor) == (card, field, editor.user)
    assert (event.before, event.after) == (before[field], after[field])
    # From the answer alone one goes on typing.
    sent = {"value": CARD_KINDS[field].to_text(before[field]), "base": answer["base"]}
    again = page.post(field_at(card, field), sent, headers=ASKS)
    assert (again.status_code, again.json()["hash"]) == (200, card.hash)


def test_the_answer_brings_the_row_the_text_and_what_undo_takes_back(page, ready):
    card = cards_of(ready)[0]
    parts = save(page, field_at(card, "summary"), "改過的摘要。", card.summary)[1]["parts"]
    present = Card.objects.get(pk=card.pk).hash
    for part in (f"row-{card.pk}", f"acts-{card.pk}", f"body-{card.pk}", "undo-place"):
        assert f'id="{part}"' in parts
    assert "改過的摘要。" in parts
    assert f'data-state="waiting" data-hash="{present}"' in parts
    assert "data-edited" in parts and 'id="readiness"' not in parts  # the page counts its rows
    assert f'id="row-{cards_of(ready)[1].pk}"' not in parts
    assert Forms(parts).buttons["undo"]["value"] == str(Event.objects.last().pk)


def test_what_is_there_already_is_no_change_and_no_event(page, ready):
    card = cards_of(ready)[0]
    events = Event.objects.count()
    status, answer = save(page, field_at(card, "summary"), card.summary, card.summary)
    assert (status, "parts" in answer) == (200, False)
    assert answer["before"] == answer["hash"] == card.hash
    # Also for somebody who has not seen it: both have typed the same.
    status, answer = save(page, field_at(card, "summary"), card.summary, "沒看過的")
    assert (status, answer["base"]) == (200, hash_of(card.summary))
    assert Event.objects.count() == events
    assert card.approvals.valid().filter(hash=Card.objects.get(pk=card.pk).hash).exists()


@pytest.mark.parametrize(
    "text", ["\n\n開頭空行", "結尾空白  ", "一行\n\n\n兩行", "\t縮排", "　全形", "結尾換行\n"]
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_typed_text_is_kept_to_the_letter(text, ends, page, card):
    status, answer = save(page, field_at(card, "summary"), text.replace("\n", ends), card.summary)
    assert (status, answer.get("base")) == (200, hash_of(text))
    assert values_of(card)["summary"] == text


def test_lists_and_ratings_are_typed_as_text_and_emptied_again(page, card):
    for field, typed, value in (
        ("entities", " 台積電 \r\n\r\nvLLM\r\n", ["台積電", "vLLM"]),
        ("entities", "", []),
        ("importance", "低", "低"),
        ("importance", "", None),
        ("sources", "https://example.org/x", [{"title": "https://example.org/x"} | {
            "url": "https://example.org/x"}]),
        ("sources", "", []),
    ):  # fmt: skip
        status, answer = save(page, field_at(card, field), typed, values_of(card)[field])
        assert (status, answer["base"]) == (200, hash_of(value))
        assert values_of(card)[field] == value


# --- two people ----------------------------------------------------------------------------------


def test_two_people_on_different_fields_both_keep_theirs(page, theirs, card):
    seen = values_of(card)
    assert save(theirs, field_at(card, "details"), "- 他的。", seen["details"])[0] == 200
    assert save(page, field_at(card, "summary"), "我的。", seen["summary"])[0] == 200
    assert values_of(card) == seen | {"details": "- 他的。", "summary": "我的。"}


def test_a_collision_answers_with_all_versions_and_changes_nothing(page, theirs, card):
    base = "甲公司發表模型，乙公司跟進。"
    save(page, field_at(card, "summary"), base, card.summary)
    save(theirs, field_at(card, "summary"), "甲公司發表模型，乙公司跟進了。", base)
    events = Event.objects.count()
    status, answer = save(page, field_at(card, "summary"), "丙公司發表模型，乙公司跟進。", base)
    assert status == 409
    mine, other = "丙公司發表模型，乙公司跟進。", "甲公司發表模型，乙公司跟進了。"
    assert (answer["mine"], answer["theirs"]) == (mine, other)
    assert answer["merged"] == "丙公司發表模型，乙公司跟進了。"
    started, *shown = versions(answer["collision"])
    assert started == (base, base)
    assert shown == [(base, mine), (base, other), (other, answer["merged"])]
    assert values_of(card)["summary"] == other
    assert Event.objects.count() == events
    # Whoever has seen theirs may keep mine: the answer is what the next save starts from.
    sent = {"value": mine, "base": answer["base"]}
    assert page.post(field_at(card, "summary"), sent, headers=ASKS).status_code == 200
    assert values_of(card)["summary"] == mine


def test_where_both_changed_the_same_words_both_stand_in_brackets(page, theirs, card):
    base = card.summary
    save(theirs, field_at(card, "summary"), "他的說法。", base)
    merged = save(page, field_at(card, "summary"), "我的講法！", base)[1]["merged"]
    assert all(part in merged for part in ("我", "講法", "他", "說法"))
    assert "mine:" in merged and "theirs:" in merged


def test_a_base_nobody_ever_saw_is_a_collision_not_an_overwrite(page, card):
    status, answer = save(page, field_at(card, "summary"), "我的。", "從來沒有過")
    assert (status, answer["theirs"]) == (409, card.summary)
    assert (
        page.post(field_at(card, "summary"), {"value": "我的。"}, headers=ASKS).status_code == 409
    )
    assert values_of(card)["summary"] == card.summary


def test_where_nobody_knows_the_base_both_texts_stand_in_what_is_offered(page, card):
    merged = save(page, field_at(card, "importance_note"), "我的。", "從來沒有過")[1]["merged"]
    assert merged == "我的。"  # nobody wrote one yet
    merged = save(page, field_at(card, "summary"), "我的。", "從來沒有過")[1]["merged"]
    assert card.summary in merged and "我的。" in merged


def test_a_request_without_a_value_empties_nothing(page, issue, card):
    passage = Passage.objects.filter(section__kind="insight").first()
    for where, present in (
        (field_at(card, "summary"), card.summary),
        (address("passage_field", issue, passage.pk, "body"), passage.body),
        (address("front_field", issue, "description"), front_values(issue)["description"]),
    ):
        sent = page.post(where, {"base": hash_of(present)}, headers=ASKS)
        assert sent.status_code == 422
    assert not Event.objects.filter(verb__endswith=".edit").exists()


def test_lists_collide_as_the_text_they_are_typed_as(page, theirs, card):
    seen = values_of(card)["entities"]
    save(theirs, field_at(card, "entities"), "\n".join([*seen, "他加的"]), seen)
    status, answer = save(page, field_at(card, "entities"), "\n".join(["我加的", *seen]), seen)
    assert status == 409
    assert answer["merged"].split("\n") == ["我加的", *seen, "他加的"]


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("headline", " ", "A card needs a headline."),
        ("headline", "兩\n行", "single line"),
        ("headline", "字" * 501, "At most 500 characters."),
        ("summary", "好的\n### 偷渡一張卡", ""),
        ("summary", "a\x00b", ""),
        ("importance", "很高", ""),
        ("sources", "不是連結", "Line 1 is not a link."),
        ("sources", "[惡意](javascript:alert(1))", "A link starts with http://"),
        ("entities", "\n".join(map(str, range(101))), "At most 100 entries."),
    ],
)
def test_what_cannot_be_kept_is_refused_with_sentences(field, text, sentence, page, card):
    events = Event.objects.count()
    status, answer = save(page, field_at(card, field), text, values_of(card)[field])
    assert status == 422
    assert answer["errors"] and all(answer["errors"])
    assert sentence in " ".join(answer["errors"])
    assert Card.objects.get(pk=card.pk).hash == card.hash
    assert Event.objects.count() == events


def test_only_fields_that_people_change_are_found(page, issue, card, desk, sample, other_desk):
    other = land(desk, sample.replace(b"2026-02-12", b"2026-02-13"))
    foreign = land(other_desk, sample)
    passage = Passage.objects.filter(section__issue=other).first()
    for where in (
        *(address("card_field", issue, card.pk, name) for name in ("hash", "dropped", "layout")),
        address("card_field", issue, cards_of(other)[0].pk, "summary"),
        address("card_field", issue, cards_of(foreign)[0].pk, "summary"),
        address("card_field", foreign, cards_of(foreign)[0].pk, "summary"),
        address("passage_field", issue, passage.pk, "body"),
        address("passage_field", other, passage.pk, "kind"),
        address("front_field", issue, "date"),
        address("front_field", foreign, "title"),
    ):
        response = page.post(where, {"value": "x", "base": hash_of("x")}, headers=ASKS)
        assert response.status_code == 404, where
    assert not Event.objects.filter(verb__contains=".edit").exists()


def test_a_role_taken_away_while_one_types_is_answered_in_a_sentence(page, card, editor, chief):
    from editorial import editing

    # The page was let in; the role goes before the lock.
    def late(**asked):
        editor.delete()
        return now(**asked)

    now = editing.save_card
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("editorial.editing.save_card", late)
        status, answer = save(page, field_at(card, "summary"), "我的。", card.summary)
    assert (status, answer["errors"]) == (403, ["Your role at this desk does not allow this."])
    assert values_of(card)["summary"] == card.summary


# --- passages and front matter -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["insight", "reading"])
def test_a_passage_is_saved_field_by_field(kind, page, theirs, ready):
    passage = Passage.objects.filter(section__issue=ready, section__kind=kind).last()
    before = Issue.objects.get(pk=ready.pk).insight_hash
    where = address("passage_field", ready, passage.pk, "body")
    status, answer = save(page, where, "改寫。\r\n兩行", passage.body)
    assert (status, answer["base"]) == (200, hash_of("改寫。\n兩行"))
    [event] = Event.objects.filter(verb=f"{kind}.edit")
    assert (event.before, event.after) == (passage.body, "改寫。\n兩行")
    assert (Issue.objects.get(pk=ready.pk).insight_hash != before) is (kind == "insight")
    state = re.search(r'id="row-insight"[^>]*data-state="(\w+)"', answer["parts"])[1]
    assert state == ("waiting" if kind == "insight" else "approved")
    status, collided = save(theirs, where, "他的。", passage.body)
    assert (status, collided["theirs"], collided["base"]) == (409, "改寫。\n兩行", answer["base"])
    assert versions(collided["collision"])[0] == (passage.body, passage.body)
    status, again = save(page, where, "改寫。\n兩行", "改寫。\n兩行")
    present = Issue.objects.get(pk=ready.pk).insight_hash
    assert (status, again) == (200, {"base": answer["base"], "before": present, "hash": present})
    status, refused = save(page, where, "## 新欄目", "改寫。\n兩行")
    assert (status, bool(refused["errors"])) == (422, True)
    assert Event.objects.filter(verb=f"{kind}.edit").count() == 1


def test_the_front_matter_is_saved_field_by_field(page, theirs, issue):
    before = front_values(issue)
    for field, typed, value in (
        ("title", "新標題", "新標題"),
        ("summary", "兩行\r\n摘要", "兩行\n摘要"),
        ("tags", "晶片\r\n評測", ["晶片", "評測"]),
    ):
        where = address("front_field", issue, field)
        status, answer = save(page, where, typed, before[field])
        assert (status, answer["base"]) == (200, hash_of(value))
        assert front_values(Issue.objects.get(pk=issue.pk))[field] == value
        status, answer = save(theirs, where, "他的", before[field])
        assert (status, answer["base"]) == (409, hash_of(value))
        assert versions(answer["collision"])[0][0] == (
            "\n".join(before[field]) if field == "tags" else before[field]
        )
    assert [e.field for e in Event.objects.filter(verb="issue.edit")] == [
        "title",
        "summary",
        "tags",
    ]


# --- ratings -------------------------------------------------------------------------------------


def rated(page: Client, card: Card, rate: str):
    where = address("rate_card", card.section.issue, card.pk)
    return page.post(where, {"rate": rate}, headers=ASKS)


def test_a_rating_is_given_over_the_one_that_was_shown(page, theirs, ready):
    card = next(card for card in cards_of(ready) if card.importance == 5)
    response = rated(page, card, "2.5")
    assert response.status_code == 200
    after = Card.objects.get(pk=card.pk)
    assert after.importance == 2
    assert (response["Copydesk-Before"], response["Copydesk-After"]) == (card.hash, after.hash)
    html = response.content.decode()
    assert "極高 → 中" in html
    assert Forms(html).buttons[f"rate-{card.pk}-2"]["aria-pressed"] == "true"
    # Somebody who saw 5 has not seen this 2.
    stale = rated(theirs, card, "4.5")
    assert stale.status_code == 409
    assert "rated this card 中" in stale.content.decode()
    assert Forms(stale.content.decode()).buttons[f"rate-{card.pk}-4"]["value"] == "4.2"
    assert Card.objects.get(pk=card.pk).importance == 2
    # Who wants the same has what they want.
    assert rated(theirs, card, "2.5").status_code == 200
    assert Event.objects.filter(verb="card.edit").count() == 1


def test_a_card_without_a_rating_gets_its_first(page, issue, editor):
    card = cards_of(issue)[0]
    change(card, editor, importance=None)
    html = page.get(address("issue", issue)).content.decode()
    where, sent = Forms(html).press(f"rate-{card.pk}-4")
    assert sent["rate"] == "4.0"
    assert page.post(where, sent).status_code == 303
    assert Card.objects.get(pk=card.pk).importance == 4


@pytest.mark.parametrize("rate", ["", "4", "6.0", "0.4", "4.9", "x.y", "４.2", "4.2.1"])
def test_a_rating_no_page_sends_is_refused(rate, page, card):
    assert rated(page, card, rate).status_code == 422
    assert Card.objects.get(pk=card.pk).hash == card.hash


# --- preview -------------------------------------------------------------------------------------


def test_a_rating_that_cannot_be_kept_is_refused_in_a_sentence(page, issue, card):
    # As a card of before a rule of the dialect: it would be read back as another one.
    Card.objects.filter(pk=card.pk).update(summary="**應用場景**：都是標籤")
    shown = card.importance
    sent = {"rate": f"{shown % 5 + 1}.{shown}"}
    for headers in ({}, ASKS):
        rated = page.post(address("rate_card", issue, card.pk), sent, headers=headers)
        assert rated.status_code == 422
        assert "應用場景" in rated.content.decode()


def test_a_preview_is_what_readers_will_see_and_keeps_nothing(page, issue, editor):
    card = cards_of(issue)[0]
    text = "**粗**\r\n\r\n- 一\r\n- [連](https://example.org/)\r\n\r\n`x` <b>生</b>"
    before = json.dumps(values_of(card)), Event.objects.count()
    html = page.post(address("preview", issue), {"value": text}, headers=ASKS).content.decode()
    assert (json.dumps(values_of(card)), Event.objects.count()) == before
    change(card, editor, summary=text.replace("\r\n", "\n"))
    value = rows.card_value(Card.objects.whole().get(pk=card.pk))
    assert str(rendering.view_of_card(value).summary) in html
    assert "notice" in html  # readers' Hugo shows raw HTML otherwise


def test_approvals_of_other_cards_outlive_a_save(page, issue, editor):
    approve_everything(issue, editor)
    first, *others = cards_of(issue)
    save(page, field_at(first, "summary"), "改過。", first.summary)
    html = page.get(address("issue", issue)).content.decode()
    assert html.count('data-state="approved"') == len(others) + 1  # and the insight
    assert reverse("card", args=[issue.desk.slug, issue.date, first.pk]) in html
