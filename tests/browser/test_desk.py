"""The day page from the keyboard: the jobs an editor does each morning, counted in keys."""

from __future__ import annotations

import re
import sqlite3

import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.conftest import CHIEF, EDITOR, Newsroom

WAITING = '.card:has(> .row[data-state="waiting"])'
APPROVED = '.card:has(> .row[data-state="approved"])'


def rows(newsroom: Newsroom, sql: str, *values) -> list[tuple]:
    """What the database holds."""
    with sqlite3.connect(newsroom.process.var_dir / "copydesk.sqlite3") as database:
        return database.execute(sql, values).fetchall()


def decisions(newsroom: Newsroom, address: str) -> list[tuple]:
    day = address.rstrip("/").rpartition("/")[2]
    return rows(
        newsroom,
        "SELECT verb, seen, actor_id FROM digest_event JOIN digest_issue i ON i.id = issue_id"
        " WHERE i.date = ? AND verb IN ('card.approve', 'insight.approve', 'issue.sign')",
        day,
    )


def headlines(page: Page) -> list[str]:
    return page.locator("[data-section] .row__headline").all_inner_texts()


def here(page: Page) -> str:
    return page.evaluate("document.activeElement.closest('[data-card]')?.id ?? ''")


def test_the_reference_job_takes_34_keys_and_one_page_load(newsroom, at_desk, capsys):
    """13 cards as they are, 3 with a new summary, 2 rated anew, one headline up by three, the
    insight, the signature for 06:50 of the issue's day."""
    address = newsroom.issue()
    page, keys = at_desk(address, CHIEF)
    loads = []
    page.on("request", lambda r: r.is_navigation_request() and loads.append(r.url))
    before = headlines(page)
    for number in range(18):
        if number in (1, 6, 11):
            keys.press("e")
            expect(page.locator(":focus")).to_have_attribute("name", "value")
            keys.type("改寫：")
            keys.press("Control+Enter")
        elif number in (4, 9):
            keys.press("5", "a")
        elif number == 3:
            keys.press("a")
        else:
            keys.press("a")
        if number < 17:
            expect(page.locator(".card.is-here .row__headline")).to_have_text(before[number + 1])
    expect(page.locator("#insight.is-here")).to_be_visible()
    keys.press("a")
    expect(page.locator("#row-insight")).to_have_attribute("data-state", "approved")
    # The headline is the one that was judged last: its card is one `k` away.
    keys.press("k")
    expect(page.locator(".card.is-here .row__headline")).to_have_text(before[17])
    page.keyboard.down("Alt")
    keys.count += 1
    for _ in range(3):
        keys.count += 1
        page.keyboard.press("ArrowUp")
    page.keyboard.up("Alt")
    expect(page.locator("[data-section] .row__headline").nth(14)).to_have_text(before[17])
    keys.press("S")
    expect(page.locator("#sign")).to_be_enabled()
    keys.press("y")
    expect(page.locator("#publication")).to_contain_text("06:50")
    assert loads == []
    made = decisions(newsroom, address)
    assert [
        len([m for m in made if m[0] == verb])
        for verb in ("card.approve", "insight.approve", "issue.sign")
    ] == [18, 1, 1]
    assert all(re.fullmatch("[0-9a-f]{64}", seen) and actor for _verb, seen, actor in made)
    with capsys.disabled():
        print(f"\n  reference job: {keys.count} keys, modifiers counted; 20 decisions")
    assert keys.count <= 34


def test_accepting_all_18_cards_takes_22_keys(newsroom, at_desk, capsys):
    address = newsroom.issue()
    page, keys = at_desk(address, CHIEF)
    for _ in range(18):
        keys.press("a")
    expect(page.locator(APPROVED)).to_have_count(18)
    expect(page.locator("#insight.is-here")).to_be_visible()
    keys.press("a", "S")
    expect(page.locator("#sign")).to_be_enabled()
    keys.press("y")
    expect(page.locator("#publication")).to_contain_text("06:50")
    assert len(decisions(newsroom, address)) == 20
    with capsys.disabled():
        print(f"\n  accept all: {keys.count} keys, modifiers counted")
    assert keys.count <= 22


