"""The case that this project's metrics and other libraries' are computed on: drawn by a seed, seen titles left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import FIRST

N_USERS, N_TITLES, N_GENRES = 40, 60, 7
CUTOFFS = (1, 3, 10, 20)


class Case(NamedTuple):
    """Hold scores (n_users, n_codes), what is known, and lists of all unseen titles (n_users, N_TITLES), 0-padded."""

    scores: np.ndarray
    train: Histories
    inputs: Histories
    targets: Histories
    lists: np.ndarray
    features: np.ndarray  # (n_codes, n_genres)
    prequels: np.ndarray


def make_case(seed: int = 0) -> Case:
    """Draw a case; no two watched titles have the same number of watchers, and some titles nobody watched."""
    rng = np.random.default_rng(seed)
    n_codes = N_TITLES + FIRST
    counts = np.concatenate([np.arange(1, N_TITLES - 4), np.zeros(5, dtype=np.int64)])  # people: as many as titles
    columns = [rng.permutation(N_TITLES)[:count] for count in counts]
    titles = rng.permutation(np.arange(FIRST, n_codes))
    train = [[int(title) for title, who in zip(titles, columns, strict=True) if row in who] for row in range(N_TITLES)]
    scores = rng.permuted(np.tile(np.arange(n_codes, dtype=np.float32), (N_USERS, 1)), axis=1)
    inputs, targets, lists = [], [], np.zeros((N_USERS, N_TITLES), dtype=np.int32)
    for user in range(N_USERS):
        mine = rng.permutation(np.arange(FIRST, n_codes)).tolist()
        n_seen, n_targets = int(rng.integers(1, 8)), int(rng.integers(1, 15))
        inputs.append(mine[:n_seen])
        targets.append(mine[n_seen : n_seen + n_targets])
        ranked = sorted(mine[n_seen:], key=lambda code: -scores[user, code])
        lists[user, : len(ranked)] = ranked
    features = (rng.random((n_codes, N_GENRES)) < 0.3).astype(np.float32)
    features[np.arange(n_codes), rng.integers(0, N_GENRES, n_codes)] = 1
    features[:FIRST] = 0
    prequels = np.where(rng.random(n_codes) < 0.4, rng.integers(FIRST, n_codes, n_codes), 0).astype(np.int32)
    prequels[:FIRST] = 0
    histories = map(Histories.from_lists, (train, inputs, targets))
    return Case(scores, *histories, lists, features, prequels)
