"""The folder that machines drop drafts into: finished files land, broken ones are explained."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from digest import inbox, intake
from digest.inbox import read_inbox
from digest.intake import receive
from digest.models import Draft, Issue
from digest.publishing import machine_account
from tests.conftest import COVER, cards_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings) -> Path:
    path = Path(settings.INBOX_DIR)
    path.mkdir(parents=True)
    return path


def put(folder: Path, name: str | bytes, content: bytes, *, age: float = 60) -> Path:
    """Put a file that was last written `age` seconds ago."""
    path = Path(os.fsdecode(os.path.join(os.fsencode(folder), os.fsencode(name))))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_finished_draft_lands_with_its_cover_and_both_are_moved(folder, sample):
    put(folder, "2026-02-12-ai-daily.md", sample)
    put(folder, "2026-02-12-ai-daily.png", COVER.read_bytes())
    assert read_inbox() == 1
    assert names_in(folder) == ["done/2026-02-12-ai-daily.md", "done/2026-02-12-ai-daily.png"]
    issue = Issue.objects.get()
    assert len(cards_of(issue)) == 18
    assert bytes(issue.cover.content) == COVER.read_bytes()
    assert issue.drafts.get().name == "2026-02-12-ai-daily.md"
    assert issue.drafts.get().received_by.username == "machine:machine"
    assert read_inbox() == 0


def test_the_inbox_is_made_where_there_is_none(settings):
    assert read_inbox() == 0
    assert Path(settings.INBOX_DIR).is_dir()


@pytest.mark.parametrize("young", ["a.md", "a.png"])
def test_a_file_that_is_still_being_written_is_left_until_it_is_finished(young, folder, sample):
    put(folder, "a.md", sample)
    put(folder, "a.png", COVER.read_bytes())
    os.utime(folder / young)
    assert read_inbox() == 0
    assert names_in(folder) == ["a.md", "a.png"]
    put(folder, young, (folder / young).read_bytes())
    assert read_inbox() == 1
    assert Issue.objects.get().cover


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("big5.md", "標題與摘要".encode("big5"), "UTF-8"),
        ("nothing.md", b"", ""),
        ("nul.md", b"\0" * 50, ""),
        ("half.json", b'{"front_matter": {', "JSON"),
        ("date.md", b"---\ndate: 9999-99-99\n---\n\n## S\n\n### A card\n\nText\n", "not a day"),
        ("slug.md", b'---\nslug: "../../x"\n---\n\n## S\n\n### A card\n\nText\n', "slug"),
    ],
)
def test_what_cannot_be_filed_is_put_aside_with_its_problems(name, content, reason, folder):
    put(folder, name, content)
    read_inbox()
    assert names_in(folder) == [f"broken/{name}", f"broken/{name}.problems.txt"]
    assert (folder / "broken" / name).read_bytes() == content
    report = (folder / "broken" / f"{name}.problems.txt").read_text()
    assert reason in report
    assert report.strip()
    assert not Issue.objects.exists()
    assert Draft.objects.get().state == Draft.State.REFUSED


def test_a_draft_with_one_bad_card_is_done_and_says_so(folder, sample):
    bad = sample.replace("**重要性**：高".encode(), "**重要性**：非常高".encode(), 1)
    put(folder, "a.md", bad)
    read_inbox()
    assert names_in(folder) == ["done/a.md", "done/a.md.problems.txt"]
    assert "非常高" in (folder / "done/a.md.problems.txt").read_text()
    assert len(cards_of(Issue.objects.get())) == 17


@pytest.mark.parametrize("which", ["a.md", "a.png"])
def test_a_file_that_is_too_large_is_put_aside_unread(which, folder, sample, settings):
    put(folder, "a.md", sample)
    put(folder, "a.png", COVER.read_bytes())
    with open(folder / which, "r+b") as file:
        file.truncate(20 * 1024 * 1024)
    os.utime(folder / which, (1, 1))
    read_inbox()
    assert names_in(folder) == ["broken/a.md", "broken/a.md.problems.txt", "broken/a.png"]
    report = (folder / "broken/a.md.problems.txt").read_text()
    assert "20,971,520 bytes" in report
    assert which in report
    assert not Draft.objects.exists()


def test_a_cover_that_is_no_picture_puts_both_aside(folder, sample):
    put(folder, "a.md", sample)
    put(folder, "a.png", b"<svg onload='alert(1)'/>")
    read_inbox()
    assert names_in(folder) == ["broken/a.md", "broken/a.md.problems.txt", "broken/a.png"]
    assert "picture" in (folder / "broken/a.md.problems.txt").read_text()


def test_files_of_one_name_never_overwrite_each_other(folder, sample):
    for n in range(3):
        put(folder, "a.md", sample + b"\n" * n)
        read_inbox()
    assert [n for n in names_in(folder) if n.endswith(".md")] == [
        "done/a.2.md",
        "done/a.3.md",
        "done/a.md",
    ]


def test_the_same_draft_again_is_done_again_and_changes_nothing(folder, sample):
    put(folder, "a.md", sample)
    read_inbox()
    put(folder, "b.md", sample)
    read_inbox()
    assert Draft.objects.count() == 1
    assert "done/b.md" in names_in(folder)


def test_a_folder_of_a_desks_name_is_that_desks_inbox(folder, other_desk, sample):
    put(folder, "other/a.md", sample)
    put(folder, "nobody/a.md", sample)
    read_inbox()
    assert Issue.objects.get().desk == other_desk
    assert names_in(folder) == ["nobody/a.md", "other/done/a.md"]


def test_links_hidden_files_and_other_kinds_are_left_alone(folder, sample, tmp_path):
    secret = tmp_path / "secret.md"
    secret.write_bytes(sample)
    (folder / "link.md").symlink_to(secret)
    (folder / "folder.md").mkdir()
    os.mkfifo(folder / "pipe.md")
    put(folder, ".hidden.md", sample)
    put(folder, "notes.txt", b"a note")
    put(folder, "lonely.png", COVER.read_bytes())
    assert read_inbox() == 0
    assert not Draft.objects.exists()
    assert names_in(folder) == [".hidden.md", "link.md", "lonely.png", "notes.txt"]


def test_a_linked_cover_is_not_followed(folder, sample, tmp_path):
    put(folder, "a.md", sample)
    (folder / "a.png").symlink_to(COVER)
    read_inbox()
    assert Issue.objects.get().cover is None
    assert COVER.exists()


def test_a_name_in_another_encoding_or_of_full_length_lands_like_any_other(folder, sample):
    put(folder, b"\xa4\xe9\xb3\xf8.md", sample)
    put(folder, "長" * 84 + ".md", b"\0")
    put(folder, "z.md", sample.replace(b"2026-02-12", b"2026-02-13"))
    assert read_inbox() == 3
    assert Issue.objects.count() == 2
    assert sum(name.startswith("broken/") for name in names_in(folder)) == 2
    assert read_inbox() == 0


def test_one_file_that_makes_us_stumble_keeps_no_other_out(folder, sample, monkeypatch):
    put(folder, "a.md", sample)
    put(folder, "b.md", sample.replace(b"2026-02-12", b"2026-02-13"))

    def stumble(*, name, **rest):
        if name == "a.md":
            raise RuntimeError("a bug that only this file meets")
        return receive(name=name, **rest)

    monkeypatch.setattr(inbox, "receive", stumble)
    assert read_inbox() == 1
    assert names_in(folder) == ["a.md", "done/b.md"]
    monkeypatch.undo()
    os.utime(folder / "a.md", (1, 1))
    assert read_inbox() == 1


def test_a_file_that_another_reader_takes_first_is_theirs(folder, sample, monkeypatch):
    put(folder, "a.md", sample)
    take_in = inbox._take_in

    def too_late(path: Path, desk) -> None:
        path.unlink()
        take_in(path, desk)

    monkeypatch.setattr(inbox, "_take_in", too_late)
    read_inbox()
    assert not Draft.objects.exists()
    assert names_in(folder) == []


def test_what_a_crash_left_behind_is_landed_by_a_later_tick(desk, folder, sample, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(intake.rows, "add_cards", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            receive(
                desk=desk,
                content=sample,
                media_type="text/markdown",
                by=machine_account("machine"),
            )
    read_inbox()
    assert Draft.objects.get().state == Draft.State.RECEIVED  # perhaps somebody is at it
    old = Draft.objects.get().received_at - intake.LEFT_BEHIND - timedelta(seconds=1)
    Draft.objects.update(received_at=old)
    read_inbox()
    assert Draft.objects.get().state == Draft.State.LANDED
    assert len(cards_of(Issue.objects.get())) == 18
