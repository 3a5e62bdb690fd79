"""The whole way with real processes: drafts in, people, a signature, a worker, a file."""

from __future__ import annotations

import os
import re
import time
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from django.core.management import call_command

from digest.models import Delivery, Edition, Issue
from digest.tasks import publish_due, read_inbox
from editorial.decisions import decide
from tests.conftest import COVER, SAMPLE
from tests.endless import does_not_wait
from tests.services.conftest import WALK, hash_of_file, send, wait_until


def publish(issue: Issue, by) -> None:
    seen = issue.editions.order_by("-number").first().sha256
    decide("publish", issue_id=issue.pk, by=by, seen=seen)


def post_of(edition: Edition, settings) -> Path:
    return Path(settings.HUGO_TREE) / "content/posts" / f"{edition.slug}.md"


def is_delivered(edition: Edition) -> bool:
    return edition.deliveries.filter(state=Delivery.State.DELIVERED).exists()


# --- people at their browsers --------------------------------------------------------------------


class Forms(HTMLParser):
    """What a page sends: where to, and with which values. A button with an address of its own is
    one more, with the values of the form it belongs to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._named: dict[str | None, dict[str, str]] = {}
        self._buttons: list[dict[str, str | None]] = []
        self.feed(page)
        for button in self._buttons:  # which may stand before their form
            own = {button["name"]: button.get("value") or ""} if button.get("name") else {}
            self.found.append((button["formaction"], self._named[button.get("form")] | own))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.found.append((values.get("action") or "", {}))
            self._named[values.get("id")] = self.found[-1][1]
        elif tag == "input" and self.found and values.get("name"):
            self.found[-1][1][values["name"]] = values.get("value") or ""
        elif tag == "button" and values.get("formaction") and "disabled" not in values:
            self._buttons.append(values)


class Browser:
    """Somebody without JavaScript who presses buttons."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        return self._opener.open(urljoin(self._address, path), timeout=20).read().decode()

    def press(self, path: str, action: str, **typed: str) -> None:
        """Send the first form of a page whose address matches."""
        where, values = next(
            (urljoin(path, where), values)
            for where, values in Forms(self.get(path)).found
            if re.search(action, urljoin(path, where))
        )
        body = urlencode(values | typed).encode()
        try:
            self._opener.open(urljoin(self._address, where), body, timeout=20).read()
        except HTTPError as error:
            raise AssertionError(f"{where}: {error.code}\n{error.read().decode()}") from None

    def sign_in(self, name: str, password: str) -> None:
        self.press("/sign-in/", "sign-in", username=name, password=password)


def test_an_editor_and_a_chief_bring_the_sample_to_its_readers(desk_process):
    """As a stranger does it after `make desk`: web server, Redis, worker, beat and sample as they
    come, in pages without JavaScript."""
    passwords = dict(re.findall(r"sign in as (\w+) +password (\S+)", desk_process.output))
    editor, chief = Browser(desk_process.address), Browser(desk_process.address)
    editor.sign_in("editor", passwords["editor"])
    chief.sign_in("chief", passwords["chief"])
    page = "/desk/daily/2026-02-12/"
    actions = [action for action, _ in Forms(editor.get(page)).found]
    cards = [action for action in actions if re.search(r"/cards/\d+/approve/$", action)]
    assert len(cards) == 18
    for action in cards:
        editor.press(page, re.escape(action))
    editor.press(page, "decide/approve_insight/")
    chief.press(f"{page}sign/", "decide/sign/")
    chief.press(page, "decide/publish/")
    post = desk_process.var_dir / "hugo/content/posts/2026-02-12-ai-daily.md"
    wait_until(post.exists, seconds=20, what="the file appears")
    assert hash_of_file(post) == hash_of_file(SAMPLE)
    cover = desk_process.var_dir / "hugo/static/images/2026-02-12-ai-daily.png"
    assert cover.read_bytes() == COVER.read_bytes()
    assert "FlashAttention" in Browser(desk_process.address).get("/2026-02-12/")


# --- a broker that is not there ------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)  # the wake-up call follows a real commit
def test_without_a_broker_a_press_on_publish_is_quick_and_the_next_tick_finds_it(
    redis_server, signed, chief, settings
):
    redis_server.kill()
    with does_not_wait():
        publish(signed.issue, chief)
    assert not post_of(signed, settings).exists()
    call_command("publish_due")
    assert hash_of_file(post_of(signed, settings)) == signed.sha256


def test_what_was_asked_for_while_the_broker_was_gone_goes_out_after_its_return(
    redis_server, celery_worker_process, signed, chief, settings
):
    redis_server.kill()
    publish(signed.issue, chief)
    redis_server.start()
    # The worker may need a moment to notice; beat ticks on meanwhile.
    deadline = time.monotonic() + 60
    while not is_delivered(signed) and time.monotonic() < deadline:
        send(publish_due)
        time.sleep(1)
    assert hash_of_file(post_of(signed, settings)) == signed.sha256
    verbs = list(signed.issue.events.values_list("verb", flat=True))
    assert verbs.count("issue.release") == verbs.count("delivery.done") == 1


# --- the inbox -----------------------------------------------------------------------------------


def test_the_worker_moves_finished_and_broken_drafts_of_the_inbox(
    celery_worker_process, transactional_db, settings, sample
):
    inbox = Path(settings.INBOX_DIR)
    inbox.mkdir(parents=True)
    bad_card = sample.replace("**重要性**：高".encode(), "**重要性**：非常高".encode(), 1)
    for name, content in {
        "good.md": sample,
        "good.png": COVER.read_bytes(),
        "half.md": bad_card.replace(b"2026-02-12", b"2026-02-13"),
        "big5.md": "標題".encode("big5"),
    }.items():
        (inbox / name).write_bytes(content)
        os.utime(inbox / name, (0, 0))
    send(read_inbox)
    send(read_inbox)  # two ticks at once do no harm
    wanted = {
        "done/good.md",
        "done/good.png",
        "done/half.md",
        "done/half.md.problems.txt",
        "broken/big5.md",
        "broken/big5.md.problems.txt",
    }
    wait_until(lambda: names_in(inbox) == wanted, seconds=20, what=f"{wanted}, {names_in(inbox)}")
    assert "非常高" in (inbox / "done/half.md.problems.txt").read_text()
    assert "UTF-8" in (inbox / "broken/big5.md.problems.txt").read_text()
    assert Issue.objects.count() == 2
    assert Issue.objects.exclude(cover=None).count() == 1


def names_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# --- by hand, in processes of their own ----------------------------------------------------------


def test_the_whole_way_by_hand_needs_no_broker(manage, tmp_path):
    assert manage("migrate", "--verbosity", "0").returncode == 0
    assert manage("demo_people").returncode == 0
    imported = manage("import_draft", str(SAMPLE), "--cover", str(COVER))
    assert imported.returncode == 0, imported.stderr
    walked = manage("shell", stdin=WALK)
    assert (walked.returncode, "Traceback" in walked.stderr) == (0, False), walked.stderr
    published = manage("publish_due")
    assert published.returncode == 0, published.stderr
    post = tmp_path / "var/hugo/content/posts/2026-02-12-ai-daily.md"
    assert hash_of_file(post) == hash_of_file(SAMPLE)
    again = manage("publish_due")
    assert (again.returncode, again.stdout) == (0, "")
