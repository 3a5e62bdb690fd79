"""Text that anybody wrote, on its way into a page: what comes out, what cannot, what is said."""

import ast
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.utils.safestring import SafeString
from django.utils.translation import override
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from digest import markup
from digest.markup import safe

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT.parent / "shared" / "seeds" / "2026-02-11-ai-intel.md"
ORACLE = MarkdownIt("commonmark", {"html": False})

# Said again on purpose: a tag added to the allow-list must be added here by a second thought.
TAGS = {"p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
TAGS |= {"h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
HREF = re.compile(r"https?://[^\s/?#@\\<>\"]+[^\s\\<>\"]*|mailto:[\w.+-]+@[\w.-]+", re.IGNORECASE)
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Reader(HTMLParser):
    """What a browser finds: elements with attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.other: list[str] = []
        self.outline: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("ul", "ol", "li", "blockquote", "pre", "hr"):
            self.outline.append(tag)
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in ("ul", "ol", "li", "blockquote", "pre"):
            self.outline.append(f"/{tag}")
        if not self.open or self.open.pop() != tag:
            self.other.append(f"</{tag}>")

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.other.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def check_is_inside_the_allow_list(html: str) -> Reader:
    reader = Reader(html)
    assert not reader.other
    assert not reader.open
    for tag, attributes in reader.elements:
        assert tag in TAGS
        if tag == "a":
            assert set(attributes) == {"href", "title", "rel"}
            assert HREF.fullmatch(attributes["href"])
            assert not BIDI.search(attributes["href"])
            assert attributes["rel"] == "noopener nofollow"
            assert attributes["title"].isascii()
        elif tag == "ol":
            assert set(attributes) <= {"start"}
            assert re.fullmatch("[0-9]{1,9}", attributes.get("start", "1"))
        else:
            assert not attributes
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", html)
    return reader


def count(html: str) -> Counter:
    return Counter(tag for tag, _ in Reader(html).elements)


def outline(html: str) -> list[str]:
    return Reader(html).outline


def warnings(text: str) -> list[str]:
    """What the preview says to somebody who reads English."""
    with override("en"):
        return markup.warnings(text)


def was_formatted(text: str) -> bool:
    """Whether the marker at the end of `text` became bold, so that the guard let it through."""
    return "strong" in count(markup.to_html(text + "\n\n**粗**"))


# --- Markdown as Hugo's readers see it ----------------------------------------------------------


@pytest.mark.skipif(not SEED.exists(), reason="the sample draft is not part of the repository")
def test_the_sample_is_drawn_as_commonmark_draws_it():
    body = SEED.read_text(encoding="utf-8").split("---\n", 2)[2]
    ours, theirs = Counter(), Counter()
    for piece in body.split("\n---"):  # the whole is longer than any field may be
        ours += count(markup.to_html(piece))
        theirs += count(ORACLE.render(piece))
        assert outline(markup.to_html(piece)) == outline(ORACLE.render(piece))
    expected = {"ul": 39, "ol": 1, "li": 128, "strong": 109, "p": 82, "br": 76, "a": 55}
    assert {tag: ours[tag] for tag in expected} == expected
    assert {tag: theirs[tag] for tag in expected} == expected
    assert ours["h4"] == theirs["h2"] + theirs["h3"]


LISTS = [
    "text\n- a\n  - b\n- c",
    "**標籤**  \n- 甲：乙  \n- 丙  ",
    "- a\n    - b\n        - c\n- d",
    "1. a\n   - b\n2. c",
    "text\n1. a\n2. b",
    "text\n2. a\n3. b",
    "3. a\n4. b",
    "1）甲  \n2）乙",
    "1) a\n2) b",
    "１. 甲",
    "2026. 年",
    "text\n2026. 年",
    "> text\n> - a\n>   - b",
    "> text\nlazy\n- a",
    "- a\n  > q\n- b",
    "- a\n> q\n- b",
    "- a\n\n  text\n  - x\n\n- b",
    "- a\n\ntext\n- b",
    "- a\n---\ntext",
    "- a\n-\n- b",
    "  - a\n  - b",
    "text\n    - x",
    "text\n\n  text",
    "text\n\n    code",
    "- a\n\n      code",
    "- - a\n  - b\n- c",
    "```py\ntext\n- a\n```\ntext\n- b",
    "```\nnever closed\n- a",
    "- a\n  ```\n  text\n  - b\n  ```\n- c",
    "# h\n- a",
    "- a\n1. b",
    "\u3000\u3000\u3000\u3000全形",
    "- a\n\n\u3000\u3000全形",
    "\ttext",
    "- a\n\t- b",
]


@pytest.mark.parametrize("text", LISTS)
def test_lists_stand_where_commonmark_puts_them(text):
    assert outline(markup.to_html(text)) == outline(ORACLE.render(text))


@st.composite
def dialect(draw):
    """Labels, prose and bullets nested by two blanks, as drafts have them."""
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        lines += draw(
            st.lists(st.sampled_from(["**標籤**  ", "一句話。", "2026 年", "1）甲  "]), max_size=2)
        )
        depth = 0
        for number in range(draw(st.integers(0, 6))):
            depth = min(depth + 1, draw(st.integers(0, 3))) if number else 0
            lines.append("  " * depth + "- 項目 **粗** [題](https://a.example/)")
        if draw(st.booleans()):
            lines += ["", "1. 甲", "2. 乙"]
        lines.append("")
    return "\n".join(lines)


@given(dialect())
def test_lists_of_the_dialect_equal_commonmark(text):
    html, expected = markup.to_html(text), ORACLE.render(text)
    assert outline(html) == outline(expected)
    for tag in ("strong", "a", "br"):
        assert count(html)[tag] == count(expected)[tag]


def test_code_in_a_fence_is_left_as_it_is():
    html = markup.to_html("```python\nx = 1\n- a\n<b>\n\n\n* c\n```")
    assert html == "<pre><code>x = 1\n- a\n&lt;b&gt;\n\n\n* c\n</code></pre>"


def test_tables_are_drawn():
    html = markup.to_html("| 甲 | 乙 |\n|---|--:|\n| 1 | 2 |")
    assert count(html) == {"table": 1, "thead": 1, "tbody": 1, "tr": 2, "th": 2, "td": 2}
    check_is_inside_the_allow_list(html)


@pytest.mark.parametrize(
    ("level", "drawn"), [(1, "h4"), (2, "h4"), (3, "h4"), (4, "h4"), (5, "h5"), (6, "h6")]
)
def test_headings_leave_the_first_three_levels_to_the_page(level, drawn):
    assert markup.to_html(f"{'#' * level} 題") == f"<{drawn}>題</{drawn}>"


def test_escapes_are_those_of_commonmark():
    assert markup.to_html(r"\<b\> \~ \* a\&b") == "<p>&lt;b&gt; ~ * a&amp;b</p>"


def test_the_answer_is_safe_and_made_once():
    first = markup.to_html("**粗**")
    assert isinstance(first, SafeString)
    assert markup.to_html("**粗**") is first


def test_empty_text_is_empty():
    assert markup.to_html("") == markup.to_html("\x00\x02") == ""


# --- Links and pictures -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("https://a.example/x_(y)?q=1&lt=2#z", "a.example"),
        ("HTTP://A.example:8080", "a.example"),
        ("https://例子.台灣/人工", "xn--fsqu00a.xn--kpry57d"),
        ("mailto:a.b+c@d.example", "a.b+c@d.example"),
        ("https:a.example", ""),
        ("https:/a.example", ""),
        ("https:///a.example", ""),
        ("http://", ""),
        ("//a.example", ""),
        ("/a", ""),
        ("#a", ""),
        ("", ""),
        ("https://me@a.example", ""),
        ("https://me:pw@a.example", ""),
        ("https://a.example\\@b.example", ""),
        ("https://a.example:port", ""),
        ("https://[::1", ""),
        ("https://a.example/\u202egpj", ""),
        ("https://a.ex\u200bample/", ""),
        ("https://a.example/\x01", ""),
        ("https://a.example/ b", ""),
        ("https://a.example/" + "x" * 2000, ""),
        ("https://" + "x" * 64 + ".example", ""),
        ("mailto:a@b.example?bcc=c@d.example", ""),
        ("mailto:a@b.example,c@d.example", ""),
        ("mailto:%0aa@b.example", ""),
        ("ftp://a.example/", ""),
        ("javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("blob:https://a.example/x", ""),
        ("view-source:https://a.example", ""),
    ],
)
def test_a_link_leads_to_a_host_or_an_address_or_is_not_made(href, target):
    assert markup.link_target(href) == target


def test_a_link_carries_its_host_and_trusts_nobody():
    assert markup.to_html('[題](https://a.example/?a=1&lt=2 "bank.example")') == (
        '<p><a href="https://a.example/?a=1&amp;lt=2" title="a.example" '
        'rel="noopener nofollow">題</a></p>'
    )


@pytest.mark.parametrize("text", ["[看 **這**](javascript:x)", "[看 **這**](/relative)"])
def test_a_refused_link_leaves_its_words(text):
    assert markup.to_html(text) == "<p>看 <strong>這</strong></p>"


def test_a_mail_address_between_angles_is_a_link_in_clear():
    assert "mailto:a@b.example" in markup.to_html("<a@b.example>")


@pytest.mark.parametrize(
    "text", ["![圖說](https://t.example/p.gif)", "![圖說][1]\n\n[1]: https://t.example/p.gif"]
)
def test_a_picture_leaves_its_description(text):
    assert markup.to_html(text) == "<p>圖說</p>"


# --- Hostile text -------------------------------------------------------------------------------

HTML_PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//e.example/x></sCrIpT>",
    "<script\x0c>alert(1)</script>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<<script>alert(1)//<</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src='x'/onerror='alert(1)'>",
    '<img src="x`" `onerror=alert(1)>',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src onerror=alert(1)>'>",
    "<math href='javascript:alert(1)'>x</math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><img src=x onerror=alert(1)></template>",
    "<textarea></textarea><img src=x onerror=alert(1)>",
    "<title></title><img src=x onerror=alert(1)>",
    "<xmp></xmp><img src=x onerror=alert(1)>",
    "<plaintext><img src=x onerror=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<embed src=javascript:alert(1)>",
    "<base href='https://e.example/'>",
    "<link rel=stylesheet href=https://e.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://e.example'>",
    "<style>@import 'https://e.example/x.css';</style>",
    "<p style='position:fixed;inset:0'>x</p>",
    "<p class=danger id=main>x</p>",
    "<form action=https://e.example><input name=password><button>x</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<details open ontoggle=alert(1)>x</details>",
    "<div hx-get='/editorial/sign' hx-trigger=load>x</div>",
    "<a data-hx-post=/sign hx-swap-oob=true href=https://e.example>x</a>",
    "<div hx-on::load='alert(1)'>x</div>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=https://e.example target=_blank rel=opener>x</a>",
    "<video><source onerror=alert(1)></video>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<x onclick=alert(1)>x</x>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml version='1.0'?><?php echo 1 ?>",
    "<!DOCTYPE html><!ENTITY x SYSTEM 'file:///etc/passwd'>",
    "</p></div></body><img src=x onerror=alert(1)>",
    "- item\n  <img src=x onerror=alert(1)>",
    "> <script>\n> alert(1)\n> </script>",
    "| <img src=x onerror=alert(1)> | b |\n|---|---|\n| <svg onload=alert(1)> | d |",
    "# <img src=x onerror=alert(1)>",
    "`<script>`<script>alert(1)</script>",
    "```<img src=x onerror=alert(1)>\n</code></pre><script>alert(1)</script>\n```",
    '```{.x onclick="alert(1)" #id}\nx\n```',
    "    </code></pre><script>alert(1)</script>",
    "**<b onmouseover=alert(1)>x**</b>",
    "\\<script>alert(1)\\</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#x3c;/script&#x3E;",
    "\x02wzxhzdk:0\x03 \x02klzzwxh:0000\x03 \x0260\x03script\x0262\x03",
]
LINK_PAYLOADS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "java\x00script:alert(1)",
    "\x01javascript:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "javascript&#0000058alert(1)",
    "&#106;avascript:alert(1)",
    "java&Tab;script:alert(1)",
    "java&NewLine;script:alert(1)",
    "&#x6A&#x61&#x76&#x61script:alert(1)",
    "javascript://e.example/%0aalert(1)",
    "javascript\\:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "file:///etc/passwd",
    "//e.example",
    "\\\\e.example",
    "https://good.example@e.example",
    "https://good.example&#64;e.example",
    "https://good.example\\\\.e.example",
    "https://good.example&#x202e;/moc",
    "https://e.example/&#2;",
    'https://e.example/"onmouseover="alert(1)',
    "https://e.example/&quot;onmouseover=&quot;alert(1)",
    "https://e.example/'><script>alert(1)</script>",
    'https://e.example/ "t" onclick="alert(1)',
    'https://e.example/ "t\'><img src=x onerror=alert(1)>"',
    "tel:+886",
    "mailto:a@b.example?subject=x&body=y",
]


@pytest.mark.parametrize("payload", HTML_PAYLOADS)
def test_raw_html_is_shown_and_never_executed(payload):
    reader = check_is_inside_the_allow_list(markup.to_html(payload))
    assert not any(tag == "a" for tag, _ in reader.elements)
    for word in ("alert", "onerror", "example", "srcdoc", "hx"):
        # Not stripped: the words are still there to be read.
        assert reader.text.count(word) >= payload.split("\n", 1)[-1].count(word)


@pytest.mark.parametrize("form", ["[x]({})", "[x](<{}>)", "<{}>", "[x][1]\n\n[1]: {}", "![x]({})"])
@pytest.mark.parametrize("payload", LINK_PAYLOADS)
def test_a_hostile_link_is_harmless_however_it_is_written(payload, form):
    reader = check_is_inside_the_allow_list(markup.to_html(form.format(payload)))
    for tag, attributes in reader.elements:
        if tag == "a":
            assert attributes["href"].startswith("https://e.example/")


FRAGMENTS = st.sampled_from(
    [
        "a",
        "中",
        "「",
        "」",
        "。",
        "\n",
        "\n\n",
        "\t",
        "`",
        "``",
        "```",
        "~~~",
        "*",
        "**",
        "_",
        "__",
        "[",
        "]",
        "(",
        ")",
        "![",
        "](",
        "<",
        ">",
        "&",
        "&#",
        ";",
        "&lt;",
        "&#60;",
        "&colon;",
        "\\",
        "|",
        "---",
        "-",
        "1.",
        "1）",
        "#",
        ">",
        "'",
        '"',
        "=",
        ":",
        "@",
        "{{<",
        "%}}",
        "http://",
        "https://e.example",
        "javascript:",
        "onerror=",
        "<b>",
        "<script>",
        "</p>",
        "<!--",
        "-->",
        "<svg>",
        "<style>",
        "\x00",
        "\x02",
        "\x03",
        "wzxhzdk:0",
        "klzzwxh:0000",
        "\u202e",
        "�",
        "\ufffe",
    ]
    + [" ", "  ", "    "]
)
MARKDOWN = st.lists(FRAGMENTS | st.text(max_size=3), max_size=40).map("".join)


@given(MARKDOWN)
@settings(max_examples=400)
@example("&#2;&#x202e;")
@example("[a](https://e.example/&lt)")
def test_whatever_comes_in_only_the_allow_list_comes_out(text):
    check_is_inside_the_allow_list(markup.to_html(text))
    markup.warnings(text)
    markup.to_text(text)


@given(st.text(st.characters(categories=["L", "N"]) | st.sampled_from("，。 「」\n"), max_size=200))
def test_no_letter_of_plain_text_is_lost(text):
    kept = [c for c in Reader(markup.to_html(text)).text if c.isalnum()]
    assert kept == [c for c in text if c.isalnum()]


@pytest.mark.parametrize("absent", ["_clean_with_bleach", "_clean_with_nh3"])
def test_either_cleaner_holds_alone(monkeypatch, absent):
    links = [f'<a href="{href}" onclick="x" hx-get="/y">x</a>' for href in LINK_PAYLOADS]
    lists = ['<ol start="1" class="x"><li id="y">a</li></ol>', '<ol start="x"><li>a</li></ol>']
    monkeypatch.setattr(safe, "_run_markdown", lambda text: text)
    monkeypatch.setattr(safe, absent, lambda html: html)
    for payload in [*HTML_PAYLOADS, *links, *lists]:
        for tag, attributes in Reader(safe._to_html.__wrapped__(payload)).elements:
            assert tag in TAGS
            assert set(attributes) <= {"a": {"href", "title", "rel"}, "ol": {"start"}}.get(
                tag, set()
            )
            assert HREF.fullmatch(attributes.get("href", "https://e.example/"))
            assert attributes.get("start", "1").isdigit()


def test_the_cleaner_too_would_rather_show_than_strip():
    assert Reader(safe._clean_with_bleach("<x>字</x>")).text == "<x>字</x>"


# --- The guard ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fits", "exceeds"),
    [
        ("字\n\n" * 1000, "字" * 20_001),
        ("字" * 4000, "字" * 4001),
        ("字\n" * 499 + "字", "字\n" * 500 + "字"),
        ("字\n\n" * 1990, "字\n\n" * 2001),
        ("[" * 50, "[" * 51),
        ("![" * 50, "![" * 51),
        ("[a" * 50, "[a" * 51),
        ("[a](" * 50, "[a](" * 51),
        ("`a " * 500, "`a " * 501),
        ("> " * 32 + "字", "> " * 33 + "字"),
        (("- " * 10 + "字\n\n") * 300, ("- " * 10 + "字\n\n") * 301),
        ("- " * 32 + "字", "- " * 33 + "字"),
        ("- > " * 16 + "字", "- > " * 17 + "字"),
        ("1. " * 32 + "字", "1. " * 33 + "字"),
        (
            "\n".join("  " * depth + "- 字" for depth in range(32)),
            "\n".join("  " * depth + "- 字" for depth in range(33)),
        ),
    ],
)
def test_text_past_a_limit_is_shown_whole_without_formatting(fits, exceeds):
    assert was_formatted(fits)
    assert not warnings(fits)
    assert not was_formatted(exceeds)
    text = f"**粗** <b>\n{exceeds}\n\n  & 尾"
    html = markup.to_html(text)
    assert count(html).keys() <= {"p", "br"}
    assert "".join(Reader(html).text.split()) == "".join(text.split())
    (said,) = warnings(text)
    assert said.startswith("This is shown as plain text")


def test_oversized_text_is_not_kept():
    before = safe._to_html.cache_info().currsize
    markup.to_html("字" * 20_001)
    assert safe._to_html.cache_info().currsize == before


def test_a_fault_in_the_renderer_shows_the_text_and_leaves_no_trace(monkeypatch):
    def fail(text):
        safe._mine.markdown = "half-way through a list"
        raise RecursionError

    monkeypatch.setattr(safe, "_run_markdown", fail)
    assert markup.to_html("**甲** <b> 丙") == "<p>**甲** &lt;b&gt; 丙</p>"
    monkeypatch.undo()
    assert markup.to_html("**乙**") == "<p><strong>乙</strong></p>"


def test_eight_threads_agree():
    texts = [
        f"**{n}**\n- a [x](https://a.example/{n})\n  - <b>\n\n| a |\n|---|\n" for n in range(40)
    ]
    alone = [safe._to_html.__wrapped__(text) for text in texts]
    pause = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(safe._to_html.__wrapped__, texts * 8))
    finally:
        sys.setswitchinterval(pause)
    assert together == alone * 8


# --- What the preview says ----------------------------------------------------------------------


def emphasis(html: str) -> list[str]:
    """Text and emphasis; which of the two stands outside in `***both***` shows nowhere."""
    while "<em><strong>" in html or "</strong></em>" in html:  # each turn moves one by one
        html = html.replace("<em><strong>", "<strong><em>")
        html = html.replace("</strong></em>", "</em></strong>")
    return re.findall(r"</?(?:strong|em)>|[^<\n]", re.sub(r"</?p>", "", html))


PUNCTUATED = st.text(st.sampled_from("甲乙a1「」。（）,.$ \u3000"), max_size=3)


@given(PUNCTUATED, PUNCTUATED, PUNCTUATED, st.sampled_from(["*", "**"]))
@settings(max_examples=600)
@example("", "「重點」", "的", "**")
def test_the_preview_warns_exactly_where_hugo_shows_asterisks(before, inner, after, stars):
    text = f"x{before}{stars}{inner}{stars}{after}x"
    ours, theirs = markup.to_html(text), ORACLE.render(text)
    warned = any("not in Hugo" in said for said in warnings(text))
    assert warned == (emphasis(ours) != emphasis(theirs))


@given(st.lists(st.sampled_from(["**", "*", "甲", "「", "」", "。", " ", "a"]), max_size=14))
@settings(max_examples=600)
@example(["**", "**", "*", "甲", "**", "**", "*"])  # three deep: bold in bold in italic
def test_where_the_preview_is_silent_hugo_draws_the_same(pieces):
    text = f"x{''.join(pieces)}x"
    if not warnings(text):
        assert emphasis(markup.to_html(text)) == emphasis(ORACLE.render(text))


def test_a_warning_names_the_piece_and_the_remedy():
    (said,) = warnings("前文**「重點」**的後文")
    assert "**「重點」**的" in said
    assert "write 「**重點**」" in said


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("List<String>", "<String>"),
        ("a <!-- b -->", "<!--"),
        ("~~舊~~", "~~舊~~"),
        ("[a]: https://e.example", "[a]: https://e.example"),
        ("![a](https://t.example/p.gif)", "![a](https://t.example/p.gif)"),
        ("[a](/b)", "/b"),
        ("[a](javascript&colon;x)", "javascript&colon;x"),
        ("**甲*乙", "**甲*"),
        ("a\u202eb", "U+202E"),
        ("a&#x200b;b", "U+200B"),
    ],
)
def test_the_preview_names_what_readers_would_not_see_as_shown(text, names):
    (said,) = warnings(text)
    assert names in said


@pytest.mark.parametrize(
    "text",
    [
        "**重點**的 *斜*，`**「碼」**的` \\<b> \\*\\*「x」\\*\\*y",
        "```\n**「碼」**的 <b> ~~x~~\n[a]: b\n```",
        "<https://e.example/> <a@b.example> [a](https://e.example/*b*_(c))",
        "- **甲\n- 乙**",
        "a < b > c, ~ 3 ~ 4, [a] (b), 1）甲",
    ],
)
def test_the_preview_is_silent_about_sound_text(text):
    assert warnings(text) == []


@pytest.mark.skipif(not SEED.exists(), reason="the sample draft is not part of the repository")
def test_the_preview_is_silent_about_the_sample():
    body = SEED.read_text(encoding="utf-8").split("---\n", 2)[2]
    assert [said for piece in body.split("\n---") for said in warnings(piece)] == []


# --- Plain text ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("**標籤**  \n一句\n兩句", "標籤\n一句\n兩句"),
        ("甲\n- 乙\n  - 丙\n- 丁\n\n戊", "甲\n\n- 乙\n  - 丙\n- 丁\n\n戊"),
        ("3. 甲\n4. 乙", "3. 甲\n4. 乙"),
        ("見 [題](https://a.example/x)。", "見 題 (https://a.example/x)。"),
        ("<https://a.example> <a@b.example>", "https://a.example a@b.example"),
        ("[題](javascript:x)", "題"),
        ("&lt;b> <i> &amp;", "<b> <i> &"),
        ("| 甲 | 乙 |\n|---|---|\n| 1 | 2 |", "甲 | 乙\n1 | 2"),
        ("```\na\n  b\n```\n後", "a\n  b\n\n後"),
        ("甲\n\n***\n\n乙", "甲\n\n---\n\n乙"),
        ("**甲**\n*乙* `丙`", "甲\n乙 丙"),
        ("", ""),
    ],
)
def test_plain_text_reads_like_the_page(text, plain):
    assert markup.to_text(text) == plain
    assert not isinstance(markup.to_text(text), SafeString)


# --- One door -----------------------------------------------------------------------------------


def own_files(*patterns: str) -> list[Path]:
    folders = [ROOT / name for name in ("digest", "editorial", "templates")]
    return [file for folder in folders for p in patterns for file in folder.rglob(p)]


def trusts_markup(source: str) -> list[str]:
    """The ways Python code calls text safe: names, `__html__`, and format_html of a variable."""
    found = []
    for node in ast.walk(ast.parse(source)):
        name = (
            getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
        )
        if name in ("mark_safe", "SafeText", "SafeData", "__html__"):
            found.append(name)
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        if called == "SafeString":
            found.append(called)
        literal = node.args and isinstance(node.args[0], ast.Constant)
        if called in ("format_html", "format_html_join") and not literal:
            found.append(called)
    return found


def test_no_other_module_calls_text_safe():
    files = [f for f in own_files("*.py") if f != Path(safe.__file__)]
    found = {str(f.relative_to(ROOT)): trusts_markup(f.read_text(encoding="utf-8")) for f in files}
    assert {file: names for file, names in found.items() if names} == {}


def test_that_module_calls_text_safe_once():
    source = Path(safe.__file__).read_text(encoding="utf-8")
    assert len(re.findall(r"mark_safe\(", source)) == 1


def test_the_search_for_unsafe_code_finds_it():
    assert trusts_markup("from django.utils.safestring import mark_safe as m")
    assert trusts_markup("html.format_html('<b>' + x)")
    assert trusts_markup("SafeString(x)")
    assert not trusts_markup("def f() -> SafeString: return format_html('<b>{}</b>', x)")


UNSAFE_TEMPLATE = re.compile(r"\|\s*safe(?:seq)?\b|\bautoescape\s+off\b")


def test_no_template_calls_text_safe():
    files = own_files("*.html", "*.txt", "*.xml")
    assert [f for f in files if UNSAFE_TEMPLATE.search(f.read_text(encoding="utf-8"))] == []
    assert UNSAFE_TEMPLATE.search("{{ a|safe }}{% autoescape off %}")
