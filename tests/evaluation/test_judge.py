from __future__ import annotations

import numpy as np
import pytest

from evaluation import evaluate
from evaluation.protocol import refuse_leak
from recsys.dataset.histories import Histories
from recsys.dataset.split import Holdout, leave_last_out, random_holdout, split_dataset
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError
from recsys.models.popularity import PopularityRecommender

N_TITLES = 200
CHAIN_LENGTH = 12


def chain(n_users=600, seed=0):
    """Give everyone a walk along the ring of titles, from a random start: the next title is certain."""
    starts = np.random.default_rng(seed).integers(0, N_TITLES, n_users)
    rows = (starts[:, None] + np.arange(CHAIN_LENGTH)) % N_TITLES + FIRST
    return Histories.from_lists(rows.tolist())


class Next:
    """Knows the ring: the title after the last one scores highest."""

    name = "next"

    def scores(self, histories):
        last = histories.items[histories.offsets[1:] - 1] - FIRST
        distance = (np.arange(N_TITLES)[None, :] - last[:, None] - 1) % N_TITLES
        return np.hstack([np.zeros((len(last), FIRST)), -distance])


class Constant:
    def scores(self, histories):
        return np.full((histories.n_users, N_TITLES + FIRST), 0.5, dtype=np.float32)


def test_a_model_that_knows_gets_everything():
    split = leave_last_out(chain())
    found = evaluate(Next(), split, ["recall@1", "ndcg@10", "mrr", "hit_rate@1", "coverage@1"])
    assert {name: found.metrics[name].value for name in ("recall@1", "ndcg@10", "mrr", "hit_rate@1")} == {
        "recall@1": 1,
        "ndcg@10": 1,
        "mrr": 1,
        "hit_rate@1": 1,
    }
    assert found.metrics["coverage@1"].value > 0.9
    assert found.model == "next"


def test_shuffled_targets_fall_to_chance():
    """With another user's answer nothing is left but luck: k of the titles that remain."""
    split = leave_last_out(chain(n_users=3000))
    order = np.random.default_rng(1).permutation(split.test.n_users)
    swapped = split.test.targets.select(order)
    keep = np.array([swapped.of(user)[0] not in split.test.inputs.of(user) for user in range(swapped.n_users)])
    holdout = Holdout(split.test.inputs, swapped).select(np.flatnonzero(keep))
    found = evaluate(Next(), holdout, ["recall@10", "recall@50"])
    n_candidates = N_TITLES - (CHAIN_LENGTH - 1)
    for k in (10, 50):
        assert found.metrics[f"recall@{k}"].value == pytest.approx(k / n_candidates, rel=0.25)


def test_a_constant_scorer_gets_nothing():
    found = evaluate(Constant(), leave_last_out(chain()), cutoffs=[1, 10, 100])
    for name, interval in found.metrics.items():
        if not name.startswith(("coverage", "mrr")):
            assert interval.value == 0, name
    assert found.metrics["mrr"].value < 2 / N_TITLES


def test_random_scores_are_at_chance_level():
    class Random:
        def scores(self, histories):
            return np.random.default_rng(histories.items[0]).random((histories.n_users, N_TITLES + FIRST))

    found = evaluate(Random(), leave_last_out(chain(n_users=3000)), ["recall@20"], batch_size=64)
    assert found.metrics["recall@20"].value == pytest.approx(20 / (N_TITLES - CHAIN_LENGTH + 1), rel=0.25)


def test_the_model_never_sees_the_targets(small):
    split = split_dataset(small)
    seen = []

    class Spy:
        def scores(self, histories):
            seen.extend(histories.of(user).tolist() for user in range(histories.n_users))
            return np.zeros((histories.n_users, small.n_codes))

    evaluate(Spy(), split, ["recall@1"])
    assert seen == [small.histories.of(user)[:-1].tolist() for user in range(6)]


