"""What changed between two texts: exact, small, whole words; and merges that lose nothing."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from editorial import diff
from editorial.diff import (
    Merge,
    Piece,
    difference,
    highlighted,
    merge,
    set_difference,
    tokens,
)
from tests.editorial.pairs import PAIRS


@pytest.fixture(autouse=True, scope="module")
def _plenty_of_time():
    """What these tests find must not depend on how busy the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diff, "SECONDS", 60)
        yield


#: Few and telling tokens, so that generated texts have something in common.
WORDS = [*"的模型，,、。 3%aé\n𠀀", "Brightwater", "Cinderpeak", "AI", "3.5", "1,024", "120%"]
texts = st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=25).map("".join)


def _sides(pieces: list[Piece]) -> tuple[str, str]:
    return (
        "".join(piece.text for piece in pieces if piece.kind != "new"),
        "".join(piece.text for piece in pieces if piece.kind != "gone"),
    )


def _minimum(before: str, after: str) -> int:
    """The fewest characters that can be highlighted if tokens are kept or changed as a whole.

    All characters but those of the heaviest common subsequence of tokens, found by the textbook's
    table; a token weighs as much as it has characters. Nothing is allowed for joined islands.
    """
    old, new = tokens(before), tokens(after)
    kept = [0] * (len(new) + 1)
    for token in old:
        row = [0]
        for i, other in enumerate(new):
            row.append(max(kept[i] + len(token) * (token == other), kept[i + 1], row[i]))
        kept = row
    return len(before) + len(after) - 2 * kept[-1]


# --- tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("中文字", ["中", "文", "字"]),
        ("用AI寫稿", ["用", "AI", "寫", "稿"]),
        ("GPU 短缺", ["GPU", " ", "短", "缺"]),
        ("3.5 與 1,024", ["3.5", " ", "與", " ", "1,024"]),
        ("降到3.1%，", ["降", "到", "3.1%", "，"]),
        ("in 2026.", ["in", " ", "2026", "."]),
        ("1, 2", ["1", ",", " ", "2"]),
        ("Renée Übermut", ["Renée", " ", "Übermut"]),
        ("Rene\u0301e", ["Rene\u0301e"]),
        ("a×b", ["a", "×", "b"]),
        ("ＡＩ４％", ["ＡＩ", "４％"]),
        ("Aster-2", ["Aster", "-", "2"]),
        ("𠮷野\r\n🙂", ["𠮷", "野", "\r", "\n", "🙂"]),
        ("", []),
    ],
)
def test_words_and_numbers_are_one_token_and_every_other_character_is_its_own(text, expected):
    assert tokens(text) == expected


@given(st.text() | texts)
def test_joined_tokens_are_the_text(text):
    assert "".join(tokens(text)) == text


# --- difference ----------------------------------------------------------------------------------


def test_the_fifty_pairs_are_edits_of_every_sort():
    assert len(PAIRS) == 50
    assert len({(before, after) for _sort, before, after in PAIRS}) == 50
    assert len(Counter(sort for sort, _before, _after in PAIRS)) > 20


@pytest.mark.parametrize(("sort", "before", "after"), PAIRS)
def test_an_edit_highlights_at_most_half_more_than_the_least_possible(sort, before, after):
    pieces = difference(before, after)
    assert _sides(pieces) == (before, after)
    assert highlighted(pieces) <= 1.5 * _minimum(before, after)


@given(texts, texts)
@example("Brightwater 與 Cinderpeak", "Cinderpeak 與 Brightwater")
@example("很高，也", "高，也很")
@example("一三五七九", "二三四七八")
@example(
    "甲甲乙丙甲丙甲乙甲丙乙丙", "甲乙丙甲丙甲甲乙丙甲丙甲"
)  # has half of the other in one piece
def test_no_edit_at_all_highlights_more_than_half_above_the_least(before, after):
    assert highlighted(difference(before, after)) <= 1.5 * _minimum(before, after)


