from __future__ import annotations

import json

import polars as pl
import pytest

from recsys.models import REGISTRY
from recsys.models.lstm.config import LSTMConfig
from recsys.models.popularity import PopularityRecommender


def test_describe_says_what_a_model_serves(recsys, popular) -> None:
    shown = recsys("describe", popular)
    assert shown.code == 0
    for text in ("popularity model", "small", "people", "titles", "time", "everything"):
        assert text in shown.out
    assert "Layers" not in shown.out


def test_describe_prints_the_layers_of_a_network(recsys, popular, monkeypatch) -> None:
    layers = pl.DataFrame({"layer": ["lstm_1", "lstm_2"], "parameters": [1000, 234], "role": ["first", "second"]})
    monkeypatch.setattr(PopularityRecommender, "describe", lambda self: layers, raising=False)
    shown = recsys("describe", popular).out
    assert "lstm_1" in shown
    assert "1,234" in shown  # the total


def test_models_lists_the_registry(recsys) -> None:
    pytest.importorskip("recsys.models.factorization", exc_type=ImportError)
    shown = recsys("models").out
    assert all(name in shown for name in REGISTRY)


def test_settings_lists_defaults(recsys) -> None:
    shown = recsys("settings", "lstm").out
    assert "learning_rate" in shown
    assert str(LSTMConfig().learning_rate) in shown
    assert "nothing to set" in recsys("settings", "popularity").out


def test_settings_of_an_unknown_model(recsys) -> None:
    refused = recsys("settings", "lstn")
    assert refused.code == 2
    assert "no model 'lstn'" in refused.err


def test_describe_as_json(recsys, popular) -> None:
    shown = json.loads(recsys("describe", popular, "--json").out)
    assert (shown["model"], shown["serves"]["titles"]) == ("popularity", 11)
    assert shown["facts"]["fitted_on"]
