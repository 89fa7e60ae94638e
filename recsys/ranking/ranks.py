"""Where targets stand in a full ranking."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import FIRST


def target_ranks(scores: npt.NDArray[np.float32], inputs: Histories, targets: Histories) -> npt.NDArray[np.int64]:
    """Return the 1-based rank of each target among all titles, shape (targets.n_events,).

    `scores` is (n_users, n_codes) and is changed: titles in `inputs` (seen) and the codes below `FIRST` leave the
    ranking, except targets themselves. A tie ranks the target behind (pessimistic), so a constant scorer gets nothing.

    >>> seen, target = Histories.from_lists([[2]]), Histories.from_lists([[3]])
    >>> target_ranks(np.array([[9, 9, 8, 5, 5, 1]], dtype=np.float32), seen, target).tolist()
    [2]
    """
    rows = targets.rows
    wanted = scores[rows, targets.items].copy()
    if not np.isfinite(wanted).all():
        raise ValueError("Every target needs a finite score.")
    scores[:, :FIRST] = -np.inf
    scores[inputs.rows, inputs.items] = -np.inf
    scores[rows, targets.items] = wanted
    if len(rows) == len(scores) and (targets.lengths == 1).all():  # the common case needs no copy of the scores
        return np.asarray((scores >= wanted[:, None]).sum(axis=1), dtype=np.int64)
    ranks = np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), 512):
        part = slice(start, start + 512)
        ranks[part] = (scores[rows[part]] >= wanted[part, None]).sum(axis=1)
    return ranks


def quality(
    ranks: npt.NDArray[np.integer], rows: npt.NDArray[np.integer], n_users: int, k: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return NDCG@k and recall@k of each user (n_users,), from the ranks of targets and whose they are.

    >>> quality(np.array([1, 3]), np.array([0, 1]), 2, 2)[0].tolist()
    [1.0, 0.0]
    """
    hits = ranks <= k
    n_targets = np.bincount(rows, minlength=n_users)
    gains = np.bincount(rows, np.where(hits, 1 / np.log2(1.0 + ranks), 0.0), minlength=n_users)
    ideal = np.cumsum(1 / np.log2(2.0 + np.arange(k)))[np.clip(n_targets, 1, k) - 1]
    return gains / ideal, np.bincount(rows, hits, minlength=n_users) / np.maximum(n_targets, 1)