def test_two_changed_characters_in_a_sentence_highlight_at_most_six():
    sentence = PAIRS[6][1]
    assert len(sentence) == 46
    for first in range(45):
        for second in range(first + 1, 46):
            changed = list(sentence)
            changed[first], changed[second] = "甲", "乙"
            assert 4 <= highlighted(difference(sentence, "".join(changed))) <= 6


@given(texts, texts)
def test_the_pieces_put_together_are_the_two_texts(before, after):
    assert _sides(difference(before, after)) == (before, after)


@given(texts, texts)
def test_gone_comes_before_new_and_no_two_pieces_in_a_row_are_alike(before, after):
    pieces = difference(before, after)
    kinds = [piece.kind for piece in pieces]
    assert all(piece.text for piece in pieces)
    assert all(a != b and (a, b) != ("new", "gone") for a, b in zip(kinds, kinds[1:], strict=False))


@given(texts, texts)
@example("AAAA AA", "AA AAAA AA")
@example("Cinderpeak", "Cinderpeaks")
def test_no_word_or_number_is_cut_in_two(before, after):
    pieces = difference(before, after)
    for kind, text in (("new", before), ("gone", after)):
        assert [t for p in pieces if p.kind != kind for t in tokens(p.text)] == tokens(text)


@given(texts)
def test_a_text_does_not_differ_from_itself(text):
    assert difference(text, text) == ([Piece("same", text)] if text else [])


def test_two_changes_with_one_character_between_them_read_as_one():
    assert difference("在月底前後開放", "在年底之後開放") == [
        Piece("same", "在"),
        Piece("gone", "月底前"),
        Piece("new", "年底之"),
        Piece("same", "後開放"),
    ]


def test_two_changes_with_two_characters_between_them_stay_two():
    kinds = [piece.kind for piece in difference("在月內底前開放", "在年內底之開放")]
    assert kinds == ["same", "gone", "new", "same", "gone", "new", "same"]
    kinds = [piece.kind for piece in difference("甲乙丙丁內底戊己庚辛", "子丑寅卯內底辰巳午未")]
    assert kinds == ["gone", "new", "same", "gone", "new"]


def test_a_character_taken_out_and_one_put_in_do_not_light_up_the_one_between():
    assert highlighted(difference("準確率很高但", "準確率高也但")) == 2


def test_a_changed_number_is_highlighted_as_a_whole():
    assert difference("共 1,024 題", "共 1,025 題") == [
        Piece("same", "共 "),
        Piece("gone", "1,024"),
        Piece("new", "1,025"),
        Piece("same", " 題"),
    ]


def test_a_long_name_is_kept_rather_than_the_short_words_beside_it():
    pieces = difference("Brightwater 與 Cinderpeak", "Cinderpeak 與 Brightwater")
    assert Piece("same", "Brightwater") in pieces


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("AA,AA", "AA", [(0, "\0"), (-1, "\1\2\0"), (0, "\1")]),
        ("AA", "AA,AA", [(0, "\0"), (1, "\1\2\0"), (0, "\1")]),
    ],
)
def test_a_word_whose_letters_were_found_in_two_words_goes_with_the_first(
    before, after, found, monkeypatch
):
    monkeypatch.setattr(diff.diff_match_patch, "diff_main", lambda *_: found)
    assert _sides(difference(before, after)) == (before, after)
    assert highlighted(difference(before, after)) == 3


def test_more_distinct_tokens_than_the_first_plane_has_letters():
    many = [chr(c) for c in range(0x100, 0x11000) if not 0xD800 <= c < 0xE000]
    assert len(many) > 0xD7FF
    before = "".join(many)
    after = before[:60_000] + "新" + before[60_000:]
    assert difference(before, after)[1] == Piece("new", "新")
    spelled, _owners = diff._spelled(many, {})
    assert len(set(spelled.encode().decode())) == len(many)  # no surrogate among them


# --- texts made to be slow -----------------------------------------------------------------------

_dice = random.Random(20260212)


def _thrown(letters: str, times: int = 20_000) -> str:
    return "".join(_dice.choices(letters, k=times))


