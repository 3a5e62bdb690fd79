"""Whole walks on the real desk: web server, Redis, Celery worker and beat, Chromium."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import ROOT, SAMPLE, SEED, SEED_SHA256

EDITOR, CHIEF = ("editor", "copydesk-editor"), ("chief", "copydesk-chief")


def sign_in(page: Page, desk, person: tuple[str, str]) -> None:
    page.goto(f"{desk.address}/desk/")
    page.fill("#id_username", person[0])
    page.fill("#id_password", person[1])
    page.click("#sign-in button")
    expect(page.locator(".queue")).to_be_visible()


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
    sign_in(editor, desk_process, EDITOR)
    editor.goto(address)
    buttons = editor.locator('[data-decision="approve"]')
    for left in range(18, 0, -1):
        expect(buttons).to_have_count(left)
        buttons.first.click()
    expect(buttons).to_have_count(0)
    editor.locator('[data-decision="approve_insight"]').click()
    expect(editor.locator(".card--approved")).to_have_count(18)
    editor.goto(f"{address}sign/")
    expect(editor.locator('[data-decision="sign"]')).to_be_disabled()

    chief = visitor(java_script_enabled=javascript)
    sign_in(chief, desk_process, CHIEF)
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


def test_two_editors_on_one_field_lose_nothing(desk_process, visitor):
    address = f"{desk_process.address}/desk/daily/2026-02-12/"
    pages = [visitor(), visitor()]
    for page, person in zip(pages, (EDITOR, CHIEF), strict=True):
        sign_in(page, desk_process, person)
        page.goto(address)
        page.locator(".card__headline a").first.click()
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
    sign_in(page, desk_process, CHIEF)
    address = f"{desk_process.address}/desk/daily/2026-02-12/"
    page.goto(address)
    card = page.locator(".card__headline a").first.get_attribute("href")
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
    sign_in(page, desk_process, EDITOR)
    page.goto(f"{desk_process.address}/desk/daily/2026-02-12/")
    page.locator(".card__headline a").first.click()
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
    expect(page.locator(".card--approved")).to_have_count(1)
    assert len(asked) == 2
    expect(page.locator(".card--approved .card__summary")).to_have_text("還沒儲存。")
