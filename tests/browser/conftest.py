"""A real Chromium, the system's own, on the real desk."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright

from tests.conftest import ROOT, SAMPLE
from tests.services.conftest import (
    DeskProcess,
    desk_process,
    furnished,
    new_desk,
    opened_once,
)

__all__ = ["opened_once", "desk_process", "furnished", "new_desk"]

ARGUMENTS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    # Nothing is looked up outside while a test runs.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
EDITOR, CHIEF = ("editor", "copydesk-editor"), ("chief", "copydesk-chief")
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items) -> None:
    """Everything in this folder needs a browser, and is marked so."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
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
        if request.node.stash.get(FAILED, False) and not page.is_closed():
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


def sign_in(page: Page, address: str, person: tuple[str, str]) -> None:
    page.goto(f"{address}/desk/")
    page.fill("#id_username", person[0])
    page.fill("#id_password", person[1])
    page.click("#sign-in button")
    page.wait_for_url("**/desk/daily/")


def intercept(page: Page, address: str | re.Pattern, handler: Callable, **options) -> None:
    """Answer in the desk's place from now on. (`page.route` comes into force a little later than it
    says so: what a page sends in that very moment passes it by.)"""
    page.route(address, handler, **options)
    page.route("**/in-force/", lambda route: route.fulfill(status=204))
    page.wait_for_function("async () => (await fetch('/in-force/')).status === 204")
    page.unroute("**/in-force/")


# --- one desk for many walks ---------------------------------------------------------------------


class Newsroom:
    """A running desk on which each test has issues of its own, all of days to come."""

    def __init__(self, process: DeskProcess) -> None:
        self.process = process
        self.address = process.address
        self._token = self.manage("machine_token", "walks").split()[-1]
        tomorrow = date.today() + timedelta(days=1)
        self._days = (tomorrow + timedelta(days=n) for n in itertools.count())
        self.sessions: dict[tuple[str, str], StorageState] = {}  # of those who have signed in

    def manage(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(self.process.var_dir)}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def deliver(self, content: bytes) -> None:
        """What a machine does."""
        machine = HTTPConnection("127.0.0.1", self.process.port, timeout=30)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "text/markdown"}
        machine.request("POST", "/api/drafts/", content, headers)
        assert machine.getresponse().status == 201
        machine.close()

    def issue(self, content: bytes | None = None) -> str:
        """A fresh issue of a day of its own; answers with the address of its page."""
        day = next(self._days)
        self.deliver(dated(content or SAMPLE.read_bytes(), day))
        return f"{self.address}/desk/daily/{day}/"


def dated(content: bytes, day: date) -> bytes:
    """The sample as the draft of another day."""
    head, found, tail = content.partition(b"\ndate: 2026-02-12")
    assert found
    return head.replace(b"2026-02-12", str(day).encode()) + f"\ndate: {day}".encode() + tail


@pytest.fixture(scope="session")
def newsroom(tmp_path_factory) -> Iterator[Newsroom]:
    folder = tmp_path_factory.mktemp("newsroom")
    process = DeskProcess(folder, folder / "var")
    process.start()
    yield Newsroom(process)
    process.kill()


class Keyboard:
    """Presses keys like a person and counts them, modifiers too. Typed prose does not count."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            # `Control+Enter` is two keys to a hand, and so is a capital letter.
            self.count += len(key.split("+")) + (len(key) == 1 and key.isupper())
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.insert_text(text)


@pytest.fixture
def at_desk(newsroom, visitor) -> Callable[..., tuple[Page, Keyboard]]:
    """Opens an issue's page for somebody who has read the first steps."""

    def open_issue(address: str, person=EDITOR, **options) -> tuple[Page, Keyboard]:
        page = visitor(storage_state=newsroom.sessions.get(person), **options)
        page.goto(address)
        if "/sign-in/" in page.url:  # for the first time, or a test has ended the session
            sign_in(page, newsroom.address, person)
            newsroom.sessions[person] = page.context.storage_state()
            page.goto(address)
        if options.get("java_script_enabled", True):
            expect(page.locator("html")).to_have_class("has-script")
            expect(page.locator(".card.is-here")).to_have_count(1)
        return page, Keyboard(page)

    return open_issue
