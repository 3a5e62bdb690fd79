"""The whole way from invented feeds to a published issue, on the real desk and in a browser."""

from __future__ import annotations

import hashlib
import re
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CHIEF, EDITOR, sign_in
from tests.browser.test_barriers import barriers
from tests.services.conftest import DeskProcess


@pytest.fixture
def demonstration(new_desk, furnished) -> DeskProcess:
    """An open desk with feeds of invented news."""
    desk = new_desk("--demo")
    desk.start()
    return desk


def have_drafted(page: Page, address: str) -> None:
    """Press the button, unless the tick of the minute was faster; stay until the draft is there."""
    page.goto(f"{address}/desk/daily/machine/")
    button = page.locator("button[name=draft]")
    if button.is_enabled():
        button.click()
    else:
        page.locator("#runs ~ ol a").first.click()
    page.wait_for_url(re.compile(r"/desk/daily/machine/\d+/$"))
    expect(page.locator('[data-run-state="done"]')).to_have_count(1, timeout=60_000)


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_invented_news_is_drafted_reviewed_signed_and_published(javascript, demonstration, visitor):
    address = demonstration.address
    editor = visitor()
    sign_in(editor, address, EDITOR)
    have_drafted(editor, address)
    funnel = [int(n) for n in editor.locator(".funnel__step b").all_inner_texts()]
    assert funnel == sorted(funnel, reverse=True)
    assert funnel[-1] == 18
    if javascript:
        for theme in ("light", "dark"):
            editor.emulate_media(color_scheme=theme)
            assert barriers(editor) == []
    editor.goto(f"{address}/desk/daily/machine/")
    degraded = editor.locator(".run-state--failed")
    expect(degraded).to_have_count(1)
    expect(editor.locator(".undelivered__error")).to_contain_text("503")

    editor.goto(editor.locator("#runs ~ ol a").first.evaluate("link => link.href"))
    editor.locator("#run .verdict a").click()
    day = re.search(r"\d{4}-\d\d-\d\d", editor.url)[0]
    issue = f"{address}/desk/daily/{day}/"
    if javascript:
        expect(editor.locator(".card.is-here")).to_have_count(1)
        for _ in range(19):  # eighteen cards and the insight
            editor.keyboard.press("a")
        expect(editor.locator('[data-count="insight-approved"]')).to_be_visible()
    else:
        editor = visitor(java_script_enabled=False)
        sign_in(editor, address, EDITOR)
        editor.goto(issue)
        buttons = editor.locator('[data-decision="approve"]')
        for left in range(18, 0, -1):
            expect(buttons).to_have_count(left)
            buttons.first.click()
        editor.locator('[data-decision="approve_insight"]').click()
    expect(editor.locator('.cards .row[data-state="approved"]')).to_have_count(18)

    chief = visitor()
    sign_in(chief, address, CHIEF)
    chief.goto(f"{issue}sign/")
    signed = chief.locator(".hash--whole").inner_text()
    chief.locator('[data-decision="sign"]').click()
    chief.goto(issue)
    publish = chief.locator('[data-decision="publish"]')
    if publish.count() and publish.first.is_enabled():
        publish.first.click()
    expect(chief.locator(".delivery--delivered")).to_be_visible(timeout=75_000)

    [post] = (demonstration.var_dir / "hugo/content/posts").glob(f"{day}-*.md")
    assert hashlib.sha256(post.read_bytes()).hexdigest() == signed
    reader = visitor(java_script_enabled=javascript)
    reader.goto(f"{address}/{day}/")
    expect(reader.locator(".story")).to_have_count(18)
    with urllib.request.urlopen(f"{address}/feed.xml", timeout=10) as feed:  # noqa: S310
        assert day in feed.read().decode()
