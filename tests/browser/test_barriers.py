"""Nobody is kept out: axe-core on every page, and what WCAG 2.2 asks that no scanner can see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CHIEF, EDITOR, Newsroom, sign_in

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
#: What these rules find is a barrier for somebody; below "serious" it is advice.
SEVERE = ("serious", "critical")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What is looked at in each theme: in the second one what colours alone make different.
THEMES = {"light": TAGS, "dark": ["color-contrast", "link-in-text-block"]}


def barriers(page: Page) -> list[str]:
    """What axe-core finds on the page as it stands, in both themes."""
    page.evaluate(AXE.read_text())
    found = []
    for theme, rules in THEMES.items():
        page.emulate_media(color_scheme=theme)
        violations = page.evaluate(
            f"axe.run(document, {{runOnly: {json.dumps(rules)}}}).then(({{violations, passes}}) => "
            "{ if (!passes.length) throw new Error('nothing was looked at'); return violations; })"
        )
        found += [
            f"{theme} {each['impact']} {each['id']}: {node['html'][:160]} "
            f"{node['failureSummary'][:200]}"
            for each in violations
            if each["impact"] in SEVERE
            for node in each["nodes"][:3]
        ]
    return found


@pytest.fixture(scope="module")
def worked_over(newsroom: Newsroom, chromium) -> str:
    """The address of an issue in which something of everything has happened."""
    address = newsroom.issue()
    context = chromium.new_context(locale="zh-TW")
    page = context.new_page()
    sign_in(page, newsroom.address, EDITOR)
    page.goto(address)
    expect(page.locator(".card.is-here")).to_have_count(1)
    page.keyboard.press("a")
    page.keyboard.press("5")
    page.keyboard.press("e")
    expect(page.locator(":focus")).to_have_attribute("name", "value")
    page.keyboard.insert_text("改寫。")
    expect(page.locator("form:has(:focus) [data-state]")).to_have_attribute("data-state", "saved")
    page.keyboard.press("Escape")
    expect(page.locator(".editor")).to_have_count(0)
    page.keyboard.press("c")
    expect(page.locator(":focus")).to_have_attribute("name", "body")
    page.keyboard.insert_text("要再查證。")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".comment")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    expect(page.locator('.row[data-state="dropped"]')).to_have_count(1)
    context.close()
    return address


@pytest.mark.parametrize("locale", ["zh-TW", "en-US"])
def test_axe_finds_nothing_serious_on_any_page(locale, newsroom, worked_over, visitor):
    found: dict[str, list[str]] = {}
    page = visitor(locale=locale)
    page.goto(f"{newsroom.address}/sign-in/")
    found["sign in"] = barriers(page)
    sign_in(page, newsroom.address, CHIEF)
    page.goto(worked_over)
    expect(page.locator(".card.is-here")).to_have_count(1)
    card = page.locator("[data-card]").first.get_attribute("data-address")
    found["issue"] = barriers(page)
    for name, keys, shown in (
        ("editor", "e", ".editor"),
        ("differences", "d", ".versions"),
        ("history", "h", ".versions"),
        ("comments", "c", ".comment-form"),
        ("keys", "?", "#keys-help"),
        ("mover", "m", "#mover"),
        ("dropping", "x", "#drop-reason"),
        ("proof", "S", "#proof .signing"),
    ):
        page.keyboard.press(keys)
        expect(page.locator(shown).first).to_be_visible()
        found[name] = barriers(page)
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open], .card__panel > *")).to_have_count(0)
    for path in (
        "/desk/daily/",
        "/desk/daily/?q=attention&scope=all",
        "/desk/daily/issues/",
        "/desk/daily/operation/",
        "/desk/daily/machine/",
        "/desk/daily/calendar/",
        "/desk/daily/calendar/?month=2026-02",
        "/desk/daily/rule/",
        "/keys/",
        card,
        f"{card}history/",
        f"{card}history/?against=machine",
        f"{card}comments/",
        *(
            f"{worked_over}{part}"
            for part in ("insight/", "reading/", "front/", "sign/", "history/")
        ),
        "/",
        "/nothing-here/",
    ):
        page.goto(path if path.startswith("http") else f"{newsroom.address}{path}")
        found[path] = barriers(page)
    lines = [f"{where}: {each}" for where, what in found.items() for each in what]
    assert not lines, "\n".join(lines)


def test_focus_is_never_hidden_below_what_stays_in_sight(newsroom, worked_over, at_desk):
    """WCAG 2.4.11: wherever Tab leads, the focus can be seen."""
    page, _keys = at_desk(worked_over)
    hidden = []
    for _ in range(60):
        page.keyboard.press("Tab")
        covered = page.evaluate(
            """() => {
              const at = document.activeElement, box = at.getBoundingClientRect();
              if (at === document.body || !box.width) return "";
              const x = box.left + box.width / 2, y = box.top + Math.min(box.height / 2, 20);
              const top = document.elementFromPoint(x, y);
              return !top || at.contains(top) || top.contains(at) ? "" : at.outerHTML.slice(0, 90);
            }"""
        )
        if covered:
            hidden.append(covered)
    assert hidden == []


@pytest.mark.parametrize("width", [390, 1280])
def test_targets_are_large_enough_and_nothing_scrolls_sideways(width, worked_over, at_desk):
    """WCAG 2.5.8 asks for 24 pixels; a thumb on a phone gets 44."""
    page, keys = at_desk(worked_over, viewport={"width": width, "height": 844})
    least = 44 if width == 390 else 24
    for key in ("", "e", "h", "c"):
        if key:
            keys.press(key)
            expect(page.locator(".card__panel > *").first).to_be_visible()
        small = page.locator(
            "main button:visible, main .button:visible, .thumb button:visible, main select:visible"
        ).evaluate_all(
            "(all, least) => all.filter(b => b.getBoundingClientRect().height < least - 0.5)"
            ".map(b => b.textContent.trim())",
            least,
        )
        assert small == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if key:
            keys.press("Escape")


def test_every_action_can_be_reached_with_tab_and_has_a_name(worked_over, at_desk):
    page, _keys = at_desk(worked_over)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], input:not([type=hidden]), select")]
          .filter((each) => each.checkVisibility())
          .filter((each) => !(each.ariaLabel || each.textContent.trim() || each.title
             || each.labels?.length))
          .map((each) => each.outerHTML.slice(0, 100))"""
    )
    assert nameless == []
    unreachable = page.locator("button[tabindex='-1'], a[tabindex='-1']").count()
    assert unreachable == 0


def test_what_happened_is_announced(worked_over, at_desk):
    page, keys = at_desk(worked_over)
    keys.press("n", "a")
    expect(page.locator("#said")).not_to_be_empty()
    assert page.locator("#said").get_attribute("aria-live") == "polite"


def test_motion_is_left_out_for_those_who_ask_for_calm(worked_over, at_desk):
    page, keys = at_desk(worked_over, reduced_motion="reduce")
    page.evaluate(
        """() => { window.moved = 0;
          Element.prototype.animate = function () { window.moved += 1; }; }"""
    )
    keys.press("j", "Alt+ArrowDown")
    expect(page.locator("#undo")).to_be_visible()
    page.wait_for_timeout(500)
    assert page.evaluate("window.moved") == 0
