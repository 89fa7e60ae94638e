from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.tune import Tuned, tune
from evaluation.tune.search import fixed_settings
from evaluation.tune.study import FILE
from recsys.config import Range, read_toml, search_space
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Split, split_dataset
from recsys.errors import ConfigError, InputError, RecsysError
from recsys.models import model_class
from tests.evaluation.tune.toy import DialConfig, DialRecommender, SlowDialRecommender, dial
from tests.worlds import camps

__all__ = ["dial"]  # a fixture

PLAIN = {"kind": "plain"}


@pytest.fixture(scope="module")
def world() -> Dataset:
    return camps(30)


@pytest.fixture(scope="module")
def split(world: Dataset) -> Split:
    return split_dataset(world)


def tried(found: Tuned) -> list[tuple[dict[str, Any], str, float | None]]:
    return [(one.settings, one.outcome, one.value) for one in found.trials]


def search(world: Dataset, split: Split, name: str = "dial", **options: Any) -> Tuned:
    return tune(world, split, name, clock=DialRecommender.clock, **{"trials": 6, "fixed": PLAIN, **options})


# -- what is found -----------------------------------------------------------------------------------------------


def test_finds_a_better_setting_than_the_default(dial: Any, world: Dataset, split: Split) -> None:
    found = search(world, split, trials=12)
    assert found.settings["dial"] > 0.4
    assert found.default_value is not None
    assert found.value > found.default_value
    assert found.gain == pytest.approx(found.value / found.default_value - 1)
    assert found.value == max(one.value for one in found.trials if one.value is not None)
    assert found.trials[0].settings == {}
    assert found.trials[0].value == found.default_value
    assert [one.number for one in found.trials] == list(range(1, 13))


def test_finds_a_better_regularization_of_als() -> None:
    people = camps(60)
    fixed = {"factors": 8, "iterations": 5, "alpha": 2.0, "seed": 0}  # alpha's and the seed's are the defaults
    found = tune(people, split_dataset(people), "als", trials=3, fixed=fixed)
    assert found.default_value is not None
    assert found.value > found.default_value
    assert list(found.settings) == ["factors", "regularization", "iterations"]
    assert found.fixed == {"factors": 8, "iterations": 5}


def test_the_defaults_win_ties(dial: Any, world: Dataset, split: Split) -> None:
    found = search(world, split, metric="recall@24", trials=5)
    assert {one.value for one in found.trials} <= {1.0, None}
    assert found.settings == {}
    assert found.gain == 0


def test_numbers_have_three_digits_at_most(dial: Any, world: Dataset, split: Split) -> None:
    for one in search(world, split).trials[1:]:
        assert float(f"{one.settings['dial']:.3g}") == one.settings["dial"]


def test_the_toml_is_taken_by_fit(dial: Any, world: Dataset, split: Split, tmp_path: Path) -> None:
    found = search(world, split, fixed={"kind": "plain", "epochs": 7})
    path = tmp_path / "settings.toml"
    path.write_text(found.to_toml(), encoding="utf-8")
    assert read_toml(path) == found.settings == {"dial": found.settings["dial"], "epochs": 7}
    assert DialConfig.from_mapping(read_toml(path)).epochs == 7
    assert "# value: " in path.read_text(encoding="utf-8")


# -- only the validation part ------------------------------------------------------------------------------------


def test_the_test_part_is_never_read(dial: Any, world: Dataset, split: Split) -> None:
    class Sealed(Split):
        sha256 = "0" * 64

        def __getattribute__(self, name: str) -> Any:
            assert name != "test", "the test part was read"
            return super().__getattribute__(name)

    sealed = Sealed(split.protocol, split.train, split.validation, split.test)
    with pytest.raises(AssertionError, match="the test part was read"):
        sealed.test.n_users  # noqa: B018
    assert tried(search(world, sealed)) == tried(search(world, split))
    for data in dial.fits:  # nor do the models get the histories that hold it
        assert np.array_equal(data.histories.items, split.train.items)


# -- budgets -----------------------------------------------------------------------------------------------------


def test_the_trials_are_counted(dial: Any, world: Dataset, split: Split) -> None:
    assert len(search(world, split, trials=3).trials) == 3 == len(dial.fits)


def test_no_trial_begins_when_the_minutes_are_over(dial: Any, world: Dataset, split: Split) -> None:
    found = search(world, split, trials=None, minutes=1.1)  # 20 s a trial: the fourth begins before 66 s
    assert [one.seconds for one in found.trials] == [20.0] * 4
    assert found.seconds == 80
    assert len(search(world, split, trials=2, minutes=1.1).trials) == 2


