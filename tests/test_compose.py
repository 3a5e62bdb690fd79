"""compose.yaml, as far as it can be judged where no Docker runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = (ROOT / "compose.yaml").read_text()
SERVICES = YAML(typ="safe").load(COMPOSE)["services"]
OURS = {"web", "worker", "worker-network", "worker-slow", "beat", "migrate"}
ONE_SHOT = {"migrate"}


def test_all_services_are_there():
    assert set(SERVICES) == OURS | {"db", "redis"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_every_lasting_service_tells_its_health(name):
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= set(check)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_waits_for_what_it_needs(name):
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        done = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
        assert how == {"condition": done}
    if name in OURS - ONE_SHOT:
        assert set(SERVICES[name]["depends_on"]) == {"db", "redis", "migrate"}


def test_nothing_runs_as_root():
    assert re.search(r"^USER copydesk$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert SERVICES["db"]["user"] == "postgres"
    assert SERVICES["redis"]["user"] == "redis"


def test_named_volumes_are_declared():
    declared = set(YAML(typ="safe").load(COMPOSE)["volumes"])
    used = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
    }
    assert used == declared


@pytest.mark.parametrize("name", ["SECRET_KEY", "POSTGRES_PASSWORD"])
def test_secrets_have_no_default(name):
    for found in re.findall(rf"\$\{{{name}([^}}]*)\}}", COMPOSE):
        assert found.startswith(":?"), found


def test_every_variable_is_one_that_the_settings_read():
    settings = (ROOT / "digest/settings.py").read_text()
    for name in SERVICES["web"]["environment"]:
        assert f'"{name}"' in settings, name


@pytest.mark.parametrize("name", ["worker", "worker-network", "worker-slow", "beat"])
def test_commands_are_ones_that_celery_knows(name):
    # `--help` last: Celery reads what stands before it, and starts nothing.
    argv = [sys.executable, "-m", *SERVICES[name]["command"], "--help"]
    result = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr


def test_every_queue_has_a_worker_and_none_has_two():
    queues = [
        queue
        for service in SERVICES.values()
        if "worker" in service.get("command", "")
        for queue in service["command"][service["command"].index("--queues") + 1].split(",")
    ]
    assert sorted(queues) == sorted(queue.name for queue in settings.CELERY_TASK_QUEUES)
