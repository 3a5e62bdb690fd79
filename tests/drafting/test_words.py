"""What an article is compared by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.drafting.words import is_chinese, tokens_of
from digest.folding import fold


def _tokens(text):
    return tokens_of(fold(text))


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("GPT-4o", "n:gpt4o"),
        ("ＧＰＴ‑４ｏ", "n:gpt4o"),
        ("GPT 4o", "n:gpt4o"),
        ("vLLM v0.27.0rc1 is out", "n:v0.27.0rc1"),
        ("see arXiv:2602.08332.", "n:2602.08332"),
        ("llama.cpp", "n:llama.cpp"),
        ("Llama 4", "n:llama4"),
        ("Qwen/Qwen4-72B", "n:qwen472b"),
        ("Gemini 3 Flash", "n:gemini3flash"),
        ("$315 million", "#3.15e+08"),
        ("$315M", "#3.15e+08"),
        ("3.15 億美元", "#3.15e+08"),
        ("3.15 亿美元", "#3.15e+08"),
        ("1.2 trillion", "#1.2e+12"),
        ("1.2 兆參數", "#1.2e+12"),
        ("1.2 万亿参数", "#1.2e+12"),
        ("2,932億元", "#2.932e+11"),
        ("twelve languages", "#12"),
        ("裁撤三成", "#30%"),
        ("35.9%", "#35.9%"),
        ("輝達", "w:nvidia"),
        ("英伟达", "w:nvidia"),
        ("Nvidia's", "w:nvidia"),
        ("收購", "c:acquir"),
        ("acquires", "c:acquir"),
        ("acquired", "c:acquir"),
        ("data centres", "c:data center"),
        ("資料中心", "c:data center"),
        ("will not", "c:not"),
        ("不會", "c:not"),
        ("記憶體", "z:记忆"),
    ],
)
def test_one_thing_is_one_token_however_it_is_written(text, token):
    assert token in _tokens(text)


def test_a_chinese_sentence_is_not_one_word():
    tokens = _tokens("中文沒有空格但是還是要分開")
    assert len(tokens) > 8
    assert all(len(token) == 4 for token in tokens if token.startswith("z:"))


def test_versions_stay_apart():
    assert set(_tokens("v0.27.0rc1")) != set(_tokens("v0.27.0rc2"))


def test_days_and_years_are_no_amounts():
    for text in ("2026 年 2 月 11 日", "February 11, 2026", "11 Feb"):
        assert not [token for token in _tokens(text) if token.startswith("#")], text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("輝達發表 Rubin Ultra", True), ("Rubin Ultra", False), ("", False), ("!?", False)],
)
def test_the_language_is_told_by_the_characters(text, expected):
    assert is_chinese(text) is expected


@given(st.text())
def test_any_text_has_tokens_of_known_kinds(text):
    assert all(token[:2] in ("n:", "w:", "c:", "z:") or token[0] == "#" for token in _tokens(text))
