"""The day page from the keyboard: the jobs an editor does each morning, counted in keys."""

from __future__ import annotations

import random
import re
import sqlite3

import pytest
from playwright.sync_api import Error, Page, expect

from digest import hugo
from tests.browser.conftest import CHIEF, EDITOR, Newsroom
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
    page.route("**/fields/**", lambda route: route.abort())  # nothing arrives any more
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