def test_j_and_k_walk_and_n_and_p_find_what_waits(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    first = here(page)
    keys.press("j", "j")
    assert here(page) != first
    keys.press("k", "k")
    assert here(page) == first
    keys.press("a")
    expect(page.locator(APPROVED)).to_have_count(1)
    second = here(page)
    keys.press("p")  # round, over the first, which is judged
    assert here(page) == "insight"
    keys.press("n")
    assert here(page) == second
    keys.press("g", "3")
    expect(page.locator('[data-number="3"] .card.is-here')).to_have_count(1)


def test_keys_never_fire_in_a_field_on_repeat_or_with_a_modifier(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    for chord in ("Control+a", "Meta+a", "Alt+a", "Alt+x"):
        keys.press(chord)
    page.evaluate(
        """() => {
          const fire = (options) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key: "a", bubbles: true, cancelable: true, ...options }));
          fire({ repeat: true });
          fire({ isComposing: true });
          fire({ keyCode: 229 });
        }"""
    )
    keys.press("Enter", "Backspace")
    keys.press("/")
    page.keyboard.type("aaxx")
    expect(page.locator("#search")).to_have_value("aaxx")
    page.wait_for_timeout(300)
    expect(page.locator(APPROVED)).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_an_input_method_is_left_to_compose(newsroom, at_desk):
    """Scripted composition through the browser's own input pipeline."""
    page, keys = at_desk(newsroom.issue())
    keys.press("e")
    area = page.locator(":focus")
    expect(area).to_have_attribute("name", "value")
    saves = []
    page.on("request", lambda r: "/fields/" in r.url and saves.append(r.url))
    session = page.context.new_cdp_session(page)
    page.keyboard.press("Home")
    for text in ("ㄐ", "ㄐㄧ", "機"):
        session.send(
            "Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1}
        )
        # What the keyboard reports meanwhile is the input method's.
        page.evaluate(
            """() => document.activeElement.dispatchEvent(new KeyboardEvent("keydown",
                 { key: "Escape", keyCode: 229, isComposing: true, bubbles: true }))"""
        )
        page.wait_for_timeout(900)  # longer than autosave waits
    assert saves == []
    expect(page.locator(".editor")).to_be_visible()
    session.send("Input.insertText", {"text": "機器"})
    expect(page.locator("form:has(:focus) [data-state]")).to_have_attribute("data-state", "saved")
    assert len(saves) == 1
    assert area.input_value().startswith("機器")


def test_a_field_is_saved_while_it_is_typed_with_little_more_than_its_text(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    keys.press("e")
    expect(page.locator(":focus")).to_have_attribute("name", "value")
    sizes = []
    page.on(
        "request",
        lambda r: "/fields/" in r.url and sizes.append(len(r.post_data_buffer or b"")),
    )
    keys.type("打了一句話。")
    expect(page.locator("form:has(:focus) [data-state]")).to_have_attribute("data-state", "saved")
    typed = len(page.locator(":focus").input_value().encode())
    assert sizes and max(sizes) <= typed + 2048
    expect(page.locator("form:has(:focus) .difference ins")).to_have_count(0)
    expect(page.locator("form:has(:focus) [data-preview]")).to_contain_text("打了一句話。")
    keys.press("Escape")
    expect(page.locator(".editor")).to_have_count(0)
    expect(page.locator(".card.is-here .card__summary")).to_contain_text("打了一句話。")
    expect(page.locator(".card.is-here .state--edited")).to_be_visible()


def test_a_collision_shows_three_versions_and_loses_nothing(newsroom, at_desk):
    address = newsroom.issue()
    (mine, my_keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    for page, keys in ((mine, my_keys), (theirs, their_keys)):
        keys.press("e")
        expect(page.locator(":focus")).to_have_attribute("name", "value")
    their_keys.type("總編加的。")
    expect(theirs.locator("form:has(:focus) [data-state]")).to_have_attribute("data-state", "saved")
    mine.keyboard.press("Control+End")
    my_keys.type("編輯加的。")
    expect(mine.locator(".collision")).to_be_visible()
    expect(mine.locator(".collision ins").first).to_be_visible()
    assert mine.locator("form.is-collided textarea").input_value().endswith("編輯加的。")
    mine.locator("[data-take=merged]").focus()
    my_keys.press("3")
    merged = mine.locator("form:has(:focus) textarea")
    text = merged.input_value()
    assert text.startswith("總編加的。") and text.endswith("編輯加的。")
    expect(mine.locator("form:has(:focus) [data-state]")).to_have_attribute("data-state", "saved")
    assert rows(newsroom, "SELECT count(*) FROM digest_card WHERE summary = ?", text) == [(1,)]


@pytest.mark.parametrize("choice", ["1", "2"])
def test_after_a_collision_mine_or_theirs_is_one_key(choice, newsroom, at_desk):
    address = newsroom.issue()
    (mine, my_keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    for page, keys, text in ((theirs, their_keys, "他的。"), (mine, my_keys, "我的。")):
        if page is theirs:
            my_keys.press("e")
            expect(mine.locator(":focus")).to_have_attribute("name", "value")
        else:
            page.keyboard.press("Control+Home")
        if page is theirs:
            keys.press("e")
            expect(page.locator(":focus")).to_have_attribute("name", "value")
        keys.type(text)
        if page is theirs:
            state = page.locator("form:has(:focus) [data-state]")
            expect(state).to_have_attribute("data-state", "saved")
    expect(mine.locator(".collision")).to_be_visible()
    expect(mine.locator("[data-take]:focus")).to_have_count(1)
    my_keys.press(choice)
    state = mine.locator("form:has(:focus) [data-state]")
    expect(state).to_have_attribute("data-state", "saved")
    start = "我的。" if choice == "1" else "他的。"
    assert mine.locator("form:has(:focus) textarea").input_value().startswith(start)
    mine.reload()
    expect(mine.locator(".card__summary").first).to_contain_text(start)


def test_typed_text_outlives_a_network_that_is_gone(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    keys.press("e")
    expect(page.locator(":focus")).to_have_attribute("name", "value")
    page.context.set_offline(True)
    keys.type("斷線時打的字。")
    expect(page.locator("#connection")).not_to_be_empty()
    page.wait_for_timeout(5_000)
    expect(page.locator("form:has(:focus) [data-state]")).to_have_attribute("data-state", "saving")
    page.context.set_offline(False)
    expect(page.locator("form:has(:focus) [data-state]")).to_have_attribute("data-state", "saved")
    expect(page.locator("#connection")).to_be_empty()
    assert rows(
        newsroom, "SELECT count(*) FROM digest_card WHERE summary LIKE '斷線時打的字。%'"
    ) == [(1,)]


def test_typed_text_outlives_a_crashed_tab(newsroom, at_desk):
    address = newsroom.issue()
    page, keys = at_desk(address)
    keys.press("j", "e")
    expect(page.locator(":focus")).to_have_attribute("name", "value")
    page.context.set_offline(True)
    keys.type("當掉前打的字。")
    page.wait_for_timeout(200)
    context = page.context
    with pytest.raises(Error):
        page.goto("chrome://crash", timeout=5_000)
    context.set_offline(False)
    again = context.new_page()
    again.set_default_timeout(15_000)
    again.goto(address)
    state = again.locator("form:has([data-state=saved])", has=again.locator("textarea"))
    expect(again.locator(".editor")).to_be_visible()
    expect(state.first).to_be_visible()
    expect(again.locator(".editor .typing--textarea textarea").first).to_have_value(
        re.compile("^當掉前打的字。")
    )
    again.reload()
    expect(again.locator(".card__summary").nth(1)).to_contain_text("當掉前打的字。")


def test_an_ended_session_is_signed_in_to_again_in_place_in_both_tabs(newsroom, at_desk):
    address = newsroom.issue()
    page, keys = at_desk(address)
    second = page.context.new_page()
    second.set_default_timeout(15_000)
    second.goto(address)
    expect(second.locator(".card.is-here")).to_have_count(1)
    for each in (page, second):
        each.bring_to_front()
        if each is second:
            each.keyboard.press("j")
        each.keyboard.press("e")
        expect(each.locator(":focus")).to_have_attribute("name", "value")
    cookies = [c for c in page.context.cookies() if c["name"] != "sessionid"]
    page.context.clear_cookies()
    page.context.add_cookies(cookies)
    page.bring_to_front()
    page.keyboard.insert_text("登出後打的字。")
    expect(page.locator("#again")).to_be_visible()
    page.fill("#again-password", "wrong")
    page.click("#again button")
    expect(page.locator("[data-trouble]")).not_to_be_empty()
    page.fill("#again-password", EDITOR[1])
    page.click("#again button")
    expect(page.locator("#again")).to_be_hidden()
    state = page.locator(".editor form:has(textarea) [data-state]").nth(1)
    expect(state).to_have_attribute("data-state", "saved")
    # The second tab's token is of the session before: it has to fetch the new one.
    second.bring_to_front()
    second.keyboard.insert_text("第二個分頁打的字。")
    state = second.locator("form:has(:focus) [data-state]")
    expect(state).to_have_attribute("data-state", "saved")
    for text in ("登出後打的字。%", "第二個分頁打的字。%"):
        found = rows(newsroom, "SELECT count(*) FROM digest_card WHERE summary LIKE ?", text)
        assert found == [(1,)]
