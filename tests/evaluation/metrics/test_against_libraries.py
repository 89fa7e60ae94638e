"""Agreement to 1e-6 with libraries that share no code with this project.

ir-measures (trec_eval's own C code, and MS MARCO's for RR@k) judges the accuracy metrics live. RecTools pins older
versions than this project runs on, so its values of the same case are committed in `rectools.json`, which
`rectools_values.py` writes. SciPy gives distances and entropies where neither has the metric.
"""

from __future__ import annotations

import json
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, P, R, Success, nDCG
from scipy.spatial.distance import pdist
from scipy.stats import entropy

from evaluation.lists import Lists
from evaluation.metrics import (
    average_precision,
    coverage,
    diversity,
    gini,
    hit_rate,
    miscalibration,
    mrr,
    ndcg,
    novelty,
    popularity,
    popularity_lift,
    precision,
    recall,
    sequel_breaks,
    serendipity,
)
from evaluation.ranks import ranks_from_scores
from recsys.models.popularity import count_watchers
from tests.evaluation.metrics.cases import CUTOFFS, N_TITLES, make_case

CASE = make_case()
RANKS = ranks_from_scores(CASE.scores, CASE.inputs, CASE.targets)
N_TARGETS = CASE.targets.lengths
N_CODES = CASE.scores.shape[1]
LISTS = Lists(
    codes=CASE.lists,
    n_titles=N_TITLES,
    inputs=CASE.inputs,
    targets=CASE.targets,
    watchers=count_watchers(CASE.train, N_CODES).astype(np.int64),
    n_people=CASE.train.n_users,
    features=CASE.features,
    genres=CASE.features,
    prequels=CASE.prequels,
)
REFERENCE = json.loads(Path(__file__).with_name("rectools.json").read_text(encoding="utf-8"))
close = pytest.approx


def by_trec(measure):
    """Compute a measure of ir-measures, one value a user, from the scores of the unseen titles."""
    seen = [set(CASE.inputs.of(user).tolist()) for user in range(CASE.inputs.n_users)]
    run = {
        str(user): {str(code): float(CASE.scores[user, code]) for code in range(2, N_CODES) if code not in seen[user]}
        for user in range(CASE.inputs.n_users)
    }
    truth = {str(user): {str(code): 1 for code in CASE.targets.of(user)} for user in range(CASE.targets.n_users)}
    found = {result.query_id: result.value for result in ir_measures.iter_calc([measure], truth, run)}
    return np.array([found[str(user)] for user in range(CASE.targets.n_users)])


@pytest.mark.parametrize("k", CUTOFFS)
def test_accuracy_as_ir_measures_computes_it(k):
    assert recall(RANKS, k) == close(by_trec(R @ k), abs=1e-6)
    assert precision(RANKS, k) == close(by_trec(P @ k), abs=1e-6)
    assert hit_rate(RANKS, k) == close(by_trec(Success @ k), abs=1e-6)
    assert ndcg(RANKS, k) == close(by_trec(nDCG @ k), abs=1e-6)
    assert mrr(RANKS, k) == close(by_trec(RR @ k), abs=1e-6)
    # trec_eval divides by all targets, also where the list has no room for them
    assert average_precision(RANKS, k) * np.minimum(N_TARGETS, k) / N_TARGETS == close(by_trec(AP @ k), abs=1e-6)


def test_the_whole_ranking_as_ir_measures_computes_it():
    assert mrr(RANKS) == close(by_trec(RR), abs=1e-6)
    assert average_precision(RANKS, N_TITLES) == close(by_trec(AP), abs=1e-6)


@pytest.mark.parametrize("k", CUTOFFS)
def test_accuracy_as_rectools_computes_it(k):
    for name, metric in {"recall": recall, "precision": precision, "hit_rate": hit_rate, "ndcg": ndcg}.items():
        assert metric(RANKS, k) == close(REFERENCE[f"{name}@{k}"], abs=1e-6), name
    assert mrr(RANKS, k) == close(REFERENCE[f"mrr@{k}"], abs=1e-6)
    ours = average_precision(RANKS, k) * np.minimum(N_TARGETS, k)
    assert ours / k == close(REFERENCE[f"map_by_k@{k}"], abs=1e-6)
    assert ours / N_TARGETS == close(REFERENCE[f"map_by_targets@{k}"], abs=1e-6)


@pytest.mark.parametrize("k", CUTOFFS)
def test_lists_as_rectools_judges_them(k):
    watchers = np.array(REFERENCE[f"watchers@{k}"])
    history = np.array(REFERENCE["watchers_of_history"])
    assert novelty(LISTS, k) == close(REFERENCE[f"novelty@{k}"], abs=1e-6)
    assert popularity(LISTS, k) == close(watchers / LISTS.n_people, abs=1e-6)
    assert popularity_lift(LISTS, k) == close((watchers - history) / history, abs=1e-6)
    assert serendipity(LISTS, k) == close(REFERENCE[f"serendipity@{k}"], abs=1e-6)
    assert coverage(LISTS, k) == close(REFERENCE[f"coverage@{k}"], abs=1e-6)
    if k <= 10:
        assert diversity(LISTS, k) == close(REFERENCE[f"diversity@{k}"], abs=1e-6)


@pytest.mark.parametrize("k", [3, 10, 20])
def test_diversity_is_scipys_mean_cosine_distance(k):
    expected = [pdist(CASE.features[row[:k]].astype(float), "cosine").mean() for row in CASE.lists]
    assert diversity(LISTS, k) == close(expected, abs=1e-6)


@pytest.mark.parametrize("k", CUTOFFS)
def test_miscalibration_is_scipys_relative_entropy(k):
    shares = CASE.features / np.maximum(CASE.features.sum(axis=1, keepdims=True), 1)
    for user, value in enumerate(miscalibration(LISTS, k)):
        p, q = shares[CASE.inputs.of(user)].mean(axis=0), shares[CASE.lists[user, :k]].mean(axis=0)
        assert value == close(entropy(p, 0.99 * q + 0.01 * p), abs=1e-6)


@pytest.mark.parametrize("k", CUTOFFS)
def test_gini_is_half_the_relative_mean_difference(k):
    shown = np.bincount(CASE.lists[:, :k].ravel(), minlength=N_CODES)[2:]
    expected = np.abs(shown[:, None] - shown[None, :]).mean() / (2 * shown.mean())
    assert gini(LISTS, k) == close(expected, abs=1e-6)


def test_sequel_breaks_is_what_a_loop_counts():
    for user, value in enumerate(sequel_breaks(LISTS, 10)):
        watched = set(CASE.inputs.of(user).tolist())
        before = [CASE.prequels[code] for code in CASE.lists[user, :10]]
        assert value == close(sum(title != 0 and title not in watched for title in before) / 10)
