"""The loss: what leaves the softmax, by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.inputs import Encoding
from recsys.models.lstm.network import build, scoring_network, with_loss
from recsys.models.lstm.windows import TrainingWindows
from tests.models.lstm_data import TINY, markov_dataset


def loss_and_scores(config: LSTMConfig) -> tuple[Any, Any, dict[str, Any], Any]:
    data = markov_dataset(0.5, n_users=6, n_items=30, length=25)
    encoding = Encoding.of(data, config)
    tags = encoding.item_tags(data.catalogue)
    network = build(config, encoding, tags)
    network.get_layer("item_embedding").set_weights([np.random.default_rng(0).normal(scale=0.3, size=(32, config.dim))])
    feed, _, weights = TrainingWindows(data.histories, encoding, config, tags)[0]
    model = with_loss(network, config)
    scores = scoring_network(model)({name: feed[name] for name in feed if name not in ("targets", "seen")})
    return np.asarray(model(feed)), np.asarray(scores), feed, weights


@pytest.mark.parametrize("mask_seen", [True, False])
@pytest.mark.parametrize("loss", ["full", "sampled"])
def test_the_loss_is_the_softmax_over_titles_not_watched_yet(mask_seen: bool, loss: str) -> None:
    config = dataclasses.replace(TINY, mask_seen=mask_seen, loss=loss, negatives=4, dropout=0.0)
    found, scores, feed, weights = loss_and_scores(config)
    assert feed["seen"].shape[1] > feed["items"].shape[1]  # windows of 10 in histories of 25
    for row, step in zip(*np.nonzero(weights), strict=True):
        target = feed["targets"][row, step]
        left = np.ones(scores.shape[2], dtype=bool)
        if mask_seen:
            n_earlier = feed["seen"].shape[1] - feed["items"].shape[1]
            watched = feed["seen"][row, : n_earlier + step + 1]
            left[watched[watched >= 0]] = False
            left[target] = True
        probabilities = np.exp(scores[row, step] - scores[row, step].max()) * left
        assert found[row, step] == pytest.approx(-np.log(probabilities[target] / probabilities.sum()), abs=1e-4)
