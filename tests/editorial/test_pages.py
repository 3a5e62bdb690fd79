"""The desk's pages: what their forms do, and what they say when something cannot be done."""

from __future__ import annotations

import re
from functools import partial
from html import unescape
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from digest import document
from digest.models import Card, Event, HeldCard, Passage, Suggestion
from editorial import bulk, editing, queue
from editorial.decisions import decide
from editorial.editing import field_values, hash_of
from editorial.forms import CARD_KINDS
from tests.conftest import SAMPLE_DAY, cards_of, land, sign

BACKEND = "django.contrib.auth.backends.ModelBackend"


def client_of(member) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(member.user, backend=BACKEND)
    return client


@pytest.fixture
def page(editor) -> Client:
    return client_of(editor)


def address(name: str, issue, *rest) -> str:
    return reverse(name, args=[issue.desk.slug, issue.date, *rest])


def form_of(card: Card) -> dict[str, str]:
    """What a browser would send for a card's form with nothing changed."""
    values = field_values(Card.objects.whole().get(pk=card.pk))
    sent = {}
    for name, kind in CARD_KINDS.items():
        # Browsers send CRLF, whatever stood in the textarea.
        sent[name] = kind.to_text(values[name]).replace("\n", "\r\n")
        sent[f"base-{name}"] = hash_of(values[name])
    return sent


