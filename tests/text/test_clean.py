from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recsys.errors import ConfigError
from recsys.text.clean import _ASCII_TOKEN, STEPS, _plain, clean, tokenize

MANY = 1 << 17
MESSAGE = """From: ann@example.org (Ann)
Subject: Re: orbits
Lines: 9

In article <1@example.org>, bob@example.org (Bob) writes:
> It never comes back.
| It does.

It comes back: see page 9.
"""


def expanded(text: str) -> str:
    return clean(text, ("contractions",))


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("Good, but long!", "good , but long !"),
        ("rock 'n' roll isn't o'clock", "rock n roll isn't o'clock"),
        ("10/10 3.5 a_b state-of-the-art", "10 10 3 . 5 a b state of the art"),
        ("(so; so:) \"so\" 'so'?", '( so ; so : ) " so " so ?'),
        ("don’t DON‘T don´t don`t", "don't don't don't don't"),
        ("“so” «so» ``so''", '" so " " so " " so "'),
        ("-LRB- so -RRB-", "( so )"),
        ("Naïve CAFÉ", "naïve café"),
        ("cafe\u0301", "café"),
        ("ΟΔΟΣ İstanbul", "οδος i\u0307stanbul"),
        ("アニメ最高！好き。", "ア ニ メ 最 高 ! 好 き ."),
        ("हिन्दी में", "हिन्दी में"),
        ("한국어 좋아", "한국어 좋아"),
        ("ｇｏｏｄ ﬁlm", "good film"),
        ("co\u00adoperate", "cooperate"),
        ("so so 😀 so \ud800 \x00 so", "so so so so"),
        ("", ""),
        (" \n\t…", ". . ."),
        ("---", ""),
    ],
)
def test_tokens_are_words_marks_and_characters(text: str, tokens: str) -> None:
    assert clean(text) == tokens


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("can't won't shan't ain't didn't", "can not will not shall not is not did not"),
        ("CAN’T", "can not"),
        ("we're I've they'll she'd I'm", "we are i have they will she would i am"),
        ("what's it's that's there's let's", "what is it is that is there is let us"),
        ("Ann's dog's", "ann's dog's"),
        ("couldn't've", "could not have"),
        ("ca n't wo n't do n't it 's let 's we 're Ann 's", "can not will not do not it is let us we are ann s"),
        ("n't", "not"),
        ("'ve seen", "have seen"),
        ("I 'd", "i would"),
        ("don'ts o'clock", "don'ts o'clock"),
    ],
)
def test_contractions_are_written_out(text: str, tokens: str) -> None:
    assert expanded(text) == tokens


def test_runs_of_white_space_are_a_true_pattern() -> None:
    """The founding text gave the pattern to str.replace, which looks for a backslash and an s."""
    text = "can't \t\n  stop,\u00a0\u2003won't\r\n\r\nstop  it  's"
    assert text.replace(r"\s+", " ") == text
    assert expanded(text) == "can not stop , will not stop it is"
    assert not re.search(r"\s\s", expanded(text))
    assert expanded("ca \n n't") == "can not"


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("so<br /><br />so", "so so"),
        ("<p class='x'>so</p><!-- no -->so", "so so"),
        ("&lt;b&gt; Tom &amp; Ann&#39;s caf&eacute; &#146;", "b tom ann's café"),
        ("I <3 it, 1 < 2 > 0", "i 3 it , 1 2 0"),
        (f"so &#{'9' * 5_000}; so", "so so"),
        ("&#xD800; &#0; so", "so"),
    ],
)
def test_markup_goes(text: str, tokens: str) -> None:
    assert clean(text, ("html",)) == tokens


def test_markup_stays_where_it_is_not_asked_for() -> None:
    assert clean("so<br />so") == "so br so"


def test_headers_and_quotes_go() -> None:
    assert clean(MESSAGE).startswith("from : ann example . org ( ann ) subject : re : orbits")
    assert clean(MESSAGE, ("headers",)).startswith("in article 1 example . org")
    assert clean(MESSAGE, ("headers", "quotes")) == "it comes back : see page 9 ."
    assert clean(MESSAGE, ("quotes", "headers")) == clean(MESSAGE, ("headers", "quotes"))
    assert clean(f" relay!host\n{MESSAGE}", ("headers", "quotes")) == "it comes back : see page 9 ."
    assert clean(MESSAGE.replace("\n", "\r\n"), ("headers", "quotes")) == "it comes back : see page 9 ."


