"""Address × method × person, made from the URL resolver: an address missing below fails."""

from __future__ import annotations

from datetime import date

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from digest.alarms import raise_alarm
from digest.models import CardEntity, HeldCard, IssueTag, MachineToken, Passage, Run, Suggestion
from digest.publishing import machine_account
from editorial.decisions import DECISIONS
from editorial.models import Comment, Preference
from tests.conftest import SAMPLE_DAY, cards_of

PEOPLE = ("anonymous", "stranger", "machine", "editor", "chief")
SIGN_IN, HERE, HIDDEN, ELSEWHERE, WRONG_METHOD = "sign in", "here", "hidden", "elsewhere", "method"

#: What a GET of an address answers to each of PEOPLE. (A machine cannot sign in; if it could:)
EVERYBODY = (HERE,) * 5
MEMBERS = (SIGN_IN, HIDDEN, HIDDEN, HERE, HERE)
POST_ONLY = (WRONG_METHOD,) * 5
GET: dict[str, tuple[str, ...]] = {
    "front": EVERYBODY,
    "front_of": EVERYBODY,
    "feed": EVERYBODY,
    "feed_of": EVERYBODY,
    "edition": (HIDDEN,) * 5,  # nothing is published
    "edition_of": (HIDDEN,) * 5,
    "healthz": EVERYBODY,
    "readyz": ("not ready",) * 5,  # no broker is there
    "metrics": EVERYBODY,  # on the machine itself
    "sign_in": (HERE, ELSEWHERE, ELSEWHERE, ELSEWHERE, ELSEWHERE),
    "sign_out": POST_ONLY,
    "language": (ELSEWHERE,) * 5,
    "desk": (SIGN_IN, ELSEWHERE, "no desk", ELSEWHERE, ELSEWHERE),
    "queue": MEMBERS,
    "queue_news": (SIGN_IN, HIDDEN, HIDDEN, ELSEWHERE, ELSEWHERE),
    "archive": MEMBERS,
    "calendar": MEMBERS,
    "rule": MEMBERS,
    "alarm": POST_ONLY,
    "alarms": (SIGN_IN, HIDDEN, HIDDEN, ELSEWHERE, ELSEWHERE),
    "hour": POST_ONLY,
    "operation": (SIGN_IN, HIDDEN, HIDDEN, HIDDEN, HERE),
    "issue": MEMBERS,
    "publication": (SIGN_IN, HIDDEN, HIDDEN, ELSEWHERE, ELSEWHERE),
    "draft": MEMBERS,
    "machine": MEMBERS,
    "run": MEMBERS,
    "draft_now": POST_ONLY,
    "payload": MEMBERS,
    "card": MEMBERS,
    "insight": MEMBERS,
    "reading": MEMBERS,
    "sign": MEMBERS,
    "cover": MEMBERS,
    "issue_history": MEMBERS,
    "card_history": MEMBERS,
    "comments": MEMBERS,
    "front_matter": MEMBERS,
    "terms": MEMBERS,
    "keys": (SIGN_IN, HERE, HERE, HERE, HERE),  # one's own, at whatever desk
    "guided": POST_ONLY,
    "pulse": POST_ONLY,
    "preview": POST_ONLY,
    "undo": POST_ONLY,
    "front_field": POST_ONLY,
    "passage_field": POST_ONLY,
    "approve_section": POST_ONLY,
    "comment": POST_ONLY,
    "card_field": POST_ONLY,
    "rate_card": POST_ONLY,
    "revert_card": POST_ONLY,
    "move_card": POST_ONLY,
    "decide_card": POST_ONLY,
    "decide_issue": POST_ONLY,
    "held_card": POST_ONLY,
    "suggestion": POST_ONLY,
}
#: Addresses that change something by POST.
POST = (
    "alarm",
    "draft_now",
    "hour",
    "rule",
    "card",
    "insight",
    "reading",
    "move_card",
    "decide_card",
    "decide_issue",
    "held_card",
    "suggestion",
    "comments",
    "front_matter",
    "pulse",
    "preview",
    "undo",
    "front_field",
    "passage_field",
    "approve_section",
    "comment",
    "card_field",
    "rate_card",
    "revert_card",
)
#: Addresses that change what belongs to a person, whatever they are at whichever desk.
OWN = ("keys", "guided")
#: Something that each of them would take.
SENT = {
    **{"seen": "x", "take": "", "dismiss": "", "approve": "", "to": "up", "body": "多看一眼。"},
    **{"value": "別人寫的。", "base": "x", "rate": "5.0", "resolve": "", "since": "0", "card": "1"},
    **{"hour": "2099-01-01T07:00", "rule": "notice", "notice": "今日休刊。"},
}


