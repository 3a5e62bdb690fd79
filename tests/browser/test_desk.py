"""The day page from the keyboard: the jobs an editor does each morning, counted in keys."""

from __future__ import annotations

import random
import re
import sqlite3

import pytest
from playwright.sync_api import Error, Page, expect

from digest import hugo
from tests.browser.conftest import CHIEF, EDITOR, Keyboard, Newsroom, intercept
from tests.conftest import SAMPLE

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


def with_four_in_the_last_section() -> bytes:
    """The sample with a card of its first section in its last."""
    whole = hugo.read(SAMPLE.read_bytes())
    homes = [n for n, section in enumerate(whole.sections) if section.kind == "cards"]
    sections = list(whole.sections)
    first, last = sections[homes[0]], sections[homes[-1]]
    sections[homes[0]] = first.model_copy(update={"cards": first.cards[:-1]})
    sections[homes[-1]] = last.model_copy(update={"cards": (first.cards[-1], *last.cards)})
    return hugo.write(whole.model_copy(update={"sections": tuple(sections)}))


def here(page: Page) -> str:
    return page.evaluate("document.activeElement.closest('[data-card]')?.id ?? ''")


def test_the_reference_job_takes_34_keys_and_one_page_load(newsroom, at_desk, capsys):
    """13 cards as they are, 3 with a new summary, 2 rated anew, one headline up by three, the
    insight, the signature for 06:50 of the issue's day."""
    address = newsroom.issue(with_four_in_the_last_section())
    page, keys = at_desk(address, CHIEF)
    loads = []
    page.on("request", lambda r: r.is_navigation_request() and loads.append(r.url))
    before = headlines(page)
    for number in range(18):
        expect(page.locator(".card.is-here .row__headline")).to_have_text(before[number])
        if number in (1, 6, 11):
            keys.press("e")
            expect(page.locator(":focus")).to_have_attribute("name", "value")
            keys.type("改寫：")
            keys.press("Control+Enter")
            continue
        if number in (4, 9):
            keys.press("5")
        if number == 17:
            page.keyboard.down("Alt")
            for _ in range(3):
                page.keyboard.press("ArrowUp")
            page.keyboard.up("Alt")
            keys.count += 4
        keys.press("a")
    expect(page.locator("#insight.is-here")).to_be_visible()
    keys.press("a")
    expect(page.locator("#row-insight")).to_have_attribute("data-state", "approved")
    expect(page.locator("[data-section] .row__headline").nth(14)).to_have_text(before[17])
    keys.press("S")
    expect(page.locator("#sign")).to_be_enabled()
    keys.press("y")
    expect(page.locator("#publication")).to_contain_text("06:50（台北）發布")
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
    expect(page.locator("#publication")).to_contain_text("06:50（台北）發布")
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
          const fire = (options) => document.activeElement.dispatchEvent(new KeyboardEvent(
            "keydown", { key: "a", bubbles: true, cancelable: true, ...options }));
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


def begin_to_edit(*people: tuple[Page, Keyboard]) -> None:
    """Everybody opens the summary of the card they are at."""
    for page, keys in people:
        keys.press("e")
        expect(page.locator(":focus")).to_have_attribute("name", "value")