_ALL = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000)))
HOSTILE = {
    "two letters at random": (_thrown("中文"), _thrown("中文")),
    "one word for each": ("a" * 20_000, "b" * 20_000),
    "backwards": (_ALL, _ALL[::-1]),
    "beyond the first plane": (_ALL, "".join(chr(ord(c) + 0x1B200) for c in _ALL)),
    "two rhythms": ("中中文" * 6_667, "中文文" * 6_667),
    "halves changed places": ("中" * 10_000 + "文" * 10_000, "文" * 10_000 + "中" * 10_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_made_to_be_slow_is_answered_exactly(name, monkeypatch):
    monkeypatch.setattr(diff, "SECONDS", 0.3)
    before, after = HOSTILE[name]
    assert _sides(difference(before, after)) == (before, after)


@given(texts, texts)
def test_without_any_time_the_answer_is_coarser_and_still_exact(before, after):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diff, "SECONDS", -1)
        assert _sides(difference(before, after)) == (before, after)


def test_when_time_is_up_what_is_unsettled_counts_as_changed(monkeypatch):
    before, after = "頭甲二丙四戊六尾", "頭子二寅四辰六巳尾"
    precise = highlighted(difference(before, after))
    monkeypatch.setattr(diff, "SECONDS", -1)
    assert difference(before, after) == [
        Piece("same", "頭"),
        Piece("gone", before[1:-1]),
        Piece("new", after[1:-1]),
        Piece("same", "尾"),
    ]
    assert precise < len(before) + len(after) - 4


def test_texts_too_long_to_compare_are_gone_and_new(monkeypatch):
    monkeypatch.setattr(diff, "MOST", 5)
    assert difference("甲乙丙", "甲乙丁") == [Piece("gone", "甲乙丙"), Piece("new", "甲乙丁")]
    assert highlighted(difference("甲乙", "甲丁")) == 2


# --- merge ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "text"),
    [
        (
            "模型上線了,速度更快",
            "模型上線了，速度更快",
            "模型上線了,速度更穩",
            "模型上線了，速度更穩",
        ),
        ("成長 17%，創新高", "成長 21%，創新高", "成長 17%，創歷史新高", "成長 21%，創歷史新高"),
        ("甲乙丙丁", "丙丁", "甲乙丙", "丙"),
        ("甲乙丙", "甲子丙", "甲子丙丁", "甲子丙丁"),
        ("甲乙丙丁", "甲子丙丁", "甲乙丑丁", "甲子丑丁"),
        ("", "甲", "", "甲"),
    ],
)
def test_changes_at_different_places_are_both_taken(base, mine, theirs, text):
    assert merge(base, mine, theirs) == merge(base, theirs, mine) == Merge(text, True)


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "text"),
    [
        ("成長 17%。", "成長 21%。", "成長 19%。", "成長 〔21%｜19%〕。"),
        ("甲乙", "甲子乙", "甲丑乙", "甲〔子｜丑〕乙"),
        ("甲乙丙", "甲子丙", "甲丙", "甲〔子｜〕丙"),
        ("甲乙丙", "甲子乙丙", "甲丑丙", "甲〔子乙｜丑〕丙"),
        ("甲乙丙", "甲乙子丙", "甲丑丙", "甲〔乙子｜丑〕丙"),
        ("甲乙丙丁戊", "甲子丙丑戊", "甲乙寅丁戊", "甲〔子丙丑｜乙寅丁〕戊"),
        ("一二三四五六七八", "一二子四五丑七八", "一甲八", "一〔二子四五丑七｜甲〕八"),
        ("", "甲", "乙", "〔甲｜乙〕"),
    ],
)
def test_where_both_changed_the_same_place_differently_both_stand(base, mine, theirs, text):
    assert merge(base, mine, theirs) == Merge(text, False)


def test_identical_changes_are_taken_once_beside_others():
    base, mine, theirs = "價格更低,上線了", "價格較低，上線了", "價格更低，上線囉"
    assert merge(base, mine, theirs) == Merge("價格較低，上線囉", True)


def test_one_persons_words_are_not_put_between_those_of_the_other():
    merged = merge("在月底前後開放", "在年底之後開放", "在月中前後開放")
    assert merged == Merge("在〔年底之｜月中前〕後開放", False)


