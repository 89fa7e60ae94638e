from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.ranks import ranks_from_scores
from recsys.dataset.histories import Histories
from recsys.ranking.ranks import target_ranks


@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(2, 9))
def test_training_and_the_judge_see_the_same_ranks(seed: int, n_targets: int, n_levels: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, n_levels, (5, 14)).astype(np.float32)
    shuffled = [rng.permutation(12) + 2 for _ in range(5)]
    targets = Histories.from_lists([codes[:n_targets].tolist() for codes in shuffled])
    seen = Histories.from_lists([codes[n_targets : n_targets + rng.integers(0, 5)].tolist() for codes in shuffled])
    judged = ranks_from_scores(scores.copy(), seen, targets)
    if n_targets == 1:
        assert target_ranks(scores, seen, targets).tolist() == judged.values.tolist()
    else:  # the judge gives each of several targets a place of its own, here one tied with another stands behind it
        ranks = target_ranks(scores, seen, targets).reshape(5, n_targets)
        assert (np.sort(ranks, axis=1) >= judged.values.reshape(5, n_targets)).all()


def test_a_target_without_a_score_is_an_error() -> None:
    scores = np.full((1, 4), -np.inf, dtype=np.float32)
    with pytest.raises(ValueError, match="finite score"):
        target_ranks(scores, Histories.from_lists([[2]]), Histories.from_lists([[3]]))
