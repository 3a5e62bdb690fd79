"""Whole walks on the real desk: web server, Redis, Celery worker and beat, Chromium."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CHIEF, EDITOR, sign_in
from tests.conftest import ROOT, SAMPLE, SEED, SEED_SHA256
from tests.services.conftest import Clock

APPROVED = '.row[data-state="approved"]'


def card_page(page: Page, address: str) -> str:
    """The page of an issue's first card, as its link without JavaScript leads to."""
    page.goto(address)
    return page.locator(".row__headline a").first.evaluate("link => link.href")


def import_draft(desk, path) -> None:
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(desk.var_dir)}
    command = [sys.executable, "manage.py", "import_draft", str(path)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_a_draft_is_judged_signed_published_and_read(javascript, desk_process, visitor):
    """Without JavaScript on the real draft, where it is here: then the file's hash is known."""
    day, slug, expected = "2026-02-12", "2026-02-12-ai-daily", None
    if not javascript and SEED.exists():
        import_draft(desk_process, SEED)
        day, slug, expected = "2026-02-11", "2026-02-11-ai-intel", SEED_SHA256
    elif not javascript:
        expected = hashlib.sha256(SAMPLE.read_bytes()).hexdigest()
    address = f"{desk_process.address}/desk/daily/{day}/"

    editor = visitor(java_script_enabled=javascript)
    sign_in(editor, desk_process.address, EDITOR)
    editor.goto(address)
    buttons = editor.locator('[data-decision="approve"]')
    for left in range(18, 0, -1):
        expect(buttons).to_have_count(left)
        buttons.first.click()
    expect(buttons).to_have_count(0)
    editor.locator('[data-decision="approve_insight"]').click()
    expect(editor.locator(f".cards {APPROVED}")).to_have_count(18)
    editor.goto(f"{address}sign/")
    expect(editor.locator('[data-decision="sign"]')).to_be_disabled()

    chief = visitor(java_script_enabled=javascript)
    sign_in(chief, desk_process.address, CHIEF)
    chief.goto(f"{address}sign/")
    shown = chief.locator(".hash--whole").inner_text()
    chief.locator('[data-decision="sign"]').click()
    chief.locator('[data-decision="publish"]').click()
    delivered = chief.locator(".delivery--delivered")
    if javascript:
        expect(delivered).to_be_visible(timeout=30_000)  # the page looks again by itself
    else:
        for _ in range(60):
            if delivered.count():
                break
            chief.wait_for_timeout(500)
            chief.reload()
    expect(delivered).to_contain_text(shown[:12])

    post = desk_process.var_dir / "hugo/content/posts" / f"{slug}.md"
    published = hashlib.sha256(post.read_bytes()).hexdigest()
    assert published == shown
    assert expected in (None, published)

    reader = visitor(java_script_enabled=javascript)
    reader.goto(f"{desk_process.address}/{day}/")
    expect(reader.locator(".story")).to_have_count(18)


def test_the_real_draft_goes_out_at_its_hour_and_is_corrected(new_desk, visitor, tmp_path):
    """The clock says 05:55 on the draft's own day in Taipei; nobody presses Publish for the first
    edition. A tick of beat comes at a full minute, so the desk is given two of them."""
    if not SEED.exists():
        pytest.skip("the real draft lies outside of the repository and is not here")
    day, taipei, clock = "2026-02-11", ZoneInfo("Asia/Taipei"), Clock(tmp_path / "clock")
    clock.move_to(datetime(2026, 2, 11, 5, 55, 35, tzinfo=taipei))
    desk = new_desk(**clock.environment)
    desk.start()
    import_draft(desk, SEED)
    address = f"{desk.address}/desk/daily/{day}/"
    post = desk.var_dir / f"hugo/content/posts/{day}-ai-intel.md"
    editor, chief, reader = visitor(), visitor(), visitor()
    sign_in(editor, desk.address, EDITOR)
    sign_in(chief, desk.address, CHIEF)
    editor.goto(address)
    expect(editor.locator(".card.is-here")).to_have_count(1)
    expect(editor.locator("#publication")).to_contain_text("06:50")

    # An hour before, and nobody has judged anything: all are told.
    clock.move_to(datetime(2026, 2, 11, 6, 21, tzinfo=taipei))
    warning = editor.locator(".alarm", has_text="02-11")
    expect(warning).to_contain_text("18", timeout=75_000)
    for _ in range(19):
        editor.keyboard.press("a")
    expect(editor.locator('[data-count="insight-approved"]')).to_be_visible()
    chief.goto(f"{address}sign/")
    expect(chief.locator("main")).to_contain_text("06:50")
    chief.locator('[data-decision="sign"]').click()
    chief.goto(address)
    expect(chief.locator("#publication")).to_contain_text("06:50")
    expect(chief.locator(".alarm", has_text="02-11")).to_have_count(0)
    assert not post.exists()
    assert reader.goto(f"{desk.address}/{day}/").status == 404

    clock.move_to(datetime(2026, 2, 11, 6, 50, tzinfo=taipei))
    expect(chief.locator(".delivery--delivered")).to_be_visible(timeout=130_000)
    assert hashlib.sha256(post.read_bytes()).hexdigest() == SEED_SHA256
    assert reader.goto(f"{desk.address}/{day}/").status == 200
    expect(reader.locator(".story")).to_have_count(18)

    editor.goto(card_page(editor, address))
    editor.fill("#field-summary", "改正後的摘要。")
    editor.click("[name=approve]")
    editor.goto(f"{address}front/")
    editor.fill("#field-correction", "第一則的摘要有誤，已改正。")
    editor.click("[name=save]")
    chief.goto(f"{address}sign/")
    signed = chief.locator(".hash--whole").inner_text()
    chief.locator('[data-decision="sign"]').click()
    chief.goto(address)
    chief.locator('[data-decision="publish"]').click()
    expect(chief.locator(".delivery--delivered")).to_contain_text(signed[:12], timeout=30_000)
    assert hashlib.sha256(post.read_bytes()).hexdigest() == signed
    reader.reload()
    expect(reader.locator(".issue__correction")).to_contain_text("第一則的摘要有誤，已改正。")
    feed = reader.request.get(f"{desk.address}/feed.xml").text()
    assert "第一則的摘要有誤，已改正。" in feed


def test_the_presses_are_stopped_let_go_and_what_is_out_is_corrected_and_taken_back(
    desk_process, visitor
):
    """All of it in the page, with the real worker; the sample's hour is long over."""
    day = "2026-02-12"
    address = f"{desk_process.address}/desk/daily/{day}/"
    post = desk_process.var_dir / f"hugo/content/posts/{day}-ai-daily.md"
    editor, chief, reader = visitor(), visitor(), visitor()
    sign_in(editor, desk_process.address, EDITOR)
    sign_in(chief, desk_process.address, CHIEF)
    editor.goto(address)
    expect(editor.locator(".card.is-here")).to_have_count(1)
    for _ in range(19):
        editor.keyboard.press("a")
    expect(editor.locator('[data-count="insight-approved"]')).to_be_visible()

    def sign_and_publish() -> None:
        chief.goto(f"{address}sign/")
        chief.locator('[data-decision="sign"]').click()
        chief.goto(address)
        chief.locator('[data-decision="publish"]').click()
        expect(chief.locator(".delivery--delivered")).to_be_visible(timeout=30_000)

    chief.goto(f"{address}sign/")
    chief.locator('[data-decision="sign"]').click()
    # One key stops the presses; while they stand still, nothing can be published.
    editor.reload()
    expect(editor.locator(".card.is-here")).to_have_count(1)
    editor.keyboard.press("H")
    expect(editor.locator("#note-hold-")).to_be_focused()
    editor.keyboard.insert_text("標題裡的數字有誤")
    editor.keyboard.press("Enter")
    expect(editor.locator("#held-notice")).to_contain_text("標題裡的數字有誤")
    chief.goto(address)
    expect(chief.locator('[data-decision="publish"]')).to_be_disabled()
    chief.locator('[data-decision="unhold"]').click()
    expect(chief.locator("#held-notice")).to_have_count(0)
    chief.locator('[data-decision="publish"]').click()
    expect(chief.locator(".delivery--delivered")).to_be_visible(timeout=30_000)
    first = hashlib.sha256(post.read_bytes()).hexdigest()

    # A correction: the text, the note, another signature, another publication.
    editor.goto(card_page(editor, address))
    editor.fill("#field-summary", "改正後的摘要。")
    editor.click("[name=approve]")
    chief.goto(f"{address}sign/")
    expect(chief.locator('[data-decision="sign"]')).to_be_disabled()
    expect(chief.locator("#why-sign-")).to_contain_text("更正")
    expect(chief.locator(".revision")).to_have_count(1)
    editor.goto(f"{address}front/")
    editor.fill("#field-correction", "第一則的摘要有誤，已改正。")
    editor.click("[name=save]")
    sign_and_publish()
    assert hashlib.sha256(post.read_bytes()).hexdigest() != first
    reader.goto(f"{desk_process.address}/{day}/")
    expect(reader.locator(".issue__correction")).to_contain_text("第一則的摘要有誤，已改正。")

    # Taken back: readers and the channel have it no more.
    chief.locator(".publication__more > summary").click()
    chief.fill("#note-unpublish-", "來源撤稿")
    chief.locator('[data-decision="unpublish"]').click()
    expect(chief.locator(".delivery--delivered")).to_contain_text("撤下", timeout=30_000)
    assert not post.exists()
    assert reader.goto(f"{desk_process.address}/{day}/").status == 404


def test_two_editors_on_one_field_lose_nothing(desk_process, visitor):
    address = f"{desk_process.address}/desk/daily/2026-02-12/"
    pages = [visitor(), visitor()]
    for page, person in zip(pages, (EDITOR, CHIEF), strict=True):
        sign_in(page, desk_process.address, person)
        page.goto(card_page(page, address))
    mine, theirs = pages
    theirs.fill("#field-summary", "總編先存的摘要。")
    theirs.click("[name=save]")
    mine.fill("#field-summary", "編輯後存的摘要。")
    mine.fill("#field-headline", "編輯改的標題")
    mine.click("[name=save]")
    expect(mine.locator(".collision")).to_contain_text("總編先存的摘要。")
    expect(mine.locator("#field-summary")).to_have_value("編輯後存的摘要。")
    expect(mine.locator("#field-headline")).to_have_value("編輯改的標題")
    mine.click("[name=stay]")
    expect(mine.locator("h1")).to_have_text("編輯改的標題")
    expect(mine.locator(".preview")).to_contain_text("編輯後存的摘要。")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone_and_every_console_is_silent(theme, desk_process, visitor):
    page = visitor(viewport={"width": 390, "height": 844}, color_scheme=theme)
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    sign_in(page, desk_process.address, CHIEF)
    address = f"{desk_process.address}/desk/daily/2026-02-12/"
    card = card_page(page, address)
    for path in ("/desk/daily/", address, card, f"{address}insight/", f"{address}sign/", "/"):
        page.goto(path if path.startswith("http") else f"{desk_process.address}{path}")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, path
        small = page.locator("main button:visible, main .button:visible").evaluate_all(
            "all => all.filter(b => b.getBoundingClientRect().height < 44)"
            ".map(b => b.textContent.trim())"
        )
        assert small == [], path
    assert noise == []


def test_the_language_follows_the_browser_and_the_button(desk_process, visitor):
    page = visitor(locale="en-US")
    page.goto(f"{desk_process.address}/sign-in/")
    expect(page.locator("h1")).to_have_text("Sign in to the desk")
    page.click("[name=language]")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hant")
    expect(page.locator("h1")).not_to_have_text(re.compile("Sign in"))


def test_typed_text_is_not_left_behind_unasked(desk_process, visitor):
    page = visitor()
    sign_in(page, desk_process.address, EDITOR)
    page.goto(card_page(page, f"{desk_process.address}/desk/daily/2026-02-12/"))
    page.fill("#field-summary", "還沒儲存。")
    asked: list[str] = []

    def stay(dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.locator(".back a").click(no_wait_after=True)
    expect(page.locator("#field-summary")).to_have_value("還沒儲存。")
    page.locator('[data-decision="drop"]').click(no_wait_after=True)
    page.wait_for_timeout(500)
    assert asked == ["beforeunload", "beforeunload"]
    expect(page.locator("#field-summary")).to_have_value("還沒儲存。")
    page.click("[name=approve]")
    expect(page.locator(APPROVED)).to_have_count(1)
    assert len(asked) == 2
    expect(page.locator(f".card:has({APPROVED}) .card__summary")).to_have_text("還沒儲存。")


def test_all_of_the_day_page_but_drag_keys_and_preview_works_without_javascript(newsroom, visitor):
    address = newsroom.issue()
    page = visitor(java_script_enabled=False)
    sign_in(page, newsroom.address, EDITOR)

    headlines = page.locator("[data-section] .row__headline")

    def open_card(number: int) -> None:
        page.locator(".cards .card__more > summary").nth(number).click()

    page.goto(address)
    before = headlines.all_inner_texts()
    # Rate, move, drop with a reason, take it back.
    open_card(0)
    page.locator(".cards .card").nth(0).locator('[name="rate"]').nth(4).click()
    expect(page.locator(".rating__word").first).to_have_text("極高")
    open_card(0)
    page.locator(".cards .card").nth(0).locator('[name="to"][value="down"]').click()
    expect(headlines).to_have_text([before[1], before[0], *before[2:]])
    page.wait_for_load_state()  # it scrolls to the card yet: a click would miss the button
    page.click("#undo")
    expect(headlines).to_have_text(before)
    card = page.locator(".row__headline a").first.get_attribute("href")
    page.goto(newsroom.address + card)
    page.select_option("[name=place]", index=5)
    page.locator(".mover button:not([name])").click()
    expect(headlines.first).to_have_text(before[1])
    page.goto(newsroom.address + card)
    page.fill("[name=note]", "重複")
    page.locator('[data-decision="drop"]').click()
    expect(page.locator('.row[data-state="dropped"]')).to_have_count(1)
    # Comment, resolve; compare, set back.
    other = page.locator(".row__headline a").first.get_attribute("href")
    page.goto(f"{newsroom.address}{other}comments/")
    page.fill("[name=body]", "沒有 JavaScript 的評論。")
    page.locator(".comment-form button").click()
    expect(page.locator(".comment__body")).to_have_text("沒有 JavaScript 的評論。")
    page.locator(".comment button").click()
    expect(page.locator(".comment--resolved")).to_have_count(1)
    page.goto(newsroom.address + other)
    page.fill("#field-summary", "改過的摘要。")
    page.click("[name=save]")
    page.goto(f"{newsroom.address}{other}history/?against=machine")
    expect(page.locator(".difference ins").first).to_be_visible()
    page.locator('[name="to"]:not([type=hidden])').click()
    expect(page.locator(".state--edited")).to_have_count(1)  # the one that was rated
    # Front matter, keys, the first steps.
    page.goto(f"{address}front/")
    page.fill("#field-title", "沒有 JavaScript 也能改標題")
    page.click("[name=save]")
    expect(page.locator("h1")).to_have_text("沒有 JavaScript 也能改標題")
    page.goto(f"{newsroom.address}/keys/")
    page.uncheck("#keys-on")
    page.locator("main .button--main").click()
    expect(page.locator("#keys-on")).not_to_be_checked()
    page.check("#keys-on")
    page.locator("main .button--main").click()