def _names(patterns, prefix: str = "") -> list[str]:
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver) and pattern.namespace in ("admin", "api"):
            continue
        if isinstance(pattern, URLResolver):
            found += _names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            found.append(pattern.name)
    return found


@pytest.fixture
def addresses(issue) -> dict[str, str]:
    card = cards_of(issue)[0]
    draft = issue.drafts.first()
    held = HeldCard.objects.create(issue=issue, draft=draft, where="card", reason="?", text="?")
    later = Suggestion.objects.create(
        issue=issue, draft=draft, card=card, field="summary", value="later"
    )
    passage = Passage.objects.filter(section__issue=issue).first()
    author = machine_account("machine")
    said = Comment.objects.create(issue=issue, card=card, by=author, body="數字有誤？")
    day, desk = SAMPLE_DAY, issue.desk.slug
    alarm = raise_alarm(issue.desk, "no_draft", key="x", data={"day": str(day)})
    run = Run.objects.create(desk=issue.desk, day=day, writer="extractive", state="done")
    return {
        **{name: reverse(name) for name in ("front", "sign_in", "sign_out", "language")},
        **{name: reverse(name) for name in ("healthz", "readyz", "metrics")},
        "desk": reverse("desk"),
        "front_of": reverse("front_of", args=[desk]),
        "feed": reverse("feed"),
        "feed_of": reverse("feed_of", args=[desk]),
        "edition": reverse("edition", args=[day]),
        "edition_of": reverse("edition_of", args=[desk, day]),
        **{
            name: reverse(name, args=[desk])
            for name in ("queue", "queue_news", "archive", "alarms")
        },
        **{name: reverse(name, args=[desk]) for name in ("calendar", "rule", "operation")},
        "alarm": reverse("alarm", args=[desk, alarm.pk]),
        "hour": reverse("hour", args=[desk, day]),
        "draft": reverse("draft", args=[desk, draft.pk]),
        "payload": reverse("payload", args=[desk, draft.pk]),
        **{
            name: reverse(name, args=[desk, day])
            for name in (
                *("issue", "publication", "insight", "reading", "sign", "cover"),
                *("issue_history", "front_matter", "pulse", "preview", "undo"),
            )
        },
        **{name: reverse(name) for name in OWN},
        **{name: reverse(name, args=[desk]) for name in ("terms", "machine", "draft_now")},
        "run": reverse("run", args=[desk, run.pk]),
        "front_field": reverse("front_field", args=[desk, day, "title"]),
        "passage_field": reverse("passage_field", args=[desk, day, passage.pk, "body"]),
        "approve_section": reverse("approve_section", args=[desk, day, card.section_id]),
        "comment": reverse("comment", args=[desk, day, said.pk]),
        "card_field": reverse("card_field", args=[desk, day, card.pk, "summary"]),
        **{
            name: reverse(name, args=[desk, day, card.pk])
            for name in ("comments", "card_history", "rate_card", "revert_card")
        },
        "card": reverse("card", args=[desk, day, card.pk]),
        "move_card": reverse("move_card", args=[desk, day, card.pk]),
        "decide_card": reverse("decide_card", args=[desk, day, card.pk, "approve"]),
        "decide_issue": reverse("decide_issue", args=[desk, day, "approve_insight"]),
        "held_card": reverse("held_card", args=[desk, day, held.pk]),
        "suggestion": reverse("suggestion", args=[desk, day, later.pk]),
    }


