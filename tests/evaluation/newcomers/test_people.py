from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.newcomers.people import (
    Acquainted,
    Newcomers,
    meet_newcomers,
    people_result,
    rank_newcomers,
    ranks_table,
)
from evaluation.newcomers.recall import OVER
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Order
from recsys.dataset.split import Holdout, Split, split_dataset
from recsys.errors import InputError
from recsys.models import make_model

PROTOCOL = "unseen-users-0.3-last-1-seed-0"


def by_person(rows, protocol=PROTOCOL):
    """Split so that these people, given by their whole histories, are unseen."""
    test = Holdout(Histories.from_lists([row[:-1] for row in rows]), Histories.from_lists([row[-1:] for row in rows]))
    return Split(protocol, Histories.from_lists([[2, 3, 4]]), test, test)


def rows_of(histories):
    return [histories.of(user).tolist() for user in range(histories.n_users)]


def test_the_target_is_the_title_after_the_known_ones(small):
    split = by_person([[2, 3, 4, 5, 6], [7, 8], [9, 8, 7], [10, 2, 3, 4]])
    found = meet_newcomers(small, split, known=(1, 3))
    assert rows_of(found.holdout.inputs) == [[2, 3, 4], [10, 2, 3]]
    assert rows_of(found.holdout.targets) == [[5], [4]]
    assert found.known == (1, 3)


def test_ratings_and_times_go_with_their_titles(small):
    n = small.histories.n_events
    timed = replace(small, histories=replace(small.histories, ratings=np.arange(n), times=10 * np.arange(n)))
    split = split_dataset(timed, "unseen-users,share=0.4,seed=1")
    found = meet_newcomers(timed, split, known=(1, 2)).holdout
    rating_of = {(r, c): i for i, (r, c) in enumerate(zip(timed.histories.rows, timed.histories.items, strict=True))}
    ratings = np.concatenate([found.inputs.ratings, found.targets.ratings])
    assert np.array_equal(10 * ratings, np.concatenate([found.inputs.times, found.targets.times]))
    assert set(ratings.astype(int)) <= set(rating_of.values())
    assert (np.diff(found.inputs.times.reshape(-1, 2)) > 0).all()
    assert (found.targets.times > found.inputs.times.reshape(-1, 2)[:, 1]).all()


@given(st.lists(st.lists(st.integers(2, 60), min_size=2, max_size=12, unique=True), min_size=1), st.integers(0, 3))
def test_unordered_titles_are_drawn_from_the_persons_own(small, rows, seed):
    unordered = replace(small, order=Order.NONE)
    enough = [row for row in rows if len(row) > 3]
    if not enough:
        with pytest.raises(InputError, match="No unseen user of small has more than 3 titles"):
            meet_newcomers(unordered, by_person(rows), known=(1, 3), seed=seed)
        return
    one, again = (meet_newcomers(unordered, by_person(rows), known=(1, 3), seed=seed) for _ in range(2))
    assert one.sha256 == again.sha256
    inputs, targets = rows_of(one.holdout.inputs), rows_of(one.holdout.targets)
    for row, known, target in zip(enough, inputs, targets, strict=True):
        assert len(known) == 3
        assert len({*known, *target}) == 4
        assert {*known, *target} <= set(row)


def test_the_seed_decides_which_titles_are_known(small):
    unordered = replace(small, order=Order.NONE)
    split = by_person([list(range(2, 40))] * 5)
    hashes = {meet_newcomers(unordered, split, seed=seed).sha256 for seed in (0, 1, 2)}
    assert len(hashes) == 3
    assert split.sha256 not in hashes


def test_a_model_is_told_the_last_titles_only():
    class Teller:
        def scores(self, histories, /):
            self.heard = rows_of(histories)
            return np.zeros((histories.n_users, 9))

    teller = Teller()
    Acquainted(teller, 2).scores(Histories.from_lists([[5, 4, 3], [2], []]))
    assert teller.heard == [[4, 3], [2], []]


def test_the_candidates_are_the_same_however_little_is_known(small):
    """Popularity knows no person, so its ranks must not move: all known titles leave the ranking at once."""
    split = split_dataset(small, "unseen-users,share=0.3")
    newcomers = meet_newcomers(small, split, known=(1, 2, 3))
    ranks = rank_newcomers(make_model("popularity").fit(small, split), newcomers)
    assert ranks.shape == (3, newcomers.holdout.n_users)
    assert (ranks == ranks[0]).all()


def test_ranks_are_those_of_the_shortened_history(small):
    split = split_dataset(small, "unseen-users,share=0.2")
    newcomers = meet_newcomers(small, split, known=(1, 3))
    model = make_model("markov").fit(small, split)
    latest = newcomers.holdout.inputs.keep_events(np.arange(newcomers.holdout.inputs.n_events) % 3 == 2)
    scores = model.scores(latest)[0]
    scores[newcomers.holdout.inputs.of(0)] = -np.inf
    target = int(newcomers.holdout.targets.of(0)[0])
    rank = int((scores >= scores[target]).sum())
    assert rank_newcomers(model, newcomers)[0, 0] == rank


def test_a_model_that_may_know_the_people_is_refused(small):
    split = split_dataset(small, "unseen-users,share=0.2")
    newcomers = meet_newcomers(small, split, known=(1, 3))
    for other in (None, split_dataset(small, "unseen-users,share=0.2,seed=1"), split_dataset(small)):
        with pytest.raises(InputError, match="fitted"):
            rank_newcomers(make_model("popularity").fit(small, other), newcomers)


def test_other_splits_and_numbers_are_refused(small):
    with pytest.raises(InputError, match="New people are those of a split by person, got leave-last-1-out"):
        meet_newcomers(small, split_dataset(small))
    split = split_dataset(small, "unseen-users,share=0.2")
    for known in ((), (0, 1), (2, 1), (1, 1)):
        with pytest.raises(InputError, match="rising numbers from 1"):
            meet_newcomers(small, split, known=known)


def test_a_result_tells_recall_by_known_titles(small):
    split = split_dataset(small, "unseen-users,share=0.4")
    newcomers = Newcomers(split, by_person([[2, 3, 4], [4, 3, 2]]).test, known=(1, 2))
    model = make_model("popularity").fit(small, split)
    ranks = [np.array([[11, 40], [1, 20]]), np.array([[1, 40], [1, 10]])]
    reference = np.array([[40, 1], [40, 40]])
    settings = {"data": "toy", "data_title": "Toy", "seeds": [0, 1], "command": "again"}
    found = people_result([model, model], newcomers, ranks, reference, **settings)
    assert list(found["metrics"]) == ["1", "2"]
    assert [group["recall@10"]["value"] for group in found["metrics"].values()] == [0.25, 0.75]
    over = found["metrics"]["1"][OVER]["recall@10"]
    assert (over["value"], over["wins"], over["losses"]) == (-0.25, 1, 1)
    assert found["protocol"]["judged_sha256"] == newcomers.sha256 != found["split_sha256"] == split.sha256
    assert found["protocol"]["n_users"] == 2
    json.dumps(found, allow_nan=False)
    table = ranks_table([*ranks], newcomers, [0, 1])
    assert table.columns == ["seed", "known", "user", "rank"]
    assert table.row(0) == (0, 1, 0, 11)
    assert table.height == 8
