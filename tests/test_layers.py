"""The shape of the house: who may import whom, what templates may hold, what files may name.

The tables below are the design. A new module has to be entered there; where a test fails, the
question is whether the module stands on the right floor, not how to silence the test.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

ROOT = Path(__file__).resolve().parent.parent

# --- who may import whom -------------------------------------------------------------------------

#: Module or package of `digest` → what of `digest` it may import.
DIGEST: dict[str, set[str]] = {
    # values and text: nothing of the database below or inside these
    "sentences": set(),
    "document": {"sentences"},
    "folding": set(),
    "markup": set(),
    "outgoing": set(),
    "reading": {"document", "sentences"},
    "hugo": {"document", "reading", "sentences"},
    "payload": {"document", "hugo", "reading", "sentences"},
    "rendering": {"document", "markup"},
    "channels": {"document", "rendering", "outgoing"},
    # the machine
    "drafting": {"document", "folding", "hugo", "markup", "outgoing"},
    # rows
    "search": {"folding"},
    "models": {"document", "drafting", "folding", "search"},
    "promises": {"search"},
    "compiled": set(),
    "rows": {"compiled", "document", "folding", "hugo", "models"},
    "editions": {"document", "hugo", "models", "rows"},
    # drafts in, editions out
    "redraft": {"document", "folding", "hugo", "models", "rows"},
    "intake": {"document", "models", "payload", "reading", "redraft", "rows", "sentences"},
    "alarms": {"channels", "models"},
    "publishing": {"alarms", "channels", "document", "models"},
    "inbox": {"intake", "models", "publishing"},
    # the machine at work
    "machine": {
        *("alarms", "document", "drafting", "hugo", "intake", "models", "outgoing", "publishing"),
        "rows",
    },
    "sources": {"drafting", "models"},
    "demonstration": {"models"},
    # how all of it stands
    "broker": set(),
    "operations": {"broker", "celery", "models"},
    "metrics": {"operations"},
    "verifying": {"alarms", "editions", "hugo", "models", "operations"},
    # doors
    "tasks": {"broker", "celery", "inbox", "operations", "publishing", "verifying"},
    "api": {"document", "intake", "models"},
    "views": {"editions", "models", "rendering"},
    "probes": {"metrics", "operations"},
    "feeds": {"document", "models"},
    "urls": {"api", "feeds", "probes", "views"},
    # wiring and the embedded desk
    "environment": set(),
    "settings": {"environment"},
    "storage": set(),
    "celery": {"heartbeat"},
    "heartbeat": {"broker"},
    "wsgi": set(),
    "asgi": set(),
    "checks": set(),
    "apps": {"checks", "models", "promises"},
    "premises": set(),
    "supervisor": set(),
    "admin": {"channels", "drafting", "models", "publishing", "sources"},
}
#: The same for `editorial`, whose every module may also import what DIGEST_FOR_EDITORIAL names.
EDITORIAL: dict[str, set[str]] = {
    "roles": set(),
    "labels": set(),
    "sentences": {"labels"},
    "diff": set(),
    "middleware": set(),
    "models": {"roles"},
    "apps": set(),
    "queue": {"models"},
    "glances": {"models"},
    "filters": set(),
    "excerpts": set(),
    "search": {"filters", "models"},
    "listing": {"excerpts", "filters", "models", "search"},
    "refusals": set(),
    "locking": {"models", "refusals"},
    "guards": {"models", "queue", "sentences"},
    "effects": {"models", "queue"},
    "decisions": {"effects", "glances", "guards", "locking", "models", "queue", "refusals"},
    "repeats": {"decisions", "models"},
    "bulk": {"decisions", "locking", "models", "queue", "refusals"},
    "editing": {"glances", "locking", "models", "queue", "refusals", "sentences"},
    "scheduling": {"locking", "models", "queue", "refusals"},
    "deadlines": {"models", "queue", "sentences"},
    "rules": {"deadlines", "models", "queue", "refusals"},
    "calendar": set(),
    "revision": set(),
    "marking": {"commenting", "models", "roles"},
    "tasks": {"deadlines", "marking"},
    "undo": {"editing", "glances", "labels", "locking", "models", "refusals"},
    "changes": {"diff", "labels"},
    "baselines": {"changes", "editing", "labels", "locking", "models", "refusals", "undo"},
    "access": {"models"},
    "history": {"changes", "labels", "models", "undo"},
    "forms": {"editing", "labels"},
    "commenting": {"editing", "labels", "locking", "models", "refusals"},
    "keymap": {"models"},
    "alarms": set(),
    "publication": {"queue"},
    "pages": {
        *("bulk", "decisions", "editing", "forms", "keymap", "labels", "models", "queue"),
        *("refusals", "undo"),
    },
    "responses": {
        *("editing", "forms", "history", "models", "pages", "publication", "queue", "refusals"),
    },
    "templatetags": {"changes", "decisions", "diff", "models", "queue", "sentences"},
    "urls": {"forms", "views"},
    "admin": {"models"},
}
#: Layers that hold several others together; they may import any of their own package but these.
DOORS = {"management", "migrations", "views"}
NOT_BEHIND_DOORS = {"api", "feeds", "probes", "urls", "views"}

#: What people's side may ask of the machine's side.
DIGEST_FOR_EDITORIAL = {
    *("document", "editions", "hugo", "markup", "models", "reading", "rendering", "rows"),
    *("sentences", "compiled", "folding", "operations", "promises", "search", "tasks"),
    # what makes an edition go out, and what tells that it did not
    *("alarms", "publishing"),
    # the machine, and where it looks
    *("broker", "machine", "sources"),
}
#: Which parts must be usable without a database: they and all they import.
WITHOUT_DATABASE = (
    *("sentences", "document", "markup", "hugo", "payload", "rendering", "channels"),
    *("outgoing", "drafting"),
)
DATABASE = ("django.db", "django.contrib", "digest.models")


def _modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _layer(path: Path) -> str:
    """The name of the layer a file belongs to: its module, or the package below ours it is in."""
    return path.relative_to(ROOT).parts[1].removesuffix(".py")


@cache
def _imports(path: Path) -> frozenset[str]:
    """The dotted names a file imports anywhere in it, `from a import b` as `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _ours(path: Path, package: str) -> set[str]:
    """The layers of a package that a file imports."""
    return {n.split(".")[1] for n in _imports(path) if n.startswith(f"{package}.")}


def _ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", _modules("digest"), ids=_ids)
def test_the_machine_side_never_imports_the_human_side(path):
    assert not _ours(path, "editorial")


@pytest.mark.parametrize("path", [*_modules("digest"), *_modules("editorial")], ids=_ids)
def test_a_module_imports_only_what_lies_below_it(path):
    package, layer = path.relative_to(ROOT).parts[0], _layer(path)
    table = DIGEST if package == "digest" else EDITORIAL
    found = _ours(path, package) - {layer}
    if layer == "__init__":
        assert found <= {"celery"}
    elif layer in DOORS and layer not in table:
        assert not found & (NOT_BEHIND_DOORS - {layer})
    else:
        assert layer in table, f"{package}.{layer} is new: enter it in the table of this test"
        assert found <= table[layer], f"{layer} may not import {sorted(found - table[layer])}"


@pytest.mark.parametrize("path", _modules("editorial"), ids=_ids)
def test_the_human_side_asks_the_machine_side_for_few_things(path):
    layer = _layer(path)
    if layer != "management":
        more = {"admin"} if layer == "admin" else set()
        assert _ours(path, "digest") <= DIGEST_FOR_EDITORIAL | more


@pytest.mark.parametrize("table", [DIGEST, EDITORIAL], ids=["digest", "editorial"])
def test_the_table_itself_only_looks_down(table):
    standing = set(DOORS)
    waiting = dict(table)
    while waiting:
        free = {layer for layer, below in waiting.items() if below <= standing | {layer}}
        assert free, f"these import each other in a ring: {sorted(waiting)}"
        standing |= free
        waiting = {layer: below for layer, below in waiting.items() if layer not in free}


@pytest.mark.parametrize("layer", WITHOUT_DATABASE)
def test_values_and_renderings_work_without_a_database(layer):
    seen: set[str] = set()
    todo = {layer}
    while todo:
        seen |= todo
        files = [path for path in _modules("digest") if _layer(path) in todo]
        assert files
        names = {name for path in files for name in _imports(path)}
        touching = {n for n in names if any(f"{n}.".startswith(f"{d}.") for d in DATABASE)}
        assert not touching, f"{layer} reaches the database through {sorted(todo)}: {touching}"
        todo = {n.split(".")[1] for n in names if n.startswith("digest.")} - seen


def test_the_document_rests_on_the_standard_library_and_pydantic_alone():
    import sys

    for name, rests_on in (("sentences", set()), ("document", {"pydantic", "digest.sentences"})):
        names = set(_imports(ROOT / f"digest/{name}.py"))
        modules = {".".join(each.split(".")[:2]) for each in names if each.startswith("digest.")}
        roots = {each.split(".")[0] for each in names} - sys.stdlib_module_names - {"digest"}
        assert roots | modules <= rests_on


def test_markup_holds_the_only_promise_that_text_is_safe():
    trusted = re.compile(r"\b(mark_safe|format_html(_join)?|SafeString\()")
    promising = [
        _ids(path)
        for path in [*_modules("digest"), *_modules("editorial")]
        if any(trusted.search(name) for name in _imports(path)) or "SafeString(" in path.read_text()
    ]
    assert promising == ["digest/markup/safe.py"]


def test_a_compiled_question_depends_on_nothing_that_changes():
    """Its queryset is built once for all: a moment or a language in it would stay for ever."""
    passing = {"now", "today", "localtime", "localdate", "get_language", "gettext", "_", "settings"}
    questions = [
        node
        for path in [*_modules("digest"), *_modules("editorial")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(d, ast.Name) and d.id == "compiled" for d in node.decorator_list)
    ]
    assert len(questions) > 20
    for question in questions:
        named = {node.id for node in ast.walk(question) if isinstance(node, ast.Name)}
        named |= {node.attr for node in ast.walk(question) if isinstance(node, ast.Attribute)}
        assert not named & passing, question.name


# --- what templates and static files may hold ----------------------------------------------------

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = [
    path
    for path in sorted((ROOT / "static").rglob("*"))
    if path.suffix in (".css", ".js", ".svg", ".json")
]
#: What must not stand in a template → why.
FORBIDDEN = {
    r"<[^>]*\sstyle\s*=": "the content security policy forbids inline style",
    r"<style\b": "the content security policy forbids inline style",
    r"<[^>]*\son[a-z]+\s*=": "the content security policy forbids inline script",
    r"hx-on\b": "hx-on is inline script by another name",
    r"<script(?![^>]*\ssrc=)": "the content security policy forbids inline script",
    r"javascript:": "the content security policy forbids inline script",
    r"\|\s*safe\b|\|\s*safeseq\b|autoescape\s+off": "text becomes markup in digest.markup only",
    r"<(?:script|link|img|iframe|source|video|audio|object|embed|use)\b[^>]*"
    r"\s(?:src|href|data|srcset|poster)\s*=\s*[\"']?(?:https?:)?//": "nothing is loaded from afar",
}


@pytest.mark.parametrize("path", TEMPLATES, ids=_ids)
def test_a_template_holds_no_style_no_script_and_nothing_unescaped(path):
    text = path.read_text()
    found = {
        reason: match[0]
        for pattern, reason in FORBIDDEN.items()
        if (match := re.search(pattern, text, re.IGNORECASE))
    }
    assert not found


@pytest.mark.parametrize(
    "bad",
    [
        '<p style="color: red">',
        "<style>p { color: red }</style>",
        '<button class="a" onclick="go()">',
        "<div hx-on:click='go()'>",
        "<script>go()</script>",
        "<script defer>go()</script>",
        '<a href="javascript:go()">',
        "{{ text|safe }}",
        "{{ text | safe }}",
        "{% autoescape off %}",
        '<script src="https://cdn.example.org/htmx.js"></script>',
        '<link rel="stylesheet" href="//fonts.example.org/noto.css">',
        "<img src=http://example.org/pixel.gif>",
    ],
)
def test_what_is_forbidden_in_templates_is_found(bad):
    assert any(re.search(pattern, bad, re.IGNORECASE) for pattern in FORBIDDEN)


@pytest.mark.parametrize("path", STATIC, ids=_ids)
def test_a_static_file_loads_nothing_from_afar(path):
    text = re.sub(r'xmlns(?::\w+)?="[^"]*"', "", path.read_text())
    assert not re.search(r"https?://|(?:url\(|@import|from|import)\s*[\"']?//", text)


# --- what files may name -------------------------------------------------------------------------


def _files() -> list[Path]:
    """What is or could be checked in, without pictures."""
    try:
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only a checkout can tell which files belong to it")
    paths = [ROOT / name for name in names if name]
    return [p for p in paths if p.is_file() and p.suffix not in (".png", ".ico", ".woff2")]


# A path on somebody's machine; not the tail of an address, and not below a variable.
_MACHINE_PATH = re.compile(r"(?<![\w.~}$)/-])/(?:work|root|home)/\w")
_REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|proxy\.golang|artifact[o]ry"
    r"|nexus\.|(?<!no-emit-)(?:extra-index-url|index-url|find-links)[ =]|\"resolved\": \"https?:",
    re.IGNORECASE,
)


def test_no_file_names_a_path_of_somebodys_machine_or_a_registry():
    found = []
    for path in _files():
        text = path.read_text(encoding="utf-8")
        for pattern in (_MACHINE_PATH, _REGISTRY):
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{_ids(path)}:{line}: {match[0]}")
    assert not found


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("cd /ro" + "ot/copydesk", True),
        ("PATH=/ho" + "me/me/bin", True),
        ("https://example.org/ho" + "me/page", False),
        ("$VAR/wo" + "rk/x", False),
    ],
)
def test_machine_paths_are_told_from_addresses(text, is_found):
    assert bool(_MACHINE_PATH.search(text)) is is_found


def test_every_dependency_says_what_it_is_for():
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    assert sum(map(len, groups)) > 20
    silent = [
        requirement
        for group in groups
        for requirement in group
        if not re.search(rf'^\s*"{re.escape(requirement)}",\s*#\s+\S.{{10,}}$', text, re.MULTILINE)
    ]
    assert not silent


# --- addresses and commands ----------------------------------------------------------------------

#: What stands in an address, by the name of its part or the converter that reads it.
PARTS = {
    **{"name": "approve", "slug": "daily", "day": date(2026, 2, 12)},
    **{"int": 7, "key": 7, "str": "word"},
}


def _named(resolver: URLResolver, namespace: str = "") -> list[tuple[str, dict]]:
    """The name of every address of ours with the converters of its parts."""
    found = []
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":  # Django's own
                inside = f"{pattern.namespace}:" if pattern.namespace else namespace
                found += [
                    (name, pattern.pattern.converters | parts)
                    for name, parts in _named(pattern, inside)
                ]
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.append((f"{namespace}{pattern.name}", dict(pattern.pattern.converters)))
    return found


def _names_of_converters() -> dict[type, str]:
    from django.urls.converters import get_converters

    return {type(converter): name for name, converter in get_converters().items()}


def test_every_address_has_a_name_that_leads_back_to_it():
    addresses = _named(get_resolver())
    assert len(addresses) > 20
    kinds = _names_of_converters()
    for name, parts in addresses:
        values = {
            part: PARTS.get(part) or PARTS[kinds[type(converter)]]
            for part, converter in parts.items()
        }
        assert resolve(reverse(name, kwargs=values)).view_name == name


def test_no_two_addresses_share_a_name():
    names = [name for name, _parts in _named(get_resolver())]
    assert sorted(names) == sorted(set(names))


def test_every_name_that_templates_and_views_use_exists():
    known = {name.rpartition(":")[2] for name, _parts in _named(get_resolver())}
    tag = re.compile(r"""{%\s*url\s+['"]([\w:]+)['"]""")
    call = re.compile(r"""\b(?:reverse|reverse_lazy|redirect)\(\s*['"]([\w:]+)['"]""")
    used = {name for path in TEMPLATES for name in tag.findall(path.read_text())}
    for path in [*_modules("digest"), *_modules("editorial")]:
        used |= set(call.findall(path.read_text()))
    assert len(used) > 10
    assert {name.rpartition(":")[2] for name in used if not name.startswith("admin:")} <= known


COMMANDS = {n: app for n, app in get_commands().items() if app in ("digest", "editorial")}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_what_it_does(name):
    assert len(load_command_class(COMMANDS[name], name).help) > 20
