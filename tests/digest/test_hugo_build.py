"""A real Hugo makes a page of what we publish."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from digest.models import Issue
from editorial.decisions import decide
from tests.conftest import approve_everything, cards_of, land, sign
from tests.digest.test_publishing import edit, publish, work

pytestmark = pytest.mark.skipif(
    shutil.which("hugo") is None, reason="hugo is not installed (Debian: apt install hugo)"
)

#: Texts that Hugo would run, refuse or choke on if they reached it as they are.
HOSTILE = [
    "{{< nothing-of-that-name >}}",
    "{{% nothing-of-that-name %}}",
    '{{< figure src="/images/2026-02-12-ai-daily.png" >}}',
    "{{</* already escaped */>}}",
    "{{< never closed",
    "{{%nospace%}} {{<7>}}",
    "{{{< three >}}}",
    "{\\{< with a backslash >}}",
    "`{{< in code >}}`",
    '{{ .Site.Title }} {{ printf "%d" 7 }}',
]


@pytest.fixture
def site(settings) -> Path:
    """A Hugo site around the tree that we publish into: a title and the text, no theme."""
    tree = Path(settings.HUGO_TREE)
    (tree / "layouts/_default").mkdir(parents=True)
    (tree / "config.toml").write_text(
        'baseURL = "https://example.org/"\nlanguageCode = "zh-tw"\ntitle = "A site"\n'
        'disableKinds = ["taxonomy", "term", "RSS", "sitemap"]\n'
    )
    (tree / "layouts/_default/single.html").write_text(
        '<!doctype html><title>{{ .Title }}</title><img src="{{ .Params.cover.image }}">'
        "<main>{{ .Content }}</main>"
    )
    (tree / "layouts/_default/list.html").write_text(
        "{{ range .Pages }}<a href='{{ .RelPermalink }}'>{{ .Title }}</a>{{ end }}"
    )
    return tree


def build(site: Path) -> Path:
    """Build the site; answers with the folder of its pages. Warnings fail."""
    subprocess.run(
        ["hugo", "--panicOnWarning", "--destination", "public"],
        cwd=site,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return site / "public"


def page_of(issue: Issue, public: Path) -> str:
    return (public / "posts" / issue.slug / "index.html").read_text()


def text_of(page: str) -> str:
    """What a reader sees, roughly."""
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_the_published_sample_becomes_a_page_with_all_its_parts(signed, chief, site):
    publish(signed.issue, chief)
    work()
    public = build(site)
    page = page_of(signed.issue, public)
    assert f"<title>{html.escape(signed.issue.title)}</title>" in page
    headlines = [html.unescape(h) for h in re.findall(r"<h3[^>]*>(.*?)</h3>", page)]
    assert [card.headline for card in cards_of(signed.issue)] == headlines[:18]
    assert page.count("<li>") == 131
    assert "<li>" in page and "<hr>" in page and "<strong>核心摘要</strong>" in page
    assert (public / "images/2026-02-12-ai-daily.png").exists()
    assert 'src="/images/2026-02-12-ai-daily.png"' in page


def test_the_published_real_draft_becomes_a_page(desk, seed, editor, chief, site):
    issue = land(desk, seed)
    approve_everything(issue, editor)
    sign(issue, chief)
    publish(issue, chief)
    work()
    page = page_of(issue, build(site))
    assert len(re.findall(r"<h3", page)) >= 18
    assert page.count("<li>") == 128


@pytest.mark.parametrize("field", ["headline", "summary", "details", "rest", "importance_note"])
def test_shortcodes_in_peoples_text_are_read_and_never_run(field, issue, editor, chief, site):
    for card, hostile in zip(cards_of(issue), HOSTILE, strict=False):
        edit(card, editor, **{field: f"前{hostile}後"})
    approve_everything(issue, editor)
    sign(issue, chief)
    publish(issue, chief)
    work()
    page = page_of(issue, build(site))
    assert "<figure" not in page
    seen = text_of(page).replace("“", '"').replace("”", '"')
    for hostile in HOSTILE:
        wanted = hostile.replace("`", "")  # they make code of it; all else is to be seen
        assert f"前{wanted}後" in seen


def test_shortcodes_in_a_machines_draft_are_read_and_never_run(desk, sample, editor, chief, site):
    content = sample.replace(
        "**核心摘要**  \n".encode(), "**核心摘要**  \n{{< nope >}}".encode(), 1
    )
    issue = land(desk, content)
    approve_everything(issue, editor)
    sign(issue, chief)
    publish(issue, chief)
    work()
    assert "{{< nope >}}" in text_of(page_of(issue, build(site)))


def test_html_in_peoples_text_is_not_markup_of_the_page(issue, editor, chief, site):
    card = cards_of(issue)[0]
    edit(card, editor, summary="<script>alert(1)</script><img src=x onerror=alert(1)>")
    approve_everything(issue, editor)
    sign(issue, chief)
    publish(issue, chief)
    work()
    page = page_of(issue, build(site))
    assert "<script" not in page
    assert "onerror" not in page


def test_a_correction_takes_the_place_of_the_page(signed, editor, chief, site):
    publish(signed.issue, chief)
    work()
    build(site)
    card = cards_of(signed.issue)[0]
    edit(card, editor, headline="更正後的標題")
    decide("approve", issue_id=signed.issue_id, card_id=card.pk, by=editor, seen=card.hash)
    sign(signed.issue, chief)
    publish(signed.issue, chief)
    work()
    assert "更正後的標題" in page_of(signed.issue, build(site))
    assert len(list((site / "content/posts").iterdir())) == 1
