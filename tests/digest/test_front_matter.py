"""Front matter: read into plain values, written as it stood, mended where values changed."""

from __future__ import annotations

import pytest

from digest.document import FrontMatter
from digest.hugo import frontmatter
from digest.hugo.frontmatter import FrontMatterError
from tests.endless import ends

SOURCE = """\
# by the machine
cover:
  image: "/images/a.png"   # made at dawn
  alt: 'A cover'
title: "晨報"
date: 2026-03-01T06:00:00+08:00
draft: false
weight: 010
tags:
  - "甲"
  - "乙"
flow: [a, b]
unknown: kept"""


def changed(source: str = SOURCE, format: str = "yaml", **values: object) -> str:
    """The source after some values were changed (None removes a key)."""
    matter = frontmatter.read(source, format)
    merged = {**matter.values, **values}
    merged = {key: value for key, value in merged.items() if value is not None}
    written = frontmatter.write(matter.model_copy(update={"values": merged}))
    again = frontmatter.read("\n".join(written.split("\n")[1:-1]), format)
    assert again.values == merged
    return again.source


def test_values_are_plain_and_dates_stay_text():
    assert frontmatter.parse(SOURCE) == {
        "cover": {"image": "/images/a.png", "alt": "A cover"},
        "title": "晨報",
        "date": "2026-03-01T06:00:00+08:00",
        "draft": False,
        "weight": 10,
        "tags": ["甲", "乙"],
        "flow": ["a", "b"],
        "unknown": "kept",
    }


def test_an_untouched_source_goes_out_to_the_letter():
    assert frontmatter.write(frontmatter.read(SOURCE)) == f"---\n{SOURCE}\n---"


def test_a_changed_key_is_mended_and_all_others_keep_their_letters():
    assert changed(title="午報: 新") == SOURCE.replace('"晨報"', '"午報: 新"')
    assert changed(draft=True) == SOURCE.replace("false", "true")
    assert changed(unknown="no") == SOURCE.replace(": kept", ': "no"')


def test_a_changed_date_stays_plain():
    assert changed(date="2026-03-02T07:00:00+08:00") == SOURCE.replace("03-01T06", "03-02T07")


def test_a_key_inside_a_key_is_mended_alone():
    cover = {"image": "/images/b.png", "alt": "A cover"}
    assert changed(cover=cover) == SOURCE.replace("/a.png", "/b.png")


def test_lists_keep_their_style():
    assert changed(tags=["丙"]) == SOURCE.replace('  - "甲"\n  - "乙"', '  - "丙"')
    assert changed(flow=["c"]) == SOURCE.replace("[a, b]", '["c"]')


def test_keys_come_and_go():
    assert changed(unknown=None) == SOURCE.replace("\nunknown: kept", "")
    assert changed(more="x") == SOURCE + '\nmore: "x"'


def test_without_a_source_the_samples_style_is_written():
    values = {
        "cover": {"image": "/a.png", "relative": True},
        "title": '說 "好"',
        "date": "2026-03-01T06:00:00+08:00",
        "draft": False,
        "tags": ["甲"],
        "none": [],
        "on": None,
    }
    assert frontmatter.write(FrontMatter(values=values)) == (
        '---\ncover:\n  image: "/a.png"\n  relative: true\ntitle: "說 \\"好\\""\n'
        'date: 2026-03-01T06:00:00+08:00\ndraft: false\ntags:\n  - "甲"\nnone: []\n"on": null\n---'
    )


def test_values_win_over_a_source_that_cannot_be_mended():
    for source in ("- a", "a: [", "a: 1\n---\nb: 2", "a: &x 1\nb: *x"):
        written = frontmatter.write(FrontMatter(source=source, values={"a": "甲"}))
        assert written == '---\na: "甲"\n---'


def test_true_one_and_one_point_zero_are_told_apart():
    assert changed("a: 1", a=True) == "a: true"
    assert changed("a: 1", a=1.0) == "a: 1.0"


def test_nothing_is_written_for_nothing():
    assert frontmatter.write(FrontMatter()) == ""
    assert frontmatter.write(FrontMatter(source="a: 1")) == ""


TOML = '# c\ntitle = "晨報" # t\ndate = 2026-03-01T06:00:00+08:00\n\n[cover]\nimage = "/a.png"'


def test_toml_is_read_and_mended_the_same_way():
    assert frontmatter.parse(TOML, "toml") == {
        "title": "晨報",
        "date": "2026-03-01T06:00:00+08:00",
        "cover": {"image": "/a.png"},
    }
    assert frontmatter.write(frontmatter.read(TOML, "toml")) == f"+++\n{TOML}\n+++"
    assert changed(TOML, "toml", title="午報") == TOML.replace("晨報", "午報")
    later = "2026-03-02T06:00:00+08:00"
    assert changed(TOML, "toml", date=later) == TOML.replace("03-01", "03-02")


def test_toml_without_a_source_keeps_the_order_of_its_keys():
    values = {"cover": {"image": "/a.png"}, "title": "x", "date": "2026-03-01"}
    assert frontmatter.write(FrontMatter(format="toml", values=values)) == (
        '+++\ncover = { image = "/a.png" }\ntitle = "x"\ndate = 2026-03-01\n+++'
    )


def test_a_line_that_looks_like_a_fence_is_written_in_another_way():
    source = 'a = """\nx\n+++\ny"""'
    matter = FrontMatter(format="toml", source=source, values={"a": "x\n+++\ny"})
    assert frontmatter.write(matter) == '+++\na = "x\\n+++\\ny"\n+++'


def test_what_toml_cannot_say_is_said_in_yaml():
    assert frontmatter.write(FrontMatter(format="toml", values={"a": None})) == "---\na: null\n---"


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("a: 1\na: 2", 2, "the key “a” stands twice"),
        ("a:\n  b: 1\n  b: 2", 3, "the key “b” stands twice"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", 1, "anchors and aliases"),
        ("<<: {a: 1}", 1, "a key has to be text"),
        ("1: a", 1, "a key has to be text"),
        ("? [a]\n: b", 1, "a key has to be text"),
        ("a: .nan", 1, "is not a number that can be kept"),
        ("a: -.inf", 1, "is not a number that can be kept"),
        ("a: 1e999", 1, "is not a number that can be kept"),
        ("a: " + "9" * 5000, 1, "is not a number that can be kept"),
        ("a: !!python/name:os.system x", 1, "is not plain data"),
        ("a: !x y", 1, "is not plain data"),
        ("a: " + "[" * 40 + "]" * 40, 1, "nested deeper than 32"),
        ("a: [" * 20_000, 1, "nested deeper than 32"),
        ("a: [", 1, "not valid YAML"),
        ("a: b\n---\nc: d", 2, "not valid YAML"),
        ("a", 1, "not a list of keys and values"),
    ],
)
def test_yaml_that_is_no_plain_data_is_refused_with_its_line(source, line, reason):
    with ends(), pytest.raises(FrontMatterError, match=reason) as caught:
        frontmatter.parse(source)
    assert caught.value.line == line


@pytest.mark.parametrize(
    "source", ["a = 1\na = 2", "a = inf", "a = nan", "a = " + "[" * 5000, "a = " + "9" * 30, "a ="]
)
def test_toml_that_is_no_plain_data_is_refused(source):
    with pytest.raises(FrontMatterError):
        frontmatter.parse(source, "toml")
