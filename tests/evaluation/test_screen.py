from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
from rich.console import Console

from evaluation import evaluate
from evaluation.contest import Entry
from evaluation.protocol import Rules
from evaluation.screen import results_table
from recsys.dataset.split import split_dataset
from recsys.models.popularity import PopularityRecommender


class Oracle:
    """Knows the answers: for showing what a clear winner looks like."""

    name = "oracle"

    def __init__(self, split, n_codes):
        self.split, self.n_codes = split, n_codes

    def scores(self, histories):
        assert histories.n_users == self.split.test.n_users
        scores = np.zeros((histories.n_users, self.n_codes))
        scores[self.split.test.targets.rows, self.split.test.targets.items] = 1
        return scores


def entry(*evaluations):
    models = [PopularityRecommender() for _ in evaluations]
    return Entry(models, evaluations, 1.0)


def shown(table):
    stream = io.StringIO()
    Console(width=120, file=stream, force_terminal=True, color_system="standard").print(table)
    return stream.getvalue()


def test_only_a_clear_winner_is_bold(small):
    split = split_dataset(small)
    popularity = evaluate(PopularityRecommender().fit(small, split), split, ["recall@1", "recall@11"])
    oracle = evaluate(Oracle(split, small.n_codes), split, ["recall@1", "recall@11"])
    text = shown(results_table([entry(popularity), entry(oracle)], data="small"))
    assert "\x1b[1;32m1.0000" in text
    assert text.count("\x1b[1;32m") == 1  # at 11 both find everything
    assert "better than every other model beyond doubt" in text
    alone = shown(results_table([entry(popularity), entry(popularity)], data="small"))
    assert "\x1b[1;32m" not in alone
    assert "none is bold" in alone


def test_more_novelty_is_no_victory(small):
    split = split_dataset(small)
    popularity = evaluate(PopularityRecommender().fit(small, split), split, ["novelty@1", "coverage@1"])
    oracle = evaluate(Oracle(split, small.n_codes), split, ["novelty@1", "coverage@1"])
    assert oracle.metrics["novelty@1"].value > popularity.metrics["novelty@1"].value
    assert "none is bold" in shown(results_table([entry(popularity), entry(oracle)], data="small"))


def test_seeds_are_averaged_and_their_spread_is_shown(small):
    split = split_dataset(small)
    one = evaluate(PopularityRecommender().fit(small, split), split, ["recall@1"])
    other = replace(evaluate(Oracle(split, small.n_codes), split, ["recall@1"]), model="popularity")
    text = shown(results_table([entry(one, other)], data="small"))
    low, high = one.metrics["recall@1"].value, 1.0
    assert f"{(low + high) / 2:.4f}" in text
    assert f"±{(high - low) / 2**0.5:.4f}" in text
    assert "standard deviation over 2 seeds" in text


def test_a_rule_about_targets_is_said_above_the_table(small):
    split = split_dataset(small)
    judged = evaluate(PopularityRecommender().fit(small, split), split, ["mrr"], rules=Rules(liked=8.0))
    text = shown(results_table([entry(judged)], data="small"))
    assert "seen ones excluded, targets rated 8 or more" in " ".join(re.sub(r"\x1b\[[\d;]*m", "", text).split())


def test_other_rules_are_said_above_the_table(small):
    split = split_dataset(small)
    rules = Rules(np.array([3, 4]), "ranked", "ahead")
    text = shown(
        results_table([entry(evaluate(Oracle(split, small.n_codes), split, ["mrr"], rules=rules))], data="small")
    )
    assert "11 titles, of which ranked: 2 titles, sha256" in text
    assert "seen ones too, tied targets ahead" in " ".join(re.sub(r"\x1b\[[\d;]*m", "", text).split())