class Forms(HTMLParser):
    """The forms of a page, as a browser would send them untouched, and the buttons by their id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict] = []
        self.buttons: dict[str, dict] = {}
        self.area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "form":
            form = {"id": found.get("id", ""), "action": found.get("action", ""), "fields": {}}
            self.forms.append(form)
        elif tag == "input" and "name" in found and self.forms:
            self.forms[-1]["fields"][found["name"]] = found.get("value", "")
        elif tag == "textarea":
            self.area = found["name"]
            self.forms[-1]["fields"][self.area] = ""
        elif tag == "button" and "formaction" in found:
            self.buttons[found["id"]] = found

    def press(self, button: str) -> tuple[str, dict[str, str]]:
        """Where a browser without JavaScript goes when a button is pressed, and what it sends."""
        pressed = self.buttons[button]
        assert "disabled" not in pressed
        form = next(form for form in self.forms if form["id"] == pressed["form"])
        return pressed["formaction"], form["fields"] | {pressed["name"]: pressed["value"]}

    def handle_data(self, data):
        if self.area:
            self.forms[-1]["fields"][self.area] += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            fields = self.forms[-1]["fields"]
            # A browser drops the line break right behind the opening tag.
            fields[self.area] = fields[self.area].removeprefix("\n")
            self.area = None


def test_an_untouched_form_changes_nothing(page, issue):
    card = cards_of(issue)[0]
    events = Event.objects.count()
    assert page.post(address("card", issue, card.pk), form_of(card)).status_code == 303
    assert Event.objects.count() == events


def test_the_form_the_page_draws_is_the_form_it_takes_back_unchanged(page, issue):
    card = cards_of(issue)[0]
    html = page.get(address("card", issue, card.pk)).content.decode()
    drawn = next(f["fields"] for f in Forms(html).forms if "base-summary" in f["fields"])
    drawn["importance"] = form_of(card)["importance"]  # a select: not read by this parser
    events = Event.objects.count()
    assert page.post(address("card", issue, card.pk), drawn).status_code == 303
    assert Event.objects.count() == events


@pytest.mark.parametrize(
    "text", ["\n\n開頭空行", "結尾空白  ", "一行\n\n\n兩行", "\t縮排", "　全形"]
)
def test_typed_text_is_kept_to_the_letter(text, page, issue):
    card = cards_of(issue)[0]
    sent = form_of(card) | {"summary": text.replace("\n", "\r\n")}
    response = page.post(address("card", issue, card.pk), sent)
    assert response.status_code == 303, response.content.decode()
    card.refresh_from_db()
    assert card.summary == text


def test_a_form_changes_only_the_field_that_was_typed_in(page, issue, colleague):
    card = cards_of(issue)[0]
    mine = form_of(card) | {"summary": "我的摘要。"}
    theirs = form_of(card) | {"details": "- 他的細節。"}
    client_of(colleague).post(address("card", issue, card.pk), theirs)
    assert page.post(address("card", issue, card.pk), mine).status_code == 303
    card.refresh_from_db()
    assert (card.summary, card.details) == ("我的摘要。", "- 他的細節。")


def test_a_collision_shows_base_mine_and_theirs_and_loses_nothing(page, issue, colleague):
    card = cards_of(issue)[0]
    base = card.summary
    mine = form_of(card) | {"summary": "我的摘要。", "headline": "我的標題"}
    client_of(colleague).post(
        address("card", issue, card.pk), form_of(card) | {"summary": "他的摘要。"}
    )
    response = page.post(address("card", issue, card.pk), mine)
    html = response.content.decode()
    assert response.status_code == 409
    assert all(text in html for text in (base[:20], "我的摘要。", "他的摘要。", "我的標題"))
    card.refresh_from_db()
    assert card.summary == "他的摘要。"
    # Saving the page that was shown keeps mine, now knowingly.
    again = next(f["fields"] for f in Forms(html).forms if "base-summary" in f["fields"])
    again["importance"] = mine["importance"]
    assert page.post(address("card", issue, card.pk), again).status_code == 303
    card.refresh_from_db()
    assert (card.summary, card.headline) == ("我的摘要。", "我的標題")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("summary", "好的\n### 偷渡一張卡"),
        ("summary", "**來源**：\n[a](https://example.org/)"),
        ("details", "a\n\n---\n\n### b"),
        ("headline", " "),
        ("headline", "x" * 501),
        ("summary", "字" * 20_001),
        ("summary", "a\x00b"),
        ("importance", "很高"),
        ("sources", "不是連結"),
        ("sources", "[惡意](javascript:alert(1))"),
        ("entities", "a, b"),
    ],
)
def test_text_that_would_not_survive_its_file_is_refused_and_kept_in_the_form(
    field, text, page, issue
):
    card = cards_of(issue)[0]
    sent = form_of(card) | {field: text.replace("\n", "\r\n")}
    response = page.post(address("card", issue, card.pk), sent)
    assert response.status_code == 422
    if field != "importance":  # a select offers only what it has
        shown = next(
            f["fields"]
            for f in Forms(response.content.decode()).forms
            if f"base-{field}" in f["fields"]
        )
        assert shown[field] == text
    assert Card.objects.get(pk=card.pk).hash == card.hash


def test_a_stale_approval_shows_what_changed(page, issue, colleague):
    card = cards_of(issue)[0]
    since = Event.objects.order_by("-pk").first().pk
    client_of(colleague).post(
        address("card", issue, card.pk), form_of(card) | {"summary": "他改過了。"}
    )
    response = page.post(
        address("decide_card", issue, card.pk, "approve"), {"seen": card.hash, "since": since}
    )
    assert response.status_code == 409
    assert versions(response.content.decode()) == [(card.summary, "他改過了。")]


def test_the_issue_page_approves_with_its_own_form(page, issue):
    html = page.get(address("issue", issue)).content.decode()
    card = cards_of(issue)[3]
    action, sent = Forms(html).press(f"approve-{card.pk}")
    assert action == address("decide_card", issue, card.pk, "approve")
    response = page.post(action, sent)
    assert response.status_code == 303
    assert card.approvals.valid().count() == 1


def test_a_card_moves_up_and_down_over_dropped_cards_and_between_sections(page, issue, editor):
    first, second, third, fourth = cards_of(issue)[:4]

    def move(card, to):
        sent = {"to": to, "order": queue.order_of(issue)}
        return page.post(address("move_card", issue, card.pk), sent).status_code

    def heads():
        return [c.pk for c in cards_of(issue)[:4]]

    assert move(third, "up") == 303
    assert heads() == [first.pk, third.pk, second.pk, fourth.pk]
    decide("drop", issue_id=issue.pk, card_id=third.pk, by=editor, seen=third.hash)
    assert move(first, "down") == 303
    assert heads() == [third.pk, second.pk, first.pk, fourth.pk]
    assert move(fourth, "up") == 303  # first of its section: to the end of the one above
    assert Card.objects.get(pk=fourth.pk).section_id == first.section_id
    assert move(fourth, str(fourth.section_id)) == 303
    assert Card.objects.get(pk=fourth.pk).section_id == fourth.section_id
    assert move(fourth, "sideways") == 422
    for section in issue.sections.all():
        positions = list(section.cards.values_list("position", flat=True))
        assert positions == list(range(1, len(positions) + 1))


def test_a_card_that_stands_there_already_is_not_moved(page, issue):
    first, second, *_others = cards_of(issue)
    events = issue.events.count()
    for place in ({"after": str(first.pk)}, {"place": f"after:{first.pk}"}):
        asked = place | {"order": queue.order_of(issue)}
        answer = page.post(address("move_card", issue, second.pk), asked, follow=True)
        assert "It stands there already." in answer.content.decode()
    assert issue.events.count() == events, "there is nothing to take back"


def test_a_move_in_an_order_that_has_changed_is_refused(page, issue):
    first, second = cards_of(issue)[:2]
    sent = {"to": "down", "order": queue.order_of(issue)}
    assert page.post(address("move_card", issue, first.pk), sent).status_code == 303
    order = queue.order_of(issue)
    assert page.post(address("move_card", issue, second.pk), sent).status_code == 409
    assert page.post(address("move_card", issue, second.pk), {"to": "down"}).status_code == 409
    assert queue.order_of(issue) == order


def test_the_page_of_a_card_moves_it_to_another_section_with_its_own_form(page, issue):
    card = cards_of(issue)[0]
    action = address("move_card", issue, card.pk)
    html = page.get(address("card", issue, card.pk)).content.decode()
    sent = next(form["fields"] for form in Forms(html).forms if form["action"] == action)
    target = issue.sections.filter(kind="cards").last()
    assert page.post(action, sent | {"to": target.pk}).status_code == 303
    assert Card.objects.get(pk=card.pk).section == target


def test_a_reordering_unapproves_no_card(page, ready):
    sent = {"to": "up", "order": queue.order_of(ready)}
    page.post(address("move_card", ready, cards_of(ready)[1].pk), sent)
    assert queue.order_of(ready) != sent["order"]
    assert queue.case_of_issue(ready.pk).readiness.is_ready


def test_the_insight_is_edited_passage_by_passage(page, issue):
    passage = Passage.objects.filter(section__issue=issue, section__kind="insight").first()
    name = f"body.{passage.pk}"
    before = issue.insight_hash
    page.post(address("insight", issue), {name: "改寫。", f"base-{name}": hash_of(passage.body)})
    passage.refresh_from_db()
    issue.refresh_from_db()
    assert passage.body == "改寫。"
    assert issue.insight_hash != before
    stale = page.post(address("insight", issue), {name: "又改。", f"base-{name}": hash_of("別的")})
    assert stale.status_code == 409
    assert "又改。" in stale.content.decode()
    bad = page.post(
        address("insight", issue), {name: "## 新欄目", f"base-{name}": hash_of("改寫。")}
    )
    assert bad.status_code == 422
    passage.refresh_from_db()
    assert passage.body == "改寫。"


def test_an_insight_under_two_headings_is_shown_and_approved_as_a_whole(page, desk, sample):
    before, reading, after = sample.decode().partition("## 延伸閱讀")
    more = "## 編輯洞察之二\n\n### 再想一想\n\n第二段洞察。\n\n---\n\n"
    issue = land(desk, f"{before}{more}{reading}{after}".encode())
    shown = page.get(address("issue", issue)).content.decode()
    assert shown.count('id="row-insight"') == shown.count('id="body-insight"') == 1
    assert "第二段洞察。" in shown and "編輯洞察之二" in shown
    asks = {"HX-Request": "true"}
    approve = address("decide_issue", issue, "approve_insight")
    answer = page.post(approve, {"seen": issue.insight_hash}, headers=asks)
    assert answer.status_code == 200 and "第二段洞察。" in answer.content.decode()
    assert queue.case_of_insight(issue).is_approved
    second = Passage.objects.get(title="再想一想")
    sent = {"value": "誰也沒看過。", "base": hash_of("第二段洞察。")}
    where = address("passage_field", issue, second.pk, "body")
    assert page.post(where, sent, headers=asks).status_code == 200
    issue.refresh_from_db()
    assert not queue.case_of_insight(issue).is_approved
    form = page.get(address("insight", issue)).content.decode()
    titles = [p.title for s in issue.sections.filter(kind="insight") for p in s.passages.all()]
    places = [form.index(f'value="{title}"') for title in titles if title]
    assert places == sorted(places)


def test_a_reading_list_under_two_headings_is_one_part_of_the_page(page, desk, sample):
    before, reading, after = sample.decode().partition("## 延伸閱讀")
    more = "## 延伸閱讀之前\n\n### 先讀一篇\n\n另一份清單。\n\n---\n\n"
    issue = land(desk, f"{before}{more}{reading}{after}".encode())
    shown = page.get(address("issue", issue)).content.decode()
    ids = re.findall(r' id="([^"]+)"', shown)
    assert sorted(set(ids)) == sorted(ids)
    assert "另一份清單。" in shown and shown.count("延伸閱讀之前 · 延伸閱讀") == 3
    first, second = (
        Passage.objects.filter(section=section).first()
        for section in issue.sections.filter(kind="reading")
    )
    sent = {"value": "改過的清單。", "base": hash_of(second.body)}
    where = address("passage_field", issue, second.pk, "body")
    parts = page.post(where, sent, headers={"HX-Request": "true"}).json()["parts"]
    assert parts.count('id="body-reading"') == 1
    body = parts[parts.index('id="body-reading"') :]
    assert body.index(first.title) < body.index("改過的清單。")


@pytest.mark.parametrize("kinds", [["cards"], ["cards", "insight"], ["reading", "cards"], []])
def test_an_issue_may_have_no_insight_and_no_reading_list(kinds, page, desk):
    text = (document.Passage(body="一段話。"),)
    parts = {
        "cards": document.Section(title="產業動態", cards=(document.Card(headline="卡"),)),
        "insight": document.Section(kind="insight", title="編輯洞察", passages=text),
        "reading": document.Section(kind="reading", title="延伸閱讀", passages=text),
    }
    whole = document.Document(
        front_matter=document.FrontMatter(values={"title": "早報", "date": "2026-03-02"}),
        sections=tuple(parts[kind] for kind in kinds),
    )
    issue = land(desk, whole.model_dump_json().encode(), media_type="application/json")
    shown = page.get(address("issue", issue))
    assert shown.status_code == 200
    for kind, section in parts.items():
        assert (section.title in shown.content.decode()) is (kind in kinds)
    if "reading" in kinds:
        assert page.get(address("reading", issue)).status_code == 200


def test_editing_the_reading_list_leaves_the_insights_approval_alone(page, ready):
    passage = Passage.objects.filter(section__issue=ready, section__kind="reading").first()
    name = f"body.{passage.pk}"
    sent = {name: f"{passage.body}\n* 多一則。", f"base-{name}": hash_of(passage.body)}
    assert page.post(address("reading", ready), sent).status_code == 303
    assert queue.case_of_issue(ready.pk).insight.is_approved


def test_a_card_that_could_not_be_read_is_shown_repaired_and_counts(page, desk, sample, editor):
    broken = sample.replace("**重要性**：極高".encode(), "**重要性**：非常高".encode(), 1)
    issue = land(desk, broken)
    held = issue.held_cards.get()
    html = page.get(address("issue", issue)).content.decode()
    assert "非常高" in html
    assert not queue.case_of_issue(issue.pk).readiness.is_ready
    section = issue.sections.first()
    again = page.post(
        address("held_card", issue, held.pk), {"text": held.text, "section": section.pk}
    )
    assert again.status_code == 422
    mended = held.text.replace("非常高", "極高")
    done = page.post(
        address("held_card", issue, held.pk), {"text": mended, "section": section.pk, "repair": ""}
    )
    assert done.status_code == 303
    held.refresh_from_db()
    assert held.card.section == section
    twice = page.post(
        address("held_card", issue, held.pk), {"text": mended, "section": section.pk, "repair": ""}
    )
    assert twice.status_code == 409


def test_a_card_that_could_not_be_read_can_be_put_aside(page, desk, sample):
    broken = sample.replace("**重要性**：極高".encode(), "**重要性**：非常高".encode(), 1)
    issue = land(desk, broken)
    page.post(address("held_card", issue, issue.held_cards.get().pk), {"dismiss": ""})
    assert not HeldCard.objects.get().is_open
    assert "非常高" in Event.objects.get(verb="card.dismiss").before


def test_a_later_text_of_the_machine_is_taken_or_left(page, issue, desk, sample):
    card = cards_of(issue)[0]
    page.post(address("card", issue, card.pk), form_of(card) | {"summary": "編輯寫的。"})
    later = sample.replace(card.summary.encode(), "機器後來寫的。".encode())
    land(desk, later)
    suggestion = Suggestion.objects.get()
    assert "機器後來寫的。" in page.get(address("card", issue, card.pk)).content.decode()
    seen = {"take": "", "seen": hash_of("編輯寫的。")}
    page.post(address("suggestion", issue, suggestion.pk), seen)
    card.refresh_from_db()
    assert card.summary == "機器後來寫的。"
    assert page.post(address("suggestion", issue, suggestion.pk), {"take": ""}).status_code == 409


HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "[連結](javascript:alert(1))",
    '<b hx-get="/sign-out/">點我</b>',
    "{{< raw >}}<script>1</script>{{< /raw >}}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_never_run(text, page, issue, chief, client):
    card, *others = cards_of(issue)
    sent = form_of(card) | dict.fromkeys(
        ("headline", "summary", "details", "applications", "importance_note"), text
    )
    assert page.post(address("card", issue, card.pk), sent).status_code == 303
    page.post(
        address("decide_card", issue, card.pk, "approve"),
        {"seen": Card.objects.get(pk=card.pk).hash, "note": text},
    )
    for each in others:
        decide("approve", issue_id=issue.pk, card_id=each.pk, by=chief, seen=each.hash)
    decide("approve_insight", issue_id=issue.pk, by=chief, seen=issue.insight_hash)
    sign(issue, chief)
    issue.published = issue.editions.get()
    issue.save()
    pages = [
        page.get(address("issue", issue)),
        page.get(address("card", issue, card.pk)),
        page.get(address("sign", issue)),
        client.get(reverse("edition", args=[SAMPLE_DAY])),
    ]
    for response in pages:
        assert response.status_code == 200
        assert_harmless(response.content.decode())


class Scanner(HTMLParser):
    """What a page could run: scripts that are not ours, handlers, foreign schemes, htmx in text."""

    found: list[str]

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "script" and not (found.get("src") or "").startswith("/static/"):
            self.found.append(tag)
        if tag == "img" and re.fullmatch(r"/desk/daily/[\d-]+/cover/", found.get("src") or ""):
            return
        if tag in ("img", "iframe", "object", "style", "svg"):
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(name)
            if name in ("href", "src", "action") and re.match(r"\s*(javascript|data)", value or ""):
                self.found.append(value)
            if name.startswith("hx-") and not is_our_htmx(tag, found, name):
                self.found.append(name)


#: The elements that an answer puts in the place of those on the page.
_PART = re.compile(
    r"(?:row|acts|body)-\d+|(?:row|body)-insight|body-(?:reading|front)|issue-title"
    r"|readiness|undo-place|order|since|said|refusal|news|people|alarms|publication|press"
)


def is_our_htmx(tag: str, attrs: dict[str, str | None], name: str) -> bool:
    """Whether an attribute of htmx stands exactly where our own templates put one."""
    if name == "hx-disable":
        places = ("card__body", "typing__preview", "proof paper")
        return tag == "div" and attrs.get("class") in places and attrs[name] is None
    if name == "hx-preserve":
        return tag == "span" and bool(re.fullmatch(r"others-\d+", attrs.get("id") or ""))
    if name == "hx-swap-oob":
        how = "innerHTML" if attrs.get("id") == "said" else "true"
        return attrs[name] == how and bool(_PART.fullmatch(attrs.get("id") or ""))
    if attrs.get("class") in ("find", "news") and tag in ("form", "div"):
        at = re.match(r"/desk/daily/(news/\?|\Z)", attrs.get("hx-get") or "")
        return bool(at) and name in (
            *("hx-get", "hx-trigger", "hx-target", "hx-swap", "hx-push-url", "hx-sync"),
        )
    if attrs.get("id") == "alarms":
        at = re.match(r"/desk/daily/alarms/\?", attrs.get("hx-get") or "")
        return bool(at) and name in ("hx-get", "hx-trigger", "hx-swap")
    if attrs.get("id") == "publication":
        at = re.match(r"/desk/daily/[\d-]+/publication/\?", attrs.get("hx-get") or "")
        return bool(at) and name in ("hx-get", "hx-trigger", "hx-swap")
    if re.fullmatch(r"/desk/daily/[\d-]+/history/", attrs.get("hx-get") or ""):
        return name in ("hx-get", "hx-trigger", "hx-swap")
    here = (tag, attrs.get("hx-post"), attrs.get("hx-target"))
    return here == ("form", "/keys/guided/", "#guide") and name in (
        *("hx-post", "hx-target", "hx-swap"),
    )


def versions(html: str) -> list[tuple[str, str]]:
    """The texts whose difference a page shows, before and after, as plain text."""
    found = []
    for shown in re.findall(r'<div class="difference">(.*?)</div>', html, re.DOTALL):
        before = re.sub(r"<ins>.*?</ins>", "", shown, flags=re.DOTALL)
        after = re.sub(r"<del>.*?</del>", "", shown, flags=re.DOTALL)
        plain = [unescape(re.sub(r"<[^>]*>", "", text)) for text in (before, after)]
        found.append(tuple(text.removesuffix("\n") for text in plain))  # the template's own
    return found


def assert_harmless(html: str) -> None:
    scanner = Scanner()
    scanner.found = []
    scanner.feed(html)
    assert scanner.found == []


def test_a_publication_is_followed_on_the_page_until_it_is_done(page, signed, chief):
    from digest.publishing import deliver, publish_due

    issue = signed.issue
    chief_page = client_of(chief)
    chief_page.post(address("decide_issue", issue, "publish"), {"seen": signed.sha256})
    fragment = page.get(address("publication", issue), headers={"HX-Request": "true"})
    assert "hx-get" in fragment.content.decode()
    for delivery in publish_due():
        deliver(delivery)
    fragment = page.get(address("publication", issue), headers={"HX-Request": "true"})
    html = fragment.content.decode()
    assert "hx-get" not in html and signed.sha256 in html


def test_readers_see_the_signed_edition_and_never_the_working_rows(page, signed, chief, client):
    from digest.publishing import publish_due

    issue = signed.issue
    card = cards_of(issue)[0]
    assert client.get(reverse("edition", args=[issue.date])).status_code == 404
    decide("publish", issue_id=issue.pk, by=chief, seen=signed.sha256)
    page.post(address("card", issue, card.pk), form_of(card) | {"summary": "簽後才改的字。"})
    publish_due()
    html = client.get(reverse("edition", args=[issue.date])).content.decode()
    assert "簽後才改的字。" not in html and card.headline in html
    assert issue.title in client.get(reverse("front")).content.decode()
    assert "not in the signed edition" in page.get(address("issue", issue)).content.decode()


def test_a_draft_that_could_not_be_filed_is_on_the_queue_with_its_reason(page, desk, machine):
    from digest.intake import receive

    content = "這不是一份稿件".encode("big5")
    receipt = receive(desk=desk, content=content, media_type="text/markdown", by=machine.user)
    html = page.get(reverse("queue", args=[desk.slug])).content.decode()
    assert reverse("draft", args=[desk.slug, receipt.draft.pk]) in html
    shown = page.get(reverse("draft", args=[desk.slug, receipt.draft.pk])).content.decode()
    assert "UTF-8" in shown
    payload = page.get(reverse("payload", args=[desk.slug, receipt.draft.pk]))
    assert payload.content == content
    assert payload["Content-Disposition"].startswith("attachment")


def test_nonsense_in_addresses_and_forms_is_answered_in_words(page, issue):
    card = cards_of(issue)[0]
    desk = issue.desk.slug
    assert page.get(f"/desk/{desk}/2026-02-30/").status_code == 404
    assert page.get(f"/desk/{desk}/9999-99-99/").status_code == 404
    assert page.get(f"/desk/{desk}/?page=minus").status_code == 200
    assert page.get(f"/desk/{desk}/?page=9999").status_code == 200
    assert page.get(address("card", issue, 10**17)).status_code == 404
    assert page.post(address("decide_card", issue, card.pk, "explode")).status_code == 404
    assert page.post(address("decide_card", issue, card.pk, "sign")).status_code == 404
    assert page.post(address("decide_issue", issue, "approve")).status_code == 404
    assert page.post(address("decide_card", issue, card.pk, "approve")).status_code == 409
    held = page.post(address("suggestion", issue, 1), {})
    assert held.status_code == 404
    place = f"{address('issue', issue)}cards/{10**30}/"  # more than a database counts to
    for what in ("", "fields/summary/", "rate/", "move/", "approve/", "comments/", "revert/"):
        assert (
            page.post(f"{place}{what}", {"value": "", "rate": "3.2", "to": "up"}).status_code == 404
        )
    form = "application/x-www-form-urlencoded"
    endless = page.post(address("insight", issue), f"body.{'1' * 5000}=x", content_type=form)
    assert endless.status_code == 303


def test_a_person_without_a_desk_is_told_whom_to_ask(db, django_user_model):
    user = django_user_model.objects.create_user("newcomer")
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend=BACKEND)
    response = client.get(reverse("desk"))
    assert response.status_code == 403
    assert "desk_member newcomer editor" in response.content.decode()


def test_what_was_asked_to_go_out_is_not_exchanged_for_a_later_signature(page, signed, chief):
    from digest.publishing import publish_due

    issue = signed.issue
    decide("publish", issue_id=issue.pk, by=chief, seen=signed.sha256)
    passage = Passage.objects.filter(section__issue=issue, section__kind="reading").first()
    sent = {f"body.{passage.pk}": "改了。", f"base-body.{passage.pk}": hash_of(passage.body)}
    page.post(address("reading", issue), sent)
    assert sign(issue, chief).number == 2
    publish_due()
    issue.refresh_from_db()
    assert issue.published == signed


def test_the_front_page_shows_the_title_that_was_signed(signed, chief, desk, sample, client):
    from digest.publishing import publish_due

    decide("publish", issue_id=signed.issue_id, by=chief, seen=signed.sha256)
    publish_due()
    land(desk, sample.replace("推論省下記憶體".encode(), "未經簽署".encode()))
    html = client.get(reverse("front")).content.decode()
    assert signed.title in html and "未經簽署" not in html


def test_a_cover_nobody_saw_is_not_signed(ready, chief, desk):
    from editorial.refusals import Refused

    seen = queue.case_of_issue(ready.pk).proof.seal
    ready.cover = None
    ready.save()
    with pytest.raises(Refused) as refused:
        decide("sign", issue_id=ready.pk, by=chief, seen=seen)
    assert refused.value.refusal.kind == "stale"


def test_the_part_of_the_page_that_renews_itself_cannot_sign(signed, chief):
    client = client_of(chief)
    fragment = client.get(address("publication", signed.issue), headers={"HX-Request": "true"})
    assert 'data-decision="sign"' not in fragment.content.decode()


def test_the_page_is_left_alone_while_nothing_has_changed(page, signed, chief):
    issue = signed.issue
    decide("publish", issue_id=issue.pk, by=chief, seen=signed.sha256)
    html = page.get(address("issue", issue)).content.decode()
    asked = re.search(r'hx-get="([^"]+)"', html)[1].replace("&amp;", "&")
    assert page.get(asked, headers={"HX-Request": "true"}).status_code == 204


def test_a_page_whose_session_has_ended_is_told_so_and_stays(client, signed):
    response = client.get(
        address("publication", signed.issue),
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/desk/daily/"},
    )
    # Whoever types there is asked for the password on the page: nothing replaces what is on it.
    assert (response.status_code, response.content) == (401, b"")
    assert not {"HX-Redirect", "HX-Location", "Location"} & set(response.headers)


def test_what_was_typed_when_the_session_ended_is_shown(client, issue):
    card = cards_of(issue)[0]
    response = client.post(address("card", issue, card.pk), {"summary": "快寫完了。", "seen": "x"})
    assert response.status_code == 401
    assert "快寫完了。" in response.content.decode()


def test_what_only_the_form_carried_is_not_shown_as_typed(client, issue):
    card = cards_of(issue)[0]
    for name, sent in (
        ("move_card", {"order": "3:1,2", "to": "up", "since": "7"}),
        ("rate_card", {"rate": "4.2", "seen": "x"}),
        ("comments", {"body": "好"}),
    ):
        shown = client.post(address(name, issue, card.pk), sent).content.decode()
        assert shown.count("<textarea") == (name == "comments")


def test_what_was_typed_into_a_passage_that_is_gone_is_shown(page, issue):
    passage = Passage.objects.filter(section__issue=issue, section__kind="insight").last()
    name = f"body.{passage.pk}"
    base = hash_of(passage.body)
    passage.delete()
    response = page.post(address("insight", issue), {name: "寫了很久。", f"base-{name}": base})
    assert response.status_code == 409
    assert "寫了很久。" in response.content.decode()


@pytest.mark.parametrize("door", ["insight", "passage_field"])
def test_a_passage_that_goes_in_this_very_moment_is_missed_in_words(door, page, issue, monkeypatch):
    passage = Passage.objects.filter(section__issue=issue, section__kind="insight").last()
    save = editing.save_passages

    def save_too_late(**asked):
        Passage.objects.filter(pk=passage.pk).delete()
        return save(**asked)

    for module in (editing, editing.passages):
        monkeypatch.setattr(module, "save_passages", save_too_late)
    name, base = f"body.{passage.pk}", hash_of(passage.body)
    if door == "insight":
        sent = {name: "寫了很久。", f"base-{name}": base}
        response = page.post(address("insight", issue), sent)
        assert response.status_code == 409
        assert "寫了很久。" in response.content.decode()
    else:
        where = address("passage_field", issue, passage.pk, "body")
        assert page.post(where, {"value": "寫了很久。", "base": base}).status_code == 404


@pytest.fixture
def draft_while_waiting(monkeypatch):
    """Whoever takes the lock finds gone what this names: a later draft had it before."""
    gone = []
    for module in (editing.held, editing.suggestions, bulk):
        monkeypatch.setattr(module, "lock", partial(_lock_late, module.lock, gone))
    return gone


def _lock_late(lock, gone, *args, **which):
    for row in gone:
        row.delete()
    return lock(*args, **which)


def test_what_a_draft_takes_away_while_one_waits_is_missed_in_words(
    page, desk, sample, draft_while_waiting
):
    broken = sample.replace("**重要性**：極高".encode(), "**重要性**：非常高".encode(), 1)
    issue = land(desk, broken)
    card, held = cards_of(issue)[0], issue.held_cards.get()
    suggested = Suggestion.objects.create(
        issue=issue, draft=issue.drafts.get(), card=card, field="summary", value="機器後來寫的。"
    )
    draft_while_waiting += [suggested]
    taken = {"take": "", "seen": hash_of(card.summary)}
    assert page.post(address("suggestion", issue, suggested.pk), taken).status_code == 409
    bare = issue.sections.create(position=90, title="空單元")
    draft_while_waiting[:] = [bare]
    assert page.post(address("approve_section", issue, bare.pk)).status_code == 404
    bare = issue.sections.create(position=91, title="空單元")
    draft_while_waiting[:] = [bare]
    mended = {"text": "### 修好\n", "repair": "", "section": bare.pk}
    answer = page.post(address("held_card", issue, held.pk), mended)
    assert answer.status_code == 422 and "修好" in answer.content.decode()


def test_a_suggestion_does_not_overwrite_what_its_taker_has_not_seen(page, issue, desk, sample):
    card = cards_of(issue)[0]
    page.post(address("card", issue, card.pk), form_of(card) | {"summary": "編輯寫的。"})
    land(desk, sample.replace(card.summary.encode(), "機器後來寫的。".encode()))
    suggestion = Suggestion.objects.get()
    shown = page.get(address("card", issue, card.pk)).content.decode()
    action = address("suggestion", issue, suggestion.pk)
    form = next(f["fields"] for f in Forms(shown).forms if f["action"] == action)
    page.post(address("card", issue, card.pk), form_of(card) | {"summary": "同事剛寫的。"})
    response = page.post(action, form | {"take": ""})
    assert response.status_code == 409
    assert ("編輯寫的。", "同事剛寫的。") in versions(response.content.decode())
    card.refresh_from_db()
    assert card.summary == "同事剛寫的。"


def test_an_impossible_passage_is_refused_before_it_reaches_the_database(page, issue):
    passage = Passage.objects.filter(section__issue=issue, section__kind="insight").first()
    for field, text in (("title", "長" * 600), ("body", "a\x00b")):
        name = f"{field}.{passage.pk}"
        sent = {name: text, f"base-{name}": hash_of(getattr(passage, field))}
        assert page.post(address("insight", issue), sent).status_code == 422


def test_a_page_that_says_no_shows_the_reason_that_was_typed(page, issue, editor):
    card = cards_of(issue)[0]
    decide("drop", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
    sent = {"seen": card.hash, "note": " 與 <昨天> 重複 "}
    answer = page.post(address("decide_card", issue, card.pk, "drop"), sent)
    assert answer.status_code == 409
    assert "\n 與 &lt;昨天&gt; 重複 </textarea>" in answer.content.decode()
    long = page.post(address("comments", issue, card.pk), {"body": "長" * 4_001, "quote": "句"})
    assert long.status_code == 422 and "長" * 4_001 in long.content.decode()


def test_a_reason_that_cannot_be_kept_is_refused(page, issue):
    card = cards_of(issue)[0]
    response = page.post(
        address("decide_card", issue, card.pk, "drop"), {"seen": card.hash, "note": "a\0b"}
    )
    assert response.status_code == 409
    assert not Card.objects.get(pk=card.pk).dropped


def test_an_endless_user_name_is_refused_before_anybody_looks_it_up(client, db):
    sent = {"username": "x" * 5000, "password": "y"}
    assert client.post(reverse("sign_in"), sent).status_code == 200


def test_a_name_that_unfolds_keeps_its_key_within_its_column(page, issue):
    card = cards_of(issue)[0]
    sent = form_of(card) | {"entities": "\ufdfa" * 60}
    assert page.post(address("card", issue, card.pk), sent).status_code == 303


def test_times_are_those_of_the_desk_not_of_the_server(page, issue, desk):
    from datetime import UTC, datetime

    desk.zone = "America/New_York"
    desk.save()
    Event.objects.create(
        desk=desk,
        issue=issue,
        actor=issue.drafts.first().received_by,
        verb="draft.change",
        at=datetime(2026, 2, 11, 11, 50, tzinfo=UTC),
    )
    assert "02/11 06:50" in page.get(address("issue_history", issue)).content.decode()
    from django.utils import timezone

    assert timezone.get_current_timezone_name() == "Asia/Taipei"


def test_the_queue_shows_what_was_missed_and_what_failed(page, signed, chief, desk):
    from datetime import timedelta

    from django.utils import timezone

    from digest.models import Delivery, Issue
    from digest.publishing import publish_due

    queue_page = reverse("queue", args=[desk.slug])
    Issue.objects.update(due_at=timezone.now() - timedelta(days=2), due_edition=signed)
    assert "its hour was missed" in page.get(queue_page).content.decode()
    decide("publish", issue_id=signed.issue_id, by=chief, seen=signed.sha256)
    publish_due()
    Delivery.objects.update(state=Delivery.State.FAILED)
    assert "a delivery failed" in page.get(queue_page).content.decode()


def test_moving_the_desks_hour_moves_what_waits_for_it(signed, desk, admin_client):
    from datetime import UTC, datetime, time

    from digest.models import Issue
    from digest.publishing import reschedule

    before = datetime(2026, 2, 11, 20, tzinfo=UTC)
    Issue.objects.update(due_at=desk.hour_of(signed.issue.date), due_edition=signed)
    desk.publication_hour = time(9, 0)
    reschedule(desk, now=before)
    assert Issue.objects.get().due_at == datetime(2026, 2, 12, 1, tzinfo=UTC)


def test_four_eyes_see_a_taken_suggestion_of_the_insight(issue, editor, desk, sample):
    from editorial.editing import Change, answer_suggestion, change_passages, suggested_over

    desk.four_eyes = True
    desk.save()
    passage = Passage.objects.filter(section__issue=issue, section__kind="insight").first()
    typed = Change("body", "編輯寫的。", hash_of(passage.body))
    change_passages(issue_id=issue.pk, changes=[(passage.pk, typed)], by=editor)
    land(desk, sample.replace(passage.body.encode(), "機器後來寫的。".encode()))
    suggestion = Suggestion.objects.get()
    answer_suggestion(
        suggestion_id=suggestion.pk, take=True, seen=hash_of(suggested_over(suggestion)), by=editor
    )
    issue.refresh_from_db()
    assert queue.case_of_insight(issue).last_change_by == editor.user_id
    assert queue.case_of_issue(issue.pk).insight.last_change_by == editor.user_id


def test_the_first_card_cannot_go_up_and_the_last_not_down(page, issue):
    html = page.get(address("issue", issue)).content.decode()
    cards = cards_of(issue)
    buttons = Forms(html)
    assert len([each for each in buttons.buttons if re.match("(up|down)-", each)]) == 36
    for pressed in (f"up-{cards[0].pk}", f"down-{cards[-1].pk}"):
        response = page.post(*buttons.press(pressed))
        assert response.status_code == 409
        assert "no place further up or down" in response.content.decode()
    assert cards_of(issue) == cards


def test_save_and_approve_approves_what_was_typed_and_nothing_else(page, issue, colleague):
    card = cards_of(issue)[0]
    sent = form_of(card) | {"summary": "我改好了。", "seen": card.hash, "approve": ""}
    assert page.post(address("card", issue, card.pk), sent).status_code == 303
    card.refresh_from_db()
    assert card.summary == "我改好了。"
    assert card.approvals.valid().filter(hash=card.hash).exists()
    # A colleague's change of another field, which this form never showed, is not approved unseen.
    other = cards_of(issue)[1]
    sent = form_of(other) | {"summary": "我也改好了。", "seen": other.hash, "approve": ""}
    client_of(colleague).post(
        address("card", issue, other.pk), form_of(other) | {"details": "- 沒看過的一行。"}
    )
    assert page.post(address("card", issue, other.pk), sent).status_code == 409
    other.refresh_from_db()
    assert (other.summary, other.details) == ("我也改好了。", "- 沒看過的一行。")
    assert not other.approvals.exists()


def test_a_late_signature_says_that_it_waits_for_a_person(page, signed):
    assert "does not go out by itself" in page.get(address("issue", signed.issue)).content.decode()


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("headline", " ", "卡片必須有標題。"),
        ("headline", "字" * 501, "最多 500 個字元。"),
        ("entities", "\n".join(map(str, range(101))), "最多 100 項。"),
        ("sources", "[名稱](https://me@example.org/)", "1: 連結不能帶有使用者名稱。"),
        ("sources", "[名稱](https://example.org/a\\b)", "連結不能含有空白"),
        ("sources", "[名稱](ftp://example.org/)", "連結必須以 http://"),
        ("sources", "[名稱](http://[::1)", "連結必須以 http://"),
        ("entities", "OpenAI, Google", "OpenAI, Google&#x27; 不是單一名稱"),
        ("summary", "第一\x07行", "第 3 個字元（U+0007）無法保存。"),
    ],
)
def test_a_refusal_of_a_value_speaks_the_editors_language(field, text, sentence, editor, issue):
    client = Client(headers={"accept-language": "zh-TW"})
    client.force_login(editor.user, backend=BACKEND)
    card = cards_of(issue)[0]
    response = client.post(address("card", issue, card.pk), form_of(card) | {field: text})
    assert response.status_code == 422
    assert sentence in response.content.decode()
