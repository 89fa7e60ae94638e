from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.protocol import Rules
from evaluation.ranks import NEVER, Ranks, rank_holdout, ranks_from_scores
from recsys.dataset.histories import Histories
from recsys.dataset.split import Holdout
from recsys.errors import InputError


def ranks_of(scores, targets, seen=()):
    row = np.array([[9, 9, *scores]], dtype=np.float32)  # codes 0 and 1 score high and must not count
    return ranks_from_scores(row, Histories.from_lists([list(seen)]), Histories.from_lists([list(targets)])).values


class Table:
    """Scores user u by row u of a table; counts how many users it was asked for at once."""

    def __init__(self, table):
        self.table, self.asked, self.done = np.asarray(table), [], 0

    def scores(self, histories):
        self.asked.append(histories.n_users)
        self.done += histories.n_users
        return self.table[self.done - histories.n_users : self.done]


def test_the_rank_counts_the_better_titles():
    assert ranks_of([0.1, 0.5, 0.3], [2]) == [3]
    assert ranks_of([0.1, 0.5, 0.3], [3]) == [1]


def test_seen_titles_do_not_compete():
    assert ranks_of([0.1, 0.5, 0.3], [2], seen=[3]) == [2]
    assert ranks_of([0.1, 0.5, 0.3], [2], seen=[3, 4, 3, 3]) == [1]
    assert ranks_of([0.1, 0.5, 0.3], [2], seen=[1, 1]) == [3]  # an unknown title in the history changes nothing


def test_ties_rank_the_target_behind():
    assert ranks_of([0.5, 0.5, 0.5, 0.1], [3]) == [3]
    assert ranks_of([0.0, 0.0, 0.0], [2]) == [3]


def test_several_targets_take_places_of_their_own():
    assert ranks_of([0.9, 0.5, 0.3, 0.1], [4, 2]).tolist() == [1, 3]
    assert ranks_of([0.5, 0.5, 0.5, 0.5], [2, 5]).tolist() == [3, 4]  # both behind the tied others
    assert ranks_of([0.5, 0.4, 0.3], [2, 3, 4]).tolist() == [1, 2, 3]


def test_a_score_of_minus_infinity_is_never_recommended():
    assert ranks_of([0.5, -np.inf], [3]) == [NEVER]
    assert ranks_of([0.5, -np.inf, 0.2], [3, 4]).tolist() == [2, NEVER]


def test_scores_are_not_changed():
    scores = np.array([[0.0, 0.0, 1.0, 2.0]])
    scores.flags.writeable = False
    ranks_from_scores(scores, Histories.from_lists([[3]]), Histories.from_lists([[2]]))


@given(st.data())
def test_agrees_with_sorting_a_list(data):
    n_codes = data.draw(st.integers(5, 12))
    codes = data.draw(st.permutations(range(2, n_codes)))
    n_seen = data.draw(st.integers(0, len(codes) - 2))
    n_targets = data.draw(st.integers(1, len(codes) - n_seen))
    seen, targets = codes[:n_seen], codes[n_seen : n_seen + n_targets]
    scores = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n_codes, max_size=n_codes)), dtype=float)
    open_titles = [code for code in range(2, n_codes) if code not in seen]
    by_hand = sorted(open_titles, key=lambda code: (-scores[code], code in targets))
    expected = sorted(by_hand.index(code) + 1 for code in targets)
    found = ranks_from_scores(scores[None], Histories.from_lists([seen]), Histories.from_lists([targets]))
    assert found.values.tolist() == expected


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_batches_change_nothing_and_bound_the_memory(batch_size):
    rng = np.random.default_rng(0)
    table = rng.integers(0, 4, size=(7, 9)).astype(np.float32)
    rows = [rng.permutation(np.arange(2, 9)).tolist() for _ in range(7)]
    holdout = Holdout(Histories.from_lists([row[:3] for row in rows]), Histories.from_lists([row[3:5] for row in rows]))
    model = Table(table)
    ranked = rank_holdout(model, holdout, depth=3, batch_size=batch_size)
    whole = ranks_from_scores(table, holdout.inputs, holdout.targets)
    assert ranked.ranks.values.tolist() == whole.values.tolist()
    assert max(model.asked) <= batch_size
    assert ranked.n_titles == 7
    assert ranked.lists.shape == (7, 3)
    for user, row in enumerate(rows):
        assert not set(ranked.lists[user]) & set(row[:3])


