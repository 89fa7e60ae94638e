"""Choose the weights of a blend on held-out events, by the NDCG of the full ranking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.split import Holdout
from recsys.models.base import BATCH, Scores
from recsys.models.blend.scales import SCALES, Seen, find_sharpness
from recsys.ranking.ranks import quality, target_ranks
from recsys.ranking.topk import top_k

MAX_USERS = 5_000
"""Held-out users that the weights are chosen on, at most: more would change them little."""
STEPS = (0.5, 0.2, 0.1, 0.05, 0.02)
"""By how much a weight is raised or lowered, from coarse to fine; the best member has weight 1 at first."""
FOLDS = 5
"""Parts that the held-out users are divided into, to judge weights by users who did not choose them."""
LEAST_USERS = 128
"""Held-out users that are scored at a time, at least: the first of them tell how sharp each member's scores are."""
TINY = 1e-9

Score = Callable[[Histories], Scores]
Floats = npt.NDArray[np.float64]


class Choice(NamedTuple):
    """Hold the scale and the weights (n_members,), which add up to 1."""

    scale: str
    weights: Floats


@dataclass(frozen=True, eq=False)
class Pool:
    """Hold what several models say of the titles that matter, for each held-out user.

    A title that is not among any member's best `depth` can hardly come among a blend's best k, so only these titles
    and the targets are kept. Shapes: `values` maps a scale to (n_users, n_titles, n_members); `filled (n_users,
    n_titles)` marks places in use; `rows, places (n_targets,)` say where the targets are; `single` maps to (n_users,
    n_members) NDCG and recall of each member alone, over all titles; `sharpness (n_members,)`.
    """

    values: dict[str, npt.NDArray[np.float32]]
    filled: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    single: Floats
    single_recall: Floats
    sharpness: list[float]
    cutoff: int

    def select(self, users: npt.NDArray[np.integer]) -> Pool:
        """Keep these users."""
        place = np.full(len(self.filled), -1)
        place[users] = np.arange(len(users))
        kept = place[self.rows] >= 0
        order = np.argsort(place[self.rows[kept]], kind="stable")
        return Pool(
            {scale: values[users] for scale, values in self.values.items()},
            self.filled[users],
            place[self.rows[kept]][order],
            self.places[kept][order],
            self.single[users],
            self.single_recall[users],
            self.sharpness,
            self.cutoff,
        )

    def ndcg(self, choice: Choice) -> Floats:
        """Return NDCG@cutoff of a blend for each user (n_users,), its ranking confined to the kept titles."""
        blended = self.values[choice.scale] @ choice.weights.astype(np.float32)  # (n_users, n_titles)
        blended[~self.filled] = -np.inf
        wanted = blended[self.rows, self.places]
        ranks = np.empty(len(wanted), dtype=np.int64)
        for start in range(0, len(wanted), 4096):
            part = slice(start, start + 4096)
            ranks[part] = (blended[self.rows[part]] >= wanted[part, None]).sum(axis=1)
        return quality(ranks, self.rows, len(self.filled), self.cutoff)[0]


def pool_members(
    scores: Sequence[Score], holdout: Holdout, scales: Sequence[str], cutoff: int, *, batch: int = BATCH
) -> Pool:
    """Let each member score every held-out user once, `batch` at a time, and keep what matters for blending them."""
    depth = max(100, 10 * cutoff)
    parts, single, recall = [], [], []
    sharpness: list[float] = []
    for start in range(0, holdout.n_users, batch):
        part = holdout.select(slice(start, start + batch))
        raw = [score(part.inputs) for score in scores]
        seen = Seen.of(part.inputs, raw[0].shape[1])
        if not sharpness:
            sharpness = [find_sharpness(one, seen, part.targets) for one in raw]
        kept = np.zeros(raw[0].shape, dtype=bool)
        kept[part.targets.rows, part.targets.items] = True
        alone = []
        for one in raw:
            masked = one.copy()
            ranks = target_ranks(masked, part.inputs, part.targets)  # leaves seen titles at -inf
            alone.append(quality(ranks, part.targets.rows, part.n_users, cutoff))
            best = top_k(masked, depth)
            rows, places = np.nonzero(np.isfinite(best.scores))
            kept[rows, best.codes[rows, places]] = True
        single.append(np.stack([ndcg for ndcg, _ in alone], axis=1))
        recall.append(np.stack([hits for _, hits in alone], axis=1))
        parts.append(_compact(raw, kept, part, seen, scales, sharpness))
    width = max(filled.shape[1] for _, filled, _ in parts)
    grown = [_widen(values, filled, width) for values, filled, _ in parts]
    return Pool(
        {scale: np.concatenate([values[scale] for values, _ in grown]) for scale in scales},
        np.concatenate([filled for _, filled in grown]),
        holdout.targets.rows,
        np.concatenate([places for _, _, places in parts]),
        np.concatenate(single),
        np.concatenate(recall),
        sharpness,
        cutoff,
    )


