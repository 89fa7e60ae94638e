"""The four proofs of the LSTM: contract, a case by hand, it learns, invariances."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import split_dataset
from recsys.errors import ArtifactError, InputError
from recsys.models import load_model
from recsys.models.lstm.inputs import Events, gather_windows
from recsys.models.lstm.recommender import LSTMRecommender
from recsys.models.popularity import PopularityRecommender
from recsys.ranking.ranks import target_ranks
from tests.contract import RecommenderContract
from tests.models.lstm_data import LEARN, TINY, markov_dataset


@pytest.fixture(scope="module")
def markov() -> Dataset:
    return markov_dataset(1.0)


@pytest.fixture(scope="module")
def fitted(markov: Dataset) -> LSTMRecommender:
    return LSTMRecommender(LEARN).fit(markov, split_dataset(markov))


def keras_states(model: LSTMRecommender, histories: Histories, wish: int | None = None) -> Any:
    """Compute the states of the last events with the Keras network itself."""
    import keras

    encoding, network = model._encoding, model._network
    assert network is not None
    events, lengths = Events.of(histories, encoding), np.minimum(histories.lengths, model.config.window)
    starts = histories.offsets[1:] - lengths
    width = int(lengths.max())
    wishes = np.zeros((histories.n_users, width, model.config.wish_tokens), dtype=np.int32)
    wishes[..., 0] = 1
    if wish is not None:
        wishes[np.arange(len(lengths)), lengths - 1, 0] = 1 + wish
    feed: dict[str, Any] = {
        "items": gather_windows(histories.items, starts, lengths, width),
        "users": events.users,
        "wishes": wishes,
    }
    feed = {name: value for name, value in feed.items() if name in {tensor.name for tensor in network.inputs}}
    if events.ratings is not None:
        feed["ratings"] = gather_windows(events.ratings, starts, lengths, width)
    if events.gaps is not None:
        feed["gaps"] = gather_windows(events.gaps, starts, lengths, width)
    if events.waits is not None:
        feed["waits"] = gather_windows(events.waits, starts, lengths, width)
    inputs = {tensor.name: tensor for tensor in network.inputs}
    part = keras.Model({name: inputs[name] for name in feed}, network.get_layer("states").output)
    return np.asarray(part(feed))[np.arange(len(lengths)), lengths - 1]


def hit_rate(model: Any, data: Dataset, k: int) -> float:
    test = split_dataset(data).test
    ranks = target_ranks(
        model.scores(test.inputs), test.inputs.keep_events(np.zeros(test.inputs.n_events, bool)), test.targets
    )
    return float((ranks <= k).mean())


class TestLSTMContract(RecommenderContract):
    learns = "order"
    knows_people = True

    @classmethod
    def make(cls) -> LSTMRecommender:
        return LSTMRecommender(TINY)

    @classmethod
    def make_learner(cls) -> LSTMRecommender:
        return LSTMRecommender(dataclasses.replace(TINY, epochs=30, learning_rate=0.01, schedule="constant"))


# -- a case by hand ----------------------------------------------------------------------------------------------------


def test_the_plain_stack_equals_the_lstm_equations(small: Dataset) -> None:
    config = dataclasses.replace(TINY, units=(3,), dim=3, residual=False, epochs=1)
    model = LSTMRecommender(config).fit(small)
    network = model._network
    assert network is not None
    weights = {layer.name: [np.asarray(w) for w in layer.weights if "seed" not in w.path] for layer in network.layers}
    history = small.histories.select([4])
    events = Events.of(history, model._encoding)
    assert events.ratings is not None
    assert events.gaps is not None
    kernel, recurrent, bias = weights["lstm_1"]
    h, c = np.zeros(3), np.zeros(3)
    tokens = weights["token_embedding"][0]
    for t, item in enumerate(history.items):
        x = np.concatenate(
            [
                weights["item_embedding"][0][item],
                weights["item_tags"][0][item] @ tokens,
                tokens[0],  # no wish
                weights["rating_embedding"][0][events.ratings[t]],
                weights["gap_embedding"][0][events.gaps[t]],
                weights["user_embedding"][0][events.users[0]],
            ]
        )
        x = x @ weights["projection"][0] + weights["projection"][1]
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
        c = 1 / (1 + np.exp(-f)) * c + 1 / (1 + np.exp(-i)) * np.tanh(g)
        h = 1 / (1 + np.exp(-o)) * np.tanh(c)
    vectors = weights["item_embedding"][0] + weights["item_tags"][0] @ tokens
    expected = vectors @ h + weights["item_bias"][0][:, 0]
    watched = np.unique(small.histories.items)
    assert model.scores(history)[0, watched] == pytest.approx(expected[watched], abs=1e-5)


# -- it learns ---------------------------------------------------------------------------------------------------------


def test_it_learns_a_predictable_chain_and_beats_popularity(fitted: LSTMRecommender, markov: Dataset) -> None:
    popularity = PopularityRecommender().fit(markov, split_dataset(markov))
    assert hit_rate(fitted, markov, 1) > 0.9
    assert hit_rate(popularity, markov, 1) < 0.2


def test_it_learns_nothing_from_noise() -> None:
    noise = markov_dataset(0.0, n_users=300)
    model = LSTMRecommender(dataclasses.replace(LEARN, epochs=5)).fit(noise, split_dataset(noise))
    assert hit_rate(model, noise, 3) < 0.2  # chance is 0.1


def test_a_wish_raises_the_titles_that_have_the_tag() -> None:
    data = markov_dataset(0.0, n_users=300)
    model = LSTMRecommender(dataclasses.replace(LEARN, epochs=8, wish_rate=0.8)).fit(data)
    tagged = data.catalogue.token_matrix(["drama"])[:, 0] > 0
    plain, wished = model.scores(data.histories), model.scores(data.histories, ["Drama"])
    assert wished[:, tagged].mean() > wished[:, 2:][:, ~tagged[2:]].mean() + 0.5
    assert abs(plain[:, tagged].mean() - plain[:, 2:][:, ~tagged[2:]].mean()) < 0.3


# -- nothing leaks -----------------------------------------------------------------------------------------------------


def test_without_a_wish_no_score_depends_on_what_comes_next(fitted: LSTMRecommender, markov: Dataset) -> None:
    """Change everything after timestep t, wishes included in training's own input form: logits up to t stay."""
    network = fitted._network
    assert network is not None
    items = markov.histories.select(slice(0, 5)).items.reshape(5, -1)[:, :10]
    feed = {
        "items": items,
        "users": np.ones(5, np.int32),
        "candidates": np.arange(2, markov.n_codes, dtype=np.int32),
        "wishes": np.tile(np.array([1, 0], np.int32), (5, 10, 1)),
        "log_q": np.zeros(markov.n_codes - 2, np.float32),
    }
    other = {**feed, "items": np.where(np.arange(10) > 4, items[::-1], items)}
    before, after = np.asarray(network(feed)), np.asarray(network(other))
    assert np.array_equal(before[:, :5], after[:, :5])
    assert not np.allclose(before[:, 5:], after[:, 5:])


