"""The candidates of the second stage: what several models find, and what is known of each title for each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import FIRST
from recsys.models.base import Scores
from recsys.models.collaborative import interaction_matrix
from recsys.models.composite.config import model_of
from recsys.models.rerank.facts import TitleFacts, centred_ratings

NEAR_TOP = 10
"""The place whose score a title's score is compared with, beside the first."""
FRANCHISE = 0.45
"""Likeness of names from which two titles are taken for parts of one franchise."""
OF_A_MEMBER = ("score", "below the first", f"below place {NEAR_TOP}", "log rank")
OF_A_TITLE = (
    "log watchers",
    "log watchers above the history's",
    "liking",
    "log ratings",
    "log episodes",
    "length of the history",
    "mean rating",
    "share of the type in the history",
    "cosine of genres and tags",
    "lift of genres and tags",
    "likeness of names",
    "watched of the franchise",
    "share watched of the franchise",
    "rating of names alike",
)
OF_THE_LAST_TITLE = (
    "places after the last title",
    "places of the step to the last title",
    "cosine of genres and tags with the last title",
    "likeness of names with the last title",
)
"""What the end of a history has to do with a title.

A title's place is that of its id: catalogues and forms list titles in that order. Numbers of places are logarithms
with a sign.
"""

Floats = npt.NDArray[np.float32]


def feature_names(labels: Sequence[str], *, last_title: bool = False) -> list[str]:
    """Name the columns of `Candidates.features` for members of these labels."""
    of_members = [f"{label}: {name}" for label in [*labels, *means_of(labels)] for name in OF_A_MEMBER]
    return [*of_members, *OF_A_TITLE, *(OF_THE_LAST_TITLE if last_title else ())]


def means_of(labels: Sequence[str]) -> dict[str, list[str]]:
    """Name the members that share a model (`lstm lstm@2`), under what their mean is called; trees average badly.

    >>> means_of(["lstm", "ease", "lstm@2"])
    {'mean of lstm': ['lstm', 'lstm@2']}
    """
    of_model: dict[str, list[str]] = {}
    for label in labels:
        of_model.setdefault(f"mean of {model_of(label)}", []).append(label)
    return {name: sharing for name, sharing in of_model.items() if len(sharing) > 1}


@dataclass(frozen=True, eq=False)
class Candidates:
    """Hold the candidates of a batch of people, one after the other: `rows, codes (n,)` and `features (n, columns)`."""

    rows: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]
    features: Floats

    @classmethod
    def find(
        cls,
        scores: Mapping[str, Scores],
        histories: Histories,
        facts: TitleFacts,
        depth: int,
        *,
        last_title: bool = False,
    ) -> Candidates:
        """Take the `depth` best unseen titles of each member, and describe them.

        `scores` are (n_users, n_codes) each; their seen titles and the codes below `FIRST` become -inf. With
        `last_title` the ends of the histories count, which needs an order.
        """
        found = np.zeros(next(iter(scores.values())).shape, dtype=bool)
        for one in scores.values():
            one[:, :FIRST] = -np.inf
            one[histories.rows, histories.items] = -np.inf
            best = np.argpartition(-one, min(depth, one.shape[1]) - 1, axis=1)[:, :depth]
            np.put_along_axis(found, best, True, axis=1)
        found &= np.isfinite(next(iter(scores.values())))  # seen titles may fill up a short list
        rows, codes = np.nonzero(found)
        means = [np.mean([scores[label] for label in sharing], axis=0) for sharing in means_of(list(scores)).values()]
        columns = [column for one in [*scores.values(), *means] for column in _of_a_member(one, rows, codes)]
        columns += _of_titles(facts, histories, rows, codes)
        if last_title:
            columns += _of_the_last_title(facts, histories, rows, codes)
        return cls(rows, codes, np.column_stack(columns).astype(np.float32))


def _of_a_member(scores: Scores, rows: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]) -> list[Floats]:
    """Describe candidates by one member's scores; ranks are among the candidates."""
    place = min(NEAR_TOP, scores.shape[1]) - 1
    best = -np.partition(-scores, (0, place), axis=1)[:, [0, place]]
    tenth = np.where(np.isfinite(best[:, 1]), best[:, 1], best[:, 0])
    values = scores[rows, codes]
    order = np.lexsort((codes, -values, rows))
    ranks = np.empty(len(rows), dtype=np.int64)
    starts = np.searchsorted(rows, np.arange(len(scores)))
    ranks[order] = np.arange(len(rows)) - starts[rows[order]]
    return [values, values - best[rows, 0], values - tenth[rows], np.log1p(ranks)]