def test_the_minutes_end_a_trial_at_an_epochs_end_but_not_the_defaults(dial: Any, world: Dataset, split: Split) -> None:
    found = search(world, split, "slow-dial", trials=None, minutes=1)
    assert [(one.outcome, one.seconds) for one in found.trials] == [("complete", 80.0)]
    found = search(world, split, "slow-dial", trials=None, minutes=2)
    assert [(one.outcome, one.seconds, one.note) for one in found.trials] == [
        ("complete", 80.0, ""),
        ("pruned", 40.0, "the time was over after epoch 2"),
    ]
    assert found.settings == {}


def test_hopeless_trials_are_pruned_by_epochs(dial: Any, world: Dataset, split: Split) -> None:
    found = search(world, split, "slow-dial", trials=20)
    pruned = [one for one in found.trials if one.outcome == "pruned"]
    assert pruned
    assert {one.note for one in pruned} == {"behind the others after epoch 3"}
    assert {one.value for one in pruned} == {None}
    whole = [one.settings.get("dial", 0.3) for one in found.trials if one.outcome == "complete"]
    assert np.median(whole) > max(one.settings["dial"] for one in pruned)
    assert found.facts()["pruned"] == len(pruned)
    assert len(SlowDialRecommender.fits) == 20


def test_a_small_space_is_tried_once(dial: Any, world: Dataset, split: Split) -> None:
    found = search(world, split, trials=None, minutes=99, fixed={"dial": 0.5})
    assert len(dial.fits) == len(found.trials) <= 10
    settings = [str(one.settings) for one in found.trials]
    assert len(set(settings)) == len(settings)


# -- seeds, and going on -----------------------------------------------------------------------------------------


def test_one_seed_gives_the_same_trials(dial: Any, world: Dataset, split: Split) -> None:
    first, again, other = (search(world, split, seed=seed) for seed in (3, 3, 4))
    assert tried(first) == tried(again)
    assert [one.settings.get("dial") for one in first.trials] != [one.settings.get("dial") for one in other.trials]


def test_a_resumed_search_goes_on_as_if_it_had_never_stopped(
    dial: Any, world: Dataset, split: Split, tmp_path: Path
) -> None:
    whole = search(world, split, trials=8)
    search(world, split, trials=3, folder=tmp_path)
    dial.clock.now += 10_000
    rest = search(world, split, trials=8, folder=tmp_path, resume=True)
    assert tried(rest) == tried(whole)
    assert [one.number for one in rest.trials] == list(range(1, 9))
    assert rest.seconds == whole.seconds == 160
    n_fits = len(dial.fits)
    assert tried(search(world, split, trials=8, folder=tmp_path, resume=True)) == tried(whole)
    assert len(dial.fits) == n_fits, "its budget is spent"


@pytest.mark.parametrize("interrupted", [2, 7])
def test_ctrl_c_keeps_what_was_found(dial: Any, world: Dataset, split: Split, tmp_path: Path, interrupted: int) -> None:
    whole = search(world, split, trials=8)
    dial.interrupt_at = len(dial.fits) + interrupted
    found = search(world, split, trials=8, folder=tmp_path)
    assert found.interrupted
    assert tried(found) == tried(whole)[: interrupted - 1]
    rest = search(world, split, trials=8, folder=tmp_path, resume=True)
    assert not rest.interrupted
    assert tried(rest) == tried(whole)


def test_ctrl_c_before_anything_is_found(dial: Any, world: Dataset, split: Split, tmp_path: Path) -> None:
    dial.interrupt_at = 1
    with pytest.raises(KeyboardInterrupt):
        search(world, split, folder=tmp_path)
    assert search(world, split, folder=tmp_path, resume=True).trials[0].settings == {}


def test_another_search_is_not_resumed(dial: Any, world: Dataset, split: Split, tmp_path: Path) -> None:
    search(world, split, folder=tmp_path, trials=1)
    with pytest.raises(InputError, match=r"There is a search in .* already") as caught:
        search(world, split, folder=tmp_path)
    assert "--resume" in caught.value.hint
    for options, message in [
        ({"metric": "recall@10"}, "begun with the metric ndcg@10, not recall@10"),
        ({"seed": 1}, "begun with the seed 0, not 1"),
        ({"fixed": {"dial": 0.5}}, r"begun with the settings \{\}, not \{'dial': 0.5\}"),
        ({"fixed": {}}, "begun with the search space"),
        ({"name": "slow-dial"}, "is 'camps · dial · test set .*', not 'camps · slow-dial"),
    ]:
        with pytest.raises(InputError, match=message):
            search(world, split, folder=tmp_path, resume=True, **options)
    others = camps(31)
    with pytest.raises(InputError, match="is 'camps · dial · test set"):
        search(others, split_dataset(others), folder=tmp_path, resume=True)
    assert len(search(world, split, folder=tmp_path, trials=2, resume=True).trials) == 2
    assert len(search(world, split, folder=tmp_path, trials=1, overwrite=True).trials) == 1


