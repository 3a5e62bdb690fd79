"""Drafts become rows: whatever bytes come, they are kept, and what is good of them lands."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from digest import document, hugo, intake
from digest.intake import Receipt, Unacceptable, receive
from digest.models import Card, Draft, Event, HeldCard, Issue, Picture, Term, sha256
from digest.publishing import machine_account
from editorial import queue
from tests.conftest import COVER, SAMPLE_DAY, SEED_SHA256, cards_of, land
from tests.endless import ends

MARKDOWN, JSON = "text/markdown", "application/json"


def take_in(desk, content: bytes, media_type: str = MARKDOWN, **options) -> Receipt:
    return receive(
        desk=desk,
        content=content,
        media_type=media_type,
        by=machine_account("machine"),
        **options,
    )


def proof_of(issue: Issue):
    return queue.case_of_issue(issue.pk).proof


def reasons_of(draft: Draft) -> str:
    return "\n".join(f"{p['where']} {p['line']}: {p['reason']}" for p in draft.problems)


def replaced(sample: bytes, old: str, new: str, count: int = 1) -> bytes:
    assert old.encode() in sample
    return sample.replace(old.encode(), new.encode(), count)


# --- what lands ----------------------------------------------------------------------------------


def test_the_sample_lands_whole(issue, sample):
    assert (issue.date, issue.slug) == (SAMPLE_DAY, "2026-02-12-ai-daily")
    assert len(cards_of(issue)) == 18
    draft = issue.drafts.get()
    assert (draft.state, draft.deviations, draft.problems) == (Draft.State.LANDED, [], [])
    assert bytes(draft.payload) == sample
    assert proof_of(issue).content == sample
    event = issue.events.get(verb="draft.land")
    assert event.after == {"draft": draft.pk, "cards": 18, "problems": 0}


def test_the_real_draft_lands_whole(desk, seed):
    issue = land(desk, seed)
    assert (issue.date, issue.slug) == (date(2026, 2, 11), "2026-02-11-ai-intel")
    assert len(cards_of(issue)) == 18
    assert proof_of(issue).sha256 == SEED_SHA256
    assert issue.drafts.get().deviations == []


@pytest.mark.parametrize("indent", [None, 2])
def test_a_draft_in_json_lands_with_the_same_proof(indent, desk, sample):
    content = hugo.read(sample).model_dump_json(indent=indent).encode()
    receipt = take_in(desk, content, JSON)
    assert receipt.landed
    assert receipt.draft.problems == []
    assert proof_of(receipt.draft.issue).sha256 == sha256(sample)


def test_the_same_payload_again_changes_nothing(desk, sample):
    first = take_in(desk, sample)
    before = (Event.objects.count(), Card.objects.count(), proof_of(first.draft.issue).sha256)
    again = take_in(desk, sample, name="another name.md")
    assert (first.landed, again.landed) == (True, False)
    assert again.draft == first.draft
    after = (Event.objects.count(), Card.objects.count(), proof_of(first.draft.issue).sha256)
    assert after == before


def test_the_same_payload_for_another_desk_is_another_draft(desk, other_desk, sample):
    assert take_in(desk, sample).landed
    assert take_in(other_desk, sample).landed
    assert [issue.desk for issue in Issue.objects.order_by("desk")] == [desk, other_desk]


def test_crlf_and_a_byte_order_mark_are_put_right_and_listed(desk, sample):
    receipt = take_in(desk, b"\xef\xbb\xbf" + sample.replace(b"\n", b"\r\n"))
    draft = receipt.draft
    assert receipt.landed
    texts = " ".join(d["text"] for d in draft.deviations)
    assert "CRLF" in texts or "line end" in texts
    assert "BOM" in texts or "byte order mark" in texts
    assert proof_of(draft.issue).sha256 == sha256(sample)
    assert bytes(draft.payload).startswith(b"\xef\xbb\xbf")


def test_entities_and_tags_keep_their_order_and_their_spelling(desk, sample):
    issue = land(desk, sample)
    whole = hugo.read(sample)
    found = Issue.objects.whole().get(pk=issue.pk)
    assert tuple(item.tag.name for item in found.tag_items.all()) == whole.front_matter.tags
    for row, value in zip(cards_of(issue), whole.cards, strict=True):
        items = row.entity_items.order_by("position")
        assert tuple(item.tag.name for item in items) == value.entities


def test_names_that_differ_in_case_or_have_no_slug_are_terms_of_their_own(desk, sample):
    whole = hugo.read(sample)
    names = ("LLM", "llm", "C", "C++", "C#", "..", "／", "大型語言模型")
    card = whole.cards[0].model_copy(update={"entities": names})
    section = whole.sections[0]
    section = section.model_copy(update={"cards": (card, *section.cards[1:])})
    whole = whole.model_copy(update={"sections": (section, *whole.sections[1:])})
    issue = land(desk, hugo.write(whole))
    assert proof_of(issue).content == hugo.write(whole)
    assert set(names) <= set(Term.objects.values_list("name", flat=True))


# --- bad cards -----------------------------------------------------------------------------------


def test_a_card_of_unknown_importance_is_held_and_the_others_land(desk, sample):
    draft = take_in(desk, replaced(sample, "**重要性**：高", "**重要性**：非常高")).draft
    assert draft.state == Draft.State.LANDED
    assert len(cards_of(draft.issue)) == 17
    [problem] = draft.problems
    assert "非常高" in problem["reason"]
    line = draft.payload.decode().split("\n").index("**重要性**：非常高  ") + 1
    assert problem["line"] == line
    held = draft.issue.held_cards.get()
    assert (held.line, held.reason) == (problem["line"], problem["reason"])
    assert "非常高" in held.text
    assert held.is_open
    # Nothing of it is lost, and nothing is signed over it.
    assert not queue.case_of_issue(draft.issue.pk).readiness.is_ready


def test_a_card_of_unknown_importance_in_json_is_held_too(desk, sample):
    content = hugo.read(sample).model_dump_json().replace('"高"', '"非常高"', 1).encode()
    draft = take_in(desk, content, JSON).draft
    assert draft.state == Draft.State.LANDED
    assert len(cards_of(draft.issue)) == 17
    [problem] = draft.problems
    assert problem["where"].startswith("/sections/0/cards/")
    assert problem["line"] is None


def test_a_bad_card_that_a_later_draft_repeats_is_held_once(desk, sample):
    bad = replaced(sample, "**重要性**：高", "**重要性**：非常高")
    issue = take_in(desk, bad).draft.issue
    take_in(desk, bad.replace("核心摘要**  \n".encode(), "核心摘要**  \n又：".encode(), 3))
    take_in(desk, replaced(bad, "極高", "極高", 1) + b"\n")
    texts = list(HeldCard.objects.filter(issue=issue).values_list("text", flat=True))
    assert len(texts) == len(set(texts))


def test_two_cards_with_one_headline_both_land(desk, sample):
    titles = [card.headline for card in hugo.read(sample).cards]
    draft = take_in(desk, replaced(sample, f"### {titles[1]}", f"### {titles[0]}")).draft
    assert draft.problems == []
    found = [card.headline for card in cards_of(draft.issue)]
    assert found == [titles[0], titles[0], *titles[2:]]


def _with_sources(sample: bytes, n: int) -> bytes:
    links = " | ".join(f"[來源 {i}](https://example.org/{i})" for i in range(n))
    text = sample.decode()
    start = text.index("**來源**：  \n") + len("**來源**：  \n")
    return (text[:start] + links + text[text.index("\n", start) :]).encode()


def test_ten_thousand_sources_hold_one_card(desk, sample):
    with ends():
        draft = take_in(desk, _with_sources(sample, 10_000)).draft
    assert draft.state == Draft.State.LANDED
    assert len(cards_of(draft.issue)) == 17
    [problem] = draft.problems
    assert str(document.SOURCES_LIMIT) in problem["reason"]
    held = draft.issue.held_cards.get()
    assert held.text.count("https://example.org/") == 10_000


def test_as_many_sources_as_are_allowed_land(desk, sample):
    draft = take_in(desk, _with_sources(sample, document.SOURCES_LIMIT)).draft
    assert draft.problems == []
    assert cards_of(draft.issue)[0].sources.count() == document.SOURCES_LIMIT


def test_somebody_elses_daily_lands_with_warnings(desk):
    daily = (
        "# Morning brief\n\n## Models\n\n### A new model\n\nIt is said to be good.\n\n"
        "[Announcement](https://example.org/a)\n\n### Another one\n\n* a point\n\n"
        "## Chips\n\n### A chip\n\nText https://example.org/b\n"
    )
    draft = take_in(desk, daily.encode(), name="2026-03-01-brief.md").draft
    assert draft.state == Draft.State.LANDED, reasons_of(draft)
    assert draft.issue.date == date(2026, 3, 1)
    found = [card.headline for card in cards_of(draft.issue)]
    assert found == ["A new model", "Another one", "A chip"]
    assert cards_of(draft.issue)[0].sources.get().url == "https://example.org/a"
    assert draft.deviations
    assert proof_of(draft.issue).content


# --- bad bytes -----------------------------------------------------------------------------------

UNREADABLE = {
    "Big5": lambda sample: "## 今日焦點\n\n### 標題\n\n摘要。\n".encode("big5"),
    "UTF-16": lambda sample: sample.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda sample: sample.decode().encode("utf-16-le"),
    "GB18030": lambda sample: sample.decode().encode("gb18030"),
    "cut in a character": lambda sample: sample[: sample.index("焦".encode()) + 1],
    "nothing": lambda sample: b"",
    "blanks": lambda sample: b" \n\n \n",
    "NULs alone": lambda sample: b"\0" * 100,
    "a picture": lambda sample: COVER.read_bytes(),
    "front matter alone": lambda sample: sample[: sample.index(b"---\n\n---")],
    "front matter that never ends": lambda sample: sample[:200],
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_kept_and_refused_with_a_reason(name, desk, sample):
    content = UNREADABLE[name](sample)
    receipt = take_in(desk, content)
    draft = Draft.objects.get()
    assert bytes(draft.payload) == content
    assert draft.state == Draft.State.REFUSED, draft.deviations
    assert draft.problems and all(problem["reason"] for problem in draft.problems)
    assert not Issue.objects.exists()
    assert Event.objects.get().verb == "draft.refuse"
    # The same again: known, and refused as before.
    again = take_in(desk, content)
    assert (again.draft, again.landed) == (receipt.draft, False)
    assert Event.objects.count() == 1


JSON_BAD = {
    "truncated": lambda text: text[: len(text) // 2],
    "a list": lambda text: "[]",
    "a number": lambda text: "7",
    "empty": lambda text: "{}",
    "a key twice": lambda text: '{"lead": "a", "lead": "b"}',
    "not a number": lambda text: '{"lead": NaN}',
    "too large a number": lambda text: '{"front_matter": {"values": {"n": 1e400}}}',
    "too many digits": lambda text: '{"front_matter": {"values": {"n": ' + "9" * 5000 + "}}}",
    "nesting": lambda text: "[" * 100_000,
    "an unknown key alone": lambda text: '{"surprise": 1}',
}


@pytest.mark.parametrize("name", JSON_BAD)
def test_json_that_cannot_be_read_is_kept_and_refused_with_a_reason(name, desk, sample):
    text = JSON_BAD[name](hugo.read(sample).model_dump_json())
    draft = take_in(desk, text.encode(), JSON).draft
    assert draft.state == Draft.State.REFUSED
    assert draft.problems and all(problem["reason"] for problem in draft.problems)
    assert bytes(Draft.objects.get().payload) == text.encode()


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\x85"])
def test_a_character_that_no_file_can_carry_holds_its_card_and_stays_visible(
    character, desk, sample
):
    draft = take_in(
        desk, replaced(sample, "**核心摘要**  \n", f"**核心摘要**  \n{character}")
    ).draft
    draft.refresh_from_db()
    assert draft.state == Draft.State.LANDED, reasons_of(draft)
    assert len(cards_of(draft.issue)) == 17
    assert f"U+{ord(character):04X}" in draft.problems[0]["reason"]


def test_a_lone_surrogate_in_json_holds_its_card(desk, sample):
    text = hugo.read(sample).model_dump_json()
    at = text.index('"headline"')
    text = text[:at] + text[at:].replace('"summary":"', '"summary":"\\ud800', 1)
    draft = take_in(desk, text.encode(), JSON).draft
    draft.refresh_from_db()
    assert draft.state == Draft.State.LANDED, reasons_of(draft)
    assert len(cards_of(draft.issue)) == 17


@pytest.mark.parametrize("broken", ["title: [", "title: a: b", "title: 'a"])
def test_a_draft_whose_front_matter_cannot_be_read_never_lands_on_todays_issue(
    broken, desk, sample
):
    today = sample.replace(b"2026-02-12", str(desk.today()).encode())
    issue = land(desk, today)
    draft = take_in(desk, replaced(sample, "draft: false", f"draft: false\n{broken}")).draft
    assert draft.state == Draft.State.REFUSED
    assert "the day it belongs to is unknown" in reasons_of(draft)
    assert proof_of(issue).content == today
    # Knowing the day gives it no title and no tags back: it waits for a better one.
    receipt = take_in(desk, bytes(draft.payload), day=SAMPLE_DAY)
    assert receipt.draft.state == Draft.State.REFUSED
    assert "front matter" in receipt.draft.problems[0]["where"]


def test_a_json_draft_whose_front_matter_cannot_be_read_lands_nowhere(desk, sample):
    text = hugo.read(sample).model_dump_json().replace('"summary":"', '"summary":"\\ud800', 1)
    draft = take_in(desk, text.encode(), JSON).draft
    assert draft.state == Draft.State.REFUSED
    assert "the day it belongs to is unknown" in reasons_of(draft)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_a_draft_cut_off_lands_as_far_as_it_came_or_says_why_not(share, desk, sample):
    content = sample[: int(len(sample) * share)].decode(errors="ignore").encode()
    draft = take_in(desk, content).draft
    assert bytes(draft.payload) == content
    if draft.state == Draft.State.LANDED:
        assert cards_of(draft.issue)
    else:
        assert draft.problems


def test_more_bytes_than_a_draft_may_have_are_not_even_kept(desk, settings):
    with pytest.raises(Unacceptable, match="bytes"):
        take_in(desk, b"x" * (settings.DRAFT_LIMIT + 1))
    assert not Draft.objects.exists()


def test_a_draft_of_almost_the_limit_is_kept_and_answered(desk, settings, sample):
    content = sample + b"\n" + "長".encode() * ((settings.DRAFT_LIMIT - len(sample)) // 3 - 10)
    with ends():
        draft = take_in(desk, content).draft
    assert len(draft.payload) == len(content)
    assert draft.state in (Draft.State.LANDED, Draft.State.REFUSED)


# --- where it is filed ---------------------------------------------------------------------------


def _dated(sample: bytes, written: str) -> bytes:
    return replaced(sample, "date: 2026-02-12T06:50:08+08:00", f"date: {written}")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("9999-99-99", "not a day"),
        ("9999-12-31", "between"),
        ("1999-12-31", "between"),
        ("2026-02-30", "not a day"),
        ("tomorrow", "not a day"),
        ("[1, 2]", "not a day"),
        ('"２０２６-02-12"', "not a day"),
    ],
)
def test_a_date_that_is_none_is_refused_with_a_reason(written, reason, desk, sample):
    draft = take_in(desk, _dated(sample, written)).draft
    assert draft.state == Draft.State.REFUSED
    assert reason in reasons_of(draft)
    assert not Issue.objects.exists()


@pytest.mark.parametrize("written", ["2026-02-12", '"2026-02-12"', "2026-02-12 06:50:08"])
def test_a_date_may_be_written_in_several_ways(written, desk, sample):
    assert land(desk, _dated(sample, written)).date == SAMPLE_DAY


def test_a_draft_without_a_date_is_filed_by_its_name_or_today(desk, sample):
    undated = replaced(sample, "date: 2026-02-12T06:50:08+08:00\n", "")
    named = take_in(desk, undated, name="2026-04-01-x.md").draft
    assert named.issue.date == date(2026, 4, 1)
    assert "no date" in named.deviations[-1]["text"] + named.deviations[0]["text"]
    unnamed = take_in(desk, undated + b"\n").draft
    assert unnamed.issue.date == desk.today()


def test_a_day_given_by_hand_overrules_the_draft(desk, sample):
    assert take_in(desk, sample, day=date(2026, 5, 1)).draft.issue.date == date(2026, 5, 1)


def test_a_draft_refused_for_its_date_can_be_filed_by_hand(desk, sample):
    bad = _dated(sample, "9999-99-99")
    assert take_in(desk, bad).draft.state == Draft.State.REFUSED
    receipt = take_in(desk, bad, day=date(2026, 5, 1))
    assert receipt.landed
    assert (receipt.draft.state, receipt.draft.issue.date) == ("landed", date(2026, 5, 1))
    assert Draft.objects.count() == 1


def test_a_draft_refused_under_a_wrong_media_type_lands_under_the_right_one(desk, sample):
    content = hugo.read(sample).model_dump_json().encode()
    assert take_in(desk, content, MARKDOWN).draft.state == Draft.State.REFUSED
    receipt = take_in(desk, content, JSON)
    assert receipt.landed
    assert proof_of(receipt.draft.issue).sha256 == sha256(sample)


@pytest.mark.parametrize(
    "slug",
    [
        "../../etc/passwd",
        "a/b",
        "a\\\\b",
        ".",
        "..",
        "-a",
        "a b",
        "A",
        "一",
        "a" * 101,
        "a\\nb",
    ],
)
def test_a_slug_that_is_none_is_refused_with_a_reason(slug, desk, sample):
    draft = take_in(desk, replaced(sample, "draft: false", f'draft: false\nslug: "{slug}"')).draft
    assert draft.state == Draft.State.REFUSED
    assert "slug" in reasons_of(draft)


@pytest.mark.parametrize("slug", ["7", "null", "[a]", "true", "{a: b}"])
def test_a_slug_that_is_no_text_makes_no_harm(slug, desk, sample):
    draft = take_in(desk, replaced(sample, "draft: false", f"draft: false\nslug: {slug}")).draft
    if draft.state == Draft.State.LANDED:
        assert draft.issue.slug == "2026-02-12-ai-daily"
    else:
        assert "slug" in reasons_of(draft)


def test_a_slug_in_the_front_matter_names_the_file(desk, sample):
    assert (
        land(desk, replaced(sample, "draft: false", "draft: false\nslug: my-day")).slug
        == "2026-02-12-my-day"
    )


def test_two_days_cannot_have_one_slug(desk, sample):
    one = replaced(sample, "draft: false", "draft: false\nslug: same")
    first = land(desk, one)
    second = land(desk, one.replace(b"2026-02-12", b"2026-02-13"))
    assert first.slug == "2026-02-12-same"
    assert second.slug == "2026-02-13-same"


def test_a_slug_cannot_turn_the_folder_into_one_page(desk, sample):
    draft = replaced(sample, "draft: false", "draft: false\nslug: index")
    assert land(desk, draft).slug == "2026-02-12-index"


def test_a_card_that_was_put_aside_or_repaired_does_not_come_back(desk, sample, editor):
    from editorial.editing import dismiss_held, repair_card

    bad = replaced(
        replaced(sample, "**重要性**：極高", "**重要性**：非常高"), 'title: "', 'title: "一'
    )
    issue = land(desk, bad)
    held = issue.held_cards.get()
    card = repair_card(
        held_id=held.pk,
        text=held.text.replace("非常高", "極高"),
        section_id=issue.sections.first().pk,
        by=editor,
    )
    land(desk, replaced(bad, 'title: "一', 'title: "二'))
    assert not issue.held_cards.waiting().exists()
    land(desk, sample)
    assert [c.pk for c in cards_of(issue) if c.headline == card.headline] == [card.pk]
    dismissed = land(desk, bad.replace(b"2026-02-12", b"2026-02-13"))
    dismiss_held(held_id=dismissed.held_cards.get().pk, by=editor)
    land(desk, replaced(bad, 'title: "一', 'title: "三').replace(b"2026-02-12", b"2026-02-13"))
    assert not dismissed.held_cards.waiting().exists()


def test_a_later_run_that_spoils_a_card_leaves_the_good_one(desk, sample):
    issue = land(desk, sample)
    land(desk, replaced(sample, "**重要性**：極高", "**重要性**：非常高"))
    assert sum(not card.dropped for card in cards_of(issue)) == 18
    assert issue.held_cards.waiting().count() == 1


def test_a_section_people_emptied_is_not_published_as_a_heading(desk, sample, editor):
    from editorial import queue
    from editorial.editing import move_card

    issue = land(desk, sample)
    first, second = issue.sections.all()[:2]
    for card in list(first.cards.all()):
        move_card(
            card_id=card.pk,
            section_id=second.pk,
            after=None,
            seen=queue.order_of(issue),
            by=editor,
        )
    assert first.title not in queue.case_of_issue(issue.pk).proof.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.png",
        "../../secret.png",
        "/images/../../secret.png",
        "..\\\\secret.png",
        "/images/" + "a" * 300 + ".png",
        "/css/main.css",
        "/index.html",
        "/",
        "/.git/x.png",
    ],
)
def test_a_cover_that_would_land_elsewhere_is_refused_with_a_reason(path, desk, sample):
    content = replaced(sample, '"/images/2026-02-12-ai-daily.png"', f'"{path}"')
    draft = take_in(desk, content, cover=COVER.read_bytes()).draft
    assert draft.state == Draft.State.REFUSED
    assert "cover" in reasons_of(draft)


def test_a_cover_that_is_a_link_needs_no_picture(desk, sample):
    path = "https://example.org/cover.svg"
    issue = land(desk, replaced(sample, "/images/2026-02-12-ai-daily.png", path))
    assert issue.cover is None


# --- covers --------------------------------------------------------------------------------------


def _picture(kind: str, size=(8, 8)) -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
def test_a_picture_is_kept_with_its_kind(kind, media_type, desk, sample):
    content = _picture(kind)
    issue = take_in(desk, sample, cover=content).draft.issue
    assert (bytes(issue.cover.content), issue.cover.media_type) == (content, media_type)


@pytest.mark.parametrize(
    "cover",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"<?php echo 1;",
        b"\x89PNG\r\n\x1a\n",
        b"\0",
        b"x" * (intake.COVER_LIMIT + 1),
        "PNG cut in half",
        "BMP",
    ],
    ids=lambda c: str(c[:8]),
)
def test_a_cover_that_is_no_picture_is_refused_before_anything_is_kept(cover, desk, sample):
    if isinstance(cover, str):
        cover = (
            COVER.read_bytes()[: COVER.stat().st_size // 2] if "cut" in cover else _picture(cover)
        )
    with pytest.raises(Unacceptable, match="cover"):
        take_in(desk, sample, cover=cover)
    assert not Draft.objects.exists()
    assert not Picture.objects.exists()


def test_a_picture_is_kept_once_however_often_it_comes(desk, sample):
    cover = COVER.read_bytes()
    take_in(desk, sample, cover=cover)
    take_in(desk, sample + b"\n", cover=cover)
    assert Picture.objects.count() == 1


def test_a_cover_that_comes_with_the_same_draft_later_is_not_lost(desk, sample):
    issue = take_in(desk, sample).draft.issue
    assert issue.cover is None
    take_in(desk, sample, cover=COVER.read_bytes())
    issue.refresh_from_db()
    assert issue.cover.sha256 == sha256(COVER.read_bytes())


# --- crashes -------------------------------------------------------------------------------------


def test_a_draft_whose_landing_crashed_is_kept_and_landed_by_the_next_delivery(
    desk, sample, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(intake.rows, "add_cards", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take_in(desk, sample)
    draft = Draft.objects.get()
    assert (draft.state, bytes(draft.payload)) == (Draft.State.RECEIVED, sample)
    assert not Issue.objects.exists()  # all of it or nothing
    assert take_in(desk, sample).landed


def test_a_name_that_no_database_can_carry_is_made_storable(desk, sample):
    draft = take_in(desk, sample, name="\udca4\udce9 \0.md").draft
    draft.refresh_from_db()
    assert draft.state == Draft.State.LANDED
    assert draft.name.endswith(".md")


# --- by hand -------------------------------------------------------------------------------------


def test_the_command_takes_in_files(desk, sample, tmp_path, capsys):
    path = tmp_path / "2026-02-12-ai-daily.md"
    path.write_bytes(sample)
    cover = tmp_path / "cover.png"
    cover.write_bytes(COVER.read_bytes())
    call_command("import_draft", str(path), "--cover", str(cover))
    assert "landed as the issue of 2026-02-12" in capsys.readouterr().out
    assert Issue.objects.get().cover
    call_command("import_draft", str(path))
    assert "known already" in capsys.readouterr().out


def test_the_command_says_what_could_not_be_filed_and_takes_the_rest(
    desk, sample, tmp_path, capsys
):
    for name, content in {
        "good.md": sample,
        "bad.md": _dated(sample, "9999-99-99"),
        "odd.docx": b"PK",
        "big5.md": "標題".encode("big5"),
    }.items():
        (tmp_path / name).write_bytes(content)
    names = ["bad.md", "odd.docx", "missing.md", "big5.md", "good.md"]
    with pytest.raises(CommandError) as error:
        call_command("import_draft", *(str(tmp_path / name) for name in names))
    for name in names[:-1]:
        assert name in str(error.value)
    assert "good.md" not in str(error.value)
    captured = capsys.readouterr()
    assert "not a day" in captured.err
    assert "UTF-8" in captured.err
    assert Issue.objects.count() == 1


def test_the_command_files_a_refused_draft_under_another_date(desk, sample, tmp_path):
    path = tmp_path / "bad.md"
    path.write_bytes(_dated(sample, "9999-99-99"))
    with pytest.raises(CommandError):
        call_command("import_draft", str(path))
    call_command("import_draft", str(path), "--date", "2026-05-01")
    assert Issue.objects.get().date == date(2026, 5, 1)


def test_a_draft_that_waits_to_be_landed_says_when_it_came(desk, sample):
    draft = take_in(desk, sample).draft
    assert timezone.now() - draft.received_at < timedelta(minutes=1)
