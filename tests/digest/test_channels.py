"""The kinds of channels, each against the real thing: a tree, git, a web server, a mail server."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
import os
import re
import subprocess
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.mail.backends.smtp import EmailBackend
from django.utils import translation

from digest import hugo as dialect
from digest.channels import KINDS, Message, Parcel, Undeliverable, configured, jsonfile, programs
from digest.channels import hugo as hugo_channel
from digest.channels import webhook as webhook_channel
from digest.channels.mail import message_id
from tests.conftest import SAMPLE
from tests.digest.servers import answer, listener, mail_server, web_server

SECRET = "a secret of the two of us"
DAY = date(2026, 2, 12)


@pytest.fixture(autouse=True)
def _in_english():
    """Sentences are compared as they stand in the code."""
    with translation.override("en"):
        yield


def parcel_in(tree: Path, **values) -> Parcel:
    content = values.pop("content", SAMPLE.read_bytes())
    given = {
        "desk": "daily",
        "desk_title": "AI 日報",
        "day": DAY,
        "number": 2,
        "slug": "2026-02-12",
        "title": "晨間簡報",
        "content": content,
        "sha256": hashlib.sha256(content).hexdigest(),
        "cover": b"picture",
        "cover_path": "/images/2026-02-12.png",
        "correction": "The second card named the wrong year.",
        "url": "https://desk.example.org/daily/2026-02-12/",
        "key": "delivery-7",
        "tree": tree,
    }
    if "document" not in values:
        values["document"] = dialect.read(content).model_dump(mode="json")
    return Parcel(**(given | values))


@pytest.fixture
def tree(tmp_path) -> Path:
    path = tmp_path / "hugo"
    path.mkdir()
    return path


@pytest.fixture
def parcel(tree) -> Parcel:
    return parcel_in(tree)


@pytest.fixture(autouse=True)
def _settings(settings, tmp_path):
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    settings.JSON_TREE = tmp_path / "json"
    settings.HUGO_BUILD = []


ALARM = Message(
    desk="daily",
    desk_title="AI 日報",
    kind="late",
    subject="AI 日報: the issue of 2026-02-12 is late",
    text="Three cards are not approved.",
    url="https://desk.example.org/desk/daily/2026-02-12/",
    key="late-2026-02-12",
)


def deliver(kind: str, parcel: Parcel, **config) -> dict[str, Any]:
    return KINDS[kind].deliver(parcel, configured(kind, config))


def withdraw(kind: str, parcel: Parcel, **config) -> dict[str, Any]:
    return KINDS[kind].withdraw(parcel, configured(kind, config))


def tell(kind: str, message: Message, **config) -> dict[str, Any]:
    return KINDS[kind].tell(message, configured(kind, config))


# --- configuration -------------------------------------------------------------------------------

URL = "https://example.org/hook"


@pytest.mark.parametrize(
    ("kind", "config", "sentence"),
    [
        ("fax", {}, "'fax' is no kind of channel; there are hugo, json, webhook, mail"),
        ("hugo", {"buidl": True}, "hugo: buidl: Extra inputs are not permitted"),
        ("hugo", {"build": "rm -rf /"}, "hugo: build: Input should be a valid boolean"),
        ("hugo", [], "hugo: the configuration is an object"),
        ("json", {"folder": "/etc"}, "json: folder: Extra inputs are not permitted"),
        ("webhook", {"secret": SECRET}, "webhook: url: Field required"),
        ("webhook", {"url": "ftp://example.org", "secret": SECRET}, "webhook: url: an address st"),
        ("webhook", {"url": "http://a:b@example.org", "secret": SECRET}, "user name or password"),
        ("webhook", {"url": URL}, 'webhook: the body "copydesk" is signed'),
        ("webhook", {"url": URL, "secret": "short"}, "16 characters or more"),
        ("webhook", {"url": URL, "body": "irc"}, "webhook: body: Input should be 'copydesk'"),
        ("webhook", {"url": URL, "secret": SECRET, "timeout": 600}, "webhook: timeout: Input sh"),
        ("mail", {"to": []}, "mail: to: Tuple should have at least 1 item"),
        ("mail", {"to": [f"a{n}@example.org" for n in range(51)]}, "at most 50 items"),
        ("mail", {"to": ["anna"]}, "mail: to: 'anna' is no mail address"),
        ("mail", {"to": ["anna@example.org\nBcc: b@example.org"]}, "is no mail address"),
        ("mail", {"to": ["Anna <anna@example.org>"]}, "is no mail address"),
        ("mail", {"to": ["安@example.org"]}, "安@example.org"),
        ("mail", {"to": ["a@example.org", "A@example.org"]}, "an address stands here twice"),
    ],
)
def test_a_configuration_that_will_not_work_is_refused_with_where_and_why(kind, config, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        configured(kind, config)


def test_a_refused_configuration_does_not_repeat_secrets():
    with pytest.raises(ValueError, match="timeout") as refusal:
        configured("webhook", {"url": f"{URL}/token", "secret": SECRET, "timeout": "long"})
    assert SECRET not in str(refusal.value)
    assert "token" not in str(refusal.value)
    assert SECRET not in repr(configured("webhook", {"url": URL, "secret": SECRET}))


def test_every_kind_says_all_that_is_wrong_at_once():
    with pytest.raises(ValueError, match=r"url: .*; .*timeout: "):
        configured("webhook", {"url": "nowhere", "timeout": 0})


# --- hugo ----------------------------------------------------------------------------------------


def git(tree: Path, *words: str) -> str:
    identity = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org")
    done = subprocess.run(
        ["git", *identity, *words], cwd=tree, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tree) -> Path:
    git(tree, "init", "--quiet", "--initial-branch=main")
    (tree / "hugo.toml").write_text('title = "A site"\n')
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "-m", "A site")
    return tree


def commits(tree: Path) -> int:
    return int(git(tree, "rev-list", "--count", "HEAD"))


def test_a_post_and_its_cover_are_committed_and_nothing_else_is(repository, parcel):
    (repository / "hugo.toml").write_text('title = "Somebody is working on this"\n')
    (repository / "staged.md").write_text("and on this")
    git(repository, "add", "staged.md")
    receipt = deliver("hugo", parcel, git_commit=True)
    assert receipt["commit"] == git(repository, "rev-parse", "HEAD")
    assert git(repository, "show", "--format=", "--name-only", "HEAD").splitlines() == [
        "content/posts/2026-02-12.md",
        "static/images/2026-02-12.png",
    ]
    assert git(repository, "status", "--porcelain").splitlines() == [
        "M hugo.toml",
        "A  staged.md",
    ]
    assert git(repository, "log", "-1", "--format=%an <%ae>") == "Copydesk <copydesk@localhost>"
    message = git(repository, "log", "-1", "--format=%B")
    assert "edition 2 of 2026-02-12" in message
    assert parcel.sha256 in message


def test_a_second_delivery_makes_no_second_commit(repository, parcel):
    first = deliver("hugo", parcel, git_commit=True)
    git(repository, "commit", "--allow-empty", "--quiet", "-m", "Something else")
    assert deliver("hugo", parcel, git_commit=True) == first
    assert commits(repository) == 3


def test_a_delivery_killed_before_its_commit_is_committed_by_the_next(repository, parcel):
    deliver("hugo", parcel)
    git(repository, "add", "content/posts/2026-02-12.md")
    deliver("hugo", parcel, git_commit=True)
    assert git(repository, "status", "--porcelain") == ""
    assert commits(repository) == 2


def test_the_first_commit_of_a_tree_may_be_ours(tree, parcel):
    git(tree, "init", "--quiet")
    receipt = deliver("hugo", parcel, git_commit=True)
    assert receipt["commit"] == git(tree, "rev-parse", "HEAD")


def test_a_desks_folder_may_be_a_part_of_a_larger_repository(repository):
    desk = repository / "sites/daily"
    desk.mkdir(parents=True)
    deliver("hugo", parcel_in(desk), git_commit=True)
    assert "sites/daily/content/posts/2026-02-12.md" in git(repository, "ls-files")


def test_a_tree_without_git_says_so(tree, parcel):
    with pytest.raises(Undeliverable, match="not a git repository"):
        deliver("hugo", parcel, git_commit=True)


def test_a_lock_that_a_killed_git_left_is_named(repository, parcel):
    lock = repository / ".git/index.lock"
    lock.touch()
    with pytest.raises(Undeliverable, match=r"index\.lock.* was killed left the file") as failure:
        deliver("hugo", parcel, git_commit=True)
    assert not failure.value.is_final
    lock.unlink()
    deliver("hugo", parcel, git_commit=True)
    assert commits(repository) == 2


def test_hooks_of_the_tree_are_not_run(repository, parcel):
    for name in ("pre-commit", "commit-msg", "post-commit"):
        hook = repository / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch hook-has-run\nexit 1\n")
        hook.chmod(0o755)
    deliver("hugo", parcel, git_commit=True)
    assert not list(repository.rglob("hook-has-run"))
    assert commits(repository) == 2


def test_a_commit_that_holds_other_bytes_than_the_signed_ones_is_refused(repository, tree):
    (repository / ".gitattributes").write_text("*.md text eol=lf\n")
    content = SAMPLE.read_bytes().replace(b"\n", b"\r\n")
    with pytest.raises(Undeliverable, match="other bytes than the signed ones"):
        deliver("hugo", parcel_in(tree, content=content, document={}), git_commit=True)


@pytest.mark.parametrize("habit", ["true", "input"])
def test_line_ends_are_committed_as_they_were_signed_whatever_git_is_set_to(repository, habit):
    git(repository, "config", "core.autocrlf", habit)
    content = SAMPLE.read_bytes().replace(b"\n", b"\r\n")
    parcel = parcel_in(repository, content=content, document={})
    deliver("hugo", parcel, git_commit=True)
    kept = subprocess.check_output(
        ["git", "cat-file", "blob", "HEAD:content/posts/2026-02-12.md"], cwd=repository
    )
    assert hashlib.sha256(kept).hexdigest() == parcel.sha256


def test_ignored_files_are_not_passed_over_in_silence(repository, parcel):
    (repository / ".gitignore").write_text("content/\n")
    with pytest.raises(Undeliverable, match="ignored"):
        deliver("hugo", parcel, git_commit=True)


def test_a_withdrawn_post_goes_with_its_cover_and_twice_is_once(repository, parcel):
    deliver("hugo", parcel, git_commit=True)
    first = withdraw("hugo", parcel, git_commit=True)
    assert first["removed"] and first["cover_removed"]
    assert not list(repository.rglob("2026-02-12.*"))
    assert git(repository, "ls-files") == "hugo.toml"
    second = withdraw("hugo", parcel, git_commit=True)
    assert (second["removed"], second["commit"]) == (False, first["commit"])
    assert commits(repository) == 3
    assert git(repository, "log", "-1", "--format=%s") == "Withdraw edition 2 of 2026-02-12"


def test_withdrawing_what_was_never_committed_commits_nothing(repository, parcel):
    deliver("hugo", parcel)
    git(repository, "add", "content")  # as a kill between adding and committing leaves it
    receipt = withdraw("hugo", parcel, git_commit=True)
    assert receipt["commit"] == ""
    assert commits(repository) == 1
    assert git(repository, "status", "--porcelain") == ""


def test_a_cover_that_another_post_names_stays(tree, parcel):
    deliver("hugo", parcel)
    other = b"---\ncover: images/2026-02-12.png\n---\n"
    deliver("hugo", parcel_in(tree, slug="2026-02-13", content=other, document={}))
    withdraw("hugo", parcel)
    assert (tree / "static/images/2026-02-12.png").read_bytes() == b"picture"
    assert [path.name for path in (tree / "content/posts").iterdir()] == ["2026-02-13.md"]


def test_the_operators_command_builds_in_the_tree_and_its_end_is_kept(tree, parcel, settings):
    settings.HUGO_BUILD = ["sh", "-c", "yes word | head -n 5000; ls content/posts > built; pwd"]
    receipt = deliver("hugo", parcel, build=True)
    assert (tree / "built").read_text() == "2026-02-12.md\n"
    assert receipt["build"].endswith(str(tree))
    assert len(receipt["build"]) <= programs.END
    withdraw("hugo", parcel, build=True)
    assert (tree / "built").read_text() == ""


def test_a_channel_that_does_not_ask_for_a_build_gets_none(tree, parcel, settings):
    settings.HUGO_BUILD = ["touch", "built"]
    assert "build" not in deliver("hugo", parcel)
    assert not (tree / "built").exists()


def test_a_command_that_fails_says_how_it_ended(parcel, settings):
    settings.HUGO_BUILD = ["sh", "-c", "echo one; echo 'no such theme' >&2; exit 3"]
    with pytest.raises(Undeliverable, match=r"\(sh\) ended with code 3: one\nno such theme"):
        deliver("hugo", parcel, build=True)


def test_a_command_that_is_not_there_says_so(parcel, settings):
    settings.HUGO_BUILD = ["no-such-program"]
    with pytest.raises(Undeliverable, match="HUGO_BUILD cannot be run: .*no-such-program"):
        deliver("hugo", parcel, build=True)


def test_a_command_does_not_see_the_desks_secrets(tree, parcel, settings, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "the desk's own")
    settings.HUGO_BUILD = ["sh", "-c", "env > seen"]
    deliver("hugo", parcel, build=True)
    assert "PATH=" in (tree / "seen").read_text()
    assert "the desk's own" not in (tree / "seen").read_text()


def test_a_command_that_hangs_is_stopped_with_all_it_started(tree, parcel, settings, monkeypatch):
    monkeypatch.setattr(hugo_channel, "BUILD_TIMEOUT", 1)
    monkeypatch.setattr(programs, "GRACE", 0.2)
    settings.HUGO_BUILD = ["sh", "-c", "trap '' TERM; echo begun; sleep 600 & echo $! > pid; wait"]
    with pytest.raises(Undeliverable, match=r"stopped after 1 seconds\. begun"):
        deliver("hugo", parcel, build=True)
    child = int((tree / "pid").read_text())
    # What was told to die takes a moment to, and an orphan longer until somebody collects it.
    for _ in range(1000):
        if not _is_running(child):
            break
        time.sleep(0.01)
    else:
        pytest.fail("the command's child runs on")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()
    return state not in "ZX"


def test_a_build_without_a_command_fails_before_anything_is_written(tree, parcel):
    for act in (deliver, withdraw):
        with pytest.raises(Undeliverable, match="names no HUGO_BUILD") as failure:
            act("hugo", parcel, build=True)
        assert failure.value.is_final
    assert not list(tree.iterdir())


# --- json ----------------------------------------------------------------------------------------


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> list[str]:
    """Where a value does not fit a JSON Schema, as far as our schemas go."""
    if "$ref" in schema:
        return faults(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "anyOf" in schema:
        each = [faults(value, one, root, at) for one in schema["anyOf"]]
        return [] if [] in each else [f"{at} fits none of {len(each)}"]
    types = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "null": type(None),
    }
    if "type" in schema and not isinstance(value, types[schema["type"]]):
        return [f"{at} is no {schema['type']}"]
    found = []
    if "const" in schema and value != schema["const"]:
        found.append(f"{at} is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at} is not one of {schema['enum']}")
    if isinstance(value, str | list):
        most = schema.get("maxLength", schema.get("maxItems", len(value)))
        found += [f"{at} is longer than {most}"] if len(value) > most else []
    if isinstance(value, list):
        for n, item in enumerate(value):
            found += faults(item, schema.get("items", {}), root, f"{at}[{n}]")
    if isinstance(value, dict):
        known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
        found += [f"{at} lacks {name}" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            if name not in known and more is False:
                found.append(f"{at} has {name}")
            else:
                inner = known.get(name, more if isinstance(more, dict) else {})
                found += faults(item, inner, root, f"{at}.{name}")
    return found


def delivered_json(parcel: Parcel) -> tuple[dict, dict]:
    """The file and the schema beside it."""
    receipt = deliver("json", parcel)
    content = Path(receipt["path"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == receipt["sha256"]
    schema = json.loads((Path(receipt["path"]).parent.parent / "schema.json").read_bytes())
    return json.loads(content), schema


def test_an_edition_lies_in_its_desks_folder_and_fits_the_schema(parcel, settings):
    found, schema = delivered_json(parcel)
    assert (settings.JSON_TREE / "daily/2026-02-12.json").is_file()
    assert found["schema"] == "copydesk.edition.1"
    assert (found["desk"], found["day"], found["edition"]) == ("daily", "2026-02-12", 2)
    assert (found["sha256"], found["correction"]) == (parcel.sha256, parcel.correction)
    assert found["document"] == parcel.document
    assert schema == jsonfile.schema()
    assert faults(found, schema, schema) == []


def test_the_real_daily_fits_the_schema(tree, seed):
    found, schema = delivered_json(parcel_in(tree, content=seed))
    assert faults(found, schema, schema) == []
    assert dialect.write(jsonfile.Envelope.model_validate(found).document) == seed


def test_a_document_of_an_older_version_is_filled_up_to_the_schema(tree):
    found, schema = delivered_json(parcel_in(tree, document={"sections": [{"title": "節"}]}))
    assert faults(found, schema, schema) == []
    assert found["document"]["sections"][0]["cards"] == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.pop("sha256"),
        lambda file: file.update(schema="copydesk.edition.2"),
        lambda file: file.update(edition="2"),
        lambda file: file.update(more=1),
        lambda file: file["document"].pop("footer"),
        lambda file: file["document"]["sections"][0].update(kind="column"),
        lambda file: file["document"]["sections"][0]["cards"][0].pop("headline"),
        lambda file: file["document"]["sections"][0]["cards"][0].update(summary="x" * 20_001),
        lambda file: file["document"]["sections"][0]["cards"][0].update(importance=3),
    ],
)
def test_the_schema_refuses_what_no_file_of_ours_is(parcel, damage):
    found, schema = delivered_json(parcel)
    damage(found)
    assert faults(found, schema, schema)


def test_a_document_that_fits_no_schema_is_not_written(tree, settings):
    with pytest.raises(Undeliverable, match="does not fit its schema: sections") as failure:
        deliver("json", parcel_in(tree, document={"sections": 1}))
    assert failure.value.is_final
    assert not settings.JSON_TREE.exists()


def test_a_withdrawn_json_file_is_gone_and_twice_is_once(parcel, settings):
    deliver("json", parcel)
    assert withdraw("json", parcel)["removed"] is True
    assert withdraw("json", parcel)["removed"] is False
    assert [path.name for path in settings.JSON_TREE.rglob("*.json")] == ["schema.json"]


@pytest.mark.parametrize("values", [{"slug": "../../x"}, {"desk": "../x"}, {"desk": ".."}])
def test_a_json_file_stays_in_its_tree(tree, values, tmp_path):
    with pytest.raises(Undeliverable, match="outside"):
        deliver("json", parcel_in(tree, **values))
    assert not list(tmp_path.rglob("x.json"))


# --- webhook -------------------------------------------------------------------------------------


def to(web, **config) -> dict[str, Any]:
    return {"url": web.url, "secret": SECRET} | config


def is_signed(request) -> bool:
    """As a receiver checks it, who knows nothing of our code."""
    stamp, code = re.fullmatch(
        r"t=(\d+),v1=([0-9a-f]{64})", request.headers["copydesk-signature"]
    ).groups()
    message = stamp.encode() + b"." + request.body
    return hmac.compare_digest(hmac.digest(SECRET.encode(), message, "sha256").hex(), code)


def test_an_edition_is_announced_signed_and_whole(parcel):
    with web_server(answer(202, b"taken\n" + b"x" * 300)) as web:
        receipt = deliver("webhook", parcel, **to(web))
    [request] = web.requests
    assert is_signed(request)
    assert request.headers["idempotency-key"] == "delivery-7"
    assert request.headers["copydesk-event"] == "edition.published"
    sent = json.loads(request.body)
    assert (sent["event"], sent["key"]) == ("edition.published", "delivery-7")
    assert (sent["desk"], sent["day"], sent["edition"]) == ("daily", "2026-02-12", 2)
    assert hashlib.sha256(sent["content"].encode()).hexdigest() == sent["sha256"] == parcel.sha256
    assert sent["document"] == parcel.document
    assert receipt["status"] == 202
    assert receipt["answer"] == "taken " + "x" * 194
    assert receipt["sha256"] == hashlib.sha256(request.body).hexdigest()


def test_a_server_that_fails_four_times_gets_the_same_body_a_fifth_time(parcel):
    with web_server(*[answer(500, b"not now")] * 4, answer(200)) as web:
        for _ in range(4):
            with pytest.raises(Undeliverable, match="answered 500: not now") as failure:
                deliver("webhook", parcel, **to(web))
            assert not failure.value.is_final
        assert deliver("webhook", parcel, **to(web))["status"] == 200
    assert len(web.requests) == 5
    assert len({(r.headers["idempotency-key"], r.body) for r in web.requests}) == 1


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        *((400, True), (401, True), (403, True), (404, True), (410, True), (422, True)),
        *((408, False), (425, False), (429, False)),
        *((500, False), (502, False), (503, False), (504, False)),
        *((301, True), (302, True), (307, True)),
    ],
)
def test_a_status_says_whether_another_try_makes_sense(parcel, status, is_final):
    with web_server(answer(status)) as web, pytest.raises(Undeliverable) as failure:
        deliver("webhook", parcel, **to(web))
    assert str(status) in str(failure.value)
    assert failure.value.is_final is is_final


@pytest.mark.parametrize("behaviour", [lambda c: c.close(), lambda c: c.recv(1)])
def test_a_server_that_drops_or_hangs_is_tried_again(parcel, behaviour):
    with web_server(behaviour) as web, pytest.raises(Undeliverable) as failure:
        deliver("webhook", parcel, **to(web, timeout=1))
    assert not failure.value.is_final
    assert len(web.requests) == 1


def test_a_redirect_to_the_loopback_is_not_followed(parcel):
    with listener() as (port, was_reached):
        away = answer(307, b"", f"Location: http://127.0.0.1:{port}/")
        with web_server(away) as web, pytest.raises(Undeliverable, match="sends elsewhere"):
            deliver("webhook", parcel, **to(web))
        assert not was_reached()


def test_a_webhook_into_a_private_network_is_refused_for_good(parcel, settings):
    settings.OUTGOING_ALLOW = []
    with web_server(answer(200)) as web:
        with pytest.raises(Undeliverable, match="not on the open internet") as failure:
            deliver("webhook", parcel, **to(web))
        assert web.requests == []
    assert failure.value.is_final


def test_no_sentence_repeats_the_path_of_a_webhook(parcel):
    for behaviour in (answer(404), answer(302, b"", "Location: /hook"), lambda c: c.close()):
        with web_server(behaviour) as web, pytest.raises(Undeliverable) as failure:
            deliver("webhook", parcel, **to(web))
        assert str(web.port) in str(failure.value)
        assert "hook" not in str(failure.value)


def test_a_withdrawal_is_an_event_of_its_own(parcel):
    with web_server(answer(200)) as web:
        deliver("webhook", parcel, **to(web))
        withdraw("webhook", parcel_in(parcel.tree, key="withdraw-7"), **to(web))
    first, second = web.requests
    assert is_signed(second)
    assert second.headers["copydesk-event"] == json.loads(second.body)["event"]
    assert json.loads(second.body)["event"] == "edition.withdrawn"
    assert second.headers["idempotency-key"] == "withdraw-7"
    assert "content" in json.loads(first.body) and "content" not in json.loads(second.body)


def test_an_alarm_goes_where_alarms_are_wanted(parcel):
    with web_server(answer(200)) as web:
        assert tell("webhook", ALARM, **to(web)) == {}
        assert web.requests == []
        assert tell("webhook", ALARM, **to(web, alarms=True))["status"] == 200
    [request] = web.requests
    assert is_signed(request)
    sent = json.loads(request.body)
    assert (sent["event"], sent["kind"], sent["subject"]) == ("alarm", "late", ALARM.subject)
    assert request.headers["idempotency-key"] == ALARM.key


@pytest.mark.parametrize("body", ["slack", "discord", "teams"])
def test_chat_programs_get_their_own_shape_with_a_headline_and_a_link(parcel, body):
    with web_server(answer(200)) as web:
        deliver("webhook", parcel, url=web.url, body=body)
        withdraw("webhook", parcel, url=web.url, body=body)
        tell("webhook", ALARM, url=web.url, body=body, alarms=True)
    published, withdrawn, alarm = (
        json.dumps(json.loads(r.body), ensure_ascii=False) for r in web.requests
    )
    for text in (published, withdrawn):
        assert parcel.title in text
        assert parcel.url in text
    assert "withdrawn" in withdrawn and "withdrawn" not in published
    assert ALARM.text in alarm
    # Nothing of the edition itself, and no signature with a secret that is none.
    assert parcel.sha256 not in published
    assert "copydesk-signature" not in web.requests[0].headers


def test_a_headline_calls_nobody_and_links_nowhere():
    headline, url = (
        "<!channel> & <http://a|b> @everyone [x](http://y)",
        "https://desk.test/?a=1&b=2",
    )
    said = webhook_channel.slack(headline, "a < b", url)["text"]
    assert said == (
        "<https://desk.test/?a=1&amp;b=2|&lt;!channel&gt; &amp; &lt;http://a|b&gt; @everyone"
        " [x](http://y)>\na &lt; b"
    )
    discord = webhook_channel.discord(headline, "", url)
    assert discord["allowed_mentions"] == {"parse": []}
    assert r"\[x\]\(http://y\)" in discord["content"]
    assert len(webhook_channel.discord("*" * 5000, "*" * 5000, url)["content"]) <= 2000
    [attached] = webhook_channel.teams(headline, "", url)["attachments"]
    assert attached["content"]["body"][0]["text"].endswith(r"\[x\]\(http://y\)")
    assert attached["content"]["actions"][0]["url"] == url


# --- mail ----------------------------------------------------------------------------------------

ANNA, BERT, CLEO = "anna@example.org", "bert@example.org", "cleo@example.org"


@pytest.fixture
def smtp(settings):
    """A function that points the desk at a mail server."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT = 10
    settings.SITE_URL = "https://desk.example.org"
    settings.DEFAULT_FROM_EMAIL = "copydesk@desk.example.org"

    def at(post):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", post.port

    return at


