"""Settings are read from the environment: sense is taken as it is, nonsense fails loudly."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Prints the named settings as JSON, as a process sees them that has just started.
_SHOW = """
import json, sys, django
from django.conf import settings
django.setup()
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""
#: Held back at a gate of the file system until all have got this far.
_SHOW_TOGETHER = "import digest.celery, pathlib, sys, time\ngate = pathlib.Path(sys.argv.pop(1))\n"
_SHOW_TOGETHER += "print('here', flush=True)\nwhile not gate.exists(): time.sleep(0.001)\n" + _SHOW


def _start(code: str, arguments: tuple[str, ...], env: dict[str, str]) -> subprocess.Popen[str]:
    # Of this process's environment only what Python needs: the tests' own settings stay behind.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=kept | {"DJANGO_SETTINGS_MODULE": "digest.settings"} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def start(tmp_path):
    """Start a process with these environment variables; answers with settings and stderr."""

    def run(*names: str, **env: str) -> tuple[dict, str]:
        process = _start(_SHOW, names, {"VAR_DIR": str(tmp_path / "var")} | env)
        out, err = process.communicate(timeout=60)
        return (json.loads(out) if process.returncode == 0 else {}), err

    return run


SERVER = {"DATABASE_URL": "postgres://desk:word@db:5432/desk", "SECRET_KEY": "of a server"}


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"TIME_ZONE": "Asia/Taipeh"}, "TIME_ZONE 'Asia/Taipeh' is not a time zone."),
        ({"DEBUG": "maybe"}, "DEBUG must be true or false, not 'maybe'."),
        ({"BEHIND_PROXY": "ture"}, "BEHIND_PROXY must be true or false"),
        ({"DELIVERY_LEASE": "-1"}, "DELIVERY_LEASE must be a whole number of at least 1"),
        ({"REDIS_URL": "nonsense"}, "REDIS_URL must be a redis://"),
        ({"SITE_URL": "http://host:port"}, "SITE_URL must be an http(s) address"),
        ({"SITE_URL": "desk.example.org"}, "SITE_URL must be an http(s) address"),
        ({"SITE_URL": "ftp://desk.example.org"}, "SITE_URL must be an http(s) address"),
        ({"SITE_URL": "https://"}, "SITE_URL must be an http(s) address"),
        ({"HUGO_BUILD": "hugo '"}, "HUGO_BUILD cannot be taken apart: No closing quotation."),
        (
            {"OUTGOING_ALLOW": "chat.local,http://chat"},
            "names hosts, `host:port`, not 'http://chat'",
        ),
        ({"OUTGOING_ALLOW": "chat.local:web"}, "OUTGOING_ALLOW names hosts"),
        ({"DEFAULT_FROM_EMAIL": "the desk"}, "DEFAULT_FROM_EMAIL must be a mail address"),
        ({"EMAIL_PORT": "smtp"}, "EMAIL_PORT must be a whole number"),
        (
            {"EMAIL_HOST": "mail", "EMAIL_URL": "smtp://mail"},
            "EMAIL_HOST and EMAIL_URL are two names",
        ),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be one of console, json, not 'xml'."),
        ({"LOG_LEVEL": "LOUD"}, "LOUD"),
        ({"CONN_MAX_AGE": "a minute"}, "a minute"),
        ({"DELIVERY_LEASE": "long"}, "long"),
        (
            SERVER | {"DATABASE_URL": "mysql://desk:word@db/desk"},
            "must be a sqlite:// or postgres:// address",
        ),
        (SERVER | {"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"DATABASE_URL": SERVER["DATABASE_URL"]}, "SECRET_KEY is not set"),
        ({"SECRET_KEY_FILE": "/no/such/file"}, "/no/such/file"),
    ],
    ids=lambda value: (
        " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else ""
    ),
)
def test_nonsense_fails_at_the_start_with_a_sentence_that_names_it(start, env, sentence):
    found, stderr = start("DEBUG", **env)
    assert not found
    errors = [line for line in stderr.splitlines() if line and not line.startswith(" ")]
    assert sentence in "\n".join(errors)


