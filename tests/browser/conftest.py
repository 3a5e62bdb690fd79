"""A real Chromium, the system's own, on the real desk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.services.conftest import desk_process, new_desk

__all__ = ["desk_process", "new_desk"]

ARGUMENTS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    # Nothing is looked up outside while a test runs.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items) -> None:
    """Everything in this folder needs a browser, and is marked so."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture
def chromium() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    assert program, "no Chromium on this machine; on Debian: apt install chromium fonts-noto-cjk"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium, request, tmp_path) -> Iterator[Callable[..., Page]]:
    """Opens a page for one more person; if the test fails, what each saw last is kept."""
    pages: list[Page] = []

    def open_page(**options) -> Page:
        context = chromium.new_context(**({"locale": "zh-TW"} | options))
        page = context.new_page()
        page.set_default_timeout(15_000)
        pages.append(page)
        return page

    yield open_page
    for number, page in enumerate(pages, 1):
        if request.node.stash.get(FAILED, False):
            picture = tmp_path / f"page-{number}.png"
            page.screenshot(path=picture)
            print(f"{page.url}: {picture}")
        page.context.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report
