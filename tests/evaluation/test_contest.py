from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.contest import contest, draw_entries, enter, refuse_other_results, shown_name, write_entry
from evaluation.protocol import Rules
from evaluation.result_files import read_ranks
from recsys.dataset.split import random_holdout, split_dataset
from recsys.errors import ArtifactError, ConfigError, InputError
from recsys.models.popularity import PopularityRecommender


def test_named_models_are_fitted_and_saved_ones_taken(small, tmp_path):
    split = split_dataset(small)
    PopularityRecommender().fit(small, split).save(tmp_path / "mine")
    entrants = enter(small, split, ["popularity"], [tmp_path / "mine"])
    assert list(entrants) == ["popularity", "mine"]
    entries = list(contest(small, split, entrants, metrics=["recall@3"]))
    assert [entry.evaluation.model for entry in entries] == ["popularity", "mine"]
    assert entries[0].evaluation.metrics == entries[1].evaluation.metrics
    assert all(entry.serve_seconds > 0 for entry in entries)
    out = tmp_path / "out"
    files = [write_entry(one, data=small, seed=0, command="recsys evaluate", out=out) for one in entries]
    picture = draw_entries(entries, data=small, seed=0, out=out)
    assert [path.name for path in files] == ["small--popularity.json", "small--mine.json"]
    assert json.loads(files[1].read_text())["train_seconds"] == entries[1].models[0].facts["fit_seconds"]
    assert read_ranks(files[0]).height == 6
    assert picture.name == "small--recall.png"


def test_a_model_with_a_seed_enters_once_for_each(small, tmp_path):
    split = split_dataset(small)
    flags = {"als": ["factors=2", "iterations=2"]}
    entrants = enter(small, split, ["popularity", "als"], flags=flags, seeds=[3, 4])
    assert [len(models) for models in entrants.values()] == [1, 2]
    popularity, als = contest(small, split, entrants, metrics=["mrr"])
    assert als.seeds == [3, 4]
    assert popularity.spread("mrr").sd is None
    spread = als.spread("mrr")
    assert als.evaluation.metrics["mrr"].value == pytest.approx(spread.mean)
    other = next(contest(small, split, {"als": entrants["als"]}, metrics=["mrr"], seed=1))
    assert other.evaluation.metrics["mrr"].low != als.evaluation.metrics["mrr"].low
    file = write_entry(als, data=small, seed=0, command="recsys evaluate", out=tmp_path)
    result = json.loads(file.read_text())
    assert result["seeds"] == [3, 4]
    assert result["seed_values"]["mrr"] == [one.metrics["mrr"].value for one in als.evaluations]
    assert read_ranks(file)["seed"].unique().sort().to_list() == [3, 4]
    curve = als.evaluation.curve("recall", 2)
    single = [one.curve("recall", 2)[1].value for one in als.evaluations]
    assert curve[1].value == pytest.approx(sum(single) / 2), "the picture shows the mean, as the table does"


def test_rules_reach_the_judge(small):
    split = split_dataset(small)
    [entry] = contest(small, split, enter(small, split, ["popularity"]), metrics=["mrr"], rules=Rules(ties="ahead"))
    assert entry.evaluation.protocol.ties == "ahead"


def test_everything_wrong_is_said_before_anything_is_fitted(small, tmp_path):
    split = split_dataset(small)
    with pytest.raises(InputError, match="There is no model 'pop'"):
        enter(small, split, ["pop"])
    with pytest.raises(ConfigError, match="There is no setting 'epochs'"):
        enter(small, split, ["popularity"], flags={"popularity": ["epochs=3"]})
    with pytest.raises(InputError, match="At least one model is needed, got none"):
        enter(small, split, [])
    with pytest.raises(ArtifactError, match="is not a model folder"):
        enter(small, split, [], [tmp_path / "nothing"])


def test_a_saved_model_must_not_know_the_answers(small, tmp_path):
    PopularityRecommender().fit(small).save(tmp_path / "final")
    with pytest.raises(InputError, match="fitted on everything"):
        enter(small, split_dataset(small), [], [tmp_path / "final"])
    PopularityRecommender().fit(small, random_holdout(small.histories, seed=1)).save(tmp_path / "other")
    with pytest.raises(InputError, match="fitted for another test set"):
        enter(small, split_dataset(small), [], [tmp_path / "other"])


def test_a_saved_model_must_not_know_the_part(small, tmp_path):
    split = split_dataset(small)
    model = PopularityRecommender().fit(small, split)
    model.facts["learned_from_validation"] = True
    model.save(tmp_path / "blend")
    assert list(enter(small, split, [], [tmp_path / "blend"])) == ["popularity"]
    with pytest.raises(InputError, match="learned from the validation part"):
        enter(small, split, ["als"], [tmp_path / "blend"], part="validation")


def test_serving_is_timed_on_those_who_are_judged(small, monkeypatch):
    asked = []
    monkeypatch.setattr("evaluation.contest.time_serving", lambda model, histories: asked.append(histories) or 1.0)
    split = split_dataset(small)
    rules = Rules(liked=float(np.nanmax(split.test.targets.ratings)))
    [entry] = contest(small, split, enter(small, split, ["popularity"]), metrics=["mrr"], rules=rules)
    assert [histories.n_users for histories in asked] == [entry.evaluation.protocol.n_users]


def test_two_models_need_two_names(small, tmp_path):
    split = split_dataset(small)
    for place in ("a/mine", "b/mine"):
        PopularityRecommender().fit(small, split).save(tmp_path / place)
    with pytest.raises(InputError, match="Two models would be called 'mine'"):
        enter(small, split, ["popularity"], [tmp_path / "a/mine", tmp_path / "b/mine"])


def test_invented_watchers_are_called_so(small):
    assert shown_name(small) == "small"
    assert shown_name(replace(small, card={"synthetic": True})) == "small (synthetic data)"


def test_a_saved_model_is_called_after_its_folder_however_it_is_named(small, tmp_path, monkeypatch):
    split = split_dataset(small)
    PopularityRecommender().fit(small, split).save(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    assert list(enter(small, split, ["popularity"], [Path()])) == ["popularity", "mine"]


def test_a_broken_result_is_replaced_only_when_asked(small, tmp_path):
    (tmp_path / f"{small.name}--popularity.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"lacks .*--overwrite"):
        refuse_other_results(tmp_path, small, split_dataset(small), ["popularity"], part="test", rules=Rules())