def test_evaluation_inputs_hold_neither_target_nor_wish(fitted: LSTMRecommender, markov: Dataset) -> None:
    test = split_dataset(markov).test
    changed = Histories(test.targets.offsets, np.roll(test.targets.items, 1), users=test.targets.users)
    assert not np.array_equal(changed.items, test.targets.items)
    scores = fitted.scores(test.inputs)  # a function of the inputs alone: targets cannot be passed
    assert np.array_equal(
        scores, fitted.scores(Histories(test.inputs.offsets, test.inputs.items, users=test.inputs.users))
    )


# -- invariances -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place_dim", [0, 6])
def test_onnx_and_keras_give_the_same_states_and_the_same_lists(place_dim: int, small: Dataset) -> None:
    model = LSTMRecommender(dataclasses.replace(TINY, units=(16, 24), window=4, place_dim=place_dim)).fit(small)
    wish = 1 + model._encoding.tokens.index("action")
    for tokens, column in (([], None), (["action"], wish)):
        onnx = model._encoder.encode(small.histories, tokens)
        keras = keras_states(model, small.histories, column)
        assert onnx == pytest.approx(keras, abs=1e-5)
        lists = [np.argsort(-(states @ model._vectors.T + model._bias), axis=1)[:, :5] for states in (onnx, keras)]
        assert np.array_equal(*lists)


def test_padding_and_company_change_nothing(fitted: LSTMRecommender, markov: Dataset) -> None:
    rows = [markov.histories.of(0)[:n].tolist() for n in (1, 7, 3)]
    together = fitted.scores(Histories.from_lists(rows))
    alone = np.concatenate([fitted.scores(Histories.from_lists([row])) for row in rows])
    assert together[:, 2:] == pytest.approx(alone[:, 2:], abs=1e-5)


