"""Every sentence of the pages stands in the Chinese catalogue, and the catalogue compiles.

The sentences are read out of our own Python files and templates, so that a new one fails here until
somebody has translated it: no gettext program is needed, and none can be forgotten.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from django.template.base import Lexer, TokenType
from django.utils.translation import gettext, ngettext, override, pgettext
from django.utils.translation.template import templatize

from digest.management.commands.compile_translations import compile_file

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("digest", "editorial")
CATALOGUE = ROOT / "locale/zh_Hant/LC_MESSAGES/django.po"

# What each of gettext's functions is given, in this order.
ARGUMENTS = {
    "gettext": ("singular",),
    "ngettext": ("singular", "plural"),
    "pgettext": ("context", "singular"),
    "npgettext": ("context", "singular", "plural"),
}


class Message(NamedTuple):
    """A msgid: what tells two sentences of one catalogue apart."""

    singular: str
    plural: str | None = None
    context: str | None = None


# --- the sentences of the code -------------------------------------------------------------------


def messages_in_python(source: str, name: str = "") -> Iterator[Message]:
    """The messages of a Python file, whatever it calls gettext's functions."""
    tree = ast.parse(source, name)
    functions: dict[str, str] = {}
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known = alias.name.removesuffix("_lazy")
                if node.module == "django.utils.translation" and known in ARGUMENTS:
                    functions[alias.asname or alias.name] = known
                elif node.module == "django.utils" and alias.name == "translation":
                    modules.add(alias.asname or alias.name)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = None
        if isinstance(node.func, ast.Name):
            function = functions.get(node.func.id)
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            known = node.func.attr.removesuffix("_lazy")
            if node.func.value.id in modules and known in ARGUMENTS:
                function = known
        if function:
            names = ARGUMENTS[function]
            values = node.args[: len(names)]
            assert len(values) == len(names) and all(
                isinstance(v, ast.Constant) and isinstance(v.value, str) for v in values
            ), f"{name}:{node.lineno}: a sentence must be written out to be translated"
            yield Message(**dict(zip(names, (v.value for v in values), strict=True)))


_STRING = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CALL = re.compile(rf"\b(_|n?p?gettext)\(({_STRING}(?:\s*,\s*{_STRING})*)")


def messages_in_template(source: str, name: str = "") -> Iterator[Message]:
    """The messages of a template."""
    for function, arguments in _CALL.findall(templatize(source, name)):
        names = ARGUMENTS["gettext" if function == "_" else function]
        yield Message(**dict(zip(names, ast.literal_eval(f"({arguments},)"), strict=True)))


def _files() -> Iterator[Path]:
    yield from sorted((ROOT / "templates").rglob("*.html"))
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def messages_in_code() -> dict[Message, set[str]]:
    """All messages, each with the files that hold it."""
    found: dict[Message, set[str]] = {}
    for path in _files():
        read = messages_in_python if path.suffix == ".py" else messages_in_template
        name = path.relative_to(ROOT).as_posix()
        for message in read(path.read_text("utf-8"), name):
            found.setdefault(message, set()).add(name)
    return found


# --- the text of the templates that no tag would translate ---------------------------------------

# The paper is Chinese in any language, and the page for crashes says it in both.
_UNTRANSLATED = ("templates/digest/_card.html", "templates/500.html")
_SPOKEN = re.compile(r"""\b(?:title|placeholder|alt|aria-label)=(?:"([^"]*)"|'([^']*)')""")
_NO_WORDS = re.compile(
    r"\bCopydesk\b|<(code|kbd|style|script)\b.*?</\1>|{% block \w+_class %}.*?{% endblock %}", re.S
)


def words_outside_of_tags(source: str) -> list[str]:
    """The letters a template would show (or say) in one language only."""
    text, translating = "", False
    for token in Lexer(_NO_WORDS.sub(" ", source)).tokenize():
        if token.token_type == TokenType.BLOCK:
            tag = token.contents.split()[0]
            translating = tag == "blocktranslate" or (translating and tag != "endblocktranslate")
        if token.token_type == TokenType.TEXT and not translating:
            text += token.contents
    spoken = " ".join(a or b for a, b in _SPOKEN.findall(text))
    shown = re.sub(r"<[^>]*>", " ", text)
    return re.findall(r"[^\W\d_]{2,}|（|：", f"{spoken} {shown}")


