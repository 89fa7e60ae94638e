"""What else the LSTM promises: every setting matters, the final fit, strangers, refusals in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import split_dataset
from recsys.dataset.vocabulary import FIRST
from recsys.errors import ConfigError, InputError
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.inputs import item_places
from recsys.models.lstm.recommender import LSTMRecommender
from tests.models.lstm_data import LEARN, SMALL, TINY, markov_dataset
from tests.worlds import walks


@pytest.fixture(scope="module")
def markov() -> Dataset:
    return markov_dataset(1.0)


CHANGES: dict[str, Any] = {
    "units": (6, 6), "dim": 6, "residual": False, "feed_forward": 1, "dropout": 0.5, "user_dim": 0,
    "user_dropout": 1.0, "rating_dim": 0, "time_dim": 0, "max_tokens": 1, "place_dim": 4, "wait_dim": 4,
    "count_dim": 0, "wide_neighbours": 3, "wide_regularization": 1.0, "wide_titles": 3, "wide_share": 0.5,
    "chain_share": 0.5, "names_odds": 5.0, "late_weight": 0.0, "wish_odds": 0.0, "wish_rate": 1.0, "wish_tokens": 1,
    "window": 3, "batch_size": 2,
    "least_steps": 50, "epochs": 1, "learning_rate": 0.1, "beta_2": 0.5, "clip_norm": 1e-5,
    "loss": "sampled", "optimizer": "muon", "muon_ratio": 1.0,
    "teachers": 1, "teacher_share": 0.9, "teacher_settings": ("dropout=0.5",),
    "teacher_markov": 1.0, "teacher_slim": 1.0,
    "mask_seen": False, "disliked_weight": 0.0, "liked_from": 1.0,
    "negatives": 1, "schedule": "constant", "seed": 5, "patience": 1, "monitor": "recall@10",
}  # fmt: skip


BESIDE: dict[str, dict[str, Any]] = {
    "loss": {"negatives": 2},  # few, or all titles are drawn
    "liked_from": {"disliked_weight": 0.0},  # where the others count nothing, it decides
    "muon_ratio": {"optimizer": "muon"},
    **{name: {"teachers": 1} for name in ("teacher_share", "teacher_settings", "teacher_markov", "teacher_slim")},
}
"""What a setting needs beside it, to have a say."""

UNORDERED = {"count_dim", "wide_neighbours", "wide_regularization", "wide_titles", "late_weight"}
"""What counts for data without an order only."""


def scores_for_all(config: LSTMConfig, data: Dataset) -> Any:
    """Score known people, and new ones with the same histories."""
    model = LSTMRecommender(config).fit(data)
    return [model.scores(people) for people in (data.histories, data.histories.without_users())]


@pytest.fixture(scope="module")
def unchanged_scores(small: Dataset) -> Any:
    return scores_for_all(SMALL, small)


def test_every_setting_is_in_the_table_of_changes() -> None:
    assert set(CHANGES) == {item.name for item in dataclasses.fields(LSTMConfig)}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in CHANGES
        if name not in ("patience", "monitor", "negatives", "least_steps", "wish_odds", "names_odds")
    ],
)
def test_every_setting_changes_something(name: str, small: Dataset, unchanged_scores: Any) -> None:
    base = dataclasses.replace(SMALL, **BESIDE.get(name, {}))
    if name in UNORDERED:
        small = dataclasses.replace(small, order=Order.NONE)
    if name in BESIDE or name in UNORDERED:
        unchanged_scores = scores_for_all(base, small)
    changed = scores_for_all(dataclasses.replace(base, **{name: CHANGES[name]}), small)
    assert not np.array_equal(changed, unchanged_scores)


def test_negatives_patience_and_monitor_change_the_training(markov: Dataset) -> None:
    sampled = dataclasses.replace(TINY, loss="sampled")
    few, many = (
        LSTMRecommender(dataclasses.replace(sampled, negatives=n)).fit(markov).scores(markov.histories) for n in (2, 99)
    )
    assert not np.array_equal(few, many)
    split = split_dataset(markov)
    bad = dataclasses.replace(TINY, learning_rate=1e-7, epochs=9, patience=1, monitor="recall@10")
    model = LSTMRecommender(bad).fit(markov, split)
    assert len(model.epochs) == model.facts["best_epoch"] + 1 < 9
    best = max(row["val_recall@10"] for row in model.epochs)
    assert model.facts["best_validation"] == best


def test_the_final_fit_sees_everything_for_the_epochs_that_validation_found(markov: Dataset) -> None:
    model = LSTMRecommender(dataclasses.replace(TINY, epochs=3)).fit(markov, split_dataset(markov))
    final = model.refit()
    assert final.facts["fitted_on"] == "everything"
    assert final.facts["n_events"] == markov.histories.n_events > model.facts["n_events"]
    assert len(final.epochs) == model.facts["best_epoch"]


def test_the_listing_of_unordered_data_does_not_matter(markov: Dataset) -> None:
    unordered = dataclasses.replace(markov, order=Order.NONE)
    model = LSTMRecommender(TINY).fit(unordered)
    rows = [markov.histories.of(user).tolist() for user in range(5)]
    listed, sorted_by_id = (Histories.from_lists(some) for some in (rows, [sorted(row) for row in rows]))
    assert np.array_equal(model.scores(listed), model.scores(sorted_by_id))
    assert model.scores(listed)[:1] == pytest.approx(model.scores(listed.select([0])), abs=1e-5)


def test_data_without_an_order_trains_on_shuffles(markov: Dataset) -> None:
    unordered = dataclasses.replace(markov, order=Order.NONE)
    listed, shuffled = (LSTMRecommender(TINY).fit(data).scores(markov.histories) for data in (markov, unordered))
    assert not np.array_equal(listed, shuffled)


def test_a_title_that_nobody_watched_is_scored_by_its_tags(small: Dataset) -> None:
    model = LSTMRecommender(dataclasses.replace(TINY, epochs=20, learning_rate=0.02)).fit(small)
    scores = model.scores(small.histories)
    new = small.items.encode([30])[0]  # Action, watched by nobody
    assert np.isfinite(scores[:, new]).all()
    assert scores[0, new] > scores[3, new]  # the first camp watches Action


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": 3}, "no setting 'unit'. Did you mean 'units'"),
        ({"epochs": 0}, "'epochs' must be at least 1, got 0"),
        ({"dropout": "much"}, "'dropout' must be a number, got 'much'"),
        ({"monitor": "mrr"}, "'monitor' must be ndcg@k or recall@k, got mrr"),
        ({"loss": "bpr"}, "'loss' must be one of auto, full, sampled, got bpr"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        LSTMConfig.from_mapping(settings)


def test_a_diverging_training_is_refused_in_words(small: Dataset) -> None:
    model = LSTMRecommender(TINY)
    with pytest.MonkeyPatch.context() as patch:
        from recsys.models.lstm import windows

        broken = windows.TrainingWindows.__getitem__

        def poisoned(self: Any, index: int) -> Any:
            inputs, targets, weights = broken(self, index)
            inputs["log_q"] = np.full_like(inputs["log_q"], np.nan)
            return inputs, targets, weights

        patch.setattr(windows.TrainingWindows, "__getitem__", poisoned)
        with pytest.raises(ConfigError, match="diverged: the loss of epoch 1 is nan"):
            model.fit(small)


def test_a_user_without_anything_to_learn_from_is_served_as_unknown(small: Dataset) -> None:
    short = small.histories.keep_events(np.arange(small.histories.n_events) != 0).reorder_events(np.arange(25))
    one_event = short.keep_events(np.arange(25) >= 2)  # the first user keeps one event
    model = LSTMRecommender(TINY).fit(dataclasses.replace(small, histories=one_event))
    first = one_event.select([0])
    assert first.n_events == 1
    assert np.array_equal(model.scores(first), model.scores(first.without_users()))
    second = one_event.select([1])
    assert not np.array_equal(model.scores(second), model.scores(second.without_users()))


def test_validation_decides_whether_known_users_get_their_own_vectors(markov: Dataset) -> None:
    split = split_dataset(markov)
    model = LSTMRecommender(TINY).fit(markov, split)
    known, unknown = (model.facts[f"validation_of_{who}"] for who in ("known_users", "the_same_as_unknown"))
    same = np.array_equal(model.scores(markov.histories), model.scores(markov.histories.without_users()))
    assert same == (known["ndcg@10"] <= unknown["ndcg@10"])
    assert LSTMRecommender(TINY).fit(markov)._greets_users  # nothing to decide by: as configured


def test_fitted_again_it_forgets_what_it_found_before(markov: Dataset) -> None:
    fresh = LSTMRecommender(TINY).fit(markov)
    again = LSTMRecommender(TINY)
    again._greets_users = False
    assert np.array_equal(again.fit(markov).scores(markov.histories), fresh.scores(markov.histories))


def test_tensorboard_is_asked_for_before_anything_is_trained(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="TensorBoard is not installed"):
        LSTMRecommender(TINY, tensorboard=tmp_path).fit(small)


def test_histories_too_short_to_learn_from_are_refused(small: Dataset) -> None:
    short = dataclasses.replace(small, histories=small.histories.last(1))
    with pytest.raises(InputError, match="at least 2 events"):
        LSTMRecommender(TINY).fit(short)


def test_each_epoch_is_told_and_an_error_ends_the_fit(markov: Dataset, capfd: pytest.CaptureFixture[str]) -> None:
    class EnoughError(Exception):
        pass

    told: list[tuple[int, float]] = []

    def on_epoch(epoch: int, values: Mapping[str, float]) -> None:
        told.append((epoch, values["ndcg@10"]))
        if epoch == 2:
            raise EnoughError

    model = LSTMRecommender(dataclasses.replace(TINY, epochs=3), on_epoch=on_epoch)
    with pytest.raises(EnoughError):
        model.fit(markov, split_dataset(markov))
    assert [epoch for epoch, _ in told] == [1, 2]
    assert all(0 < value < 1 for _, value in told)
    assert capfd.readouterr().err == ""


def test_places_in_the_order_of_ids_tell_what_few_have_watched() -> None:
    """People walk along the ids: what was learned of one stretch holds for the others."""
    data = walks()
    found = [
        LSTMRecommender(dataclasses.replace(LEARN, place_dim=dim))
        .fit(data, split_dataset(data))
        .facts["best_validation"]
        for dim in (0, 16)
    ]
    assert found[1] > found[0] + 0.2


def test_places_are_waves_over_the_titles_alone() -> None:
    table = item_places(FIRST + 8, 4)
    assert not table[:FIRST].any()
    assert table[FIRST] == pytest.approx([0, 0, 1, 1])  # sines, then cosines
    assert table[FIRST + 1] == pytest.approx([np.sin(np.pi / 8), 1, np.cos(np.pi / 8), 0], abs=1e-6)
    assert item_places(FIRST + 8, 5).shape == (FIRST + 8, 5)


def test_muon_turns_a_matrix_evenly_and_moves_embeddings_as_adam_does() -> None:
    import keras

    from recsys.models.lstm.training import compile_for_training

    config = dataclasses.replace(LEARN, optimizer="muon", muon_ratio=2.0, learning_rate=0.01, clip_norm=1e6)
    codes = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(9, 6, name="item_embedding")(codes)
    projected = keras.layers.Dense(4, use_bias=False, name="projection")(embedded)
    network = keras.Model(codes, keras.ops.sum(projected**2, axis=-1))
    compile_for_training(network, config, steps_per_epoch=1)
    before = [np.array(weight) for weight in network.weights]
    inputs = np.arange(9).reshape(3, 3)
    network.fit(inputs, np.zeros((3, 3)), batch_size=3, epochs=1, verbose=0)
    embedding, matrix = (np.array(new) - old for new, old in zip(network.weights, before, strict=True))
    assert np.abs(embedding) == pytest.approx(0.01, rel=0.05)  # Adam's first step is its rate, up or down
    turned = np.linalg.svd(matrix, compute_uv=False) / (0.01 * 0.2 * 2 * np.sqrt(6))
    assert ((turned > 0.5) & (turned < 1.5)).all()  # Newton-Schulz comes that near to 1