def test_only_the_last_window_counts(fitted: LSTMRecommender, markov: Dataset) -> None:
    long = markov.histories.select([0])
    assert np.array_equal(fitted.scores(long), fitted.scores(long.last(LEARN.window)))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small: Dataset) -> None:
    first, again, other = (
        LSTMRecommender(dataclasses.replace(TINY, seed=seed)).fit(small).scores(small.histories) for seed in (3, 3, 4)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("optimizer", ["Adam", "Muon"])
def test_the_training_step_is_traced_once(optimizer: str, small: Dataset, traced: list[str]) -> None:
    LSTMRecommender(dataclasses.replace(TINY, units=(16,), optimizer=optimizer.lower())).fit(small)
    assert traced == [optimizer]


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_an_interrupted_fit_resumes_to_the_same_bytes(optimizer: str, markov: Dataset, tmp_path: Path) -> None:
    split = split_dataset(markov)
    config = dataclasses.replace(TINY, epochs=3, optimizer=optimizer)
    whole = LSTMRecommender(config, workdir=tmp_path / "whole").fit(markov, split)

    class PlugPulledError(Exception):
        """The plug is pulled."""

    from recsys.models.lstm import training

    original = training.Checkpoint.on_epoch_end

    def pull_the_plug(self: Any, epoch: int, logs: Any = None) -> None:
        original(self, epoch, logs)
        if epoch == 1:
            raise PlugPulledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.Checkpoint, "on_epoch_end", pull_the_plug)
        cut = LSTMRecommender(config, workdir=tmp_path / "cut")
        with pytest.raises(PlugPulledError):
            cut.fit(markov, split)
    resumed = LSTMRecommender(config, workdir=tmp_path / "cut", resume=True).fit(markov, split)
    assert [row["loss"] for row in resumed.epochs] == [row["loss"] for row in whole.epochs]
    assert resumed.scores(markov.histories).tobytes() == whole.scores(markov.histories).tobytes()
    with pytest.raises(InputError, match="other settings or data"):
        LSTMRecommender(dataclasses.replace(config, seed=9), workdir=tmp_path / "cut", resume=True).fit(markov, split)
    renamed = Catalogue(markov.catalogue.frame.with_columns(genres=pl.lit(["Horror"])))
    other = dataclasses.replace(markov, catalogue=renamed)
    with pytest.raises(InputError, match="other settings or data"):
        LSTMRecommender(config, workdir=tmp_path / "cut", resume=True).fit(other, split_dataset(other))
    assert {"log.csv", "curves.png"} <= {path.name for path in (tmp_path / "whole").iterdir()}


def test_a_saved_model_can_be_saved_again(fitted: LSTMRecommender, markov: Dataset, tmp_path: Path) -> None:
    load_model(fitted.save(tmp_path / "one")).save(tmp_path / "two")
    assert load_model(tmp_path / "two").scores(markov.histories).tobytes() == fitted.scores(markov.histories).tobytes()


def test_a_loaded_model_is_not_saved_with_the_network_of_another(
    fitted: LSTMRecommender, markov: Dataset, tmp_path: Path
) -> None:
    loaded = load_model(fitted.save(tmp_path / "one"))
    loaded.save(tmp_path / "one", overwrite=True)
    LSTMRecommender(TINY).fit(markov).save(tmp_path / "one", overwrite=True)
    with pytest.raises(ArtifactError, match=r"network\.keras is no longer what was read"):
        loaded.save(tmp_path / "two")
    shutil.rmtree(tmp_path / "one")
    with pytest.raises(ArtifactError, match=r"network\.keras is no longer what was read"):
        loaded.save(tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_describe_lists_the_layers_in_the_terms_of_the_picture(fitted: LSTMRecommender) -> None:
    table = fitted.describe()
    assert {"item_embedding", "token_embedding", "user_embedding", "lstm_1", "lstm_2", "item_bias"} <= set(
        table["layer"]
    )
    assert table.filter(table["layer"] == "lstm_1")["output_shape"].item() == "samples x timesteps x 32"
    units = 32
    assert table.filter(table["layer"] == "lstm_1")["parameters"].item() == 4 * (2 * units * units + units)
