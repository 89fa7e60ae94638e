from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation import Rules, evaluate, evaluate_lists
from evaluation.protocol import refuse_leak
from evaluation.ranks import NEVER
from recsys.dataset.split import split_dataset
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError
from recsys.models.popularity import PopularityRecommender
from recsys.ranking.topk import top_k


class Fixed:
    """Scores titles by a given row, for everybody."""

    def __init__(self, row):
        self.row = np.asarray(row, dtype=np.float32)

    def scores(self, histories):
        return np.tile(self.row, (histories.n_users, 1))


def test_only_candidates_are_ranked(small):
    split = split_dataset(small)
    model = Fixed(np.arange(small.n_codes))
    target = split.test.targets.of(0)[0]
    everything = evaluate(model, split, ["mrr"]).ranks.values[0]
    few = np.array([target, small.n_codes - 1])
    found = evaluate(model, split, ["mrr", "coverage@2"], rules=Rules(few))
    assert everything > 2
    assert found.ranks.values[0] == 2
    assert found.protocol.candidates.startswith("2 titles, sha256 ")
    others = [row for row in range(split.test.n_users) if split.test.targets.of(row)[0] not in few]
    assert (found.ranks.values[others] == NEVER).all()
    with pytest.raises(InputError, match=f"Candidates must be item codes from {FIRST} to {small.n_codes - 1}"):
        evaluate(model, split, ["mrr"], rules=Rules(np.array([small.n_codes])))
    with pytest.raises(InputError, match="at least one of them"):
        evaluate(model, split, ["mrr"], rules=Rules(np.array([], dtype=int)))


def test_a_tie_counts_against_the_target_or_for_it(small):
    split = split_dataset(small)
    constant = Fixed(np.zeros(small.n_codes))
    behind = evaluate(constant, split, ["mrr"])
    ahead = evaluate(constant, split, ["mrr"], rules=Rules(ties="ahead"))
    n_open = len(small.items) - split.test.inputs.lengths
    assert behind.ranks.values.tolist() == n_open.tolist()
    assert (ahead.ranks.values == 1).all()
    assert (behind.protocol.ties, ahead.protocol.ties) == ("behind", "ahead")


def test_seen_titles_compete_where_the_rules_say_so(small):
    split = split_dataset(small)
    constant = Fixed(np.zeros(small.n_codes))
    ranked = evaluate(constant, split, ["mrr"], rules=Rules(seen="ranked"))
    assert (ranked.ranks.values == len(small.items)).all()
    assert ranked.protocol.seen == "ranked"


def test_only_what_was_liked_is_to_be_found(small):
    """The last titles are rated 8, 6, 5, 9 and twice not at all."""
    split = split_dataset(small)
    model = Fixed(np.arange(small.n_codes))
    everything = evaluate(model, split, ["mrr", "coverage@2"])
    liked = evaluate(model, split, ["mrr", "coverage@2"], rules=Rules(liked=8.0))
    assert liked.ranks.values.tolist() == everything.ranks.values[[0, 3]].tolist()
    assert (liked.protocol.targets, liked.protocol.n_users) == ("rated 8 or more", 2)
    assert everything.protocol.targets == "all"
    with pytest.raises(InputError, match=r"rated 9.5 or more \(the highest rating: 9\)"):
        evaluate(model, split, ["mrr"], rules=Rules(liked=9.5))
    unrated = replace(split.test, targets=replace(split.test.targets, ratings=None))
    with pytest.raises(InputError, match="Only data with ratings"):
        evaluate(model, unrated, ["mrr"], rules=Rules(liked=8.0))


class Clock:
    """Scores the title highest whose code is the remainder of the time of the request."""

    def scores(self, histories):
        scores = np.zeros((histories.n_users, 40), dtype=np.float32)
        if histories.asked is not None:
            scores[np.arange(histories.n_users), histories.asked % 40] = 1
        return scores


