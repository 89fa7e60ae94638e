"""How alike names are: cases by hand, and what must not change it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.dataset.vocabulary import FIRST
from recsys.models import likeness
from recsys.models.likeness import LEAST_LIKENESS, name_likeness


def alike(*titles: str | None) -> np.ndarray:
    found: np.ndarray = name_likeness(pl.Series(titles, dtype=pl.String)).toarray()
    return found


def test_names_alike_by_hand() -> None:
    """ "trigun" is in one of three names, "stampede" in one, so the first two share one rare word of one and three."""
    found = alike("Trigun", "Trigun: Stampede!", "Haibane Renmei")
    shared = np.log(4 / 3) + 1  # in two of three names
    alone = np.log(4 / 2) + 1  # the other word, and the pair
    assert found[2, 3] == pytest.approx(shared / np.sqrt(shared**2 + 2 * alone**2))
    assert found[3, 2] == found[2, 3]
    assert np.count_nonzero(found) == 2


def test_what_is_written_without_spaces_counts_by_pairs_of_characters() -> None:
    found = alike(
        "進撃の巨人", "進撃の巨人 Season 2", "巨人の星", "けいおん！", "けいおん!!", "ハイキュー!!", "ハイキュー!! 2期"
    )
    series = [(2, 3), (5, 6), (7, 8)]
    for first, second in series:
        assert found[first, second] > 0.4
    assert found[2, 4] < found[2, 3]
    others = found[FIRST:, FIRST:].copy()
    for first, second in series:
        others[[first - FIRST, second - FIRST], [second - FIRST, first - FIRST]] = 0
    assert others.max() < 0.4
    assert alike("나의 히어로", "나의 히어로 2")[2, 3] > 0.4


def test_a_word_in_every_name_makes_no_franchise(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [f"title {number}" for number in range(100)]
    assert not alike(*many).any()
    assert not alike("", "", None).any()
    assert alike().shape == (2, 2)
    four = ["aria"] * 4 + [f"word{number}" for number in range(96)]
    assert alike(*four).any(), "four of a hundred may be a franchise"
    monkeypatch.setattr(likeness, "MOST_NAMES", 3)
    assert not alike(*four).any()


def test_blocks_of_names_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = pl.Series([f"title {n % 7} of {n % 5}" for n in range(40)] + ["", "alone"])
    whole = name_likeness(titles)
    monkeypatch.setattr(likeness, "ROWS", 3)
    assert (whole != name_likeness(titles)).nnz == 0


def test_likeness_has_the_same_bytes_in_every_process() -> None:
    titles = "', '".join(f"word{n % 7} of{n % 5} the season {n}" for n in range(40))
    code = (
        "import hashlib, polars; from recsys.models.likeness import name_likeness;"
        f"found = name_likeness(polars.Series(['{titles}']));"
        "print(hashlib.sha256(found.data.tobytes() + found.indices.tobytes()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


@given(st.lists(st.text("abc 2剣心", max_size=12), max_size=12))
def test_likeness_is_a_cosine(titles: list[str]) -> None:
    found = alike(*titles)
    assert np.allclose(found, found.T, atol=1e-6)
    assert not found.diagonal().any()
    given = found[found > 0]
    assert ((given >= LEAST_LIKENESS - 1e-6) & (given <= 1 + 1e-5)).all()
    assert not found[:FIRST].any()
