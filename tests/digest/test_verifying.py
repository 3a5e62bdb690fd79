"""What was signed is what is kept and what lies at the channel, or somebody is told."""

from __future__ import annotations

import builtins
import errno
import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from digest import alarms, tasks, verifying
from digest.models import Alarm, Channel, Delivery, Edition, Issue, Picture, Tick
from digest.publishing import deliver, publish_due
from digest.verifying import verify_editions
from editorial.decisions import decide
from editorial.editing import Change, change_card, field_values, hash_of
from tests.conftest import approve_everything, cards_of, land, sign


def publish(edition: Edition, by) -> Delivery:
    """Publish an edition to the end; answers with its delivery."""
    decide("publish", issue_id=edition.issue_id, by=by, seen=edition.sha256)
    for delivery_id in publish_due():
        deliver(delivery_id)
    return edition.deliveries.get(channel="hugo")


@pytest.fixture
def delivered(signed, chief) -> Delivery:
    """The sample, signed and out."""
    return publish(signed, chief)


@pytest.fixture
def editions(desk, sample, editor, chief) -> list[Edition]:
    """Five signed editions of five days."""
    found = []
    for n in range(5):
        issue = land(desk, sample.replace(b"2026-02-12", f"2026-02-{n + 13}".encode()))
        approve_everything(issue, editor)
        found.append(sign(issue, chief))
    return found


def found() -> list[tuple[int, str, str]]:
    """What a verification finds: edition, where, sentence."""
    drifts: list[verifying.Drift] = []
    verify_editions(tell=drifts.append)
    return [(drift.edition.pk, drift.where, drift.sentence) for drift in drifts]


def tamper(row: Edition | Picture, **columns) -> None:
    """Change what nobody can: past the triggers, as a broken disk does."""
    model = type(row)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
            model.objects.filter(pk=row.pk).update(**columns)
            cursor.execute("SET LOCAL session_replication_role = origin")
            return
        table = model._meta.db_table
        triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s"
        dropped = cursor.execute(triggers, [table]).fetchall()
        for name, _sql in dropped:
            cursor.execute(f"DROP TRIGGER {name}")
        model.objects.filter(pk=row.pk).update(**columns)
        for _name, sql in dropped:
            cursor.execute(sql)


def test_what_was_signed_and_delivered_agrees(delivered, editions):
    assert found() == []
    progress = verify_editions()
    assert (progress.checked, progress.drifted, progress.after) == (6, 0, None)
    assert not Alarm.objects.exists()


def test_bytes_that_were_changed_are_found(delivered):
    edition = delivered.edition
    tamper(edition, content=bytes(edition.content).replace(b"FlashAttention", b"FlashInattention"))
    [(pk, where, sentence)] = found()
    assert (pk, where) == (edition.pk, "content")
    assert edition.sha256[:12] in sentence


def test_a_document_that_makes_other_bytes_is_found(signed):
    document = signed.document
    document["lead"] += "又一句。"
    tamper(signed, document=document)
    assert [(pk, where) for pk, where, _ in found()] == [(signed.pk, "document")]


def test_a_document_that_cannot_be_read_is_found_and_stops_nobody(editions):
    tamper(editions[1], document={"sections": "none"})
    tamper(editions[3], document={})
    drifts = found()
    assert [(pk, where) for pk, where, _ in drifts] == [
        (editions[1].pk, "document"),
        (editions[3].pk, "document"),
    ]
    assert "ValidationError" in drifts[0][2]


def test_a_hash_that_was_changed_is_found_everywhere(delivered):
    tamper(delivered.edition, sha256="0" * 64)
    assert [where for _, where, _ in found()] == ["content", "document"]


@pytest.mark.parametrize("what", ["changed", "longer", "gone", "folder", "empty"])
def test_a_delivered_file_that_is_not_what_was_signed_is_found(delivered, what):
    path = Path(delivered.receipt["path"])
    content = path.read_bytes()
    path.unlink()
    if what == "folder":
        path.mkdir()
    elif what != "gone":
        path.write_bytes({"changed": content[::-1], "longer": content + b"\n", "empty": b""}[what])
    [(pk, where, sentence)] = found()
    assert (pk, where) == (delivered.edition_id, "file:hugo")
    assert str(path) in sentence
    if what in ("gone", "folder"):
        assert "is not there" in sentence


def test_every_file_of_every_channel_is_looked_at(signed, desk, chief):
    Channel.objects.create(desk=desk, name="for-programs", kind="json")
    post = publish(signed, chief)
    assert found() == []
    json_path = Path(signed.deliveries.get(channel="for-programs").receipt["path"])
    json_path.write_text('{"forged": true}')
    cover_path = Path(post.receipt["cover"])
    cover_path.write_bytes(b"another picture")
    drifts = {where: sentence for _, where, sentence in found()}
    assert drifts.keys() == {"file:for-programs", "cover:hugo"}
    assert str(json_path) in drifts["file:for-programs"]
    assert signed.cover.sha256[:12] in drifts["cover:hugo"]
    cover_path.unlink()
    assert "is not there" in {where: sentence for _, where, sentence in found()}["cover:hugo"]


def test_a_stored_picture_that_was_changed_is_found(signed):
    tamper(signed.cover, content=b"another picture")
    assert [(pk, where) for pk, where, _ in found()] == [(signed.pk, "picture")]