@pytest.mark.parametrize(
    "text", ["It is good.\n\nVery good.", "Note: it is good.\n\nVery good.", "Subject: no body", ""]
)
def test_a_text_that_is_no_message_keeps_its_beginning(text: str) -> None:
    assert clean(text, ("headers",)) == clean(text)


def test_an_unknown_step_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"no cleaning step 'htm'\. Known: headers, quotes, html, contractions\."):
        clean("so", ("htm",))


PIECES = [
    *("can't", "n't", "'s", "'ve", "it", "let", "'", "`", '"', "<br>", "&#39;", "_", " ", "\n", "’", "é", "e\u0301"),
    *(
        "İ",
        "Σ",
        "日",
        "ー",
        "\u0327",
        "\u3099",
        "\ufdfa",
        "\u00a0",
        "\ud800",
        "From: a",
        "> b",
        "writes:",
        "\u1100\u1161",
    ),
    *("ﾊﾞ", "\u0344", "ϓ\u0301", "\u0345", "ẞ", "ǰ", "\u1d16", "℡", "½", "\u0951", "x", "don", "t", "-lrb-", "\u200d"),
]
TEXTS = st.text() | st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=20).map("".join)


@given(TEXTS, st.sets(st.sampled_from(STEPS)).map(lambda steps: tuple(sorted(steps))))
@example("John's's let's've n't n't", ("contractions",))
def test_any_text_is_cleaned_once_and_for_all(text: str, steps: tuple[str, ...]) -> None:
    cleaned = clean(text, steps)
    assert cleaned == " ".join(cleaned.split(" ")).strip()
    assert set("".join(cleaned.split())) & set("<>&_-/`\n\t") == set()
    assert not any(part == "" for part in cleaned.split(" ")) or cleaned == ""
    assert cleaned.split() == [part for part in cleaned.split(" ") if part]  # no other white space
    assert cleaned.lower() == cleaned
    cleaned.encode("utf-8")
    assert clean(cleaned, steps) == cleaned


@given(st.text(st.one_of(st.sampled_from("ab1'`_.,\"( \n-"), st.characters(max_codepoint=127))))
def test_splitting_an_ascii_text_finds_what_the_pattern_finds(text: str) -> None:
    assert tokenize(text) == _ASCII_TOKEN.findall(_plain(text))


@given(st.text(st.characters(max_codepoint=127)))
def test_every_letter_and_digit_stays(text: str) -> None:
    assert re.sub("[^a-z0-9]", "", clean(text)) == re.sub("[^a-z0-9]", "", text.lower())


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a",
            " ",
            "'",
            "a'",
            "'t",
            "a'm",
            " n't",
            "n't ",
            "<",
            "<a",
            "<!--",
            "&",
            "&aaaa",
            "&#9",
            "\n",
            ">\n",
            "writes ",
        ),
        *(
            "A-",
            "From: a\n",
            "`",
            "_",
            ". ",
            "日",
            "é",
            "\u0301\u0327",
            "a\u0301\u0327",
            "\u1100\u1161\u11a8",
            "\x00",
            "😀",
        ),
    ],
)
def test_a_long_text_takes_time_in_proportion(unit: str) -> None:
    """A pattern that looks back at every place would need hours."""
    clean("a" + unit * (MANY // len(unit)), STEPS)


@pytest.mark.realdata
def test_newsgroup_messages_lose_what_scikit_learn_removes(realdata: Path) -> None:
    sklearn = pytest.importorskip("sklearn.datasets._twenty_newsgroups")
    texts = pl.read_parquet(realdata / "text/news20_bydate.parquet")["text"].gather_every(9).to_list()
    for text in texts:
        body = sklearn.strip_newsgroup_header(text)
        assert clean(text, ("headers",)) == clean(body)
        assert clean(text, ("headers", "quotes")) == clean(sklearn.strip_newsgroup_quoting(body))
