"""The cast and props of every test: a desk, an editor, a chief, a machine, a stranger, drafts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from digest.intake import receive
from digest.models import Card, Desk, Issue
from digest.publishing import machine_account
from editorial.decisions import decide
from editorial.editing import Change, change_front, front_values, hash_of
from editorial.models import Membership
from editorial.queue import case_of_issue
from editorial.roles import Role

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "digest/sample/ai-daily.md"
COVER = ROOT / "digest/sample/cover.png"
SEED = ROOT.parent / "shared/seeds/2026-02-11-ai-intel.md"
SEED_SHA256 = "8b9c3397a74c9e74dfd08e559e34ebbe1d453905e05dcb0a8ba5565acde72117"
SAMPLE_DAY = date(2026, 2, 12)

# Whether a change may land must hang neither on the dice of a run nor on how busy the machine is.
# To search on: `make test PYTEST=--hypothesis-profile=searching`.
_untimed = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
hypothesis_settings.register_profile("gate", derandomize=True, **_untimed)
hypothesis_settings.register_profile("searching", **_untimed)
hypothesis_settings.load_profile("gate")


# Tests with real commits end with a flush, and editions refuse to be deleted. What the product
# must never do the end of a test must: there the triggers step aside. (PostgreSQL truncates.)
_flush = TransactionTestCase._fixture_teardown


def _flush_without_triggers(self):
    triggers = []
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _sql in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
    _flush(self)
    with connection.cursor() as cursor:
        for _name, sql in triggers:
            cursor.execute(sql.replace("CREATE TRIGGER", "CREATE TRIGGER IF NOT EXISTS", 1))


TransactionTestCase._fixture_teardown = _flush_without_triggers


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path):
    settings.HUGO_TREE = tmp_path / "hugo"
    settings.INBOX_DIR = tmp_path / "inbox"


@pytest.fixture(autouse=True)
def _no_broker(request, monkeypatch):
    """Nothing outside of tests/services waits for a broker that is not there."""
    if "services" not in request.keywords:
        for module in ("decisions", "deadlines"):
            monkeypatch.setattr(f"editorial.{module}.wake_publisher", lambda: None)
        monkeypatch.setattr("editorial.views.machine.wake_drafter", lambda run_id: None)


@pytest.fixture
def desk(db) -> Desk:
    return Desk.objects.order_by("pk").first()


def _person(name: str, desk: Desk | None, role: Role | None):
    user = get_user_model().objects.create_user(name, password="a long enough secret")
    return Membership.objects.create(desk=desk, user=user, role=role) if desk else user


@pytest.fixture
def editor(desk) -> Membership:
    return _person("editor", desk, Role.EDITOR)


@pytest.fixture
def colleague(desk) -> Membership:
    """A second editor."""
    return _person("colleague", desk, Role.EDITOR)


@pytest.fixture
def chief(desk) -> Membership:
    return _person("chief", desk, Role.CHIEF)


@pytest.fixture
def machine(desk) -> Membership:
    return Membership.objects.create(desk=desk, user=machine_account("machine"), role=Role.MACHINE)


@pytest.fixture
def other_desk(desk) -> Desk:
    return Desk.objects.create(slug="other", title="Another paper", hugo_folder="other")


@pytest.fixture
def stranger(other_desk) -> Membership:
    """The chief of another desk: at ours, nobody."""
    return _person("stranger", other_desk, Role.CHIEF)


def land(desk: Desk, content: bytes, *, media_type="text/markdown", **options) -> Issue:
    """Land a draft."""
    receipt = receive(
        desk=desk,
        content=content,
        media_type=media_type,
        by=machine_account("machine"),
        **options,
    )
    assert receipt.draft.issue, receipt.draft.problems
    return receipt.draft.issue


@pytest.fixture
def sample() -> bytes:
    return SAMPLE.read_bytes()


@pytest.fixture
def seed() -> bytes:
    if not SEED.exists():
        pytest.skip("the real draft lies outside of the repository and is not here")
    return SEED.read_bytes()


@pytest.fixture
def issue(desk, sample) -> Issue:
    """The sample issue, as the machine left it."""
    return land(desk, sample, cover=COVER.read_bytes())


def cards_of(issue: Issue) -> list[Card]:
    """The cards of an issue in reading order."""
    return list(Card.objects.filter(section__issue=issue).order_by("section__position", "position"))


def approve_everything(issue: Issue, by: Membership) -> None:
    """Approve every standing card and the insight."""
    for card in cards_of(issue):
        if not card.dropped:
            decide("approve", issue_id=issue.pk, card_id=card.pk, by=by, seen=card.hash)
    issue.refresh_from_db()
    decide("approve_insight", issue_id=issue.pk, by=by, seen=issue.insight_hash)


def say_correction(issue: Issue, by: Membership, text: str) -> None:
    """Write the public note on what is corrected."""
    whole = Issue.objects.prefetch_related("tag_items__tag").get(pk=issue.pk)
    base = hash_of(front_values(whole)["correction"])
    change_front(issue_id=issue.pk, changes=[Change("correction", text, base)], by=by)


def sign(issue: Issue, by: Membership):
    """Sign an issue as it stands, with a note on it if readers have it already; answers with the
    edition."""
    if Issue.objects.get(pk=issue.pk).published_id:
        say_correction(issue, by, f"更正第 {issue.editions.count()} 版。")
    decide("sign", issue_id=issue.pk, by=by, seen=case_of_issue(issue.pk).proof.seal)
    return issue.editions.order_by("-number").first()


@pytest.fixture
def ready(issue, editor) -> Issue:
    """An issue with nothing left to do but sign it."""
    approve_everything(issue, editor)
    return issue


@pytest.fixture
def signed(ready, chief):
    """The first edition of an issue."""
    return sign(ready, chief)