def test_what_is_set_but_empty_is_not_set(start):
    """A compose file passes on what its user left out; `INBOX_DIR=` must not mean "here"."""
    names = ("INBOX_DIR", "HUGO_TREE", "TIME_ZONE", "REDIS_URL", "DATABASES")
    nothing, _ = start(*names)
    empty, _ = start(*names, **dict.fromkeys((*names, "DATABASE_URL", "STATIC_ROOT"), ""))
    assert empty == nothing


def test_with_nothing_set_it_is_the_embedded_desk_on_sqlite(start, tmp_path):
    found, _ = start("EMBEDDED", "DEBUG", "DATABASES", "TIME_ZONE", "REDIS_URL", "INBOX_DIR")
    assert found["EMBEDDED"] is True
    assert found["DEBUG"] is False
    assert found["TIME_ZONE"] == "Asia/Taipei"
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "var/copydesk.sqlite3")
    assert found["REDIS_URL"].startswith("redis+socket:")
    assert found["INBOX_DIR"] == str(tmp_path / "var/inbox")


def test_a_database_url_makes_it_a_server(start):
    found, _ = start("EMBEDDED", "DATABASES", "SECRET_KEY", **SERVER)
    assert found["EMBEDDED"] is False
    assert found["DATABASES"]["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert found["SECRET_KEY"] == "of a server"


def test_https_turns_on_all_that_https_allows(start):
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT")
    plain, _ = start(*names, "SECURE_HSTS_SECONDS", SITE_URL="http://desk.example.org")
    secure, _ = start(*names, "SECURE_HSTS_SECONDS", SITE_URL="https://desk.example.org/")
    assert not any(plain.values())
    assert all(secure.values())


def test_the_host_of_the_site_is_an_allowed_one(start):
    found, _ = start("ALLOWED_HOSTS", SITE_URL="https://desk.example.org:8443")
    assert "desk.example.org" in found["ALLOWED_HOSTS"]


@pytest.mark.parametrize("ending", ["", "\n"], ids=["bare", "with a line break"])
def test_secrets_may_be_given_as_files(start, tmp_path, ending):
    key, url = tmp_path / "key", tmp_path / "url"
    key.write_text(f"from a file{ending}")
    url.write_text(f"{SERVER['DATABASE_URL']}{ending}")
    found, _ = start(
        "SECRET_KEY", "DATABASES", SECRET_KEY_FILE=str(key), DATABASE_URL_FILE=str(url)
    )
    assert found["SECRET_KEY"].rstrip("\n") == "from a file"
    # Editors and `echo` end a file with a line break; it is no part of a database's name.
    assert found["DATABASES"]["default"]["NAME"] == "desk"


def test_the_generated_secret_is_kept_and_nobody_elses(start, tmp_path):
    first, _ = start("SECRET_KEY")
    second, _ = start("SECRET_KEY")
    kept = tmp_path / "var/secret_key"
    assert first == second
    assert len(first["SECRET_KEY"]) >= 50
    assert kept.read_text() == first["SECRET_KEY"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_secret_that_is_given_is_not_generated(start, tmp_path):
    found, _ = start("SECRET_KEY", SECRET_KEY="my own")
    assert found["SECRET_KEY"] == "my own"
    assert not (tmp_path / "var/secret_key").exists()


def test_eight_processes_that_start_at_once_have_one_secret(tmp_path):
    gate = tmp_path / "gate"
    env = {"VAR_DIR": str(tmp_path / "var")}
    started = [_start(_SHOW_TOGETHER, (str(gate), "SECRET_KEY"), env) for _ in range(8)]
    for process in started:
        assert process.stdout.readline() == "here\n"
    gate.touch()
    ends = [process.communicate(timeout=60) for process in started]
    assert [
        err for (_, err), process in zip(ends, started, strict=True) if process.returncode
    ] == []
    assert len({out for out, _ in ends}) == 1


def test_a_secret_file_left_empty_by_a_crash_is_not_used(start, tmp_path):
    """Whoever was killed between making the file and writing it must not lock the desk for good."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var/secret_key").touch(0o600)
    found, _ = start("SECRET_KEY")
    assert len(found["SECRET_KEY"]) >= 50


def test_the_readme_lists_every_variable_that_settings_read():
    read = set(re.findall(r'\benv\.\w+\(\s*"(\w+)"', (ROOT / "digest/settings.py").read_text()))
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(read) > 15
    assert sorted(name for name in listed if name.isupper()) == sorted(read)
