"""Where each held-out title stands in a full ranking, from scores, in bounded memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from evaluation.protocol import Rules, Ties
from recsys.dataset.histories import Histories
from recsys.dataset.split import Holdout
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError
from recsys.ranking.topk import top_k

NEVER = np.iinfo(np.int64).max
"""The rank of a target that the model would never recommend (its score is -inf)."""

BATCH = 512


class Scorer(Protocol):
    """Anything that scores every title for people, given their histories; every `Recommender` does."""

    def scores(self, histories: Histories, /) -> npt.NDArray[Any]:
        """Return the score of every item code for every user, (n_users, n_codes)."""
        ...


@dataclass(frozen=True, eq=False)
class Ranks:
    """Hold the 1-based ranks of each user's targets, ascending inside every user, ragged like `Histories`.

    Shapes: `offsets (n_users + 1,)`, `values (n_targets,)`; every user has at least one target.

    >>> ranks = Ranks.from_lists([[3], [7, 1]])
    >>> ranks.values.tolist(), ranks.n_targets.tolist(), ranks.best.tolist()
    ([3, 1, 7], [1, 2], [3, 1])
    """

    offsets: npt.NDArray[np.int64]
    values: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if (self.n_targets < 1).any():
            user = int(np.flatnonzero(self.n_targets < 1)[0])
            raise InputError(f"Every judged user must have a target, user {user} has none.", "Leave that user out.")
        if len(self.values) and self.values.min() < 1:
            raise InputError(f"Ranks must be at least 1, got {self.values.min()}.", "Count places from 1.")
        steps = np.diff(self.values)
        steps[self.offsets[1:-1] - 1] = 0  # from one user to the next
        assert (steps >= 0).all(), "ranks ascend inside each user"

    @classmethod
    def from_lists(cls, rows: Sequence[Sequence[int]]) -> Ranks:
        """Build ranks from one list of places a user, in any order."""
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
        values = [np.sort(np.asarray(row, dtype=np.int64)) for row in rows]
        return cls(offsets, np.concatenate(values) if values else np.zeros(0, dtype=np.int64))

    @property
    def n_users(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_targets(self) -> npt.NDArray[np.int64]:
        """Count each user's targets, shape (n_users,)."""
        return np.diff(self.offsets)

    @property
    def users(self) -> npt.NDArray[np.int64]:
        """Give the user index of each target, shape (n_targets,)."""
        return np.repeat(np.arange(self.n_users), self.n_targets)

    @property
    def best(self) -> npt.NDArray[np.int64]:
        """Give the rank of each user's best-placed target, shape (n_users,)."""
        return self.values[self.offsets[:-1]]


class Ranked(NamedTuple):
    """Hold what a model did with a holdout: target ranks, lists of item codes (n_users, depth), number of titles."""

    ranks: Ranks
    lists: npt.NDArray[np.int32]
    n_titles: int


def rank_holdout(
    model: Scorer,
    holdout: Holdout,
    *,
    depth: int = 0,
    batch_size: int = BATCH,
    rules: Rules | None = None,
    progress: bool = False,
) -> Ranked:
    """Score every title for every user of the holdout and rank the targets; never more than one batch in memory.

    With a `depth` the best `depth` codes of each user are kept too, made by the same rules (by default: all titles are
    candidates, seen ones are left out, a tied target ranks behind).
    """
    rules = rules or Rules()
    if holdout.n_users == 0:
        raise InputError("There is nobody to judge by: the held-out part is empty.", "Split the data differently.")
    values, lists, n_codes = [], [], 0
    for start in _batches(holdout.n_users, batch_size, progress):
        part = holdout.select(slice(start, start + batch_size))
        scores = np.asarray(model.scores(part.inputs))
        if not np.issubdtype(scores.dtype, np.floating):  # counts have no -inf, and unsigned ones no negative
            scores = scores.astype(np.float64)
        n_codes = n_codes or scores.shape[-1]
        if scores.shape != (part.n_users, n_codes):
            raise InputError(
                f"Scores must be {(part.n_users, n_codes)} (users, item codes), got {scores.shape}.",
                "Return one column for every item code, padding and unknown included.",
            )
        if rules.candidates is not None:
            scores = _only(scores, rules.candidates)
        left_out = part.inputs if rules.seen == "excluded" else _nothing(part.inputs)
        values.append(ranks_from_scores(scores, left_out, part.targets, ties=rules.ties).values)
        if depth:
            lists.append(_lists(scores, left_out, depth))
    ranks = Ranks(holdout.targets.offsets, np.concatenate(values))
    empty = np.zeros((holdout.n_users, 0), dtype=np.int32)
    return Ranked(ranks, np.concatenate(lists) if depth else empty, n_codes - FIRST)


