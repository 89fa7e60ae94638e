from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.dataset.vocabulary import PADDING
from recsys.ranking.topk import top_k

INF = float("inf")


def naive(row: np.ndarray, k: int) -> tuple[list[int], list[float]]:
    """Sort the candidates of one row by score, then code."""
    codes = sorted((code for code in range(len(row)) if row[code] > -INF), key=lambda code: (-row[code], code))[:k]
    return codes, [float(row[code]) for code in codes]


def check_against_naive(scores: np.ndarray, k: int) -> None:
    ranked = top_k(scores, k)
    width = min(k, scores.shape[1])
    assert ranked.codes.shape == ranked.scores.shape == (len(scores), width)
    assert ranked.codes.dtype == np.int32
    assert ranked.scores.dtype == np.float32
    for row, row_codes, row_scores in zip(scores, ranked.codes, ranked.scores, strict=True):
        codes, values = naive(row, k)
        fillers = width - len(codes)
        assert row_codes.tolist() == codes + [PADDING] * fillers
        assert row_scores.tolist() == values + [-INF] * fillers


def test_ranks_by_hand() -> None:
    ranked = top_k(np.array([[0.5, -INF, 2.0, 2.0, -1.0], [-INF, -INF, -INF, 0.0, -INF]], dtype=np.float32), 3)
    assert ranked.codes.tolist() == [[2, 3, 0], [3, PADDING, PADDING]]
    assert ranked.scores.tolist() == [[2.0, 2.0, 0.5], [0.0, -INF, -INF]]


def test_lets_the_lowest_code_win_at_the_border() -> None:
    assert top_k(np.array([[1.0, 3.0, 1.0, 1.0]], dtype=np.float32), 2).codes.tolist() == [[1, 0]]


def test_gives_what_exists_when_k_exceeds_the_row() -> None:
    assert top_k(np.array([[1.0, 2.0]], dtype=np.float32), 5).codes.tolist() == [[1, 0]]


def test_ranks_no_rows() -> None:
    assert top_k(np.zeros((0, 300), dtype=np.float32), 4).codes.shape == (0, 4)


@given(
    st.integers(1, 40).flatmap(
        lambda width: st.lists(
            # few distinct values: most of what can go wrong are ties, at the border above all
            st.lists(st.sampled_from([-INF, -1.5, -0.0, 0.0, 1.0, 2.0, INF]), min_size=width, max_size=width),
            min_size=1,
            max_size=4,
        )
    ),
    st.integers(1, 50),
)
def test_equals_a_naive_sort_on_small_rows(rows: list[list[float]], k: int) -> None:
    check_against_naive(np.array(rows, dtype=np.float32), k)


@pytest.mark.parametrize("k", [1, 3, 10, 100, 399])
@given(seed=st.integers(0, 10_000), digits=st.integers(0, 3), share=st.sampled_from([0.0, 0.5, 0.99]))
def test_equals_a_naive_sort_on_rows_of_several_blocks(k: int, seed: int, digits: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.standard_normal((2, 400)), digits).astype(np.float32)
    scores[rng.random(scores.shape) < share] = -np.inf
    check_against_naive(scores, k)


@given(st.integers(0, 10_000))
def test_ranks_a_row_alike_alone_and_in_company(seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 9, (5, 300)).astype(np.float32)
    together = top_k(scores, 7)
    for row in range(5):
        assert np.array_equal(top_k(scores[row : row + 1], 7).codes[0], together.codes[row])