@pytest.fixture
def clients(editor, chief, machine, stranger) -> dict[str, Client]:
    clients = {"anonymous": Client()}
    for name, member in (
        ("editor", editor),
        ("chief", chief),
        ("machine", machine),
        ("stranger", stranger),
    ):
        clients[name] = Client()
        clients[name].force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    return clients


def _answer(response) -> str:
    if response.status_code == 302:
        return SIGN_IN if response["Location"].startswith("/sign-in/") else ELSEWHERE
    codes = {200: HERE, 401: SIGN_IN, 403: "no desk", 404: HIDDEN, 405: WRONG_METHOD}
    codes[503] = "not ready"
    return codes[response.status_code]


def test_every_address_is_in_the_table():
    assert sorted(_names(get_resolver().url_patterns)) == sorted(GET)


def test_get_shows_each_address_to_exactly_whom_the_table_says(addresses, clients):
    for name, address in addresses.items():
        answers = tuple(_answer(clients[who].get(address)) for who in PEOPLE)
        assert answers == GET[name], name


def _everything() -> dict[str, list]:
    ours = [m for m in apps.get_models() if m._meta.app_label in ("digest", "editorial")]
    return {m._meta.label: list(m.objects.order_by("pk").values()) for m in ours}


def test_no_get_changes_anything(addresses, clients):
    before = _everything()
    for who in PEOPLE:
        for address in addresses.values():
            clients[who].get(address)
            clients[who].get(address, SENT, headers={"HX-Request": "true"})
            clients[who].head(address)
    assert _everything() == before


def test_every_address_that_takes_a_post_is_tried_by_those_who_may_not(addresses, clients):
    """By what they answer: an address that takes a POST and is missing above fails."""
    taking = set()
    for name, address in addresses.items():
        allowed = clients["chief"].options(address)
        if allowed.status_code == 405:
            taking |= {name} if "POST" in allowed["Allow"] else set()
    assert taking == {*POST, *OWN}


@pytest.mark.parametrize("who", ["anonymous", "stranger", "machine"])
def test_nobody_from_outside_the_desk_changes_anything(who, addresses, clients):
    before = _everything()
    for name in POST:
        for asked in ({}, {"HX-Request": "true"}):
            response = clients[who].post(addresses[name], SENT, headers=asked)
            expected = SIGN_IN if who == "anonymous" else HIDDEN
            assert _answer(response) == expected, name
    assert _everything() == before


def test_nobody_changes_the_keys_of_somebody_else(addresses, clients, editor, stranger):
    for name in OWN:
        assert _answer(clients["anonymous"].post(addresses[name], {"next": "x"})) == SIGN_IN
    assert not Preference.objects.exists()
    clients["stranger"].post(addresses["keys"], {"on": "", "next": "7", "user": editor.user_id})
    clients["stranger"].post(addresses["guided"], {"user": editor.user_id})
    assert [each.user for each in Preference.objects.all()] == [stranger.user]


def test_every_decision_is_refused_to_a_stranger_by_its_own_address(issue, clients):
    card = cards_of(issue)[0]
    before = _everything()
    for name, decision in DECISIONS.items():
        args = [issue.desk.slug, issue.date]
        if decision.subject == "card":
            address = reverse("decide_card", args=[*args, card.pk, name])
        else:
            address = reverse("decide_issue", args=[*args, name])
        assert clients["stranger"].post(address, {"seen": card.hash}).status_code == 404
    assert _everything() == before


def test_an_editor_who_posts_a_signature_gets_the_sentence_and_403(ready, clients):
    response = clients["editor"].post(
        reverse("decide_issue", args=[ready.desk.slug, ready.date, "sign"]), {"seen": "x"}
    )
    assert response.status_code == 403
    assert not ready.editions.exists()


def test_no_post_works_without_its_csrf_token(addresses, editor):
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor.user, backend="django.contrib.auth.backends.ModelBackend")
    before = _everything()
    for name in (*POST, *OWN):
        for asked in ({}, {"HX-Request": "true"}):
            assert client.post(addresses[name], SENT, headers=asked).status_code == 403, name
    assert _everything() == before