def read_mail(message: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(message, policy=email.policy.default)


def again(parcel: Parcel, failure: Undeliverable) -> Parcel:
    """The parcel of the next try."""
    return parcel_in(parcel.tree, content=parcel.content, receipt=failure.receipt)


def test_each_recipient_gets_the_edition_with_its_very_bytes(smtp, tree):
    content = b"---\r\ntitle: x\r\n---\r\n" + "長".encode() * 2000 + b"\n.\nend without a break"
    parcel = parcel_in(tree, content=content, document={})
    with mail_server() as post:
        smtp(post)
        receipt = deliver("mail", parcel, to=[ANNA, BERT])
    assert receipt == {"recipients": {ANNA: "accepted", BERT: "accepted"}}
    assert [recipient for recipient, _ in post.taken] == [ANNA, BERT]
    assert post.connections == 1
    message = read_mail(post.taken[0][1])
    assert message["To"] == ANNA
    assert message["Subject"] == "AI 日報: 晨間簡報"
    text = message.get_body().get_content()
    for part in (parcel.title, parcel.url, parcel.correction, parcel.sha256):
        assert part in text
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "2026-02-12.md"
    assert attachment.get_payload(decode=True) == content


def test_a_line_break_in_a_title_adds_no_header(smtp, tree):
    with mail_server() as post:
        smtp(post)
        deliver("mail", parcel_in(tree, title="one\r\nBcc: eve@example.org\u2028two"), to=[ANNA])
    message = read_mail(post.taken[0][1])
    assert message["Subject"] == "AI 日報: one Bcc: eve@example.org two"
    assert message["Bcc"] is None
    assert [recipient for recipient, _ in post.taken] == [ANNA]


def test_a_refused_recipient_keeps_nobody_from_theirs_and_nobody_gets_it_twice(smtp, parcel):
    with mail_server(refused={BERT: "450 mailbox is full"}) as post:
        smtp(post)
        with pytest.raises(Undeliverable, match="bert@example.org: 450 mailbox is full") as failure:
            deliver("mail", parcel, to=[ANNA, BERT, CLEO])
        assert ANNA not in str(failure.value)
        assert failure.value.receipt == {
            "recipients": {ANNA: "accepted", CLEO: "accepted", BERT: "450 mailbox is full"}
        }
        assert not failure.value.is_final
        post.refused.clear()
        receipt = deliver("mail", again(parcel, failure.value), to=[ANNA, BERT, CLEO])
    assert set(receipt["recipients"].values()) == {"accepted"}
    assert sorted(recipient for recipient, _ in post.taken) == [ANNA, BERT, CLEO]


def test_a_recipient_refused_for_good_is_not_tried_again(smtp, parcel):
    with mail_server(refused={BERT: "550 no such person"}) as post:
        smtp(post)
        with pytest.raises(Undeliverable, match="550 no such person") as failure:
            deliver("mail", parcel, to=[ANNA, BERT])
        assert failure.value.is_final
        post.refused[ANNA] = "450 later"
        with pytest.raises(Undeliverable) as failure:
            deliver("mail", parcel, to=[ANNA, BERT])
        assert not failure.value.is_final  # one of the two may still get it


def test_a_server_that_dies_after_the_message_gets_it_again_under_the_same_name(smtp, parcel):
    with mail_server(dies_after_data_for={BERT}) as post:
        smtp(post)
        with pytest.raises(Undeliverable, match=BERT) as failure:
            deliver("mail", parcel, to=[ANNA, BERT, CLEO])
        assert not failure.value.is_final
        # The next recipient got a connection that works.
        assert failure.value.receipt["recipients"][CLEO] == "accepted"
        post.dies_after_data_for.clear()
        deliver("mail", again(parcel, failure.value), to=[ANNA, BERT, CLEO])
    assert (len(post.for_(ANNA)), len(post.for_(CLEO))) == (1, 1)
    first, second = (read_mail(message)["Message-ID"] for message in post.for_(BERT))
    assert first == second == message_id(parcel.key, BERT)
    assert first != read_mail(post.for_(ANNA)[0])["Message-ID"]


def test_a_worker_out_of_time_remembers_who_has_their_mail(smtp, parcel, monkeypatch):
    class OutOfTime(Exception):
        """As Celery raises it, anywhere."""

    real = EmailBackend.send_messages

    def send(backend, messages):
        if messages[0].to == [BERT]:
            raise OutOfTime
        return real(backend, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send)
    with mail_server() as post:
        smtp(post)
        with pytest.raises(Undeliverable, match="OutOfTime") as failure:
            deliver("mail", parcel, to=[ANNA, BERT])
    assert failure.value.receipt["recipients"][ANNA] == "accepted"
    assert not failure.value.is_final


def test_no_mail_server_at_the_port_leaves_everybody_for_the_next_try(smtp, parcel, settings):
    settings.EMAIL_HOST = "127.0.0.1"
    with listener() as (port, _):
        settings.EMAIL_PORT = port
    with pytest.raises(Undeliverable, match="refused") as failure:
        deliver("mail", parcel, to=[ANNA, BERT])
    assert not failure.value.is_final
    assert "accepted" not in failure.value.receipt["recipients"].values()


def test_a_slow_server_is_left_when_the_time_is_up_and_the_rest_is_for_the_next_try(
    smtp, parcel, monkeypatch
):
    monkeypatch.setattr("digest.channels.mail.BUDGET", -1)
    with mail_server() as post:
        smtp(post)
        with pytest.raises(Undeliverable, match="not begun") as failure:
            deliver("mail", parcel, to=[ANNA])
        assert not failure.value.is_final
        assert post.taken == []


def test_mail_that_goes_nowhere_is_not_called_accepted(parcel, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    with pytest.raises(Undeliverable, match="names no EMAIL_HOST"):
        deliver("mail", parcel, to=[ANNA])


def test_proofs_and_alarms_can_each_be_left_out(smtp, parcel):
    with mail_server() as post:
        smtp(post)
        assert deliver("mail", parcel, to=[ANNA], proof=False) == {}
        assert tell("mail", ALARM, to=[ANNA], alarms=False) == {}
        assert post.connections == 0


def test_an_alarm_is_told_if_anybody_has_it(smtp):
    with mail_server(refused={ANNA: "550 no such person"}) as post:
        smtp(post)
        receipt = tell("mail", ALARM, to=[ANNA, BERT])
        assert receipt["recipients"] == {ANNA: "550 no such person", BERT: "accepted"}
        [message] = map(read_mail, post.for_(BERT))
        assert message["Subject"] == ALARM.subject
        assert ALARM.url in message.get_content()
        with pytest.raises(Undeliverable, match="550"):
            tell("mail", ALARM, to=[ANNA])


def test_mail_of_the_embedded_desk_lies_in_a_folder(parcel, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    deliver("mail", parcel, to=[ANNA])
    [file] = (tmp_path / "mail").iterdir()
    assert f"To: {ANNA}" in file.read_text()