def test_the_time_of_a_request_is_told_where_the_rules_say_so_and_nothing_else(small):
    """Targets were watched at the remainder that is their code: only who knows the time finds them."""
    split = split_dataset(small)
    targets = split.test.targets
    timed = replace(split.test, targets=replace(targets, times=40 * 10**6 + targets.items.astype(np.int64)))
    hidden, told = (evaluate(Clock(), timed, ["mrr"], rules=Rules(request_times=rule)) for rule in ("hidden", "told"))
    assert (told.ranks.values == 1).all()
    assert (hidden.ranks.values > 1).all()
    assert (hidden.protocol.request_times, told.protocol.request_times) == ("hidden", "told")
    assert split.test.inputs.asked is None
    without = replace(split.test, targets=replace(targets, times=None))
    with pytest.raises(InputError, match="no times, so no request tells one"):
        evaluate(Clock(), without, ["mrr"], rules=Rules(request_times="told"))


@pytest.mark.parametrize("rule", [{"seen": "hidden"}, {"ties": "mean"}, {"request_times": "now"}])
def test_rules_that_do_not_exist_are_refused(rule):
    with pytest.raises(InputError, match=f"got '{next(iter(rule.values()))}'"):
        Rules(**rule)


def test_a_user_without_history_is_refused(small):
    split = split_dataset(small)
    holdout = replace(split.test, inputs=split.test.inputs.keep_events(split.test.inputs.rows != 2))
    with pytest.raises(InputError, match=r"1 of 6 have none \(first: row 2\)"):
        evaluate(Fixed(np.zeros(small.n_codes)), holdout)


def test_a_model_from_the_test_period_is_refused(small):
    split = split_dataset(small, "time,at=0.7")
    model = PopularityRecommender().fit(small, split)
    refuse_leak(model, split)
    later = PopularityRecommender().fit(small, split_dataset(small))
    with pytest.raises(InputError, match="it has learned from the time that it would have to predict"):
        refuse_leak(later, split)


def test_lists_from_elsewhere_are_judged_like_the_model_that_made_them(small):
    split = split_dataset(small)
    model = Fixed(np.random.default_rng(0).random(small.n_codes))
    names = ["recall@3", "ndcg@3", "mrr@3", "coverage@3"]
    scores = model.scores(split.test.inputs)
    scores[:, :FIRST] = -np.inf
    scores[split.test.inputs.rows, split.test.inputs.items] = -np.inf
    codes = top_k(scores, 5).codes
    ours = evaluate(model, split, names)
    theirs = evaluate_lists(codes, split, names, data=small, model="elsewhere")
    assert theirs.metrics == ours.metrics
    assert theirs.model == "elsewhere"
    near = ours.ranks.values <= 5
    assert np.array_equal(theirs.ranks.values[near], ours.ranks.values[near])
    assert (theirs.ranks.values[~near] == NEVER).all()
    with pytest.raises(InputError, match=r"'recall@9' looks deeper than the lists go \(5 titles\)"):
        evaluate_lists(codes, split, ["recall@9"], data=small, model="elsewhere")


def test_lists_that_no_model_may_give_are_refused(small):
    split = split_dataset(small)
    n = split.test.n_users
    seen, target = split.test.inputs.of(0)[0], split.test.targets.of(0)[0]
    for row, message in [
        ([target, target], "A list must name a title once"),
        ([seen, target], "1 listed titles are among those that their user has seen"),
        ([target, small.n_codes], "Lists must hold item codes from 2 to"),
    ]:
        codes = np.zeros((n, 2), dtype=np.int32)
        codes[0] = row
        with pytest.raises(InputError, match=message):
            evaluate_lists(codes, split, ["recall@1"], data=small, model="elsewhere")
    with pytest.raises(InputError, match=r"Lists must be \(users, depth\) for 6 users, got the shape \(5, 2\)"):
        evaluate_lists(np.zeros((5, 2), dtype=np.int32), split, ["recall@1"], data=small, model="elsewhere")
