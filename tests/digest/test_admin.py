"""The admin, where an operator sets up desks and the channels their editions go through."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from digest.models import Channel, Desk


@pytest.fixture
def operator(desk) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    user = get_user_model().objects.create_superuser("operator", password="a long enough secret")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def form_of(desk: Desk, *channels: dict) -> dict[str, str]:
    """What the page of a desk sends; new channels behind the one it has."""
    [present] = desk.channels.all()
    rows = [{"id": present.pk, "name": "hugo", "kind": "hugo", "config": {}}, *channels]
    sent = {
        **{name: getattr(desk, name) for name in ("slug", "title", "zone", "grace")},
        "sections": json.dumps(desk.sections),
        "publication_hour": "06:50",
        "channels-TOTAL_FORMS": len(rows),
        "channels-INITIAL_FORMS": 1,
    }
    for n, row in enumerate(rows):
        sent |= {f"channels-{n}-{key}": value for key, value in row.items() if key != "config"}
        sent |= {f"channels-{n}-config": json.dumps(row["config"]), f"channels-{n}-desk": desk.pk}
        sent[f"channels-{n}-enabled"] = "on"
    return sent


def test_a_new_desk_writes_for_hugo(desk, other_desk):
    for each in (desk, other_desk):
        assert list(each.channels.values_list("name", "kind", "enabled")) == [
            ("hugo", "hugo", True)
        ]


def test_a_channel_is_set_up_with_what_its_kind_asks_for(desk, operator):
    where = reverse("admin:digest_desk_change", args=[desk.pk])
    mail = {"name": "proofs", "kind": "mail", "config": {"to": ["desk@example.org"]}}
    answer = operator.post(where, form_of(desk, mail))
    assert answer.status_code == 302, answer.content.decode()[:3000]
    assert Channel.objects.get(name="proofs").config == {"to": ["desk@example.org"]}


def test_a_desk_is_not_given_so_little_grace_that_all_is_missed(desk, operator):
    where = reverse("admin:digest_desk_change", args=[desk.pk])
    answer = operator.post(where, form_of(desk) | {"grace": "0"})
    assert answer.status_code == 200
    assert "At least 5 minutes: with less" in answer.content.decode()
    desk.refresh_from_db()
    assert desk.grace == 180


@pytest.mark.parametrize(
    ("kind", "config", "where"),
    [
        ("mail", {}, "to"),
        ("mail", {"to": ["not an address"]}, "to"),
        ("webhook", {"url": "ftp://example.org/", "secret": "x" * 16}, "url"),
        ("webhook", {"url": "https://example.org/", "secret": "short"}, "secret"),
        ("hugo", {"command": "rm -rf /"}, "command"),
    ],
)
def test_a_configuration_its_kind_does_not_take_is_refused_with_where(
    kind, config, where, desk, operator
):
    channel = {"name": "new", "kind": kind, "config": config}
    answer = operator.post(
        reverse("admin:digest_desk_change", args=[desk.pk]), form_of(desk, channel)
    )
    assert answer.status_code == 200
    html = answer.content.decode()
    assert where in html and "This kind of channel asks for" in html
    assert not Channel.objects.filter(name="new").exists()


def test_the_rule_for_the_deadline_cannot_be_set_around_a_chief(desk, operator):
    sent = form_of(desk) | {"deadline_rule": "approved", "notice": "x"}
    operator.post(reverse("admin:digest_desk_change", args=[desk.pk]), sent)
    desk.refresh_from_db()
    assert (desk.deadline_rule, desk.notice) == ("hold", "")