def ranks_from_scores(scores: npt.NDArray[Any], seen: Histories, targets: Histories, *, ties: Ties = "behind") -> Ranks:
    """Rank each user's targets among all titles but those seen; a tied title goes before the target.

    `scores` is (n_users, n_codes) and is left as it is. A target's rank is 1 + the unseen other titles that score at
    least as much (more, where `ties` is "ahead"); of a user's several targets each takes a place of its own. So a model
    that scores everything alike puts every target last. Codes below `FIRST` are no titles. A score of -inf means
    "never" (rank `NEVER`).
    """
    titles = scores[:, FIRST:]
    if titles.size and np.isnan(titles.min()):  # the minimum is NaN as soon as one of them is
        user, title = np.argwhere(np.isnan(titles))[0]
        raise InputError(
            f"Scores must be numbers, got NaN (first for row {user}, code {title + FIRST}).",
            "A training that diverged leaves such a model: lower its learning rate.",
        )
    _check_targets(seen, targets, scores.shape[1])
    rows = targets.rows
    own = scores[rows, targets.items]
    own = own[np.lexsort((-own, rows))]  # best first inside each user
    others = np.empty(targets.n_events, dtype=np.int64)  # unseen titles that go before, the user's targets left out
    beats = np.greater_equal if ties == "behind" else np.greater
    before = np.empty(scores.shape[1], dtype=bool)
    watched, wanted = seen.items.astype(np.int64), targets.items.astype(np.int64)  # as indices, cast once
    bounds = seen.offsets.tolist()
    for user, (start, stop) in enumerate(itertools.pairwise(targets.offsets.tolist())):
        row, old, mine = scores[user], watched[bounds[user] : bounds[user + 1]], wanted[start:stop]
        for place in range(start, stop):
            beats(row, own[place], before)
            before[old] = before[mine] = before[:FIRST] = False
            others[place] = np.count_nonzero(before)
    ranks = others + 1 + np.arange(targets.n_events) - targets.offsets[rows]
    return Ranks(targets.offsets, np.where(own > -np.inf, ranks, NEVER))


def ranks_from_lists(codes: npt.NDArray[np.integer], holdout: Holdout, *, n_codes: int) -> Ranks:
    """Find each target's place in ranked lists (n_users, depth), padded with 0; `NEVER` where it is not in the list.

    Raises InputError for lists that are not what a model may recommend to the holdout's users.
    """
    if codes.ndim != 2 or len(codes) != holdout.n_users:
        raise InputError(
            f"Lists must be (users, depth) for {holdout.n_users} users, got the shape {codes.shape}.",
            "Give one row for every user of the part, in its order; pad short lists with 0.",
        )
    listed = codes != 0
    if listed.any() and not FIRST <= codes[listed].min() <= codes[listed].max() < n_codes:
        raise InputError(
            f"Lists must hold item codes from {FIRST} to {n_codes - 1}, got {codes[listed].min()} to "
            f"{codes[listed].max()}.",
            "Encode the titles by the data set's own vocabulary.",
        )
    rows, places = np.nonzero(listed)
    keys = rows * n_codes + codes[rows, places].astype(np.int64)
    order = np.argsort(keys, kind="stable")
    keys, places = keys[order], places[order]
    if (np.diff(keys) == 0).any():
        raise InputError("A list must name a title once, got one twice.", "Remove duplicates, the first stays.")
    n_seen = int(np.isin(keys, _keys(holdout.inputs, n_codes)).sum())
    if n_seen:
        raise InputError(f"{n_seen} listed titles are among those that their user has seen.", "Leave seen titles out.")
    wanted = _keys(holdout.targets, n_codes)
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    found = keys[at] == wanted if len(keys) else np.zeros(len(wanted), dtype=bool)
    values = np.where(found, places[at] + 1 if len(keys) else 0, NEVER)
    order = np.lexsort((values, holdout.targets.rows))
    return Ranks(holdout.targets.offsets, values[order])


def _only(scores: npt.NDArray[Any], candidates: npt.NDArray[np.integer]) -> npt.NDArray[Any]:
    """Return a copy of the scores in which all but the candidates are never recommended."""
    if len(candidates) == 0 or not FIRST <= candidates.min() <= candidates.max() < scores.shape[1]:
        raise InputError(
            f"Candidates must be item codes from {FIRST} to {scores.shape[1] - 1}, at least one of them.",
            "Encode the titles by the data set's own vocabulary.",
        )
    kept = np.full_like(scores, -np.inf)
    kept[:, candidates] = scores[:, candidates]
    return kept


def _nothing(histories: Histories) -> Histories:
    return histories.keep_events(np.zeros(histories.n_events, dtype=bool))


def _check_targets(seen: Histories, targets: Histories, n_codes: int) -> None:
    if targets.n_events and not FIRST <= targets.items.min() <= targets.items.max() < n_codes:
        raise InputError(
            f"Targets must be item codes from {FIRST} to {n_codes - 1}, got {targets.items.min()} to "
            f"{targets.items.max()}.",
            "Judge the model on the data that it was fitted for.",
        )
    keys = np.append(np.sort(_keys(targets, n_codes)), -1)  # the last one stands for: behind all targets
    if (keys[1:] == keys[:-1]).any():
        raise InputError("A user's targets must differ, got one twice.", "Remove duplicates before splitting.")
    seen_keys = _keys(seen, n_codes)
    leaked = keys[np.searchsorted(keys[:-1], seen_keys)] == seen_keys
    if leaked.any():
        raise InputError(
            f"{len(np.unique(seen_keys[leaked]))} of {targets.n_events} targets are among the titles that their user "
            "has seen.",
            "Remove duplicates before splitting: what the model is shown must not hold the answer.",
        )


def _keys(histories: Histories, n_codes: int) -> npt.NDArray[np.int64]:
    """Number each (user, title) pair."""
    return histories.rows * n_codes + histories.items


def _lists(scores: npt.NDArray[Any], seen: Histories, depth: int) -> npt.NDArray[np.int32]:
    """Return the best `depth` unseen codes of each user (all where there are fewer titles), 0 where none is left."""
    masked = np.array(scores, dtype=np.result_type(scores, np.float32))
    masked[:, :FIRST] = -np.inf
    masked[seen.rows, seen.items] = -np.inf
    return top_k(masked, depth).codes


def _batches(n_users: int, size: int, progress: bool) -> Sequence[int] | Any:
    starts = range(0, n_users, size)
    if not progress:
        return starts
    from rich.console import Console
    from rich.progress import track

    return track(starts, description="Ranking", console=Console(stderr=True))