def test_a_broken_study_is_refused(dial: Any, world: Dataset, split: Split, tmp_path: Path) -> None:
    (tmp_path / "study.sqlite3").write_text("no database")
    with pytest.raises(InputError, match="is not a readable study"):
        search(world, split, folder=tmp_path, resume=True)


# -- trials that fail, and errors ----------------------------------------------------------------------------------


def test_a_refused_combination_is_a_failed_trial(dial: Any, world: Dataset, split: Split) -> None:
    found = search(world, split, fixed={}, trials=15)
    failed = [one for one in found.trials if one.outcome == "failed"]
    assert failed
    assert len(found.trials) == 15
    for one in failed:
        assert one.settings["kind"] == "broken"
        assert one.note == "It is broken."
    plain = [one for one in found.trials if one.outcome == "complete"]
    assert not any("depth" in one.settings for one in plain), "it matters for the broken kind only"
    assert found.facts()["failed"] == len(failed)


def test_scores_that_are_no_numbers_make_a_failed_trial(dial: Any, world: Dataset, split: Split) -> None:
    found = search(world, split, trials=15)
    failed = [one for one in found.trials if one.outcome == "failed"]
    assert failed
    assert all(one.settings["dial"] > 0.9 and one.note.startswith("Scores must be numbers") for one in failed)
    with pytest.raises(InputError, match="Scores must be numbers"):
        search(world, split, fixed={"dial": 0.95})


def test_a_search_where_everything_fails_gives_up(dial: Any, world: Dataset, split: Split) -> None:
    with pytest.raises(ConfigError, match=r"None of the 5 trials came to an end; the last one: It is broken\."):
        search(world, split, fixed={"kind": "broken"}, trials=None, minutes=1000)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"trials": 0}, "A search needs at least 1 trial, got 0"),
        ({"minutes": 0.0}, "A search needs more than 0 minutes, got 0"),
        ({"minutes": float("nan")}, "A search needs more than 0 minutes, got nan"),
        ({"trials": None}, "A search needs a budget, got none"),
        ({"name": "popularity", "fixed": {}}, "A popularity model has nothing to search"),
        ({"name": "nobody"}, "There is no model 'nobody'"),
        ({"fixed": {"dail": 1}}, "There is no setting 'dail'"),
        ({"fixed": {"dial": 0.1, "kind": "plain", "depth": 1}}, "Nothing is left to search: dial, kind, depth"),
        ({"metric": "ndcg"}, "'ndcg' needs a cutoff"),
        ({"metric": "coverage@10"}, "A search maximises the accuracy of the ranking, got coverage@10"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_fitted(
    dial: Any, world: Dataset, split: Split, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecsysError, match=message):
        search(world, split, folder=tmp_path / "work", **options)
    assert not dial.fits
    assert not (tmp_path / "work").exists()


def test_optuna_must_be_installed(
    dial: Any, world: Dataset, split: Split, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(RecsysError, match="Optuna is not installed") as caught:
        search(world, split, folder=tmp_path / "work")
    assert 'pip install "recsys[tune]"' in caught.value.hint
    assert not (tmp_path / "work").exists()


def test_the_lstms_space_is_one_that_it_takes() -> None:
    space = search_space(model_class("lstm").Config)
    assert {"units", "dropout", "learning_rate"} <= set(space)
    assert isinstance(space["dropout"], Range)


def test_a_study_lies_in_its_folder_whatever_that_is_called(
    dial: Any, world: Dataset, split: Split, tmp_path: Path
) -> None:
    for name in ("a?b", "a%20b", "a#b"):
        search(world, split, trials=1, folder=tmp_path / name)
        assert [path.name for path in (tmp_path / name).iterdir()] == [FILE]
        with pytest.raises(InputError, match="There is a search in"):
            search(world, split, trials=1, folder=tmp_path / name)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_dotted_setting_is_held(world: Dataset) -> None:
    found = fixed_settings("lstm", ["teachers=1", "teacher.dim=64"])
    assert found == {"teachers": 1, "teacher_settings": ("dim=64",)}
