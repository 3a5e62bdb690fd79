"""What people type is never lost: two tabs, crashes, refusals, what comes back and when."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.conftest import CHIEF, Keyboard, intercept
from tests.browser.test_desk import rows
from tests.conftest import SAMPLE

BROKEN = SAMPLE.read_bytes().replace("**重要性**：極高".encode(), "**重要性**：非常高".encode(), 1)
SUMMARY = '.card.is-here [data-typing$=".summary"]'


def another_tab(page: Page, address: str) -> tuple[Page, Keyboard]:
    """A tab of the same person in the same browser."""
    tab = page.context.new_page()
    tab.set_default_timeout(15_000)
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.goto(address)
    expect(tab.locator(".card.is-here")).to_have_count(1)
    return tab, Keyboard(tab)


def crash(page: Page) -> None:
    with pytest.raises(Error):
        page.goto("chrome://crash", timeout=5_000)


def begin_offline(page: Page, keys: Keyboard, text: str) -> None:
    """Type into the summary of the card one is at, of which nothing arrives."""
    intercept(page, "**/fields/**", lambda route: route.abort())
    keys.press("e")
    expect(page.locator(f"{SUMMARY} [name=value]")).to_be_focused()
    keys.type(text)


def test_two_tabs_with_text_for_one_field_both_keep_it(newsroom, at_desk):
    address = newsroom.issue()
    page, keys = at_desk(address)
    page.on("dialog", lambda dialog: dialog.accept())
    second, their_keys = another_tab(page, address)
    texts = {page: "甲分頁。", second: "乙分頁。"}
    for tab, hands in ((page, keys), (second, their_keys)):
        tab.bring_to_front()
        begin_offline(tab, hands, texts[tab])
    for tab in (page, second):  # each has its own again, and nothing of one that lives
        tab.bring_to_front()
        tab.reload()
        field = tab.locator(f"{SUMMARY} [name=value]")
        expect(field).to_have_value(re.compile(f"^{texts[tab]}"))
        expect(tab.locator(".left-behind")).to_have_count(0)
    # One is gone: what it left is offered beside what is there, and both arrive.
    crash(second)
    page.wait_for_function(
        "async () => (await navigator.locks.query()).held"
        ".filter(({ name }) => name.startsWith('copydesk:tab:')).length === 1"
    )
    page.reload()
    offer = page.locator(f"{SUMMARY} .left-behind")
    expect(offer).to_contain_text("乙分頁。")
    expect(page.locator(f"{SUMMARY} [name=value]")).to_have_value(re.compile("^甲分頁。"))
    page.unroute("**/fields/**")
    offer.locator("[data-take-left]").click()
    expect(offer).to_have_count(0)
    expect(page.locator(f"{SUMMARY} [name=value]")).to_have_value(re.compile("^乙分頁。"))
    expect(page.locator(f"{SUMMARY} [data-state]")).to_have_attribute("data-state", "saved")
    edits = (
        "SELECT count(*) FROM digest_event e JOIN digest_issue i ON i.id = e.issue_id"
        " WHERE i.date = ? AND e.verb = 'card.edit' AND e.after LIKE ?"
    )
    for text in texts.values():
        escaped = text.encode("ascii", "backslashreplace").decode()
        [(count,)] = rows(newsroom, edits, address.split("/")[-2], f"%{escaped}%")
        assert count == 1, text
    page.reload()
    expect(page.locator(".card.is-here")).to_have_count(1)
    assert "分頁。" not in page.evaluate("JSON.stringify({ ...localStorage })")


def test_what_was_left_behind_can_be_thrown_away(newsroom, at_desk):
    address = newsroom.issue()
    page, keys = at_desk(address)
    page.on("dialog", lambda dialog: dialog.accept())
    second, their_keys = another_tab(page, address)
    begin_offline(second, their_keys, "留下的。")
    page.bring_to_front()
    begin_offline(page, keys, "在場的。")
    crash(second)
    page.reload()
    page.locator(f"{SUMMARY} [data-throw-away]").click()
    expect(page.locator(".left-behind")).to_have_count(0)
    page.reload()
    expect(page.locator(f"{SUMMARY} [name=value]")).to_have_value(re.compile("^在場的。"))
    expect(page.locator(".left-behind")).to_have_count(0)


def test_a_duplicated_tab_is_a_tab_of_its_own(newsroom, at_desk):
    """It begins with all that the other has in its session, its name among it."""
    address = newsroom.issue()
    page, keys = at_desk(address)
    name = "sessionStorage.getItem('copydesk:tab')"
    with page.expect_popup() as opened:
        page.evaluate("address => { window.open(address) }", address)
    second = opened.value
    expect(second.locator(".card.is-here")).to_have_count(1)
    assert page.evaluate(name) != second.evaluate(name)
    before = page.evaluate(name)
    page.reload()
    expect(page.locator(".card.is-here")).to_have_count(1)
    assert page.evaluate(name) == before


def test_where_tabs_cannot_be_told_apart_one_does_not_forget_what_the_other_typed(
    newsroom, at_desk
):
    """Without https a browser has no locks, and a duplicated tab keeps under the other's name."""
    address = newsroom.issue()
    page, keys = at_desk(address)
    page.on("dialog", lambda dialog: dialog.accept())
    page.context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"
    )
    page.reload()
    expect(page.locator(".card.is-here")).to_have_count(1)
    with page.expect_popup() as opened:
        page.evaluate("address => { window.open(address) }", address)
    second = opened.value
    name = "sessionStorage.getItem('copydesk:tab')"
    assert page.evaluate(name) == second.evaluate(name)
    page.bring_to_front()
    begin_offline(page, keys, "丙分頁。")
    second.bring_to_front()
    expect(second.locator(".card.is-here")).to_have_count(1)
    second.keyboard.press("e")
    field = second.locator(f"{SUMMARY} [name=value]")
    expect(field).to_have_value(re.compile("^丙分頁。"))  # offered by the one name they share
    field.fill("丁分頁。")
    expect(second.locator(f"{SUMMARY} [data-state]")).to_have_attribute("data-state", "saved")
    page.wait_for_function("JSON.stringify({ ...localStorage }).includes('丙分頁。')")
    page.reload()
    expect(page.locator(f"{SUMMARY} [name=value]")).to_have_value(re.compile("^丙分頁。"))