def _of_titles(
    facts: TitleFacts, histories: Histories, rows: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]
) -> list[Floats]:
    """Describe candidates by their own facts, and by what the history has to do with them."""
    from scipy.sparse import csr_matrix

    n, n_codes = histories.n_users, len(facts.log_watchers)
    seen = interaction_matrix(histories, n_codes)
    length = np.diff(seen.indptr)
    at_least_one = np.maximum(length, 1)[:, None]
    usual = np.asarray(seen @ facts.log_watchers) / at_least_one[:, 0]

    given, above = centred_ratings(histories)
    ratings = np.zeros(histories.n_events) if histories.ratings is None else np.where(given, histories.ratings, 0)
    rated = np.bincount(histories.rows[given], minlength=n)
    mean = np.bincount(histories.rows, ratings, n) / np.maximum(rated, 1)

    kinds = (seen @ facts.kinds) / at_least_one
    tokens = np.asarray(seen @ facts.tokens)
    unit = tokens / np.maximum(np.linalg.norm(tokens, axis=1, keepdims=True), 1e-9)
    own = facts.tokens[codes]
    n_own = own.sum(axis=1)
    lift = np.log((tokens + 1) / at_least_one / (facts.token_share + 1e-3))

    parts = csr_matrix(facts.likeness)
    parts.data = (parts.data >= FRANCHISE).astype(np.float32)
    watched = _at(seen @ parts, rows, codes)
    size = np.asarray(parts.sum(axis=0)).ravel()[codes]
    liked = csr_matrix((above.astype(np.float32), histories.items, histories.offsets), shape=(n, n_codes))
    return [
        facts.log_watchers[codes],
        facts.log_watchers[codes] - usual[rows],
        facts.liking[codes],
        facts.log_ratings[codes],
        facts.log_episodes[codes],
        np.log1p(length)[rows],
        mean[rows],
        np.einsum("ij,ij->i", kinds[rows], facts.kinds[codes]),
        np.einsum("ij,ij->i", unit[rows], own) / np.sqrt(np.maximum(n_own, 1)),
        np.einsum("ij,ij->i", lift[rows], own) / np.maximum(n_own, 1),
        _at(seen @ facts.likeness, rows, codes),
        watched,
        watched / np.maximum(size, 1),
        _at(liked @ facts.likeness, rows, codes),
    ]


def _of_the_last_title(
    facts: TitleFacts, histories: Histories, rows: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]
) -> list[Floats]:
    """Describe candidates by the last title of each history, and the step to it from the one before; 0 without."""
    ends, lengths = histories.offsets[1:], histories.lengths
    items = np.append(histories.items, 0).astype(np.int64)  # the last place is what an empty history reads
    last, before = (np.where(lengths >= n, items[np.where(lengths >= n, ends - n, -1)], 0) for n in (1, 2))
    step = np.where(before > 0, _signed_log(last - before), 0).astype(np.float32)
    if not len(rows):
        return [np.zeros(0, dtype=np.float32)] * len(OF_THE_LAST_TITLE)
    last = last[rows]
    own, other = facts.tokens[codes], facts.tokens[last]
    both = np.sqrt(np.maximum(own.sum(axis=1) * other.sum(axis=1), 1))
    return [
        np.where(last > 0, _signed_log(codes - last), 0).astype(np.float32),
        step[rows],
        np.einsum("ij,ij->i", own, other) / both,
        np.asarray(facts.likeness[last, codes]).ravel(),
    ]


def _signed_log(places: npt.NDArray[np.int64]) -> Floats:
    logs: Floats = (np.sign(places) * np.log1p(np.abs(places))).astype(np.float32)
    return logs


def _at(table: object, rows: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]) -> Floats:
    """Return a sparse table's values at these places."""
    dense: Floats = table.toarray()  # type: ignore[attr-defined]
    return dense[rows, codes]