# --- the catalogue -------------------------------------------------------------------------------

# What a translation must keep: %(name)s, %%, {name}, and the tags of a sentence that has some.
_KEPT = re.compile(r"%\(\w+\)[a-z]|%%|\{\w*\}|</?\w+>")
_HAN = r"[\u3400-\u4dbf\u4e00-\u9fff]"
_CROWDED = re.compile(rf"{_HAN}(?:[A-Za-z0-9]|%\()|(?:[A-Za-z0-9]|%\(\w+\)[a-z]){_HAN}")
_NARROW = re.compile(rf"{_HAN}[,.:;!?()\"']|[,:;!?()\"']{_HAN}")


def read_catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_Hant", abort_invalid=True)


def translations_in(catalogue: Catalog) -> dict[Message, tuple[str, bool]]:
    """Each message of a catalogue with its translation, and whether somebody is unsure of it."""
    found = {}
    for entry in catalogue:
        if entry.id == "":
            continue
        singular, plural = entry.id if entry.pluralizable else (entry.id, None)
        [translation] = entry.string if entry.pluralizable else (entry.string,)
        found[Message(singular, plural, entry.context)] = (translation, entry.fuzzy)
    return found


def entry_of(message: Message) -> str:
    """A message as it goes into the catalogue, ready to be copied."""

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    lines = [f"msgctxt {quoted(message.context)}"] if message.context else []
    lines += [f"msgid {quoted(message.singular)}"]
    if message.plural is not None:
        lines += [f"msgid_plural {quoted(message.plural)}", 'msgstr[0] ""']
    else:
        lines += ['msgstr ""']
    return "\n".join(lines)


@pytest.fixture(scope="module")
def code() -> dict[Message, set[str]]:
    return messages_in_code()


@pytest.fixture(scope="module")
def chinese() -> dict[Message, tuple[str, bool]]:
    return translations_in(read_catalogue())


@pytest.fixture
def compiled(settings, tmp_path) -> None:
    """The product runs on a catalogue compiled just now, whatever lies in the working copy."""
    source = tmp_path / "locale/zh_Hant/LC_MESSAGES/django.po"
    source.parent.mkdir(parents=True)
    shutil.copy(CATALOGUE, source)
    compile_file(source)
    settings.LOCALE_PATHS = [tmp_path / "locale"]


# --- the reading itself --------------------------------------------------------------------------


def test_sentences_are_found_under_any_name_in_python():
    source = """
from django.utils import translation as t
from django.utils.translation import gettext_lazy as _, ngettext, pgettext_lazy as in_context
def local():
    from django.utils.translation import gettext
    draft, made = gettext("inside "
        "a function"), _
A = {1: _("lazy")}, ngettext("one", "many", 2), in_context("where", "what"), t.gettext("by module")
other("not ours")
"""
    assert set(messages_in_python(source)) == {
        Message("inside a function"),
        Message("lazy"),
        Message("one", "many"),
        Message("what", context="where"),
        Message("by module"),
    }


def test_a_sentence_glued_together_cannot_be_translated():
    source = 'from django.utils.translation import gettext as _\n_("It is " + state)'
    with pytest.raises(AssertionError, match="news.py:2"):
        list(messages_in_python(source, "news.py"))


def test_sentences_are_found_in_templates():
    source = """{% load i18n %}<p title="{% translate 'short' %}">{{ x|default:_("none") }}
{% translate "waiting" context "delivery" %}
{% blocktranslate with a=b|default:_("b") %}It’s "{{ a }}" at 50%.{% endblocktranslate %}
{% blocktranslate count n=n %}{{ n }} card{% plural %}{{ n }} cards{% endblocktranslate %}"""
    assert set(messages_in_template(source)) == {
        Message("short"),
        Message("none"),
        Message("waiting", context="delivery"),
        Message("b"),
        Message('It’s "%(a)s" at 50%%.'),
        Message("%(n)s card", "%(n)s cards"),
    }