@pytest.mark.parametrize("answer", [500, 409])
def test_the_reason_of_a_drop_that_was_refused_is_kept(answer, newsroom, at_desk):
    address = newsroom.issue()
    page, keys = at_desk(address)
    if answer == 500:
        intercept(page, "**/drop/", lambda route: route.fulfill(status=500, body="<h1>Oh.</h1>"))
    else:  # a colleague was faster, which this page has not heard of yet
        intercept(page, "**/pulse/", lambda route: route.abort())
        theirs, their_keys = at_desk(address, CHIEF)
        their_keys.press("x", "Enter")
        expect(theirs.locator('.row[data-state="dropped"]')).to_have_count(1)
        page.bring_to_front()
    keys.press("x")
    expect(page.locator("#drop-note")).to_be_focused()
    page.keyboard.type("與昨天重複 ")
    keys.press("Enter")
    expect(page.locator("#refusal")).to_contain_text("與昨天重複")
    if answer == 409:
        return
    keys.press("Escape")
    page.unroute("**/drop/")
    keys.press("x")
    expect(page.locator("#drop-note")).to_have_value("與昨天重複 ")
    keys.press("Enter")
    expect(page.locator('.row[data-state="dropped"]')).to_have_count(1)
    assert ("與昨天重複 ",) in rows(newsroom, "SELECT note FROM digest_event")
    assert "與昨天重複" not in page.evaluate("JSON.stringify({ ...localStorage })")


def test_a_comment_comes_back_with_its_quote_after_a_crash(newsroom, at_desk):
    address = newsroom.issue()
    page, keys = at_desk(address)
    page.evaluate(
        """() => getSelection().selectAllChildren(
             document.querySelector(".card.is-here .card__summary"))"""
    )
    keys.press("c")
    expect(page.locator(":focus")).to_have_attribute("name", "body")
    quote = page.locator(".card.is-here [name=quote]").input_value()
    assert quote
    keys.type("寫到一半")
    crash(page)
    again, keys = another_tab(page, address)
    keys.press("c")
    expect(again.locator(":focus")).to_have_attribute("name", "body")
    expect(again.locator(":focus")).to_have_value("寫到一半")
    expect(again.locator(".card.is-here [name=quote]")).to_be_visible()
    expect(again.locator(".card.is-here [name=quote]")).to_have_value(quote)
    keys.press("Control+Enter")
    expect(again.locator(".comment blockquote")).to_have_text(quote)
    expect(again.locator(".card.is-here [name=body]")).to_have_value("")
    assert "寫到一半" not in again.evaluate("JSON.stringify({ ...localStorage })")


def test_the_text_of_a_card_that_could_not_be_read_outlives_a_crash(newsroom, at_desk):
    address = newsroom.issue(BROKEN)
    page, _keys = at_desk(address)
    kept = "JSON.stringify({ ...localStorage })"
    text = page.locator(".held textarea")
    text.fill(text.input_value() + "\n還沒修好")
    typed = text.input_value()
    crash(page)
    again, _keys = another_tab(page, address)
    expect(again.locator(".held textarea")).to_have_value(typed)
    again.click("[name=repair]")
    again.wait_for_url("**/held/**")
    more = typed.replace("\n還沒修好", "").replace("非常高", "很高")
    again.fill("[name=text]", more)
    crash(again)
    again, _keys = another_tab(page, address)
    expect(again.locator(".held textarea")).to_have_value(more)
    again.fill(".held textarea", more.replace("很高", "極高"))
    again.click("[name=repair]")
    expect(again.locator(".held")).to_have_count(0)
    expect(again.locator(".card.is-here")).to_have_count(1)
    assert "held." not in again.evaluate(kept)


def test_what_was_typed_into_a_card_that_a_colleague_repaired_is_shown(newsroom, at_desk):
    address = newsroom.issue(BROKEN)
    page, _keys = at_desk(address)
    page.locator(".held textarea").fill("我修到一半的稿。")
    crash(page)
    theirs, _keys = at_desk(address, CHIEF)
    theirs.click("[name=dismiss]")
    expect(theirs.locator(".held")).to_have_count(0)
    again, _keys = another_tab(page, address)
    expect(again.locator(".left-behind")).to_contain_text("我修到一半的稿。")
    again.click("[data-throw-away]")
    again.reload()
    expect(again.locator(".card.is-here")).to_have_count(1)
    expect(again.locator(".left-behind")).to_have_count(0)
