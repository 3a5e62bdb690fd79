"""Text that wants to be more than text, through every door of the desk: nothing of it runs."""

from __future__ import annotations

import pytest
from django.urls import reverse

from digest.models import Card, Event, Suggestion
from editorial.editing import front_values, hash_of
from tests.conftest import cards_of, land
from tests.editorial.test_pages import (
    HOSTILE,
    address,
    assert_harmless,
    client_of,
    form_of,
)
from tests.editorial.work import change, change_issue, look, make, rewrite

ASKS = {"HX-Request": "true"}
MORE = [
    '"><script>alert(1)</script>',
    "</textarea><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    '"></p><div hx-swap-oob="true" id="readiness">',
    "<del>x</del><svg/onload=alert(1)>",
    "%(name)s {{ 7 }} {% load x %} {0}",
]


def assert_all_harmless(responses) -> str:
    """Scan whole pages, parts, and what JSON carries to be put into the page."""
    scanned = []
    for response in responses:
        if response["Content-Type"] == "application/json":
            answer = response.json()
            scanned += [answer[key] for key in ("parts", "collision") if key in answer]
        else:
            scanned.append(response.content.decode())
    for html in scanned:
        assert_harmless(html)
    return "".join(scanned)


def shows(html: str, text: str) -> bool:
    """Whether a text is there, as the text it is."""
    from html import unescape

    return text in unescape(html)


@pytest.mark.parametrize("text", HOSTILE + MORE)
def test_what_people_say_about_a_card_is_only_ever_text(text, issue, editor):
    page, card = client_of(editor), cards_of(issue)[0]
    said = address("comments", issue, card.pk)
    answers = [page.post(said, {"body": text, "quote": text}, headers=ASKS)]
    answers.append(page.get(said))
    answers.append(page.get(said, headers=ASKS))
    dropped = address("decide_card", issue, card.pk, "drop")
    answers.append(page.post(dropped, {"seen": card.hash, "note": text}, headers=ASKS))
    answers.append(page.get(address("issue_history", issue)))
    answers.append(page.get(address("issue", issue)))
    assert all(answer.status_code == 200 for answer in answers)
    assert shows(assert_all_harmless(answers), text)
    assert Event.objects.get(verb="card.drop").note == text


@pytest.mark.parametrize("text", HOSTILE + MORE)
def test_names_lists_and_the_front_matter_are_only_ever_text(text, issue, editor, desk):
    page, card = client_of(editor), cards_of(issue)[0]
    answers = []
    for where, value, base in (
        (address("card_field", issue, card.pk, "entities"), text, card_values(card)["entities"]),
        *(
            (address("front_field", issue, field), text, front_values(issue)[field])
            for field in ("title", "description", "summary", "tags")
        ),
    ):
        sent = {"value": value, "base": hash_of(base)}
        answers.append(page.post(where, sent, headers=ASKS))
        assert answers[-1].status_code == 200, answers[-1].content.decode()
    answers += [
        page.get(reverse("queue", args=[desk.slug])),
        page.get(address("issue", issue)),
        page.get(address("front_matter", issue)),
        page.get(address("front_matter", issue), headers=ASKS),
        page.get(address("sign", issue)),
        page.get(address("sign", issue), headers=ASKS),
        page.get(address("issue_history", issue)),
        page.get(address("card", issue, card.pk)),
        page.get(address("card", issue, card.pk), headers=ASKS),
    ]
    assert shows(assert_all_harmless(answers), text)
    # Names are completed from JSON, which no browser takes for a page.
    terms = page.get(reverse("terms", args=[desk.slug]), {"q": text})
    assert terms["Content-Type"] == "application/json"
    assert terms["X-Content-Type-Options"] == "nosniff"


def card_values(card: Card) -> dict:
    from editorial.editing import field_values

    return field_values(Card.objects.whole().get(pk=card.pk))


@pytest.mark.parametrize("text", HOSTILE + MORE)
def test_differences_collisions_previews_and_refusals_show_text_as_text(
    text, issue, editor, colleague, desk, sample
):
    page, theirs, card = client_of(editor), client_of(colleague), cards_of(issue)[0]
    since = Event.objects.last().pk
    look(card, editor)
    where = address("card_field", issue, card.pk, "summary")
    for value in (f"{text} 他", f"{text} 他的"):
        present = Card.objects.get(pk=card.pk).summary
        theirs.post(where, {"value": value, "base": hash_of(present)}, headers=ASKS)
    base = hash_of(card.summary)
    mine = {"value": f"我 {text}", "base": base}
    collided = page.post(where, mine, headers=ASKS)
    assert collided.status_code == 409
    stale = {"seen": card.hash, "since": since}
    approve = address("decide_card", issue, card.pk, "approve")
    change_issue(issue, colleague, title=f"{text} 標題", tags=[text])
    rewrite(issue.sections.get(kind="insight").passages.first(), colleague, text)
    change(card, editor, importance_note=text, headline=text)
    page.post(address("undo", issue), {}, headers=ASKS)
    change(card, editor, headline=f"{text} 我")
    change(card, colleague, headline=f"{text} 他")
    land(desk, sample.replace(card.summary.encode(), f"機器 {text}".encode()))
    assert Suggestion.objects.filter(card=card, field="summary").exists()
    make("approve", issue, colleague, card)
    answers = [
        collided,
        page.post(approve, stale),
        page.post(approve, stale, headers=ASKS),
        page.post(address("undo", issue), headers=ASKS),
        page.post(address("undo", issue)),
        page.post(address("pulse", issue), {"since": since}, headers=ASKS),
        page.post(address("card", issue, card.pk), form_of(card) | {"summary": text} | {
            "base-summary": base}),
        page.post(address("preview", issue), {"value": text}, headers=ASKS),
        page.get(address("issue_history", issue)),
        page.get(address("card_history", issue, card.pk)),
        *(
            page.get(address("card_history", issue, card.pk), {"against": name}, headers=asked)
            for name in ("machine", "seen", "approved", text)
            for asked in ({}, ASKS)
        ),
        page.get(address("card", issue, card.pk)),
        page.get(address("card", issue, card.pk), headers=ASKS),
        page.get(address("insight", issue), headers=ASKS),
    ]  # fmt: skip
    codes = [answer.status_code for answer in answers]
    assert codes == [409, 409, 409, 409, 409, 200, 409] + [200] * (len(answers) - 7)
    assert_all_harmless(answers)


def test_the_scanner_finds_what_would_run():
    for bad in ("<script>1</script>", '<b hx-get="/x/">', '<p onclick="x()">', "<svg>",
                '<div hx-disable="x">', '<div id="elsewhere" hx-swap-oob="true">',
                '<a href=" javascript:1">', '<form hx-post="/keys/guided/" hx-target="body">',
                '<div id="publication" hx-get="//elsewhere/publication/">'):  # fmt: skip
        with pytest.raises(AssertionError):
            assert_harmless(bad)
