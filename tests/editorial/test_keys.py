"""Keys: one table, one's own choice, and a page that shows exactly that."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from editorial import keymap
from editorial.keymap import ACTIONS, TAKEN, faults_of, help_for, keys_of
from editorial.models import Preference
from tests.conftest import cards_of
from tests.editorial.test_pages import Forms, address, client_of

USUAL = {name: action.key for name, action in ACTIONS.items()}


@pytest.fixture
def page(editor) -> Client:
    return client_of(editor)


def choose(page: Client, **chosen):
    return page.post(reverse("keys"), {"on": "on"} | sent(chosen))


def sent(chosen: dict[str, str]) -> dict[str, str]:
    """What the form sends for these keys and the usual ones."""
    return {f"key-{name}": key for name, key in (USUAL | chosen).items()}


def keys_on(page: Client, issue) -> dict[str, str]:
    """The keys that the day page works with."""
    html = page.get(address("issue", issue)).content.decode()
    return json.loads(unescape(re.search(r'data-keys="([^"]*)"', html)[1]))


def test_the_usual_keys_are_each_one_of_its_own_and_free_to_be_taken():
    assert faults_of(USUAL) == {}
    assert len(set(USUAL.values())) == len(ACTIONS)
    assert not set(USUAL.values()) & TAKEN
    assert all(str(action.label) for action in (*ACTIONS.values(), *keymap.FIXED.values()))
    assert keys_of(None) == keys_of(Preference()) == USUAL
    assert keys_of(Preference(keys_off=True, keys={"drop": "z"})) == {}
    # A key that was chosen for something that is no more is no key for anything.
    assert keys_of(Preference(keys={"gone": "z", "drop": "z"})) == USUAL | {"drop": "z"}


def test_a_chosen_key_works_on_the_page_and_is_shown_there(page, issue):
    html = page.get(reverse("keys")).content.decode()
    [form] = [each for each in Forms(html).forms if "key-approve" in each["fields"]]
    assert {name: form["fields"][f"key-{name}"] for name in ACTIONS} == USUAL
    assert choose(page, approve="ä", drop="a").status_code == 303
    assert Preference.objects.get().keys == {"approve": "ä", "drop": "a"}
    assert keys_on(page, issue) == USUAL | {"approve": "ä", "drop": "a"}
    html = page.get(address("issue", issue)).content.decode()
    card = cards_of(issue)[0]
    for button, key in ((f"approve-{card.pk}", "ä"), (f"drop-{card.pk}", "a")):
        assert re.search(rf'id="{button}".*?</button>', html)[0].count(f"<kbd>{key}</kbd>") == 1
    assert "<dt><kbd>ä</kbd></dt>" in html  # the help
    assert "usually x" in page.get(reverse("keys")).content.decode()


def test_an_answer_in_place_shows_ones_own_keys_and_nobody_elses(page, issue, colleague):
    choose(page, approve="ä")
    theirs = client_of(colleague)
    for at, key in ((theirs, "a"), (page, "ä"), (theirs, "a")):
        card = cards_of(issue)[0]
        withdrawn = address("decide_card", issue, card.pk, "withdraw")
        at.post(address("decide_card", issue, card.pk, "approve"), {"seen": card.hash})
        answer = at.post(withdrawn, {"seen": card.hash}, headers={"HX-Request": "true"})
        html = re.search(r'id="approve-.*?</button>', answer.content.decode())[0]
        assert re.findall("<kbd>(.*?)</kbd>", html) == [key]
    assert keys_on(theirs, issue) == USUAL


@pytest.mark.parametrize(
    ("chosen", "faulty"),
    [
        ({"approve": "x"}, {"drop"}),  # the key of "drop": said where it is met second
        ({"approve": ""}, {"approve"}),
        ({"approve": "ab"}, {"approve"}),
        ({"approve": " "}, {"approve"}),
        ({"approve": "3"}, {"approve"}),
        ({"approve": "g"}, {"approve"}),
        ({"approve": "\t"}, {"approve"}),
        ({"approve": "\x00"}, {"approve"}),
        ({"approve": "q", "drop": "q", "undo": "q"}, {"drop", "undo"}),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_a_sentence_beside_it(chosen, faulty, page):
    assert set(faults_of(USUAL | chosen)) == faulty
    response = choose(page, **chosen)
    html = response.content.decode()
    assert response.status_code == 422
    assert set(re.findall(r'id="fault-(\w+)"', html)) == faulty
    for name, key in chosen.items():  # what was typed is below
        if key.isprintable():
            assert f'id="key-{name}" name="key-{name}" value="{key}"' in html
    assert not Preference.objects.exists()


def test_two_actions_change_their_keys_in_one_go(page, issue):
    assert choose(page, next="k", previous="j").status_code == 303
    assert keys_on(page, issue) == USUAL | {"next": "k", "previous": "j"}


def test_whoever_switches_keys_off_has_none_and_gets_their_own_back(page, issue):
    choose(page, approve="ä")
    page.post(reverse("keys"), sent({"approve": "ä"}))  # the box is not ticked
    assert keys_on(page, issue) == {}
    html = page.get(address("issue", issue)).content.decode()
    assert not re.search(r'<article class="card".*?<kbd>.*?</article>', html, re.DOTALL)
    assert "Your first issue here" not in html
    assert 'name="on" checked' not in page.get(reverse("keys")).content.decode()
    choose(page, approve="ä")
    assert keys_on(page, issue)["approve"] == "ä"


def test_back_to_the_usual_keys(page, issue):
    choose(page, approve="ä")
    page.post(reverse("keys"), {"usual": ""} | sent({"approve": "ü"}))
    assert keys_on(page, issue) == USUAL
    assert Preference.objects.get().keys == {}


def test_the_help_lists_ones_own_keys_and_those_that_stay():
    shown = dict(help_for(USUAL | {"approve": "ä"}))
    assert shown["ä"] == ACTIONS["approve"].label
    assert "a" not in shown
    assert {action.key for action in keymap.FIXED.values()} <= shown.keys()
    assert {key for key, _label in help_for({})} == {a.key for a in keymap.FIXED.values()}


def test_the_first_steps_are_shown_until_they_were_read(page, issue, colleague):
    html = page.get(address("issue", issue)).content.decode()
    assert "Your first issue here" in html
    response = page.post(reverse("guided"), headers={"HX-Request": "true"})
    assert (response.status_code, response.content) == (200, b"")
    assert "Your first issue here" not in page.get(address("issue", issue)).content.decode()
    theirs = client_of(colleague)
    assert "Your first issue here" in theirs.get(address("issue", issue)).content.decode()
    choose(page, approve="ä")
    assert Preference.objects.get().guided


@pytest.mark.parametrize(
    "away",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/desk/",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "http:elsewhere.example",
        "javascript:alert(1)",
        " https://elsewhere.example",
        "///elsewhere.example",
    ],
)
def test_next_never_leads_off_the_site(away, page):
    for name in ("keys", "guided"):
        response = page.post(reverse(name), {"on": "on", "next": away} | sent({}))
        assert response.status_code == 303
        assert response["Location"] == reverse(name)
    html = page.get(reverse("keys"), {"next": away}).content.decode()
    [form] = [each for each in Forms(html).forms if "key-approve" in each["fields"]]
    assert form["fields"]["next"] == reverse("keys")


def test_next_leads_back_to_where_somebody_came_from(page, issue):
    back = address("issue", issue)
    html = page.get(reverse("keys"), {"next": back}).content.decode()
    [form] = [each for each in Forms(html).forms if "key-approve" in each["fields"]]
    response = page.post(reverse("keys"), form["fields"] | {"on": "on"})
    assert (response.status_code, response["Location"]) == (303, back)
    assert keys_on(page, issue) == USUAL
