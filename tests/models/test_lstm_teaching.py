"""Teachers: what they say of each event, what it counts in the loss, and that learning from them is learning."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import split_dataset
from recsys.errors import ConfigError, InputError
from recsys.models.composite.config import settings_texts
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.inputs import Encoding
from recsys.models.lstm.network import build, with_loss
from recsys.models.lstm.recommender import LSTMRecommender
from recsys.models.lstm.teaching import Counsel, SoftTargets, _windows
from recsys.models.lstm.windows import TrainingWindows
from recsys.models.markov import MarkovRecommender
from recsys.models.rerank.config import RerankConfig
from recsys.models.slim import SLIMRecommender
from tests.models.lstm_data import LEARN, TINY, markov_dataset
from tests.models.test_lstm import hit_rate

TAUGHT = dataclasses.replace(TINY, units=(16,), teachers=2)


def teachers_of(small: Dataset) -> list[LSTMRecommender]:
    """Fit two; the window is longer than any history, so that every event is asked for with all before it."""
    return [LSTMRecommender(dataclasses.replace(TINY, window=20, seed=seed)).fit(small) for seed in (0, 1)]


def test_soft_targets_are_the_best_titles_of_the_teachers_mean_after_each_event(small: Dataset) -> None:
    teachers = teachers_of(small)
    histories = small.histories
    found = SoftTargets.of(
        [teacher._network for teacher in teachers],  # type: ignore[misc]
        histories,
        teachers[0]._encoding,
        teachers[0].config,
    )
    watched = np.unique(histories.items)
    for user in range(histories.n_users):
        begin, n = histories.offsets[user], histories.lengths[user]
        for t in range(n - 1):
            before = histories.select([user]).keep_events(np.arange(n) <= t)
            scores = np.mean([teacher.scores(before)[0] for teacher in teachers], axis=0)
            unseen = np.setdiff1d(watched, before.items)
            expected = np.exp(scores[unseen]) / np.exp(scores[unseen]).sum()
            shares = np.zeros(small.n_codes)
            shares[found.codes[begin + t]] = found.shares[begin + t]
            assert shares[unseen] == pytest.approx(expected, abs=2e-3)  # kept as halves
        assert (found.shares[begin + n - 1] == 0).all()  # nothing follows the last event


def others_say(counsel: Counsel, small: Dataset, user: int, t: int, config: LSTMConfig) -> np.ndarray:
    """Compute what a Markov chain and SLIM say after event t, both fitted without the user's fold."""
    others = small.with_histories(small.histories.select(np.flatnonzero(counsel.folds != counsel.folds[user])))
    n = small.histories.lengths[user]
    before = small.histories.select([user]).keep_events(np.arange(n) <= t)
    [chain] = np.log(np.maximum(MarkovRecommender().fit(others)._scores(before), 1e-6))
    [linear] = np.log1p(np.maximum(SLIMRecommender().fit(others)._scores(before), 0) / 0.01)
    found: np.ndarray = config.teacher_markov * chain + config.teacher_slim * linear
    return found


def test_a_chain_and_a_linear_model_counsel_about_people_they_have_not_seen(small: Dataset) -> None:
    config = dataclasses.replace(TINY, window=20, teachers=1, teacher_markov=0.7, teacher_slim=0.4)
    counsel = Counsel.fit(small, config)
    assert counsel is not None
    histories = small.histories
    users = np.repeat(np.arange(histories.n_users), np.maximum(histories.lengths - 1, 0))
    events = np.setdiff1d(np.arange(histories.n_events), histories.offsets[1:] - 1)
    codes = np.unique(histories.items)
    found = counsel.scores(histories, events, codes)
    expected = [
        others_say(counsel, small, user, event - histories.offsets[user], config)[codes]
        for user, event in zip(users, events, strict=True)
    ]
    assert found == pytest.approx(np.array(expected), abs=1e-4)


