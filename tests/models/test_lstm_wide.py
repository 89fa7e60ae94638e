"""The wide part of the LSTM: the contract again, a case by hand, what it learns, fits without the person."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import random as random_matrix

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import split_dataset
from recsys.dataset.vocabulary import FIRST
from recsys.models import load_model
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.inputs import Encoding, settled_shuffle
from recsys.models.lstm.judging import ranking_quality
from recsys.models.lstm.recommender import LSTMRecommender
from recsys.models.lstm.wide import (
    DEEP_SHARES,
    FOLDS,
    SHARES,
    SMALL,
    USUAL_SHARE,
    CrossFitted,
    first_mentions,
    fit_weights,
    prefix_scores,
)
from recsys.models.lstm.windows import TrainingWindows
from recsys.models.slim import SLIMConfig, SLIMRecommender
from tests.contract import RecommenderContract, UnorderedContract
from tests.models.lstm_data import TINY, markov_dataset
from tests.worlds import camps

WIDE = dataclasses.replace(TINY, wide_neighbours=5, wide_regularization=2.0)
BESIDE = dataclasses.replace(WIDE, wide_share=0.5)
CHOSEN = dataclasses.replace(WIDE, wide_share=None)


@pytest.fixture(scope="module")
def unordered() -> Dataset:
    return dataclasses.replace(markov_dataset(0.8, n_users=60, length=14), order=Order.NONE)


class TestWideLSTMContract(UnorderedContract):
    knows_people = True

    @classmethod
    def make(cls) -> LSTMRecommender:
        return LSTMRecommender(WIDE)


class TestLinearModelBesideTheLSTMContract(RecommenderContract):
    learns = "walks"
    knows_people = True

    @classmethod
    def make(cls) -> LSTMRecommender:
        return LSTMRecommender(dataclasses.replace(BESIDE, epochs=12, learning_rate=0.01))


# -- cases by hand -----------------------------------------------------------------------------------------------------


def test_it_adds_the_gated_scores_of_slim_to_those_of_the_network(unordered: Dataset) -> None:
    model = LSTMRecommender(WIDE).fit(unordered)
    slim = SLIMRecommender(SLIMConfig(neighbours=5, regularization=2.0)).fit(unordered)
    network = model._network
    assert network is not None
    kernel, bias = (np.asarray(variable) for variable in network.get_layer("wide_gate").weights)
    linear = np.log(1 + np.maximum(slim.scores(unordered.histories), 0) / SMALL)
    wide = model._wide
    assert wide is not None
    model._wide = None
    deep = model.scores(unordered.histories)
    states = model._encoder.encode(settled_shuffle(unordered.histories))
    gate = np.exp(states @ kernel[:, 0] + bias[0])
    for share in (1.0, 0.3):
        model._wide = dataclasses.replace(wide, deep_share=share)
        found = model.scores(unordered.histories)
        assert np.allclose(found[:, FIRST:], (share * deep + gate[:, None] * linear)[:, FIRST:], atol=1e-4)


@given(
    lengths=st.lists(st.integers(2, 9), min_size=1, max_size=5),
    window=st.integers(2, 6),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_prefix_scores_are_of_the_weights_of_all_titles_so_far(lengths: list[int], window: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    histories = Histories.from_lists([rng.integers(2, 8, size).tolist() for size in lengths])
    weights = random_matrix(8, 4, 0.5, format="csr", dtype=np.float32, rng=rng)
    ends = histories.offsets[1:]
    starts = np.maximum(histories.offsets[:-1], ends - window)
    spans = np.stack([histories.offsets[:-1], starts, ends], axis=1)
    width = int((ends - starts).max())
    found = prefix_scores(weights, histories.items, first_mentions(histories), spans, width)
    for window_scores, (begin, start, end) in zip(found, spans, strict=True):
        for step in range(width):
            watched = set(histories.items[begin : min(start + step + 1, end)].tolist())
            expected = np.log(1 + np.maximum(weights.toarray()[sorted(watched)].sum(axis=0), 0) / SMALL)
            assert np.allclose(window_scores[step], expected, atol=1e-5)


def test_the_loss_is_the_softmax_over_titles_not_watched_yet_with_a_wide_part_too(unordered: Dataset) -> None:
    for loss in ("full", "sampled"):
        config = dataclasses.replace(WIDE, loss=loss, negatives=6, dropout=0.0)
        _check_loss(config, unordered)


def _check_loss(config: LSTMConfig, data: Dataset) -> None:
    from recsys.models.lstm.network import build, scoring_network, with_loss

    encoding = Encoding.of(data, config)
    tags = encoding.item_tags(data.catalogue)
    network = build(config, encoding, tags)
    feed, _, weights = TrainingWindows(
        data.histories, encoding, config, tags, wide=CrossFitted.fit(data, config), shuffled=True
    )[0]
    assert np.abs(feed["wide"]).max() > 0.05
    model = with_loss(network, config)
    scores = np.asarray(scoring_network(model)({k: v for k, v in feed.items() if k not in ("targets", "seen")}))
    found = np.asarray(model(feed))
    for row, step in zip(*np.nonzero(weights), strict=True):
        target, n_earlier = feed["targets"][row, step], feed["seen"].shape[1] - feed["items"].shape[1]
        watched = feed["seen"][row, : n_earlier + step + 1]
        left = np.ones(scores.shape[2], dtype=bool)
        left[watched[watched >= 0]] = False
        left[target] = True
        probabilities = np.exp(scores[row, step] - scores[row, step].max()) * left
        assert found[row, step] == pytest.approx(-np.log(probabilities[target] / probabilities.sum()), abs=1e-4)


# -- honest in training ------------------------------------------------------------------------------------------------


def test_training_scores_come_from_a_fit_without_the_person(unordered: Dataset) -> None:
    fitted = CrossFitted.fit(unordered, WIDE)
    assert np.bincount(fitted.folds).tolist() == [12] * FOLDS
    people = unordered.histories
    for fold, weights in enumerate(fitted.weights):
        others = unordered.with_histories(people.select(np.flatnonzero(fitted.folds != fold)))
        assert np.array_equal(weights.toarray(), fit_weights(others, WIDE).toarray())


def test_one_person_alone_has_no_linear_model(unordered: Dataset) -> None:
    one = unordered.with_histories(unordered.histories.select([3]))
    fitted = CrossFitted.fit(one, WIDE)
    assert fitted.weights[fitted.folds[0]].nnz == 0
    LSTMRecommender(WIDE).fit(one)


# -- it learns what is learnable ---------------------------------------------------------------------------------------


def test_on_tastes_without_an_order_it_ranks_as_well_as_the_linear_model_before_much_training() -> None:
    data = dataclasses.replace(camps(), order=Order.NONE)
    split = split_dataset(data)
    config = dataclasses.replace(WIDE, epochs=1, learning_rate=1e-5)
    quality = {
        name: ranking_quality(model.fit(data, split).scores, split.validation)["ndcg@10"]
        for name, model in {
            "wide": LSTMRecommender(config),
            "slim": SLIMRecommender(SLIMConfig(neighbours=5, regularization=2.0)),
        }.items()
    }
    assert quality["wide"] >= 0.9 * quality["slim"]


# -- what else data without an order has ---------------------------------------------------------------------------


def test_a_target_counts_as_the_share_of_the_history_that_is_known(unordered: Dataset) -> None:
    config = dataclasses.replace(WIDE, window=6, late_weight=2.0)
    encoding = Encoding.of(unordered, config)
    tags = encoding.item_tags(unordered.catalogue)
    windows = TrainingWindows(unordered.histories, encoding, config, tags, shuffled=True)
    found = np.concatenate([weights[weights > 0] for _, _, weights in (windows[at] for at in range(len(windows)))])
    shares = np.arange(1, 14) / 13  # histories of 14
    assert np.allclose(np.sort(found), np.sort(np.tile(shares**2, 60)))


def test_events_know_how_many_came_before(unordered: Dataset) -> None:
    encoding = Encoding.of(unordered, WIDE)
    codes = encoding.count_codes(Histories.from_lists([[2, 3, 4, 5], [6, 7]]))
    assert codes is not None
    assert codes.tolist() == [1, 4, 5, 7, 1, 4]  # 1 + floor(3 log2(1 + n))
    assert (
        Encoding.of(dataclasses.replace(unordered, order=Order.LISTED), WIDE).count_codes(unordered.histories) is None
    )


def test_validation_says_what_the_network_counts_beside_the_linear_model(unordered: Dataset, tmp_path: Path) -> None:
    split = split_dataset(unordered)
    model = LSTMRecommender(WIDE).fit(unordered, split)
    wide, qualities = model._wide, {}
    assert wide is not None
    for share in DEEP_SHARES:
        model._wide = dataclasses.replace(wide, deep_share=share)
        qualities[share] = ranking_quality(model.scores, split.validation)["ndcg@10"]
    assert model.facts["deep_share"] == wide.deep_share == max(qualities, key=lambda share: qualities[share])
    model._wide = wide
    loaded = load_model(model.save(tmp_path / "model"))
    assert np.array_equal(loaded.scores(unordered.histories), model.scores(unordered.histories))
    final = model.refit()
    assert final._wide is not None
    assert final._wide.deep_share == wide.deep_share
    assert f"own scores count {wide.deep_share:g} beside SLIM's" in " ".join(final.findings())
    assert LSTMRecommender(WIDE).fit(unordered).findings() == []


def test_a_wish_raises_the_titles_that_have_the_tag_though_the_linear_model_cannot_read_it(unordered: Dataset) -> None:
    model = LSTMRecommender(WIDE).fit(unordered)
    without = LSTMRecommender(dataclasses.replace(WIDE, wish_odds=0.0)).fit(unordered)
    people = unordered.histories
    gain = model.scores(people, mood=["Drama"])[:, FIRST:] - without.scores(people, mood=["Drama"])[:, FIRST:]
    drama = np.arange(unordered.n_codes - FIRST) % 3 == 1
    assert np.allclose(gain, np.where(drama, WIDE.wish_odds, 0.0), atol=1e-5)
    assert np.array_equal(model.scores(people), without.scores(people))


def test_fitted_again_on_data_with_an_order_it_forgets_the_wide_part(unordered: Dataset) -> None:
    listed = dataclasses.replace(unordered, order=Order.LISTED)
    model = LSTMRecommender(WIDE).fit(unordered).fit(listed)
    assert np.array_equal(model.scores(listed.histories), LSTMRecommender(WIDE).fit(listed).scores(listed.histories))


# -- added to a network that learned by itself, in data with an order ------------------------------------------------


def test_in_data_with_an_order_it_adds_a_share_of_slims_log_odds(tmp_path: Path) -> None:
    data = markov_dataset(0.8, n_users=60, length=14)
    alone, both = (LSTMRecommender(config).fit(data) for config in (WIDE, BESIDE))
    slim = SLIMRecommender(SLIMConfig(neighbours=5, regularization=2.0)).fit(data)
    linear = np.log(1 + np.maximum(slim.scores(data.histories), 0) / SMALL)
    found = both.scores(data.histories)
    assert np.abs(linear[:, FIRST:]).max() > 1
    assert np.allclose(found[:, FIRST:], (alone.scores(data.histories) + 0.5 * linear)[:, FIRST:], atol=1e-4)
    wished, without = (model.scores(data.histories, mood=["Drama"])[:, FIRST:] for model in (both, alone))
    drama = np.arange(data.n_codes - FIRST) % 3 == 1  # the network hears the wish, the linear model is told of it
    told = 0.5 * linear[:, FIRST:] + 0.5 / 2 * BESIDE.wish_odds * drama
    assert np.allclose(wished - without, told, atol=1e-4)
    loaded = load_model(both.save(tmp_path / "model"))
    assert np.array_equal(loaded.scores(data.histories), found)


def test_the_network_and_its_epochs_are_judged_without_it_and_then_with_it() -> None:
    data = markov_dataset(0.8, n_users=60, length=14)
    split = split_dataset(data)
    alone, both = (LSTMRecommender(config).fit(data, split) for config in (WIDE, BESIDE))
    judged = [[row["val_ndcg@10"] for row in model.epochs] for model in (alone, both)]
    assert judged[0] == judged[1]
    told = both.facts["validation_with_the_linear_model"]
    assert told == ranking_quality(both.scores, split.validation)
    assert "validation_with_the_linear_model" not in alone.facts
    assert both.refit()._wide is not None


def test_its_share_is_for_data_with_an_order_and_not_for_teachers(unordered: Dataset) -> None:
    assert np.array_equal(
        *(LSTMRecommender(config).fit(unordered).scores(unordered.histories) for config in (WIDE, BESIDE))
    )
    assert dataclasses.replace(BESIDE, teachers=1).teacher(0).wide_share == 0
    assert not dataclasses.replace(BESIDE, wide_neighbours=0).adds_wide


def test_validation_chooses_what_it_counts(tmp_path: Path) -> None:
    data = dataclasses.replace(camps(), order=Order.LISTED)  # tastes: the linear model knows more than a short training
    split = split_dataset(data)
    model = LSTMRecommender(CHOSEN).fit(data, split)
    judged = {}
    for share in SHARES:
        given = LSTMRecommender(dataclasses.replace(CHOSEN, wide_share=share)).fit(data, split)
        judged[share] = ranking_quality(given.scores, split.validation)
        if share == model.facts["wide_share"]:
            assert np.allclose(given.scores(data.histories), model.scores(data.histories), atol=1e-4)
    best = max(judged, key=lambda share: judged[share]["ndcg@10"])
    assert model.facts["wide_share"] == best > 0
    said = f"SLIM's log odds count {best:g} beside the network: ndcg@10 {judged[best]['ndcg@10']:.4f}."
    assert said in model.findings()
    assert f"Best on validation after epoch {model.facts['best_epoch']} of 2:" in model.findings()[0]
    assert model.facts["validation_with_the_linear_model"] == pytest.approx(judged[best])
    loaded = load_model(model.save(tmp_path / "model"))
    assert np.array_equal(loaded.scores(data.histories), model.scores(data.histories))
    assert loaded.findings() == model.findings()
    final = loaded.refit()
    assert isinstance(final, LSTMRecommender)
    assert final.findings() == model.findings()
    assert final.config.wide_share == final.facts["wide_share"] == best


def test_a_linear_model_that_validation_finds_worthless_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = markov_dataset(0.8, n_users=60, length=14)
    split = split_dataset(data)
    monkeypatch.setattr("recsys.models.lstm.wide.SHARES", (0.0, -1.0))  # one that can only harm
    model = LSTMRecommender(dataclasses.replace(CHOSEN, epochs=12, learning_rate=0.01)).fit(data, split)
    assert model.facts["wide_share"] == 0
    assert model._wide is None
    loaded = load_model(model.save(tmp_path / "model"))
    assert np.array_equal(loaded.scores(data.histories), model.scores(data.histories))
    assert loaded.refit().config.to_mapping()["wide_share"] == 0


def test_without_a_validation_part_it_counts_as_usual() -> None:
    data = markov_dataset(0.8, n_users=60, length=14)
    chosen, given = (
        LSTMRecommender(config).fit(data) for config in (CHOSEN, dataclasses.replace(CHOSEN, wide_share=USUAL_SHARE))
    )
    assert np.array_equal(chosen.scores(data.histories), given.scores(data.histories))
