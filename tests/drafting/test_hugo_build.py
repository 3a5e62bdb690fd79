"""A real Hugo shows other people's words as they are: with its links, its typographer and all."""

from __future__ import annotations

import html
import re
import shutil
import subprocess

import pytest

from digest import hugo
from digest.document import Card, Document, FrontMatter, Section
from digest.drafting.typesetting import bare, bullets, one_line, prose
from tests.drafting.test_extractive import HOSTILE

pytestmark = pytest.mark.skipif(
    shutil.which("hugo") is None, reason="hugo is not installed (Debian: apt install hugo)"
)
TEXTS = [
    form.replace("{}", text)
    for text in HOSTILE
    if one_line(text)
    for form in ("{}", "前言{}後語", "前言 {} 後語", "{} {}")
]


def shown(page: str) -> str:
    """What a reader sees, without blanks and with the typographer's marks made plain."""
    text = html.unescape(re.sub(r"<[^>]+>", "", page)).replace("«", "<<").replace("»", ">>")
    text = text.translate(str.maketrans("“”‘’–—…", "\"\"''--."))
    return "".join(re.sub(r"([-.])\1+", r"\1", text).split())


@pytest.fixture(scope="module")
def cards(tmp_path_factory) -> list[str]:
    """The page of an issue with a card for each text, cut into cards."""
    site = tmp_path_factory.mktemp("site")
    issue = Document(
        front_matter=FrontMatter(values={"title": "一期", "date": "2026-01-01", "draft": False}),
        sections=(
            Section(
                title="欄",
                cards=tuple(
                    Card(
                        headline=bare(text),
                        summary=prose(text),
                        details=bullets([(0, prose(text)), (1, prose(text))]),
                    )
                    for text in TEXTS
                ),
            ),
        ),
    )
    for name, content in (
        ("config.toml", b'baseURL = "https://example.org/"\n'),
        ("layouts/_default/single.html", b"{{ .Content }}"),
        ("content/issue.md", hugo.write(issue)),
    ):
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    subprocess.run(["hugo", "--quiet"], cwd=site, check=True, capture_output=True, timeout=60)
    return re.split("<h3[^>]*>", (site / "public/issue/index.html").read_text())[1:]


def test_hugo_shows_every_text_as_it_is_and_makes_nothing_of_it(cards):
    assert len(cards) == len(TEXTS)
    for text, card in zip(TEXTS, cards, strict=True):
        tags = set(re.findall(r"<([a-z0-9]+)", card)) - {"p", "strong", "br", "ul", "li", "hr"}
        assert not tags, text
        headline, _, fields = card.partition("</h3>")
        assert shown(headline) == shown(html.escape(bare(text)))
        said = shown(html.escape(one_line(text)))
        assert shown(fields) == f"核心摘要{said}技術細節{said}{said}", text