def test_counsel_is_added_to_the_mean_of_the_networks(small: Dataset) -> None:
    config = dataclasses.replace(TINY, window=20, teachers=1, teacher_markov=0.7, teacher_slim=0.4)
    teacher = LSTMRecommender(config.teacher(0)).fit(small)
    counsel = Counsel.fit(small, config)
    assert counsel is not None
    histories = small.histories
    found = SoftTargets.of([teacher._network], histories, teacher._encoding, config, counsel)  # type: ignore[list-item]
    watched = np.unique(histories.items)
    for user in range(0, histories.n_users, 5):
        begin, n = histories.offsets[user], histories.lengths[user]
        for t in range(n - 1):
            before = histories.select([user]).keep_events(np.arange(n) <= t)
            scores = teacher.scores(before)[0] + others_say(counsel, small, user, t, config)
            unseen = np.setdiff1d(watched, before.items)
            shares = np.zeros(small.n_codes)
            shares[found.codes[begin + t]] = found.shares[begin + t]
            assert shares[unseen] == pytest.approx(np.exp(scores[unseen]) / np.exp(scores[unseen]).sum(), abs=2e-3)


def test_models_without_a_weight_are_not_asked(small: Dataset) -> None:
    assert Counsel.fit(small, TAUGHT) is None
    counsel = Counsel.fit(small, dataclasses.replace(TAUGHT, teacher_markov=0.1))
    assert counsel is not None
    assert {type(model) for fold in counsel.models for _, model in fold} == {MarkovRecommender}