def test_a_collision_shows_three_versions_and_loses_nothing(newsroom, at_desk):
    address = newsroom.issue()
    (mine, my_keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    begin_to_edit((mine, my_keys), (theirs, their_keys))
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
    # Whoever types goes on typing; the three versions are a Tab away.
    expect(mine.locator("textarea:focus")).to_have_count(1)
    mine.locator("[data-take]").first.focus()
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
    page.wait_for_timeout(30_000)
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
    intercept(page, "**/fields/**", lambda route: route.abort())  # nothing arrives any more
    keys.type("當掉前打的字。")
    page.wait_for_timeout(1_000)
    # A tab of its own process: the context with its storage outlives it.
    with pytest.raises(Error):
        page.goto("chrome://crash", timeout=5_000)
    again = page.context.new_page()
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


def test_a_headline_is_moved_by_dragging_with_the_mouse_and_undone_after_a_reload(
    newsroom, at_desk
):
    address = newsroom.issue()
    page, keys = at_desk(address)
    before = headlines(page)
    grip = page.locator("[data-grip]").nth(2)
    target = page.locator("[data-section] .row").nth(0)
    grip.scroll_into_view_if_needed()
    start, end = grip.bounding_box(), target.bounding_box()
    page.mouse.move(start["x"] + 5, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(end["x"] + 20, end["y"] + 30, steps=5)
    page.mouse.move(end["x"] + 20, end["y"] + 3, steps=5)
    expect(page.locator(".drop-line")).to_be_visible()
    page.mouse.up()
    moved = [before[2], before[0], before[1], *before[3:]]
    expect(page.locator("[data-section] .row__headline")).to_have_text(moved)
    page.reload()
    expect(page.locator("[data-section] .row__headline")).to_have_text(moved)
    keys.press("u")
    expect(page.locator("[data-section] .row__headline")).to_have_text(before)


def test_a_headline_is_moved_by_a_finger(newsroom, at_desk):
    page, _keys = at_desk(newsroom.issue(), has_touch=True, viewport={"width": 390, "height": 844})
    before = headlines(page)
    grip = page.locator("[data-grip]").nth(3)
    grip.scroll_into_view_if_needed()
    start = grip.bounding_box()
    session = page.context.new_cdp_session(page)

    def touch(kind: str, x: float, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = start["x"] + 8, start["y"] + 20
    touch("touchStart", x, y)
    rows_ = page.locator("[data-section] .row")
    end = rows_.nth(5).bounding_box()
    for step in range(1, 11):
        touch("touchMove", x, y + (end["y"] + end["height"] - 4 - y) * step / 10)
    expect(page.locator(".drop-line")).to_be_visible()
    touch("touchEnd", 0, 0)
    moved = [*before[:3], before[4], before[5], before[3], *before[6:]]
    expect(page.locator("[data-section] .row__headline")).to_have_text(moved)


def test_a_headline_is_moved_with_the_menu_and_a_stale_order_is_shown_as_it_is(newsroom, at_desk):
    address = newsroom.issue()
    (mine, my_keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    before = headlines(mine)
    their_keys.press("m")
    theirs.select_option("#mover-place", index=4)
    their_keys.press("Tab", "Enter")
    expect(theirs.locator("[data-section] .row__headline").nth(0)).to_have_text(before[1])
    my_keys.press("Alt+ArrowDown")
    expect(mine.locator("#refusal")).to_be_visible()
    expect(mine.locator("[data-section] .row__headline").nth(0)).to_have_text(before[1])
    my_keys.press("Escape")
    expect(mine.locator("#refusal")).to_be_empty()


def test_dropping_asks_for_a_reason_and_is_undone_after_a_reload(newsroom, at_desk):
    address = newsroom.issue()
    page, keys = at_desk(address)
    first = here(page)
    keys.press("x")
    expect(page.locator("#drop-note")).to_be_focused()
    page.keyboard.type("重複了 ax")
    keys.press("Enter")
    dropped = page.locator('.row[data-state="dropped"]')
    expect(dropped).to_have_count(1)
    expect(page.locator(f"#{first}.is-here")).to_have_count(0)
    expect(page.locator("#undo")).to_be_visible()
    page.reload()
    expect(dropped).to_have_count(1)
    keys.press("u")
    expect(dropped).to_have_count(0)
    notes = rows(newsroom, "SELECT note FROM digest_event WHERE verb = 'card.drop'")
    assert ("重複了 ax",) in notes


def test_fifty_actions_are_undone_one_by_one_after_a_reload(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    before = page.locator(".row__marks").all_inner_texts()
    for _ in range(17):
        keys.press("a")
    expect(page.locator(APPROVED)).to_have_count(17)
    for number in range(33):
        keys.press("k" if number % 2 else "j")
        keys.press("1" if number % 4 < 2 else "5")
        page.wait_for_timeout(30)
    page.wait_for_timeout(1_000)
    page.reload()
    expect(page.locator("#undo")).to_be_visible()
    for _ in range(60):
        if page.locator("#undo").count() == 0:
            break
        mark = page.locator("#undo").get_attribute("value")
        keys.press("u")
        expect(page.locator(f'#undo[value="{mark}"]')).to_have_count(0)
    expect(page.locator("#undo")).to_have_count(0)
    assert page.locator(".row__marks").all_inner_texts() == before


def test_what_a_colleague_does_arrives_without_moving_what_is_under_the_cursor(newsroom, at_desk):
    address = newsroom.issue()
    (mine, my_keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    my_keys.press("j", "j", "e")
    expect(mine.locator(":focus")).to_have_attribute("name", "value")
    their_keys.press("a", "Alt+ArrowDown")
    expect(theirs.locator(APPROVED)).to_have_count(1)
    top = mine.locator(":focus").bounding_box()["y"]
    expect(mine.locator(APPROVED)).to_have_count(1, timeout=30_000)
    expect(mine.locator("#people")).not_to_be_empty(timeout=30_000)
    expect(mine.locator(":focus")).to_have_attribute("name", "value")
    assert abs(mine.locator(":focus").bounding_box()["y"] - top) < 2


def test_the_chiefs_second_pass_walks_only_what_has_changed(newsroom, at_desk, capsys):
    address = newsroom.issue()
    editor, editor_keys = at_desk(address)
    for _ in range(18):
        editor_keys.press("a")
    expect(editor.locator(APPROVED)).to_have_count(18)
    editor_keys.press("a")
    chief, chief_keys = at_desk(address, CHIEF)
    for _ in range(17):  # a first look at every card
        chief.wait_for_timeout(900)
        chief_keys.press("j")
    chief.wait_for_timeout(3_500)
    for _ in range(3):
        editor_keys.press("k")
        changed = editor.locator(".card.is-here")
        name = changed.get_attribute("id")
        editor_keys.press("e")
        expect(editor.locator(":focus")).to_have_attribute("name", "value")
        editor_keys.type("再看一次。")
        editor_keys.press("Control+Enter")
        expect(editor.locator(".editor")).to_have_count(0)
        expect(editor.locator(f"#{name} .state--edited")).to_be_visible()
        expect(editor.locator(f"#{name} .state--approved")).to_be_visible()
        expect(editor.locator(f"#{name}.is-here")).to_be_visible()  # nothing else waits
    chief.reload()
    expect(chief.locator(".card.is-here")).to_have_count(1)
    chief_keys.count = 0
    walked = set()
    while chief.locator('.row[data-attention="changed"]').count():
        walked.add(here(chief))
        expect(chief.locator(".card.is-here .state--changed")).to_be_visible()
        chief.wait_for_timeout(1_000)
        chief_keys.press("n")
    chief_keys.press("S")
    expect(chief.locator("#sign")).to_be_enabled()
    chief_keys.press("y")
    expect(chief.locator("#publication")).to_contain_text("06:50（台北）發布")
    with capsys.disabled():
        print(f"\n  second pass over 3 changed cards and a signature: {chief_keys.count} keys")
    assert len(walked) == 3
    assert chief_keys.count <= 3 + 3


def test_on_a_phone_the_chief_signs_three_changed_cards_with_five_taps(newsroom, at_desk):
    """Three cards were changed and wait; the thumb reads each, approves it, and signs."""
    address = newsroom.issue()
    editor, keys = at_desk(address)
    for _ in range(19):
        keys.press("a")
    expect(editor.locator(APPROVED)).to_have_count(19)  # the insight with the cards
    changed = []
    for number in (2, 8, 15):
        editor.evaluate("n => document.querySelectorAll('.cards > .card')[n].focus()", number)
        changed.append(here(editor))
        keys.press("e")
        expect(editor.locator(":focus")).to_have_attribute("name", "value")
        keys.type("再看一次。")
        keys.press("Escape")
        expect(editor.locator(f"#{changed[-1]} .state--approved")).to_have_count(0)
    page, _keys = at_desk(
        address, CHIEF, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    taps = 0

    def tap(target) -> None:
        nonlocal taps
        expect(target).to_be_enabled()
        box = target.bounding_box()
        assert min(box["width"], box["height"]) >= 44
        # Where a thumb reaches it, and nothing lies over it: `tap` scrolls and would hide that.
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        assert 0 <= x <= 390 and 0 <= y <= 844
        page.touchscreen.tap(x, y)
        taps += 1

    for card in changed:
        expect(page.locator(f"#{card}.is-here")).to_be_visible()
        expect(page.locator(f"#{card} .card__body")).to_contain_text("再看一次。")
        tap(page.locator('[data-thumb="approve"]'))
        expect(page.locator(f"#{card} .state--approved")).to_be_visible()
    tap(page.locator('[data-thumb="sign"]'))
    expect(page.locator("#sign")).to_be_focused()
    tap(page.locator("#sign"))
    expect(page.locator("#publication")).to_contain_text("06:50（台北）發布")
    assert taps <= 5


def test_the_first_page_is_small(newsroom, at_desk):
    """At most 150 KB of HTML, and 60 KB of our JavaScript and htmx's as they are sent."""
    address = newsroom.issue()
    page, _keys = at_desk(address)
    sent = {"document": 0, "script": 0}

    def weigh(response) -> None:
        kind = response.request.resource_type
        if kind == "document":
            sent[kind] += len(response.body())
        elif kind == "script":
            assert response.headers.get("content-encoding") in ("gzip", "br")
            sent[kind] += int(response.headers["content-length"])

    page.on("response", weigh)
    page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.reload(wait_until="networkidle")
    assert 20_000 < sent["document"] <= 150_000
    assert 10_000 < sent["script"] <= 60_000


def test_two_browsers_interleaved_at_random_lose_nothing(newsroom, at_desk):
    """Two editors over the same five cards; each writes marks of their own into every field."""
    address = newsroom.issue()
    desks = [at_desk(address, person) for person in (EDITOR, CHIEF)]
    chance = random.Random(20260212)
    written: dict[tuple[int, int], list[str]] = {}
    for turn in range(24):
        who = chance.randrange(2)
        page, keys = desks[who]
        number = chance.randrange(5)
        page.evaluate("n => document.querySelectorAll('.cards > .card')[n].focus()", number)
        card = int(page.locator(".card.is-here").get_attribute("data-card"))
        deed = chance.choice(["write", "write", "rate", "move", "approve"])
        if deed == "write":
            # One writes in the summary, the other in the details: never in each other's way.
            field = ("summary", "details")[who]
            keys.press("e")
            area = page.locator(f'[data-typing="card.{card}.{field}"] textarea')
            area.focus()
            page.keyboard.press("Control+End")
            mark = f"〔{who}{turn}〕"
            keys.type(mark)
            expect(
                page.locator(f'[data-typing="card.{card}.{field}"] [data-state]')
            ).to_have_attribute("data-state", "saved")
            written.setdefault((card, who), []).append(mark)
            page.keyboard.press("Escape")
            expect(page.locator(".editor")).to_have_count(0)
        else:
            keys.press({"rate": chance.choice("12345"), "move": "Alt+ArrowDown"}.get(deed, "a"))
            page.wait_for_timeout(150)
            page.evaluate("document.getElementById('refusal').replaceChildren()")
    assert written
    for (card, who), marks in written.items():
        column = ("summary", "details")[who]
        [(text,)] = rows(newsroom, f"SELECT {column} FROM digest_card WHERE id = ?", card)  # noqa: S608
        assert all(mark in text for mark in marks)
    for page, _keys in desks:
        assert page.locator(".collision").count() == 0


def test_ctrl_enter_approves_what_was_on_the_screen_and_nothing_a_colleague_changed(
    newsroom, at_desk
):
    address = newsroom.issue()
    (mine, my_keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    my_keys.press("e")
    expect(mine.locator(":focus")).to_have_attribute("name", "value")
    their_keys.press("e")
    expect(theirs.locator(":focus")).to_have_attribute("name", "value")
    theirs.locator('[data-typing$=".details"] textarea').focus()
    their_keys.type("- 對方悄悄加的一條。\n")
    state = theirs.locator("form:has(:focus) [data-state]")
    expect(state).to_have_attribute("data-state", "saved")
    my_keys.type("我改的摘要。")
    my_keys.press("Control+Enter")
    expect(mine.locator("#refusal")).to_contain_text("對方悄悄加的一條")
    assert decisions(newsroom, address) == []


def test_the_insight_that_a_colleague_changed_is_shown_before_it_can_be_approved(newsroom, at_desk):
    address = newsroom.issue()
    (mine, _keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    theirs.evaluate("document.getElementById('insight').focus()")
    their_keys.press("e")
    expect(theirs.locator(":focus")).to_have_attribute("name", "value")
    theirs.locator(".editor .typing--textarea textarea").first.focus()
    their_keys.type("對方改寫的洞察。")
    state = theirs.locator("form:has(:focus) [data-state]")
    expect(state).to_have_attribute("data-state", "saved")
    expect(mine.locator("#body-insight")).to_contain_text("對方改寫的洞察。", timeout=30_000)


def late(page: Page, part: str, ms: int = 1_000, *, times: int = -1) -> None:
    """Let the answers from addresses with this part come late; all of them, or the next so many."""
    page.evaluate(
        """([part, ms, times]) => {
          let left = times;
          const ask = window.fetch;
          window.fetch = async (url, options) => {
            const isLate = String(url).includes(part) && left-- !== 0;
            const answer = await ask(url, options);
            if (isLate) await new Promise((go) => setTimeout(go, ms));
            return answer;
          };
        }""",
        [part, ms, times],
    )


def end_session(page: Page) -> None:
    cookies = [c for c in page.context.cookies() if c["name"] != "sessionid"]
    page.context.clear_cookies()
    page.context.add_cookies(cookies)


def fire(page: Page, **options) -> None:
    """A key as some keyboards report it."""
    page.evaluate(
        """(options) => document.activeElement.dispatchEvent(new KeyboardEvent(
             "keydown", { bubbles: true, cancelable: true, ...options }))""",
        options,
    )


def test_what_is_being_typed_is_part_of_what_is_approved(newsroom, at_desk):
    """The button is pressed before autosave would have been."""
    address = newsroom.issue()
    page, keys = at_desk(address)
    first = here(page)
    keys.press("e")
    expect(page.locator(":focus")).to_have_attribute("name", "value")
    late(page, "/fields/", 300)
    keys.type("按下核可前打的字。")
    page.locator(f"#{first} [data-decision=approve]").click()
    expect(page.locator(f"#{first} .state--approved")).to_be_visible()
    expect(page.locator("#refusal")).to_be_empty()
    [(_verb, seen, _actor)] = decisions(newsroom, address)
    text = rows(newsroom, "SELECT summary FROM digest_card WHERE hash = ?", seen)
    assert text[0][0].startswith("按下核可前打的字。")


def test_the_approve_button_knows_nothing_that_open_fields_hide(newsroom, at_desk):
    address = newsroom.issue()
    (mine, my_keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    row = mine.locator(".card.is-here > .row")
    shown = row.get_attribute("data-hash")
    begin_to_edit((mine, my_keys), (theirs, their_keys))
    theirs.locator('[data-typing$=".details"] textarea').focus()
    their_keys.type("- 對方悄悄加的一條。\n")
    expect(row).not_to_have_attribute("data-hash", shown, timeout=30_000)
    row.locator("[data-decision=approve]").click()
    expect(mine.locator("#refusal")).to_contain_text("文字已有變動")
    assert decisions(newsroom, address) == []


def test_a_decision_that_the_desk_could_not_make_says_so(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    intercept(page, "**/approve/", lambda route: route.fulfill(status=500, body="<h1>Oh.</h1>"))
    keys.press("a")
    expect(page.locator("#refusal")).to_contain_text("沒有執行")
    page.click("#refusal button")
    expect(page.locator("#refusal")).to_be_empty()
    keys.press("c")
    expect(page.locator(":focus")).to_have_attribute("name", "body")
    intercept(page, "**/comments/", lambda route: route.fulfill(status=500, body="<h1>Oh.</h1>"))
    keys.type("這裡要再查。")
    keys.press("Control+Enter")
    expect(page.locator("#refusal")).to_contain_text("沒有執行")
    expect(page.locator(":focus")).to_have_value("這裡要再查。")


def lose(page: Page, address: str | re.Pattern) -> None:
    """Let the next request to such an address be done, and its answer get lost."""

    def done_in_vain(route) -> None:
        route.fetch()
        route.abort()

    intercept(page, address, done_in_vain, times=1)


def test_what_was_done_though_its_answer_got_lost_is_shown_as_done(newsroom, at_desk):
    address = newsroom.issue()
    page, keys = at_desk(address)
    before = headlines(page)
    lose(page, "**/move/")
    keys.press("Alt+ArrowDown")
    expect(page.locator("#said")).to_have_text("已移動。")
    assert headlines(page)[:2] == [before[1], before[0]]
    lose(page, "**/approve/")
    keys.press("a")
    expect(page.locator(APPROVED)).to_have_count(1)
    lose(page, "**/drop/")
    keys.press("x")
    expect(page.locator("#drop-note")).to_be_focused()
    keys.press("Enter")
    expect(page.locator('.row[data-state="dropped"]')).to_have_count(1)
    expect(page.locator("#refusal")).to_be_empty()
    assert len(decisions(newsroom, address)) == 1
    keys.press("u", "u", "u")
    expect(page.locator("#undo")).to_have_count(0)
    assert headlines(page) == before


def test_a_comment_is_resolved_though_the_answer_got_lost(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    keys.press("c")
    expect(page.locator(":focus")).to_have_attribute("name", "body")
    keys.type("請查。")
    keys.press("Control+Enter")
    expect(page.locator(".comment")).to_have_count(1)
    lose(page, re.compile(r"/comments/\d+/$"))
    page.locator("[name=resolve]").click()
    expect(page.locator(".comment--resolved")).to_have_count(1)
    expect(page.locator("#refusal")).to_be_empty()


def test_a_refusal_after_a_lost_answer_does_not_claim_that_nothing_was_done(newsroom, at_desk):
    """The first try may have done it, for all the page knows; here a colleague was faster."""
    address = newsroom.issue()
    (mine, my_keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    shown = headlines(mine)

    def be_late(route) -> None:
        their_keys.press("j", "Alt+ArrowDown")
        expect(theirs.locator("[data-section] .row__headline").nth(2)).to_have_text(shown[1])
        route.abort()

    intercept(mine, "**/move/", be_late, times=1)
    my_keys.press("Alt+ArrowDown")
    expect(mine.locator("#refusal")).to_contain_text("可能第一次就已執行")
    assert headlines(mine)[:3] == [shown[0], shown[2], shown[1]]


def test_the_page_of_one_person_decides_nothing_for_another(newsroom, at_desk):
    """Somebody else signs in, in another tab of the same browser."""
    address = newsroom.issue()
    page, keys = at_desk(address)
    second = page.context.new_page()
    second.set_default_timeout(15_000)
    second.goto(address)
    second.click("form[action*=sign-out] button")
    second.wait_for_url("**/sign-in/**")
    second.goto(f"{newsroom.address}/desk/")
    second.fill("#id_username", CHIEF[0])
    second.fill("#id_password", CHIEF[1])
    second.click("#sign-in button")
    second.wait_for_url("**/desk/daily/")
    page.bring_to_front()
    keys.press("a")
    expect(page.locator("#again")).to_be_visible()
    assert decisions(newsroom, address) == []
    page.fill("#again-password", CHIEF[1])  # the other's is of no use
    page.click("#again button")
    expect(page.locator("[data-trouble]")).not_to_be_empty()
    page.fill("#again-password", EDITOR[1])
    page.click("#again button")
    expect(page.locator(APPROVED)).to_have_count(1)
    [(_verb, _seen, actor)] = decisions(newsroom, address)
    assert rows(newsroom, "SELECT username FROM auth_user WHERE id = ?", actor) == [(EDITOR[0],)]


def test_what_an_input_method_has_not_finished_is_not_saved(newsroom, at_desk):
    """The next word is begun before autosave has taken the one before."""
    page, keys = at_desk(newsroom.issue())
    keys.press("e")
    expect(page.locator(":focus")).to_have_attribute("name", "value")
    saves = []
    page.on("request", lambda r: "/fields/" in r.url and saves.append(r.post_data))
    session = page.context.new_cdp_session(page)
    keys.type("甲")
    session.send(
        "Input.imeSetComposition", {"text": "ㄐㄧ", "selectionStart": 2, "selectionEnd": 2}
    )
    page.wait_for_timeout(1_200)
    assert saves == []
    session.send("Input.insertText", {"text": "機"})
    expect(page.locator("form:has(:focus) [data-state]")).to_have_attribute("data-state", "saved")
    assert len(saves) == 1 and "甲機" in saves[0]


def test_a_digit_that_takes_shift_goes_to_a_section_and_rates_nothing(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    rates = []
    page.on("request", lambda r: "/rate/" in r.url and rates.append(r.url))
    keys.press("g", "Shift")
    fire(page, key="3", shiftKey=True)
    expect(page.locator('[data-number="3"] .card.is-here')).to_have_count(1)
    assert rates == []


def test_caps_lock_changes_no_key(newsroom, at_desk):
    page, _keys = at_desk(newsroom.issue(), CHIEF)
    first = here(page)
    fire(page, key="J", modifierCapsLock=True)
    assert here(page) != first
    fire(page, key="H", modifierCapsLock=True)
    expect(page.locator(".card.is-here .history")).to_be_visible()
    fire(page, key="s", shiftKey=True, modifierCapsLock=True)
    expect(page.locator("#proof")).to_be_visible()


def test_a_collision_is_not_settled_by_a_key_that_belongs_to_the_browser(newsroom, at_desk):
    address = newsroom.issue()
    (mine, my_keys), (theirs, their_keys) = at_desk(address), at_desk(address, CHIEF)
    begin_to_edit((mine, my_keys), (theirs, their_keys))
    their_keys.type("他的。")
    state = theirs.locator("form:has(:focus) [data-state]")
    expect(state).to_have_attribute("data-state", "saved")
    my_keys.type("我的。")
    expect(mine.locator(".collision")).to_be_visible()
    mine.locator("[data-take]").first.focus()
    my_keys.press("Control+1", "Alt+1")
    fire(mine, key="1", repeat=True)
    expect(mine.locator(".collision")).to_be_visible()
    my_keys.press("2")
    expect(mine.locator(".collision")).to_have_count(0)


def test_a_decision_is_taken_back_and_a_rating_corrected_before_their_answers_came(
    newsroom, at_desk
):
    address = newsroom.issue()
    page, keys = at_desk(address)
    first = here(page)
    late(page, "/approve/")
    with page.expect_response("**/undo/"):
        keys.press("a", "u")
    expect(page.locator(f"#{first}.is-here")).to_be_visible()
    expect(page.locator(f"#{first} .state--approved")).to_have_count(0)
    assert [verb for verb, *_ in decisions(newsroom, address)] == ["card.approve"]
    right = page.locator(f'#{first} .rate[aria-pressed="true"]').get_attribute("id")
    wrong = "1" if right[-1] != "1" else "2"
    late(page, "/rate/")
    keys.press(wrong, right[-1])
    expect(page.locator(f'#{first} .rate[aria-pressed="true"]')).not_to_have_id(right)
    expect(page.locator(f'#{first} .rate[aria-pressed="true"]')).to_have_id(right)


def test_a_decision_on_its_way_is_not_left_behind_unasked(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.context.set_offline(True)
    keys.press("a")
    expect(page.locator("#connection")).not_to_be_empty()
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    page.context.set_offline(False)
    expect(page.locator(APPROVED)).to_have_count(1)


def test_the_proof_asks_for_a_new_session_and_stays_open_while_others_work(newsroom, at_desk):
    address = newsroom.issue()
    (chief, keys), (editor, editor_keys) = at_desk(address, CHIEF), at_desk(address)
    end_session(chief)
    keys.press("S")
    chief.fill("#again-password", CHIEF[1])
    chief.click("#again button")
    expect(chief.locator("#proof .signing")).to_be_visible()
    editor.evaluate("document.getElementById('front').focus()")
    editor_keys.press("e")
    expect(editor.locator("#front :focus")).to_have_count(1)
    editor.locator('#front [data-typing$=".title"] textarea').focus()
    editor_keys.type("新")
    expect(editor.locator("#issue-title")).to_contain_text("新")
    expect(chief.locator("#issue-title")).to_contain_text("新", timeout=30_000)
    expect(chief.locator("#proof .signing")).to_be_visible()


def test_the_reading_list_and_the_front_matter_show_what_was_typed_into_them(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    for part in ("reading", "front"):
        page.evaluate("part => document.getElementById(part).focus()", part)
        keys.press("e")
        expect(page.locator(f"#{part} .editor :focus")).to_have_count(1)
        keys.type("剛打的字")
        expect(page.locator("form:has(:focus) [data-state]")).to_have_attribute(
            "data-state", "saved"
        )
        keys.press("Escape")
        expect(page.locator(f"#{part} .editor")).to_have_count(0)
        expect(page.locator(f"#{part} .card__body")).to_contain_text("剛打的字")
        keys.press("u")
        expect(page.locator(f"#{part} .card__body")).not_to_contain_text("剛打的字")


def test_one_tab_does_not_forget_what_another_has_not_saved(newsroom, at_desk):
    address = newsroom.issue()
    page, keys = at_desk(address)
    second = page.context.new_page()
    second.set_default_timeout(15_000)
    second.goto(address)
    expect(second.locator(".card.is-here")).to_have_count(1)
    for each in (page, second):
        each.keyboard.press("e")
        expect(each.locator(":focus")).to_have_attribute("name", "value")
    intercept(page, "**/fields/**", lambda route: route.abort())
    keys.type("甲分頁。")
    expect(page.locator("#connection")).not_to_be_empty()
    second.keyboard.insert_text("乙分頁。")
    state = second.locator("form:has(:focus) [data-state]")
    expect(state).to_have_attribute("data-state", "saved")
    page.wait_for_timeout(500)
    assert "甲分頁。" in page.evaluate("JSON.stringify({ ...localStorage })")


def test_a_panel_that_comes_late_takes_nobody_out_of_another_field(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    late(page, "/cards/")
    keys.press("e")
    page.locator("#search").focus()
    page.keyboard.type("abc")
    expect(page.locator(".editor")).to_be_visible()
    page.keyboard.type("def")
    expect(page.locator("#search")).to_have_value("abcdef")


def test_a_late_preview_is_not_shown_over_a_newer_one(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    keys.press("e")
    area = page.locator(":focus")
    expect(area).to_have_attribute("name", "value")
    page.wait_for_timeout(500)
    late(page, "/preview/", 1_500, times=1)
    with page.expect_response("**/preview/"):
        keys.type("舊")
    keys.type("新")
    shown = page.locator("form:has(:focus) [data-preview]")
    expect(shown).to_contain_text("舊新")
    page.wait_for_timeout(1_600)
    expect(shown).to_contain_text("舊新")


def test_a_completion_is_for_the_line_it_was_offered_for(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    keys.press("e")
    area = page.locator('.editor [data-typing$=".entities"] textarea')
    area.focus()
    before = area.input_value()
    keys.press("Control+End")
    page.keyboard.type("\nO")
    offered = page.locator(".completions button").first
    expect(offered).to_be_visible()
    keys.press("Control+Home")
    offered.click()
    expect(area).to_have_value(f"{before}\nO")


def test_what_was_seen_is_told_when_it_could_not_be_told_before(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    first = page.locator(".card.is-here").get_attribute("data-card")
    with page.expect_event("requestfailed"):
        intercept(page, "**/pulse/", lambda route: route.abort())
    page.unroute("**/pulse/")
    keys.press("j")
    with page.expect_request(
        lambda r: r.url.endswith("/pulse/") and f"\r\n\r\n{first}:" in (r.post_data or "")
    ):
        pass


def test_the_first_steps_leave_the_page_when_they_were_read(newsroom, at_desk):
    page, _keys = at_desk(newsroom.issue())
    page.click("#guide button")
    expect(page.locator("#guide")).to_have_count(0)


def test_what_a_failing_desk_did_not_save_is_saved_when_it_works_again(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    keys.press("e")
    expect(page.locator(":focus")).to_have_attribute("name", "value")
    failing = {"status": 500, "body": "<h1>Oh.</h1>"}
    intercept(page, "**/fields/**", lambda route: route.fulfill(**failing), times=1)
    keys.type("失敗一次。")
    state = page.locator("form:has(:focus) [data-state]")
    expect(state).to_have_attribute("data-state", "not-saved")
    expect(state).to_have_attribute("data-state", "saved")


def test_ctrl_enter_pressed_twice_judges_one_card(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    second = page.locator(".cards > .card").nth(1).get_attribute("id")
    keys.press("e")
    expect(page.locator(":focus")).to_have_attribute("name", "value")
    late(page, "/fields/", 500)
    late(page, "/approve/", 500)
    keys.type("改寫。")
    keys.press("Control+Enter", "Control+Enter")
    expect(page.locator(APPROVED)).to_have_count(1)
    assert here(page) == second


def test_a_second_finger_takes_no_second_card(newsroom, at_desk):
    page, _keys = at_desk(newsroom.issue(), has_touch=True, viewport={"width": 390, "height": 844})
    page.locator("[data-grip]").nth(3).scroll_into_view_if_needed()
    boxes = [page.locator("[data-grip]").nth(n).bounding_box() for n in (3, 4)]
    points = [{"x": b["x"] + 8, "y": b["y"] + 20, "id": n} for n, b in enumerate(boxes)]
    session = page.context.new_cdp_session(page)
    for kind, touches in (("touchStart", points[:1]), ("touchStart", points), ("touchEnd", [])):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        if touches:
            expect(page.locator(".is-dragged")).to_have_count(1)
    expect(page.locator(".is-dragged, .is-dragging")).to_have_count(0)


def test_a_page_behind_others_asks_for_no_news_of_the_publication(newsroom, at_desk):
    page, _keys = at_desk(newsroom.issue())
    asked = []
    page.on("request", lambda r: "/publication/" in r.url and asked.append(r.url))
    page.evaluate(
        """() => {
          let isHidden = true;
          Object.defineProperty(document, "hidden", { get: () => isHidden });
          window.show = () => { isHidden = false; };
          const moving = document.createElement("div");
          moving.dataset.whileVisible = "";
          moving.setAttribute("hx-get", `${location.pathname}publication/`);
          moving.setAttribute("hx-trigger", "every 200ms");
          document.getElementById("main").append(moving);
          htmx.process(moving);
        }"""
    )
    page.wait_for_timeout(1_000)
    assert asked == []
    with page.expect_request("**/publication/"):
        page.evaluate("window.show()")


def test_after_a_bulk_approval_the_focus_is_where_something_changed(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    page.evaluate(  # what looking at each card for a while would tell
        """async () => {
          const data = new FormData(document.getElementById("act"));
          for (const row of document.querySelectorAll(".cards .row")) {
            data.append("seen", `${row.id.slice(4)}:${row.dataset.hash}`);
          }
          const url = document.getElementById("workplace").dataset.pulse;
          await fetch(url, { method: "POST", body: data, headers: { "HX-Request": "true" } });
        }"""
    )
    page.reload()
    expect(page.locator(".card.is-here")).to_have_count(1)
    section = page.locator("[data-section]:has(.section__bulk)").last
    number = section.get_attribute("data-number")
    section.locator(".section__bulk button").focus()
    page.keyboard.press("Enter")
    section = page.locator(f'[data-number="{number}"]')
    expect(section.locator(".section__bulk")).to_have_count(0)
    expect(section.locator(APPROVED).first).to_be_focused()
    expect(page.locator(".card.is-here")).to_have_count(1)
    expect(page.locator(".card.is-here")).to_be_focused()


def test_a_dropped_card_with_an_open_comment_is_not_passed_by(newsroom, at_desk):
    page, keys = at_desk(newsroom.issue())
    first = here(page)
    keys.press("c")
    expect(page.locator(":focus")).to_have_attribute("name", "body")
    keys.type("真的要刪嗎？")
    keys.press("Control+Enter")
    expect(page.locator(f"#{first} .comment")).to_have_count(1)
    keys.press("Escape", "x", "Enter")
    expect(page.locator(f'#{first} .row[data-state="dropped"]')).to_have_count(1)
    expect(page.locator(f"#{first}.is-here")).to_have_count(0)
    keys.press("p")
    expect(page.locator(f"#{first}.is-here")).to_have_count(1)
    keys.press("c")
    page.locator(f"#{first} [name=resolve]").click()
    expect(page.locator(f"#{first} .comment--resolved")).to_have_count(1)
    keys.press("Escape", "n", "p")
    expect(page.locator(f"#{first}.is-here")).to_have_count(0)
