from __future__ import annotations

import pytest

from recsys.dataset.vocabulary import FIRST, UNKNOWN, Vocabulary

NUMBERS = Vocabulary([5, 10, -3])


@pytest.mark.parametrize("length", [1, 64, 65])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5", FIRST),
        (" 5 ", FIRST),
        ("+5", FIRST),
        ("-3", FIRST + 2),
        ("1_0", UNKNOWN),
        ("٥", UNKNOWN),
        ("5.0", UNKNOWN),
    ],
)
def test_short_and_long_lists_of_ids_are_read_alike(text: str, code: int, length: int) -> None:
    assert NUMBERS.encode([text] * length).tolist() == [code] * length


@pytest.mark.parametrize("length", [1, 65])
def test_text_ids_are_taken_as_they_are(length: int) -> None:
    assert Vocabulary(["a", " a"]).encode([" a"] * length).tolist() == [FIRST + 1] * length
