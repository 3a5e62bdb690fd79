"""Plain text out of HTML, languages by their characters, moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.document import check_text
from digest.drafting.moments import is_believable, moment_of
from digest.drafting.texts import full_text, language_of, one_line, plain


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("<p>One</p><p>Two<br>Three</p>", "One\nTwo\nThree"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("a <b>bold</b>\n  word", "a bold word"),
        ("un<b>broken</b>", "unbroken"),
        ("<script>alert(1)</script>t<style>p{}</style>", "t"),
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T &amp;lt;p&amp;gt;x", "AT&T\nx"),
        ("&lt;p&gt;Hello&lt;/p&gt;", "Hello"),
        ("R&D, Q&A &nosuch;", "R&D, Q&A &nosuch;"),
        ("vector<int> and x < y > z", "vector<int> and x < y > z"),
        ("$a<b$ and <b>c</b>", "$a<b$ and c"),
        ("<img alt='a > b' src='x'>after", "after"),
        ("one<!-- no -->two <!-- open", "onetwo <!-- open"),
        ("<a href='javascript:x'>link</a>", "link"),
        ("a\x00b\x0bc\ud800d", "abcd"),
        ("&#0;&#x1F;x", "\ufffdx"),
        ("soft\u00adhyphen \u202eesrever\u202c zero\u200bwidth", "softhyphen esrever zerowidth"),
        ("\u3000全形空白\u3000", "全形空白"),
        ("<p></p>", ""),
        ("", ""),
    ],
)
def test_html_becomes_what_a_reader_sees(markup, text):
    assert plain(markup) == text


def test_words_below_any_depth_are_found():
    assert plain("<div>" * 50_000 + "deep" + "</div>" * 50_000) == "deep"


@settings(max_examples=500)
@given(st.text(st.characters(codec=None), max_size=300))
def test_nothing_that_cannot_be_kept_is_left(markup):
    check_text(plain(markup))


@pytest.mark.parametrize(
    "piece", ["<", "<a ", '<a b="', "&lt;", "<p>", "<!--", "&amp;amp;lt;", '<a b="x', "&", "<!--->"]
)
def test_no_html_takes_long(piece):
    plain(piece * (1_000_000 // len(piece)))


def test_a_line_that_is_too_long_ends_in_an_ellipsis():
    assert one_line("a\n b\t c") == "a b c"
    assert one_line("a" * 400) == "a" * 299 + "…"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("模型發布了新版本，支援更長的上下文", "zh-Hant"),
        ("模型发布了新版本，支持更长的上下文", "zh-Hans"),
        ("台積電 AI 晶片", "zh-Hant"),
        ("OpenAI 發表 GPT-6 Turbo Preview，支援 128k context window", "zh-Hant"),
        ("OpenAI releases a new model for coding", "en"),
        ("vLLM v0.27.0", "en"),
        ("人工知能のモデルを発表しました", ""),
        ("인공지능 모델을 발표했습니다", ""),
        ("Новая модель искусственного интеллекта", ""),
        (
            "Le modèle de langage est un outil pour les entreprises qui veulent automatiser leurs "
            "processus et traiter toutes les données de la société sans aucun effort humain",
            "",
        ),
        ("2026 !!", ""),
        ("", ""),
    ],
)
def test_a_language_is_told_by_its_characters(text, language):
    assert language_of(text) == language


def test_a_hint_counts_where_characters_do_not_tell():
    assert language_of("人工智能大", "zh-Hant") == "zh-Hant"
    assert language_of("模型发布", "zh-Hant") == "zh-Hans"
    assert language_of("", "en") == "en"
    assert language_of("発表しました", "zh-Hant") == ""


def test_the_article_of_a_page_is_found():
    words = " ".join(f"This is sentence {n} of the story about models." for n in range(20))
    page = (
        f"<html><head><title>T</title></head><body><nav><a href='/'>Home</a></nav>"
        f"<article><h1>Title</h1><p>{words}</p><p>The end came.</p></article>"
        f"<footer>Copyright</footer></body></html>"
    )
    found = full_text(page.encode(), "https://a.test/")
    assert "sentence 7 of the story" in found
    assert "The end came." in found
    assert "Copyright" not in found
    assert full_text(page.encode(), "https://a.test/") == found


@pytest.mark.parametrize(
    "page",
    [
        *(b"", b"   ", b"\xff\xfe\x00", b"<html>", b"<p>" * 30_000, b"x" * 3_000_000),
        b"<div>" * 15_000 + b"words " * 50,
    ],
)
def test_no_page_takes_long_or_fails(page):
    full_text(page, "https://a.test/")


NOW = datetime(2026, 2, 11, 6, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-02-11T06:50:00Z", NOW),
        ("2026-02-11T14:50:00+08:00", NOW),
        ("2026-02-11 14:50:00 +0800", NOW),
        ("2026-02-11 06:50", NOW),
        ("2026/2/11 06:50", NOW),
        ("2026年2月11日 06:50", NOW),
        ("2026-02-11 06:50:00 UTC", NOW),
        ("Wed, 11 Feb 2026 06:50:00 GMT", NOW),
        ("Wed, 11 Feb 2026 14:50:00 +0800", NOW),
        ("2026-02-11", NOW.replace(hour=0, minute=0)),
        (NOW.timestamp(), NOW),
        (int(NOW.timestamp() * 1000), NOW),
        (str(int(NOW.timestamp())), NOW),
        *[
            (word, None)
            for word in (
                *("", "yesterday", "2026-13-45", "0000-00-00", "99999-01-01", None, True, [], {}),
                *(float("nan"), float("inf"), 10**400, "9" * 400, "Wed, 99 Feb 2026 06:50:00 GMT"),
            )
        ],
    ],
)
def test_a_moment_is_read_as_people_write_it(written, moment):
    assert moment_of(written) == moment


def test_a_moment_far_ahead_or_before_the_web_is_not_believed():
    assert is_believable(NOW + timedelta(minutes=30), NOW)
    assert not is_believable(NOW + timedelta(hours=2), NOW)
    assert not is_believable(datetime(1970, 1, 1, tzinfo=UTC), NOW)