@pytest.mark.parametrize("window", [2, 3, 10])
def test_every_event_is_asked_for_once_with_half_a_window_before_it(window: int) -> None:
    histories = Histories.from_lists([list(range(2, 2 + n)) for n in (1, 2, 7, 30, 11)])
    users, starts, lengths, fresh = _windows(histories, window)
    asked = [start + np.arange(skip, n) for start, n, skip in zip(starts, lengths, fresh, strict=True)]
    followed = np.setdiff1d(np.arange(histories.n_events), histories.offsets[1:] - 1)
    assert np.sort(np.concatenate(asked)).tolist() == followed.tolist()
    assert (lengths <= window).all()
    at_the_start = starts == histories.offsets[users]
    assert (fresh[~at_the_start] >= window // 2).all()


def losses(share: float) -> tuple[Any, Any, dict[str, Any], Any]:
    config = dataclasses.replace(TINY, teacher_share=share, dropout=0.0, mask_seen=False, wish_rate=0.0)
    data = markov_dataset(0.5, n_users=6, n_items=30, length=25)
    encoding = Encoding.of(data, config)
    tags = encoding.item_tags(data.catalogue)
    rng = np.random.default_rng(0)
    codes = np.array([rng.permutation(30)[:4] + 2 for _ in range(data.histories.n_events)], dtype=np.uint16)
    shares = np.tile(np.array([0.4, 0.3, 0.2, 0.1], dtype=np.float16), (len(codes), 1))
    network = build(config, encoding, tags)
    network.get_layer("item_embedding").set_weights([rng.normal(scale=0.3, size=(32, config.dim))])
    feed, _, weights = TrainingWindows(data.histories, encoding, config, tags, taught=SoftTargets(codes, shares))[0]
    scores = network({name: feed[name] for name in feed if name not in ("targets", "seen", "taught", "taught_shares")})
    return np.asarray(with_loss(network, config, taught=True)(feed)), np.asarray(scores), feed, weights


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_loss_is_shared_between_the_next_title_and_the_teachers(share: float) -> None:
    found, scores, feed, weights = losses(share)
    assert weights.sum() > 0
    for row, step in zip(*np.nonzero(weights), strict=True):
        log_p = scores[row, step] - np.log(np.exp(scores[row, step]).sum())
        soft = feed["taught_shares"][row, step] @ log_p[feed["taught"][row, step]]
        expected = -(1 - share) * log_p[feed["targets"][row, step]] - share * soft
        assert feed["taught_shares"][row, step].sum() == pytest.approx(1, abs=1e-3)
        assert found[row, step] == pytest.approx(expected, abs=1e-4)


def test_teachers_are_silent_where_a_wish_is_made() -> None:
    """They were asked without one, and would teach the network not to listen to it."""
    data = markov_dataset(0.5, n_users=40)
    config = dataclasses.replace(TINY, wish_rate=1.0)
    encoding = Encoding.of(data, config)
    shape = (data.histories.n_events, 1)
    taught = SoftTargets(np.full(shape, 5, dtype=np.uint16), np.ones(shape, dtype=np.float16))
    windows = TrainingWindows(data.histories, encoding, config, encoding.item_tags(data.catalogue), taught=taught)
    feed, _, weights = windows[0]
    wished = (feed["wishes"][..., 0] > 1)[weights > 0]
    shares = feed["taught_shares"][..., 0][weights > 0]
    assert 0.3 < wished.mean() < 0.7
    assert (shares == ~wished).all()


def test_a_taught_network_learns_the_chain_even_from_its_teachers_alone() -> None:
    data = markov_dataset(1.0)
    config = dataclasses.replace(LEARN, teachers=1, teacher_share=1.0, epochs=15)
    model = LSTMRecommender(config).fit(data, split_dataset(data))
    assert hit_rate(model, data, 1) > 0.9
    [teacher] = model.facts["teachers"]
    assert teacher["best_validation"] > 0.9


def test_same_seed_same_scores_and_the_seeds_are_those_from_its_own_on(small: Dataset) -> None:
    split = split_dataset(small)
    one, again = (LSTMRecommender(TAUGHT).fit(small, split) for _ in range(2))
    assert (one.scores(small.histories) == again.scores(small.histories)).all()
    second = LSTMRecommender(dataclasses.replace(TAUGHT, teachers=0, seed=1)).fit(small, split)
    assert one.facts["teachers"][1]["best_validation"] == second.facts["best_validation"]


def test_teachers_may_be_narrower_and_read_other_things(small: Dataset) -> None:
    config = LSTMConfig.from_mapping(
        {**TAUGHT.to_mapping(), "epochs": 1, "teacher": {"units": [8], "dim": 12, "epochs": 3, "max_tokens": 0}}
    )
    model = LSTMRecommender(config).fit(small, split_dataset(small))
    assert [teacher["epochs"] for teacher in model.facts["teachers"]] == [3, 3]
    assert (len(model.epochs), model._vectors.shape[1]) == (1, TAUGHT.dim)


def test_the_teachers_settings_are_a_table_or_flags() -> None:
    table = LSTMConfig.from_mapping(
        {"teachers": 1, "dim": 32, "dropout": 0.1, "teacher": {"dim": 16, "units": [16, 16]}}
    )
    given = ["teachers=1", "dim=32", "dropout=0.1", "teacher.dim=8", "teacher.dim=16", "teacher.units=16,16"]
    flags = LSTMConfig.from_flags(given)
    theirs = LSTMConfig(dim=16, units=(16, 16), dropout=0.1, seed=3, wide_share=0, chain_share=0, names_odds=0)
    assert table.teacher(3) == flags.teacher(3) == theirs
    assert LSTMConfig.from_mapping(table.to_mapping()) == table
    assert LSTMConfig.from_flags(table.to_flags()) == table
    assert LSTMConfig.from_flags(["teacher.dim=8"], table.to_mapping()).teacher(0).dim == 8


def test_a_member_of_another_model_has_its_own_teachers() -> None:
    tables = {
        "members": ["lstm", "markov"],
        "lstm": {"teachers": 1, "dim": 32, "teacher": {"dim": 16, "units": [16, 16]}},
    }
    flags = ["members=lstm markov", "lstm.teachers=1", "lstm.dim=32", "lstm.teacher.dim=16", "lstm.teacher.units=16,16"]
    expected = LSTMConfig.from_mapping(tables["lstm"])  # type: ignore[arg-type]
    assert RerankConfig.from_mapping(tables).of("lstm") == RerankConfig.from_flags(flags).of("lstm") == expected
    again = RerankConfig(members=("lstm",), member_settings=tuple(settings_texts("lstm", expected)))
    assert again.of("lstm") == expected


def test_members_whose_names_have_hyphens_are_found() -> None:
    members = ["item-knn", "lstm@my_2"]
    table = RerankConfig.from_mapping({"members": members, "item-knn": {"neighbours": 7}, "lstm@my_2": {"dim": 16}})
    flags = RerankConfig.from_flags(["members=item-knn lstm@my_2", "item-knn.neighbours=7", "lstm@my_2.dim=16"])
    assert table == flags == RerankConfig.from_flags(table.to_flags())
    both = RerankConfig.from_flags(["members=lstm lstm@a-b_c", "lstm.dim=16", "lstm@a_b-c.dim=32"])
    assert [both.of(label).to_mapping()["dim"] for label in both.members] == [16, 32]
    assert RerankConfig.from_flags(both.to_flags()) == both
    assert (table.of("item-knn").to_mapping()["neighbours"], table.of("lstm@my_2").to_mapping()["dim"]) == (7, 16)


def test_a_network_has_no_other_tables() -> None:
    with pytest.raises(ConfigError, match="There is no setting 'pupil'"):
        LSTMConfig.from_mapping({"pupil": {"dim": 16}})
    with pytest.raises(ConfigError, match=r"There is no setting 'pupil\.dim'"):
        LSTMConfig.from_flags(["pupil.dim=16"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dim", "NAME=VALUE, got 'dim'"),
        ("seed=3", "cannot set 'seed'"),
        ("teachers=1", "cannot set 'teachers'"),
        ("dims=3", "'teacher_settings': There is no setting 'dims'"),
        ("dim=0", "'teacher_settings': 'dim' must be at least 1, got 0"),
    ],
)
def test_a_wrong_setting_of_teachers_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        LSTMConfig(teacher_settings=(text,))


@pytest.mark.parametrize("flag", ["teacher.dim=8", "teacher_markov=1", "teacher_slim=1"])
def test_settings_of_teachers_that_are_not_there_are_refused(flag: str) -> None:
    with pytest.raises(ConfigError, match=f"'{flag.replace('.dim', '_settings').partition('=')[0]}' is for teachers"):
        LSTMConfig.from_flags([flag])
    assert LSTMConfig.from_flags([flag, "teachers=1"]).teacher(0).teachers == 0


def test_an_interrupted_lesson_goes_on_where_it_stopped(small: Dataset, tmp_path: Path) -> None:
    split = split_dataset(small)
    whole = LSTMRecommender(TAUGHT).fit(small, split)

    class StoppedError(Exception):
        pass

    epochs = []

    def stop(epoch: int, judged: Any) -> None:
        epochs.append(epoch)
        if len(epochs) == 6:  # the first epoch of the third network is the fifth
            raise StoppedError

    with pytest.raises(StoppedError):
        LSTMRecommender(TAUGHT, workdir=tmp_path, on_epoch=stop).fit(small, split)
    assert epochs == [1, 2, 3, 4, 5, 6]
    resumed = LSTMRecommender(TAUGHT, workdir=tmp_path, resume=True).fit(small, split)
    assert (resumed.scores(small.histories) == whole.scores(small.histories)).all()


def test_the_final_fit_gives_the_teachers_their_own_epochs(small: Dataset) -> None:
    model = LSTMRecommender(dataclasses.replace(TAUGHT, epochs=3)).fit(small, split_dataset(small))
    model.facts["best_epoch"] = 1
    model.facts["teachers"] = [{"best_epoch": 1}, {"best_epoch": 4}]
    final = model.refit()
    assert len(final.epochs) == 1
    assert [teacher["epochs"] for teacher in final.facts["teachers"]] == [2, 2]


def test_data_without_an_order_has_no_lessons(small: Dataset) -> None:
    unordered = dataclasses.replace(small, order=Order.NONE)
    with pytest.raises(InputError, match="this data has no order"):
        LSTMRecommender(TAUGHT).fit(unordered)


def test_the_seed_leaves_room_for_the_teachers() -> None:
    with pytest.raises(ConfigError, match="'seed' must be at most 2147483645 with teachers"):
        LSTMConfig(seed=2**31 - 1, teachers=2)
    assert LSTMConfig(seed=2**31 - 3, teachers=2).teacher(1).seed == 2**31 - 2