def test_words_outside_of_tags_are_found():
    source = """{% block main_class %}page{% endblock %}
<p title="Spoken" class="quiet">{{ name }}<code>manage.py</code> · Copydesk shown
{% translate "fine" %}{% blocktranslate %}fine{% endblocktranslate %}（{{ note }}）</p>"""
    assert words_outside_of_tags(source) == ["Spoken", "shown", "（"]


# --- the catalogue and the code ------------------------------------------------------------------


def test_every_sentence_is_translated(code, chinese):
    missing = [
        f"{entry_of(message)}   # {', '.join(sorted(files))}"
        for message, files in code.items()
        if not chinese.get(message, ("", False))[0].strip()
    ]
    assert not missing, "not in the catalogue, or empty:\n\n" + "\n\n".join(missing)


def test_nobody_is_unsure_of_a_translation(chinese):
    assert [m.singular for m, (_text, fuzzy) in chinese.items() if fuzzy] == []


def test_the_catalogue_has_nothing_that_no_page_says(code, chinese):
    assert sorted(m.singular for m in chinese.keys() - code.keys()) == []


def test_what_is_filled_in_is_the_same_in_both_languages(chinese):
    different = [
        (message.plural or message.singular, text)
        for message, (text, _fuzzy) in chinese.items()
        if sorted(_KEPT.findall(message.plural or message.singular)) != sorted(_KEPT.findall(text))
    ]
    assert different == []


def test_filling_in_works_in_both_languages(chinese):
    """A stray % breaks a sentence only when it is used."""
    for message, (text, _fuzzy) in chinese.items():
        names = dict.fromkeys(re.findall(r"%\((\w+)\)", text), 1)
        for each in filter(None, (message.singular, message.plural, text)):
            if names:
                assert "%(" not in each % names


def test_chinese_is_set_as_newspapers_do(chinese):
    """A blank between Chinese and Latin letters or digits; punctuation as wide as the type."""
    wrong = [
        text
        for text, _fuzzy in chinese.values()
        if _CROWDED.search(text) or _NARROW.search(text) or text != text.strip()
    ]
    assert wrong == []


def test_no_template_speaks_one_language_only():
    found = {}
    for path in sorted((ROOT / "templates").rglob("*.html")):
        name = path.relative_to(ROOT).as_posix()
        if name not in _UNTRANSLATED and (words := words_outside_of_tags(path.read_text("utf-8"))):
            found[name] = words
    assert found == {}


# --- the pages -----------------------------------------------------------------------------------


def test_the_compiled_catalogue_answers(compiled):
    with override("zh-hant"):
        assert gettext("Approve card") == "核可本卡"
        assert pgettext("delivery", "waiting") != gettext("waiting") == "待審"
        one = "%(count)d card is neither approved nor dropped."
        many = "%(count)d cards are neither approved nor dropped."
        assert ngettext(one, many, 1) % {"count": 1} == "還有 1 張卡尚未核可或剔除。"
    with override("en"):
        assert gettext("Approve card") == "Approve card"


def test_english_has_a_singular_without_a_catalogue(compiled):
    one, many = "%(count)d card is neither approved nor dropped.", "many"
    with override("en"):
        assert (ngettext(one, many, 1), ngettext(one, many, 2)) == (one, many)


@pytest.mark.parametrize(
    ("asked", "language", "heading"),
    [
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-hant", "登入編輯台"),
        ("zh-Hant-TW", "zh-hant", "登入編輯台"),
        ("zh-HK", "zh-hant", "登入編輯台"),
        ("en-US,en;q=0.9", "en", "Sign in to the desk"),
        ("de-AT", "zh-hant", "登入編輯台"),
        ("", "zh-hant", "登入編輯台"),
    ],
)
def test_a_page_speaks_the_language_of_the_browser(client, db, compiled, asked, language, heading):
    response = client.get("/sign-in/", headers={"accept-language": asked})
    assert response.headers["Content-Language"] == language
    assert f"<h1>{heading}</h1>" in response.content.decode()


def test_the_language_can_be_chosen(client, db, compiled):
    client.post("/language/", {"language": "en", "next": "/sign-in/"})
    response = client.get("/sign-in/", headers={"accept-language": "zh-TW"})
    assert "<h1>Sign in to the desk</h1>" in response.content.decode()