def test_a_refusal_for_want_of_a_token_says_so_to_our_javascript(addresses, editor):
    """sending.js looks for this mark, fetches a new token and sends once more."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor.user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post(addresses["undo"], {})
    assert response.status_code == 403
    assert 'data-refused="csrf"' in response.content.decode()
    sending = (settings.BASE_DIR / "static/js/sending.js").read_text()
    assert 'data-refused=\\"csrf\\"' in sending


def test_a_machine_token_opens_no_page(addresses, clients, machine):
    _token, key = MachineToken.issue(desk=machine.desk, user=machine.user, name="m")
    client = Client(headers={"authorization": f"Bearer {key}"})
    assert client.get(addresses["issue"]).status_code == 302


def test_cards_of_one_issue_are_not_reachable_through_another_day(addresses, clients, issue):
    card = cards_of(issue)[0]
    address = reverse("card", args=[issue.desk.slug, date(2026, 2, 13), card.pk])
    assert clients["chief"].get(address).status_code == 404


def test_signed_in_pages_are_kept_out_of_caches(addresses, clients):
    response = clients["editor"].get(addresses["issue"])
    assert response["Cache-Control"] == "no-store"
    assert "HX-Request" in response["Vary"]


def test_every_page_carries_the_content_security_policy(addresses, clients):
    for address in (addresses["issue"], addresses["front"]):
        policy = clients["editor"].get(address)["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_behind_a_proxy_one_guesser_does_not_lock_out_everybody(editor, settings):
    settings.AXES_CLIENT_IP_CALLABLE = "editorial.access.address_behind_proxy"
    guess = {"username": "editor", "password": "wrong"}
    right = guess | {"password": "a long enough secret"}
    # What stands before the last comma is the client's own claim, another one each time.
    for n in range(9):
        guesser = Client(headers={"x-forwarded-for": f"198.51.100.{n}, 192.0.2.1"})
        response = guesser.post(reverse("sign_in"), guess)
    assert response.status_code == 429
    colleague = Client(headers={"x-forwarded-for": "192.0.2.2"})
    assert colleague.post(reverse("sign_in"), right).status_code == 302


def test_repeated_wrong_passwords_lock_the_door_for_that_name_and_place(editor, client):
    for _ in range(9):
        response = client.post(reverse("sign_in"), {"username": "editor", "password": "wrong"})
    assert response.status_code == 429
    right = {"username": "editor", "password": "a long enough secret"}
    assert client.post(reverse("sign_in"), right).status_code == 429
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert elsewhere.post(reverse("sign_in"), right).status_code == 302


def test_names_that_only_another_desk_uses_are_not_told(issue, editor, stranger):
    name = CardEntity.objects.filter(content_object__section__issue=issue).first().tag.name
    for who, told in ((editor, True), (stranger, False)):
        page = Client()
        page.force_login(who.user, backend="django.contrib.auth.backends.ModelBackend")
        names = page.get(reverse("terms", args=[who.desk.slug]), {"q": name}).json()["names"]
        assert (name in names) == told
        tagged = IssueTag.objects.filter(content_object=issue).first().tag.name
        names = page.get(reverse("terms", args=[who.desk.slug]), {"q": tagged}).json()["names"]
        assert (tagged in names) == told


def test_a_page_of_somebody_else_is_answered_like_one_of_nobody(addresses, clients, editor, chief):
    """The chief has signed in behind an editor's open page, in the same browser."""
    browser = clients["chief"]
    for page, status in ((chief, 200), (editor, 401), (chief, 200)):
        asked = {"HX-Request": "true", "Copydesk-Person": str(page.user_id)}
        assert browser.post(addresses["pulse"], headers=asked).status_code == status
    # So the editor signs in on that page: a password is looked at although the chief is signed in.
    for secret, person in (("wrong", chief), ("a long enough secret", editor)):
        browser.post(reverse("sign_in"), {"username": "editor", "password": secret})
        assert browser.session["_auth_user_id"] == str(person.user_id)
    assert browser.get(reverse("sign_in")).status_code == 302
