from __future__ import annotations

import pytest

from recsys.dataset.names import name_key, resolve_names
from recsys.errors import UnknownIdError

KNOWN = ["Sci-Fi", "Slice of Life", "Drama", "Space"]


@pytest.mark.parametrize("text", ["Sci-Fi", " sci fi ", "SCI_FI", "sci  -  fi"])
def test_case_and_punctuation_are_forgiven(text: str) -> None:
    assert resolve_names([text], KNOWN, "genre") == ["Sci-Fi"]
    assert name_key(text) == "sci fi"


def test_order_is_kept() -> None:
    assert resolve_names(["space", "drama"], KNOWN, "genre") == ["Space", "Drama"]
    assert resolve_names([], KNOWN, "genre") == []


def test_unknown_suggests_close_ones() -> None:
    with pytest.raises(UnknownIdError, match="There is no genre 'Darma'") as caught:
        resolve_names(["drama", "Darma"], KNOWN, "genre")
    assert "Drama" in caught.value.hint


def test_unknown_without_close_ones_lists_some() -> None:
    with pytest.raises(UnknownIdError) as caught:
        resolve_names(["zzz"], KNOWN, "genre")
    assert "Sci-Fi, Slice of Life" in caught.value.hint