def choose(pool: Pool, scales: Sequence[str]) -> Choice:
    """Return the best scale and weights found; never worse than the best member alone."""
    found = [(search_weights(pool, scale), scale) for scale in scales]
    (_, weights), scale = max(found, key=lambda one: one[0][0])  # of equals the first
    return Choice(scale, weights)


def search_weights(pool: Pool, scale: str) -> tuple[float, Floats]:
    """Return the highest mean NDCG found and its weights, by pattern search from the best member and from all alike.

    One weight at a time goes a step up or down as long as that helps, then the step shrinks: NDCG has no gradient.
    Source: Hooke, Jeeves, "Direct search" solution of numerical and statistical problems, J. ACM 8 (1961).
    """
    n_members = pool.single.shape[1]
    best_alone = np.eye(n_members)[int(pool.single.mean(axis=0).argmax())]
    found = [_climb(pool, scale, start) for start in (best_alone, np.full(n_members, 1 / n_members))]
    return max(found, key=lambda one: one[0])


def cross_fitted(pool: Pool, scales: Sequence[str], seed: int = 0) -> Floats:
    """Return each user's NDCG under a choice made without that user (n_users,): on the other folds of the users.

    This is what a blend is worth; on the users that chose its weights it looks a little better than it is. Source:
    Stone, Cross-validatory choice and assessment of statistical predictions, J. R. Stat. Soc. B 36 (1974).
    """
    order = np.random.default_rng(seed).permutation(len(pool.filled))
    values = np.zeros(len(order))
    for fold in range(FOLDS):
        judged = order[fold::FOLDS]
        others = np.setdiff1d(order, judged)
        if len(judged) and len(others):
            values[judged] = pool.select(judged).ndcg(choose(pool.select(others), scales))
    return values


def _climb(pool: Pool, scale: str, start: Floats) -> tuple[float, Floats]:
    weights = start / start.max()
    best = float(pool.ndcg(Choice(scale, weights)).mean())
    for step in STEPS:
        improved = True
        while improved:
            improved = False
            for member in range(len(weights)):
                for change in (step, -step):
                    trial = weights.copy()
                    trial[member] = max(0.0, trial[member] + change)
                    if trial[member] == weights[member] or trial.sum() == 0:
                        continue
                    value = float(pool.ndcg(Choice(scale, trial)).mean())
                    if value > best + TINY:
                        best, weights, improved = value, trial, True
                        break
    return best, weights / weights.sum()


def _compact(
    raw: Sequence[Scores],
    kept: npt.NDArray[np.bool_],
    batch: Holdout,
    seen: Seen,
    scales: Sequence[str],
    sharpness: Sequence[float],
) -> tuple[dict[str, npt.NDArray[np.float32]], npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Gather the scaled scores of the kept titles, left-aligned; and the places of the targets among them."""
    rows, codes = np.nonzero(kept)
    counts = kept.sum(axis=1)
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    filled = np.arange(counts.max(initial=0)) < counts[:, None]
    values = {scale: np.zeros((*filled.shape, len(raw)), dtype=np.float32) for scale in scales}
    for scale in scales:
        for member, one in enumerate(raw):
            scaled = SCALES[scale](one.copy(), seen, sharpness[member])
            values[scale][rows, places, member] = scaled[rows, codes]
    place_of = np.cumsum(kept, axis=1) - 1
    return values, filled, place_of[batch.targets.rows, batch.targets.items].astype(np.int64)


def _widen(
    values: Mapping[str, npt.NDArray[np.float32]], filled: npt.NDArray[np.bool_], width: int
) -> tuple[dict[str, npt.NDArray[np.float32]], npt.NDArray[np.bool_]]:
    more = width - filled.shape[1]
    wide = {scale: np.pad(one, ((0, 0), (0, more), (0, 0))) for scale, one in values.items()}
    return wide, np.pad(filled, ((0, 0), (0, more)))
