"""What validation says: how good a ranking is, and what each part of the scores should count in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.split import Holdout
from recsys.models.base import BATCH, Scores, batch_size
from recsys.models.lstm.config import LSTMConfig
from recsys.ranking.ranks import quality, target_ranks

Score = Callable[[Histories], Scores]
"""Scores (n_users, n_codes) of a group of histories."""

Parts = Callable[[Histories], tuple[Scores, Scores]]
"""Two parts of the scores of a group of histories, each (n_users, n_codes)."""

METRICS = "ndcg", "recall"


def ranking_quality(score: Score, validation: Holdout, k: int = 10, *, batch: int = BATCH) -> dict[str, float]:
    """Return recall@k and NDCG@k over all titles, seen ones excluded, each averaged over users."""
    [[ndcg, recall]] = _qualities(lambda histories: [score(histories)], validation, k, batch)
    return {f"recall@{k}": float(recall.mean()), f"ndcg@{k}": float(ndcg.mean())}


def best_mix(
    parts: Parts,
    validation: Holdout,
    mixes: Sequence[tuple[float, float]],
    config: LSTMConfig,
    n_codes: int,
    *,
    beyond_doubt: bool = False,
) -> tuple[int, dict[str, float]]:
    """Judge sums of two parts by what each counts in them; return the first of the best, and its quality.

    With `beyond_doubt` it is the first mix, unless the best one gains more than two standard errors over it.
    """

    def score(histories: Histories) -> Iterator[Scores]:
        one, other = parts(histories)
        for of_one, of_other in mixes:
            yield np.float32(of_one) * one + np.float32(of_other) * other

    found = _qualities(score, validation, config.cutoff, batch_size(n_codes))
    judged = found[:, METRICS.index(config.monitor.partition("@")[0])]
    best = int(judged.mean(axis=1).argmax())
    gains = judged[best] - judged[0]
    if beyond_doubt and gains.mean() <= 2 * gains.std() / np.sqrt(len(gains)):
        best = 0
    means = dict(zip(METRICS, found[best].mean(axis=1), strict=True))
    return best, {f"{metric}@{config.cutoff}": float(means[metric]) for metric in reversed(METRICS)}


def _qualities(
    score: Callable[[Histories], Iterable[Scores]], validation: Holdout, k: int, batch: int
) -> npt.NDArray[np.float64]:
    """Return NDCG@k and recall@k of each person for each of several ways to score, (ways, 2, n_users)."""
    parts = []
    for start in range(0, validation.n_users, batch):
        part = validation.select(slice(start, start + batch))
        ranks = (target_ranks(scores, part.inputs, part.targets) for scores in score(part.inputs))
        parts.append([quality(found, part.targets.rows, part.n_users, k) for found in ranks])
    return np.concatenate(parts, axis=2)