def test_a_conflict_ends_where_a_replacement_beside_it_begins():
    merged = merge("一二三四五六七", "一二甲六七", "一二子三四五丑七")
    assert merged == Merge("一二〔甲｜子三四五〕丑七", False)


def test_the_caller_says_how_a_conflict_looks():
    merged = merge("甲乙丙", "甲子丙", "甲丑丙", lambda mine, theirs: f"<{theirs}|{mine}>")
    assert merged == Merge("甲<丑|子>丙", False)


@given(texts, texts)
def test_a_merge_with_nothing_is_the_other_change(base, other):
    assert merge(base, other, base) == Merge(other, True)
    assert merge(base, base, other) == Merge(other, True)


@given(texts, texts)
def test_a_merge_of_the_same_change_is_that_change(base, other):
    assert merge(base, other, other) == Merge(other, True)


def test_two_equal_versions_are_not_compared_at_all(monkeypatch):
    # Compared twice within a deadline, one text may give two answers that do not fit together.
    monkeypatch.setattr(diff, "_changes", None)
    assert merge("甲", "乙", "乙") == Merge("乙", True)


@given(texts, texts, texts)
def test_a_merge_is_as_clean_from_either_side(base, mine, theirs):
    here, there = merge(base, mine, theirs), merge(base, theirs, mine)
    assert here.is_clean == there.is_clean
    assert not here.is_clean or here.text == there.text


@given(texts, texts, texts)
def test_nothing_that_either_typed_is_lost_in_a_merge(base, mine, theirs):
    merged = merge(base, mine, theirs)
    for version in (mine, theirs):
        for piece in difference(base, version):
            assert piece.kind != "new" or piece.text in merged.text


@given(st.data())
def test_nothing_typed_into_one_text_at_several_places_is_lost(data):
    base = data.draw(st.lists(st.sampled_from("一二三四五六"), min_size=4, max_size=12))

    def typed(marks: str) -> str:
        text = list(base)
        for mark in marks:
            at = data.draw(st.integers(0, len(text)))
            text[at : at + data.draw(st.integers(0, 2))] = mark
        return "".join(text)

    mine, theirs = typed("甲乙丙"), typed("子丑寅")
    merged = merge("".join(base), mine, theirs).text
    assert {c for c in mine + theirs if c in "甲乙丙子丑寅"} <= set(merged)


# --- lists ---------------------------------------------------------------------------------------


def test_lists_are_compared_as_sets_in_a_stable_order():
    found = set_difference(["甲", "乙", "丙"], ["丁", "丙", "甲", "戊"])
    assert (found.kept, found.gone, found.new) == (("丙", "甲"), ("乙",), ("丁", "戊"))
    assert not found.is_only_reordered


def test_a_list_whose_order_alone_changed_says_so():
    assert set_difference(["甲", "乙"], ["乙", "甲"]).is_only_reordered
    assert not set_difference(["甲", "乙"], ["甲", "乙"]).is_only_reordered
    assert not set_difference(["甲", "乙"], ["乙", "甲", "丙"]).is_only_reordered
    assert not set_difference([], []).is_only_reordered


def test_an_entry_counts_once_where_it_stands_first():
    found = set_difference(["甲", "乙", "甲"], ["甲", "丙", "丙", "乙", "乙"])
    assert (found.kept, found.gone, found.new) == (("甲", "乙"), (), ("丙",))
    assert not set_difference(["甲", "乙", "甲"], ["甲", "乙"]).is_only_reordered


@given(st.lists(st.sampled_from("甲乙丙丁")), st.lists(st.sampled_from("甲乙丙丁")))
def test_every_entry_is_kept_gone_or_new_and_only_one_of_them(before, after):
    found = set_difference(before, after)
    assert sorted(found.kept + found.gone) == sorted(set(before))
    assert sorted(found.kept + found.new) == sorted(set(after))


def test_highlighted_counts_what_is_gone_and_what_is_new():
    assert highlighted([Piece("same", "甲乙"), Piece("gone", "丙"), Piece("new", "AI 丁")]) == 5
    assert highlighted([]) == 0
