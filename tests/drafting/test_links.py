"""When two links are one, when they are not, and whose they are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.drafting.links import canonical, house_of, outlet_of

ARXIV = "https://arxiv.org/abs/2402.12345"


@pytest.mark.parametrize(
    ("link", "key"),
    [
        # arXiv
        ("https://arxiv.org/pdf/2402.12345v2.pdf", ARXIV),
        ("http://www.arxiv.org/abs/2402.12345?context=cs", ARXIV),
        ("https://arxiv.org/html/2402.12345v1#S3", ARXIV),
        ("https://export.arxiv.org/abs/2402.12345v10", ARXIV),
        ("https://ar5iv.labs.arxiv.org/html/2402.12345", ARXIV),
        ("https://doi.org/10.48550/arXiv.2402.12345", ARXIV),
        ("https://arxiv.org/abs/cs/0112017v1", "https://arxiv.org/abs/cs/0112017"),
        # who sent the reader
        ("https://a.test/x?utm_source=b&UTM_Medium=c&id=3", "https://a.test/x?id=3"),
        ("https://a.test/x?fbclid=1&gclid=2&mc_cid=3&_hsenc=4", "https://a.test/x"),
        ("https://a.test/x?ref=hn", "https://a.test/x"),
        ("https://a.test/x?ref=news.ycombinator.com&source=rss", "https://a.test/x"),
        ("https://x.com/a/status/1?s=20&t=abc", "https://x.com/a/status/1"),
        # where to begin, on which screen
        ("https://a.test/x#top", "https://a.test/x"),
        ("https://a.test/x#:~:text=word", "https://a.test/x"),
        ("https://www.a.test/x/", "https://a.test/x"),
        ("https://m.ithome.com.tw/news/1", "https://ithome.com.tw/news/1"),
        ("https://en.m.wikipedia.org/wiki/Mamba", "https://en.wikipedia.org/wiki/Mamba"),
        ("https://mobile.twitter.com/a/status/1", "https://x.com/a/status/1"),
        ("https://old.reddit.com/r/ml/comments/1", "https://reddit.com/r/ml/comments/1"),
        ("https://a.test/2026/02/a-long-story/amp/", "https://a.test/2026/02/a-long-story"),
        ("https://amp.a.test/a-long-story.amp.html", "https://a.test/a-long-story"),
        ("https://www.google.com/amp/s/www.a.test/a-long-story", "https://a.test/a-long-story"),
        (
            "https://a-test.cdn.ampproject.org/c/s/a.test/a-long-story",
            "https://a.test/a-long-story",
        ),
        # spellings
        ("HTTP://A.TEST:80/X", "https://a.test/X"),
        ("https://a.test:443", "https://a.test/"),
        ("https://a.test./x", "https://a.test/x"),
        ("https://a.test/x?b=2&a=1", "https://a.test/x?a=1&b=2"),
        ("https://a.test/%7eann/%e6%99%a8", "https://a.test/~ann/%E6%99%A8"),
        ("https://a.test/晨", "https://a.test/%E6%99%A8"),
        ("https://例え.jp/", "https://xn--r8jz45g.jp/"),
        ("https://a.test/x;jsessionid=1A2B", "https://a.test/x"),
        # videos
        ("https://youtu.be/dQw4w9WgXcQ?si=a&t=10", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
        (
            "https://www.youtube.com/watch?list=a&v=dQw4w9WgXcQ",
            "https://youtube.com/watch?v=dQw4w9WgXcQ",
        ),
        (
            "https://m.youtube.com/shorts/dQw4w9WgXcQ?feature=share",
            "https://youtube.com/watch?v=dQw4w9WgXcQ",
        ),
        # no web addresses
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("tag:blog,2026:1", "tag:blog,2026:1"),
        ("http://[::1", "http://[::1"),
        ("", ""),
    ],
)
def test_a_link_has_the_key_of_its_article(link, key):
    assert canonical(link) == key
    assert canonical(key) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.test/?id=1", "https://a.test/?id=2"),
        ("https://a.test/?p=1", "https://a.test/"),
        ("https://news.ycombinator.com/item?id=1", "https://news.ycombinator.com/item?id=2"),
        ("https://github.com/a/b?ref=main", "https://github.com/a/b?ref=next"),
        ("https://a.test/X", "https://a.test/x"),
        ("https://a.test:8080/", "https://a.test/"),
        ("https://a.test/a%2Fb", "https://a.test/a/b"),
        ("https://a.test/?q=a%26b", "https://a.test/?q=a&b"),
        ("https://a.test/?q=1&q=2", "https://a.test/?q=2&q=1"),
        ("https://a.test/?q=", "https://a.test/"),
        ("https://a.test/?q=%A4%A4", "https://a.test/?q=%A4%E5"),
        ("https://app.test/#/one", "https://app.test/#/two"),
        ("https://app.test/#!one", "https://app.test/#!two"),
        ("https://github.com/ampproject/amp", "https://github.com/ampproject"),
        ("https://blogs.a.test/x", "https://news.a.test/x"),
        ("https://amp.dev/", "https://dev/"),
        ("https://arxiv.org/abs/2402.12345", "https://arxiv.org/abs/2402.12346"),
        ("https://arxiv.org/list/cs.AI/new", "https://arxiv.org/list/cs.CL/new"),
        ("https://youtube.com/watch?v=aaaaaaaaaaa", "https://youtube.com/watch?v=bbbbbbbbbbb"),
        (
            "https://github.com/a/b/releases/tag/v1.0rc1",
            "https://github.com/a/b/releases/tag/v1.0rc2",
        ),
        ("https://ann.substack.com/p/x", "https://ben.substack.com/p/x"),
    ],
)
def test_what_differs_is_never_made_one(one, other):
    assert canonical(one) != canonical(other)


_PIECES = st.sampled_from(
    [
        *(
            "https://",
            "http://",
            "www.",
            "m.",
            "amp",
            "/amp",
            "a",
            "-",
            "2026",
            ".html",
            "com",
            "tw",
        ),
        *("%41", "%", "%2", "%E6", "é", "晨", "?", "&", "=", "ref=hn", "utm_source=x", "id=3"),
        *("#", "#/", "!", ".", "/", "//", ":80", ":443", ":", "@", "[", "]", "\\", " ", "+", "%20"),
        *("arxiv.org", "/abs/", "2402.12345", "v2", ".pdf", "youtu.be", "youtube.com", "/watch"),
        *("v=", "abcdef1", "/shorts/", "x.com", "google.com", "cdn.ampproject.org/c/s/"),
        *("github.io", ";jsessionid=3", "\x00", "0"),
    ]
)
_LINKS = st.one_of(
    st.text(),
    st.lists(_PIECES, max_size=14).map("".join),
    st.lists(_PIECES, max_size=14).map(lambda pieces: "https://" + "".join(pieces)),
)


@settings(max_examples=2_000)
@given(_LINKS)
def test_a_key_is_its_own_key_whatever_the_link(link):
    key = canonical(link)
    assert canonical(key) == key
    assert isinstance(outlet_of(link, "Feed"), str)


@settings(max_examples=500)
@given(st.text(alphabet="abcxyz0123456789-_%/.", max_size=30), st.text("abc=&123", max_size=12))
def test_who_sent_the_reader_never_changes_a_key(path, query):
    link = f"https://a.test/{path}?{query}"
    assert canonical(f"{link}&utm_source=x&fbclid=y#there") == canonical(link)


@pytest.mark.parametrize(
    ("link", "outlet"),
    [
        ("https://www.theverge.com/x", "theverge.com"),
        ("https://blogs.nvidia.com/x", "nvidia.com"),
        ("https://developer.nvidia.com/x", "nvidia.com"),
        ("https://rss.arxiv.org/abs/2402.12345", "arxiv.org"),
        ("https://www.ithome.com.tw/x", "ithome.com.tw"),
        ("https://news.bbc.co.uk/x", "bbc.co.uk"),
        ("https://ann.substack.com/p/x", "ann.substack.com"),
        ("https://ann.github.io/x", "ann.github.io"),
        ("https://medium.com/@ann/x", "medium.com/@ann"),
        ("https://github.com/vllm-project/vllm/releases/tag/v1", "vllm-project/vllm"),
        ("https://github.com/blog/x", "github.com"),
        ("https://huggingface.co/blog/x", "huggingface.co"),
        ("http://127.0.0.1:8000/x", "127.0.0.1"),
        ("javascript:x", "The Feed"),
        ("", "The Feed"),
    ],
)
def test_an_outlet_is_who_published_it(link, outlet):
    assert outlet_of(link, "The Feed") == outlet


def test_a_house_is_what_somebody_registered():
    assert house_of("export.arxiv.org.") == "arxiv.org"
    assert house_of("localhost") == "localhost"
    assert house_of("tw") == "tw"
    assert house_of("com.tw") == "com.tw"