@pytest.mark.parametrize("step", ["looking", "reading"])
def test_a_file_that_cannot_be_read_is_a_drift_and_stops_nobody(editions, chief, monkeypatch, step):
    locked, forged = (Path(publish(e, chief).receipt["path"]) for e in editions[:2])
    forged.write_text("forged")
    name = {"looking": "is_file", "reading": "open"}[step]
    owner = Path if step == "looking" else builtins
    does = getattr(owner, name)

    def refuse(path, *args, **kwargs):
        if str(path) == str(locked):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return does(path, *args, **kwargs)

    monkeypatch.setattr(owner, name, refuse)
    drifts = found()
    assert [(pk, where) for pk, where, _ in drifts] == [
        (editions[0].pk, "file:hugo"),
        (editions[1].pk, "file:hugo"),
    ]
    assert drifts[0][2] == f"{locked} cannot be read: Permission denied."


def test_a_file_whose_edition_was_followed_by_another_is_not_missed(delivered, editor, chief):
    issue = delivered.edition.issue
    card = cards_of(issue)[0]
    base = hash_of(field_values(card)["summary"])
    change_card(card_id=card.pk, changes=[Change("summary", "另一句。", base)], by=editor)
    card.refresh_from_db()
    decide("approve", issue_id=issue.pk, card_id=card.pk, by=editor, seen=card.hash)
    second = publish(sign(issue, chief), chief)
    assert second.receipt["path"] == delivered.receipt["path"]
    assert found() == []
    Path(second.receipt["path"]).unlink()
    assert [pk for pk, _, _ in found()] == [second.edition_id]


def test_a_file_that_a_newer_edition_took_while_we_looked_is_no_drift(delivered, monkeypatch):
    Path(delivered.receipt["path"]).write_bytes(b"of the next edition")
    look = verifying._fault_of_file

    def slowly(path, promised):
        sentence = look(path, promised)
        Issue.objects.update(published=None)
        return sentence

    monkeypatch.setattr(verifying, "_fault_of_file", slowly)
    assert found() == []


def test_what_waits_or_failed_is_not_looked_for(signed, chief):
    decide("publish", issue_id=signed.issue_id, by=chief, seen=signed.sha256)
    publish_due()
    signed.deliveries.update(state=Delivery.State.FAILED, receipt={"path": "/nowhere"})
    assert found() == []


# --- telling -------------------------------------------------------------------------------------


def test_a_drift_raises_one_alarm_and_settles_it_once_it_is_mended(delivered):
    path = Path(delivered.receipt["path"])
    content = path.read_bytes()
    path.unlink()
    verify_editions()
    verify_editions()
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.desk, alarm.issue) == (
        "drift",
        delivered.edition.issue.desk,
        delivered.edition.issue,
    )
    assert alarm.key == f"drift:{delivered.edition_id}:file:hugo:"
    assert str(path) in alarms.sentence_of(alarm)
    assert alarm.settled_at is None
    path.write_bytes(content)
    verify_editions()
    alarm.refresh_from_db()
    assert alarm.settled_at is not None
    path.unlink()
    verify_editions()
    verify_editions()
    again = Alarm.objects.open().get()
    assert again != alarm
    path.write_bytes(content)
    verify_editions()
    assert not Alarm.objects.open().exists()


def test_alarms_of_other_kinds_are_left_alone(delivered, desk):
    alarms.raise_alarm(desk, "no_draft", key="missed:7", data={"day": "2026-02-12"})
    verify_editions()
    assert Alarm.objects.open().get().key == "missed:7"


def test_only_who_came_to_the_end_notes_a_verification(editions, monkeypatch):
    monkeypatch.setattr(verifying, "BATCH", 2)
    progress = verify_editions(seconds=0)
    assert (progress.checked, progress.after) == (2, editions[1].pk)
    assert not Tick.objects.exists()
    progress = verify_editions(progress.after)
    assert (progress.checked, progress.after) == (3, None)
    assert Tick.objects.get().name == "verify_editions"


def test_the_task_makes_room_for_others_and_goes_on(editions, monkeypatch):
    monkeypatch.setattr(verifying, "BATCH", 2)
    monkeypatch.setattr(tasks, "VERIFY_FOR", 0)
    asked: list[int] = []
    monkeypatch.setattr(tasks.verify_editions, "delay", asked.append)
    tasks.verify_editions()
    while len(asked) < 10 and not Tick.objects.exists():
        tasks.verify_editions(asked[-1])
    assert asked == [editions[1].pk, editions[3].pk]


def test_a_batch_takes_no_more_queries_for_more_editions(editions, signed):
    counted = []
    for last in (editions[3], None):
        after = last.pk if last else 0
        with CaptureQueriesContext(connection) as captured:
            verify_editions(after)
        counted.append(len(captured))
    assert counted[0] == counted[1]


def test_the_command_says_where_and_ends_with_1(delivered):
    output = io.StringIO()
    call_command("verify_editions", stdout=output)
    assert output.getvalue() == "1 editions verified, 0 drifted.\n"
    Path(delivered.receipt["path"]).unlink()
    with pytest.raises(SystemExit) as end:
        call_command("verify_editions", stdout=output)
    assert end.value.code == 1
    assert "daily 2026-02-12 edition 1, file:hugo: " in output.getvalue()
    assert output.getvalue().endswith("1 editions verified, 1 drifted.\n")