def test_popularity_by_hand(small):
    split = split_dataset(small)
    model = PopularityRecommender().fit(small, split)
    found = evaluate(model, split, ["recall@3", "recall@5", "coverage@11"])
    counts = np.bincount(split.train.items, minlength=small.n_codes)
    ranks = []
    for user in range(6):
        target = split.test.targets.of(user)[0]
        open_codes = set(range(FIRST, small.n_codes)) - set(split.test.inputs.of(user).tolist()) - {target}
        ranks.append(1 + sum(counts[code] >= counts[target] for code in open_codes))
    assert found.ranks.values.tolist() == ranks
    assert found.metrics["recall@5"].value == pytest.approx(np.mean(np.array(ranks) <= 5))
    assert found.metrics["coverage@11"].value == 1
    assert found.per_user["recall@5"].tolist() == [float(rank <= 5) for rank in ranks]


def test_results_come_with_their_certainty(small):
    found = evaluate(Next(), leave_last_out(chain()))
    assert list(found.metrics) == [
        *("recall@5", "recall@10", "recall@20", "ndcg@5", "ndcg@10", "ndcg@20"),
        *("hit_rate@5", "hit_rate@10", "hit_rate@20", "mrr", "coverage@5", "coverage@10", "coverage@20"),
    ]
    for name, interval in found.metrics.items():
        if name.startswith("coverage"):
            assert interval.low is None
            assert interval.high is None
        else:
            assert interval.low <= interval.value <= interval.high
    frame = found.frame()
    assert frame.columns == ["metric", "value", "low", "high"]
    assert frame.height == 13


def test_the_same_seed_gives_the_same_result(small):
    split = split_dataset(small)
    model = PopularityRecommender().fit(small, split)
    assert evaluate(model, split).metrics == evaluate(model, split, batch_size=1).metrics


def test_the_curve_agrees_with_the_metric():
    class Half(Next):
        def scores(self, histories):
            scores = super().scores(histories)
            scores[::2] = np.roll(scores[::2], 3, axis=1)
            return scores

    found = evaluate(Half(), leave_last_out(chain()), ["recall@3", "recall@8"])
    curve = found.curve("recall", 8)
    assert curve[2].value == found.metrics["recall@3"].value
    assert curve[7] == pytest.approx(found.metrics["recall@8"])


def test_validation_is_a_part_of_its_own(small):
    split = split_dataset(small)
    model = PopularityRecommender().fit(small, split)
    found = evaluate(model, split, ["recall@3"], part="validation")
    assert found.protocol.part == "validation"
    with pytest.raises(InputError, match="A part must be test or validation, got 'train'"):
        evaluate(model, split, part="train")


def test_a_model_fitted_on_everything_is_refused(small):
    model = PopularityRecommender().fit(small)
    with pytest.raises(InputError, match="fitted on everything, so it has seen the answers"):
        evaluate(model, split_dataset(small))
    with pytest.raises(InputError, match="fitted on everything"):
        evaluate(model, split_dataset(small).test)


def test_a_model_of_another_test_set_is_refused(small):
    one, other = random_holdout(small.histories, seed=0), random_holdout(small.histories, seed=1)
    model = PopularityRecommender().fit(small, one)
    refuse_leak(model, one)
    with pytest.raises(InputError, match=r"fitted for another test set \(\w{12}… instead of \w{12}…\)"):
        evaluate(model, other)


def test_metrics_are_checked_before_anything_is_scored():
    class Forbidden:
        def scores(self, histories):
            raise AssertionError

    with pytest.raises(InputError, match="There is no metric 'rekall'"):
        evaluate(Forbidden(), leave_last_out(chain()), ["rekall@3"])
    with pytest.raises(InputError, match="At least one metric is needed"):
        evaluate(Forbidden(), leave_last_out(chain()), [])


def test_a_metric_without_ground_is_refused_before_anything_is_scored():
    class Forbidden:
        def scores(self, histories):
            raise AssertionError

    with pytest.raises(InputError, match="The data knows no genre of any title"):
        evaluate(Forbidden(), leave_last_out(chain()), ["miscalibration@3"])
