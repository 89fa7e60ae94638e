"""A Markov chain over titles: what people watched soon after the last titles of a history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.config import Range, Settings, setting
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout
from recsys.dataset.vocabulary import FIRST
from recsys.errors import ConfigError
from recsys.machine import GB, available_memory
from recsys.models.base import Recommender, Scores
from recsys.models.collaborative import interaction_matrix, to_dense
from recsys.models.popularity import count_watchers

DENSE_FROM = 0.25
"""From this share of possible transitions on, a dense table takes little more memory and ranks several times faster."""

BLOCK = 512
"""Titles whose transitions are counted at a time, where not all of them are kept."""
SAMPLE = 200
"""Titles whose pairs are counted to estimate all."""
PAIR_BYTES = 24
"""What a pair takes while it is counted: a weight and an index, in the product, its copy and the sum over people."""


@dataclass(frozen=True)
class MarkovConfig(Settings):
    """Set the chain; the defaults were chosen on validation parts of Annict, MovieLens-1M and Beauty.

    `window=1 last=1` is the plain first-order chain.
    """

    window: int = setting(10, "how many titles later still counts as a transition", low=1, search=Range(1, 20))
    window_decay: float = setting(
        0.8, "weight of a transition for each title further", low=0.0, high=1.0, search=Range(0.3, 1)
    )
    last: int = setting(10, "how many of the last titles vote", low=1, search=Range(1, 30, log=True))
    decay: float = setting(0.6, "weight of a vote for each title further back", low=0.0, high=1.0, search=Range(0.1, 1))
    smoothing: float = setting(
        100.0,
        "transitions drawn from overall popularity, added to each title's own",
        low=0.0,
        search=Range(1, 1000, log=True),
    )
    successors: int = setting(
        0,
        "titles kept after each one, the most probable; all others are then as probable as they are popular (0: all)",
        low=0,
    )


class MarkovRecommender(Recommender):
    """Score a title by the probability that it follows the last titles of the history.

    With c_ij the transitions from title i to title j, c_i their sum, and p_j title j's share of all events,

        P(j | i) = (c_ij + smoothing p_j) / (c_i + smoothing),

    a first-order chain that falls back on popularity where a title was seldom watched (a Dirichlet prior). Where only
    the `successors` of largest c_ij are kept, popularity has the probability of the others, and the table is small. A
    transition spans up to `window` titles of a history, one d titles away counts window_decay^(d-1); the `last`
    titles vote, the one m before the end with decay^m. Spans and votes as in the sequential rules of Ludewig and
    Jannach, Evaluation of Session-based Recommendation Algorithms (UMUAI 2018). Every row of scores is a probability
    distribution. A history without a known title gets the popular ones.

    Data without an order has no transitions. The chain is then fitted on their expectation over all orders of each
    history, so that any two titles of a history are a pair, and all titles vote alike; the facts say so
    (`transitions`).
    """

    name = "markov"
    Config = MarkovConfig
    config: MarkovConfig

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        ordered = data.order is not Order.NONE
        counts, dropped = self._count(data, ordered)
        self.facts |= {
            "transitions": "in the order of the histories" if ordered else "any pair inside a history: no order",
            "different_transitions": int(counts.nnz),
        }
        watchers = count_watchers(data.histories, data.n_codes)
        popularity = watchers / np.float32(watchers.sum())
        dropped = dropped + self.config.smoothing
        totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel() + dropped
        some = totals > np.finfo(np.float32).tiny
        counts.data *= np.repeat(1 / np.where(some, totals, 1), np.diff(counts.indptr)).astype(np.float32)
        fall_back = np.where(some, dropped / np.where(some, totals, 1), 1)
        self._adopt(
            {
                "starts": counts.indptr,
                "next": counts.indices,
                "probabilities": counts.data,
                "fall_back": fall_back.astype(np.float32),  # (n_codes,): the weight of popularity after each title
                "popularity": popularity,
            }
        )

    def _count(self, data: Dataset, ordered: bool) -> tuple[Any, npt.NDArray[np.float64]]:
        """Return the transitions that are kept, CSR (n_codes, n_codes), and how many are not, (n_codes,)."""
        n_codes, window, decay = data.n_codes, self.config.window, self.config.window_decay
        if not self.config.successors:
            count = count_transitions if ordered else expect_transitions
            return count(data.histories, n_codes, window, decay), np.zeros(n_codes)
        if ordered:
            rows = count_transitions(data.histories, n_codes, window, decay).__getitem__
        else:
            rows = expected_rows(interaction_matrix(data.histories, n_codes), window, decay)
        return keep_largest(rows, n_codes, self.config.successors)

    def _adopt(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Take up fitted or loaded arrays."""
        from scipy.sparse import csr_matrix

        n_codes = len(arrays["popularity"])
        self._arrays = arrays
        chain = csr_matrix((arrays["probabilities"], arrays["next"], arrays["starts"]), shape=(n_codes, n_codes))
        self._chain: Any = chain if chain.nnz < DENSE_FROM * n_codes**2 else chain.toarray()

    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        popularity = self._arrays["popularity"]
        votes = self._votes(histories)
        scores = to_dense(votes @ self._chain)
        scores += (votes @ self._arrays["fall_back"])[:, None] * popularity
        scores[np.diff(votes.indptr) == 0] = popularity
        return scores

    def _votes(self, histories: Histories) -> Any:
        """Return the weight of each title's vote, a CSR matrix (n_users, n_codes); its rows sum to 1 or are empty."""
        from scipy.sparse import csr_matrix

        known = histories.keep_events(histories.items >= FIRST)
        if self.data.order is Order.NONE:
            votes = interaction_matrix(known, self.data.n_codes)
        else:
            known = known.last(self.config.last)
            weights = np.power(self.config.decay, known.places_from_end).astype(np.float32)
            votes = csr_matrix((weights, known.items, known.offsets), shape=(known.n_users, self.data.n_codes))
            votes.sum_duplicates()
        sums = np.asarray(votes.sum(axis=1)).ravel()
        votes.data /= np.repeat(sums, np.diff(votes.indptr))
        return votes

    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        """Return the probability of what followed each title; only that is a candidate."""
        scores = to_dense(self._chain[codes])
        return np.where(scores > 0, scores, np.float32(-np.inf))

    def _save(self, folder: Path) -> None:
        np.savez(folder / "chain.npz", **self._arrays)  # type: ignore[arg-type]  # no array is called allow_pickle

    def _load(self, folder: Path) -> None:
        with np.load(folder / "chain.npz", allow_pickle=False) as arrays:
            self._adopt(dict(arrays))