def test_lists_end_where_the_titles_end():
    holdout = Holdout(Histories.from_lists([[2]]), Histories.from_lists([[3]]))
    ranked = rank_holdout(Table([[0.0, 0.0, 3.0, 1.0, 2.0]]), holdout, depth=1_000_000_000)
    assert ranked.lists.tolist() == [[4, 3, 0, 0, 0]]


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float16"])
@pytest.mark.parametrize("rules", [Rules(), Rules(candidates=np.array([2, 4, 5]))])
def test_scores_of_any_kind_of_number_rank_alike(dtype, rules):
    table = [[0, 0, 1, 0, 0, 1], [0, 0, 0, 1, 1, 0]]
    holdout = Holdout(Histories.from_lists([[3], [2]]), Histories.from_lists([[2, 4], [4, 5]]))
    wanted = rank_holdout(Table(np.array(table, dtype="float64")), holdout, depth=4, rules=rules)
    found = rank_holdout(Table(np.array(table, dtype=dtype)), holdout, depth=4, rules=rules)
    assert found.ranks.values.tolist() == wanted.ranks.values.tolist()
    assert found.lists.tolist() == wanted.lists.tolist()


def test_lists_keep_the_order_of_the_smallest_probabilities():
    holdout = Holdout(Histories.from_lists([[2]]), Histories.from_lists([[3]]))
    ranked = rank_holdout(Table([[0, 0, 0, 1e-50, 1e-60, 1e-40]]), holdout, depth=3)
    assert ranked.lists.tolist() == [[5, 3, 4]]


def test_nan_scores_are_refused():
    with pytest.raises(InputError, match=r"Scores must be numbers, got NaN \(first for row 0, code 3\)"):
        ranks_of([0.1, np.nan, 0.3], [2])


def test_a_target_that_was_shown_is_refused():
    with pytest.raises(InputError, match="1 of 1 targets are among the titles that their user has seen"):
        ranks_of([0.1, 0.2], [2], seen=[2])


def test_odd_targets_are_refused():
    with pytest.raises(InputError, match="A user's targets must differ"):
        ranks_of([0.1, 0.2], [2, 2])
    with pytest.raises(InputError, match="Targets must be item codes from 2 to 3, got 9 to 9"):
        ranks_of([0.1, 0.2], [9])
    with pytest.raises(InputError, match="Targets must be item codes from 2 to 3, got 1 to 1"):
        ranks_of([0.1, 0.2], [1])
    with pytest.raises(InputError, match="user 0 has none"):
        ranks_of([0.1, 0.2], [])


def test_scores_of_a_wrong_shape_are_refused():
    holdout = Holdout(Histories.from_lists([[2], [2]]), Histories.from_lists([[3], [3]]))
    with pytest.raises(InputError, match=r"Scores must be \(2, 4\) \(users, item codes\), got \(1, 4\)"):
        rank_holdout(Table(np.zeros((1, 4))), holdout)


def test_an_empty_holdout_is_refused():
    nobody = Histories.from_lists([])
    with pytest.raises(InputError, match="nobody to judge by"):
        rank_holdout(Table(np.zeros((0, 4))), Holdout(nobody, nobody))


def test_ranks_count_from_one():
    with pytest.raises(InputError, match="Ranks must be at least 1, got 0"):
        Ranks.from_lists([[0]])
    with pytest.raises(InputError, match="user 1 has none"):
        Ranks.from_lists([[1], []])


@pytest.mark.parametrize("buffers", [1, 2])
def test_a_model_may_write_its_scores_into_the_same_memory_again(buffers):
    """Batches are ranked while later ones are scored; a model with one buffer for all must not be misjudged."""
    rng = np.random.default_rng(0)
    n_users, n_codes = 40, 300
    table = rng.random((n_users, n_codes))
    inputs = Histories.from_lists([[2 + user] for user in range(n_users)])
    targets = Histories.from_lists([[100 + user] for user in range(n_users)])
    memory = np.empty((buffers, 4, n_codes))

    class Thrifty:
        calls = 0

        def scores(self, histories):
            mine = memory[self.calls % buffers]
            mine[:] = table[histories.items - 2]
            Thrifty.calls += 1
            return mine

    found = rank_holdout(Thrifty(), Holdout(inputs, targets), batch_size=4, depth=3)
    expected = ranks_from_scores(table, inputs, targets)
    assert found.ranks.values.tolist() == expected.values.tolist()
    assert found.lists.shape == (n_users, 3)