def count_transitions(histories: Histories, n_codes: int, window: int, decay: float) -> Any:
    """Count the transitions from each title (row) to each other one (column), a scipy CSR matrix (n_codes, n_codes).

    A title d places after another one counts decay^(d-1), up to d = `window`; a title does not follow itself.
    """
    from scipy.sparse import csr_matrix

    users, counts = histories.rows, csr_matrix((n_codes, n_codes), dtype=np.float32)
    for distance in range(1, window + 1 if decay > 0 else 2):
        before, after = histories.items[:-distance], histories.items[distance:]
        counted = (users[:-distance] == users[distance:]) & (before != after)
        if not counted.any():
            break
        weights = np.full(int(counted.sum()), decay ** (distance - 1), dtype=np.float32)
        counts = counts + csr_matrix((weights, (before[counted], after[counted])), shape=counts.shape)
    counts.sort_indices()
    return counts


def expect_transitions(histories: Histories, n_codes: int, window: int, decay: float) -> Any:
    """Give the mean of `count_transitions` over all orders of each history (its different titles).

    Raises ConfigError where memory does not suffice for all of them.
    """
    seen = interaction_matrix(histories, n_codes)
    _require_memory(seen)
    return expected_rows(seen, window, decay)(slice(0, n_codes))


def expected_rows(seen: Any, window: int, decay: float) -> Callable[[slice], Any]:
    """Return what gives some titles' rows of `expect_transitions`, CSR (titles, n_codes), for CSR (n_users, n_codes).

    In a random order of n titles, any two of them stand d places apart, in this order, with probability
    (n - d) / (n (n - 1)).
    """
    from scipy.sparse import csr_matrix, diags

    lengths = np.diff(seen.indptr).astype(np.float64)
    weights = sum(decay ** (d - 1) * np.clip(lengths - d, 0, None) for d in range(1, window + 1))
    weights /= np.clip(lengths * (lengths - 1), 1, None)
    weighed = diags(weights.astype(np.float32)) @ seen
    watchers = csr_matrix(seen.T)

    def rows(titles: slice) -> Any:
        counts = csr_matrix(watchers[titles] @ weighed, dtype=np.float32)
        counts.setdiag(0, k=titles.start)
        counts.eliminate_zeros()
        counts.sort_indices()
        return counts

    return rows


def keep_largest(rows: Callable[[slice], Any], n_codes: int, n: int) -> tuple[Any, npt.NDArray[np.float64]]:
    """Keep the n largest values of each row of a matrix (n_codes, n_codes), of like ones those of the lower columns.

    `rows` gives some of its rows, CSR. Returns CSR (n_codes, n_codes), and the sum of what each row lost, (n_codes,).
    """
    from scipy.sparse import csr_matrix, vstack

    parts, dropped = [], np.zeros(n_codes)
    for start in range(0, n_codes, BLOCK):
        block = rows(slice(start, min(start + BLOCK, n_codes)))
        kept = np.ones(block.nnz, dtype=bool)
        for row in np.flatnonzero(np.diff(block.indptr) > n):
            own = slice(block.indptr[row], block.indptr[row + 1])
            values = block.data[own]
            least = np.partition(values, len(values) - n)[len(values) - n]
            kept[own] = values > least
            kept[own.start + np.flatnonzero(values == least)[: n - kept[own].sum()]] = True
            dropped[start + row] = values[~kept[own]].sum(dtype=np.float64)
        places = np.concatenate([[0], np.cumsum(kept)])[block.indptr]
        parts.append(csr_matrix((block.data[kept], block.indices[kept], places), shape=block.shape))
    return vstack(parts, format="csr"), dropped


def _require_memory(seen: Any) -> None:
    """Refuse a matrix (n_users, n_codes) whose pairs of titles would not fit into memory, by some of its titles'.

    Raises ConfigError before the pairs are counted.
    """
    watched = np.flatnonzero(np.bincount(seen.indices, minlength=seen.shape[1]))
    some = watched[np.linspace(0, len(watched) - 1, min(SAMPLE, len(watched)), dtype=np.int64)]
    pairs = (seen[:, some].T @ seen).nnz * len(watched) / max(len(some), 1)
    needed, free = PAIR_BYTES * pairs, available_memory()
    if free is not None and needed > free:
        raise ConfigError(
            f"In data without an order, markov needs {needed / GB:.1f} GB of memory for about {pairs:,.0f} pairs of "
            f"titles, and {free / GB:.1f} GB are free.",
            "Fit with successors=50, or prepare the data with a higher --min-count.",
        )
