"""The two-stage recommender behind the contract: members find candidates, trees put them in order."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout, hold_out_earlier
from recsys.errors import InputError
from recsys.models.base import Recommender, Scores, batch_size
from recsys.models.composite.config import model_of
from recsys.models.composite.recommender import CompositeRecommender, as_asked
from recsys.models.rerank.candidates import Candidates, feature_names
from recsys.models.rerank.config import RerankConfig
from recsys.models.rerank.facts import TitleFacts
from recsys.models.rerank.trees import Lists, Trees
from recsys.ranking.ranks import quality, target_ranks

FOLDS = 5
"""Parts that the held-out people are divided into, to judge trees by people who did not grow them."""
MAX_USERS = 10_000
"""Held-out people that trees are grown on, at most."""
MAX_EARLIER = 40_000
"""Earlier events that trees are grown on, at most."""
LEAST_TELLING = 20
"""People with a held-out title among their candidates, below which no trees are grown."""


class RerankRecommender(CompositeRecommender):
    """Let several models find candidates, and boosted trees put these in order.

    Each member puts up its `depth` best unseen titles. A candidate is described by each member's score and rank, by
    what the training part and the catalogue say of the title (watchers, ratings, type, genres and tags, and the names,
    which tell franchises), and by what the history has to do with it. Trees that maximise NDCG@k (`trees.py`) are
    grown on the held-out titles of the validation part, as the weights of a blend are chosen there; with
    `earlier_targets` also on the last titles of the training part (random ones without an order), as members see them
    that are fitted without these. Titles that are no candidates follow, in the order of the member that is best alone.
    Where trees grown on some of the people do not beat that member on the others, there is no second stage, and the
    member alone remains.

    `fitted` models are taken as they are; so are `fitted_earlier` ones, for `earlier_targets`: fitted with the
    split that `hold_out_earlier` gives.

    Two stages, candidates and their order: Covington, Adams, Sargin, Deep neural networks for YouTube
    recommendations, RecSys 2016. A mood is left to the members that follow one.
    """

    name = "rerank"
    Config = RerankConfig
    config: RerankConfig
    state_file = "rerank.json"
    facts_file = "titles.npz"

    def __init__(
        self,
        config: RerankConfig | None = None,
        *,
        fitted: Mapping[str, Recommender] | None = None,
        fitted_earlier: Mapping[str, Recommender] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(config, fitted=fitted, seed=seed)
        self._fitted_earlier = dict(fitted_earlier or {})
        self._check_members(self._fitted_earlier)
        if self._fitted_earlier and not self.config.earlier_targets:
            raise InputError("Members fitted earlier are for earlier_targets, which is 0.", "Set earlier_targets.")
        self.trees: Trees | None = None
        """The second stage, where there is one."""
        self._first = ""
        self._titles: TitleFacts | None = None

    # -- fitting -------------------------------------------------------------------------------------------------

    def _read(self, data: Dataset) -> None:
        self._titles = TitleFacts.of(data)

    def _taken(self) -> list[Recommender]:
        return [*super()._taken(), *self._fitted_earlier.values()]

    def _settle(self, members: dict[str, Recommender]) -> None:
        first = self.config.members[0]
        self._rows = [{"member": label, "model": model_of(label)} for label in members]
        self._restore({first: members[first]}, {"first": first, "trees": None})

    def _learn(self, data: Dataset, members: dict[str, Recommender], validation: Holdout, progress: bool) -> None:
        config, labels, k = self.config, list(members), self.config.cutoff
        if progress:
            print(f"Describing the candidates of {', '.join(members)}", file=sys.stderr)
        validation = _drawn(validation, MAX_USERS, config.seed)
        self.members = members
        lists, ndcg, recall = self._describe(validation)
        self.alone = dict(zip(labels, ndcg.T, strict=True))
        best = int(ndcg.mean(axis=0).argmax())
        telling = len(np.unique(lists.rows[lists.wanted]))
        others: list[Lists] = []
        if telling >= LEAST_TELLING:
            if config.earlier_targets:
                others = self._look_back(data, progress)
            if progress:
                more = "".join(f" and {one.n_users:,} earlier titles" for one in others)
                print(f"Growing trees on {telling:,} people{more}, {FOLDS} times without some people", file=sys.stderr)
            self.honest, honest_recall = self._cross_fitted(lists, validation, others)
        found = {f"ndcg@{k}": float(ndcg[:, best].mean()), f"recall@{k}": float(recall[:, best].mean())}
        trees = None
        if self.honest is not None:
            if self.honest.mean() > ndcg[:, best].mean():
                trees = Trees.grow(Lists.joined([*others, lists]), config, self._columns(labels))
                found = {f"ndcg@{k}": float(self.honest.mean()), f"recall@{k}": float(honest_recall.mean())}
            found[f"cross_fitted_ndcg@{k}"] = float(self.honest.mean())
        self._report(labels, ndcg, recall, trees)
        kept = members if trees is not None else {labels[best]: members[labels[best]]}
        self._restore(kept, {"first": labels[best], "trees": None if trees is None else trees.text})
        self.facts |= {"validation": found, "second_stage": trees is not None}
        self.facts["learned_from_validation"] = trees is not None

    def _look_back(self, data: Dataset, progress: bool) -> list[Lists]:
        """Describe candidates for the last events of the training part by members that have not seen them.

        Returns one `Lists` of all, or nothing where nobody has an event to spare.
        """
        n, ordered = self.config.earlier_targets, data.order is not Order.NONE
        split, holdouts = hold_out_earlier(data.histories, n, ordered=ordered, seed=self.config.seed)
        if not holdouts:
            return []
        if progress:
            print(f"Fitting the members without {n} events of each person", file=sys.stderr)
        past = type(self)(self.config, fitted=self._fitted_earlier)
        past._data, past.facts = self.data, {"fitted_on": split.protocol, "test_sha256": split.sha256}
        part = data.with_histories(split.train)
        past._read(part)
        past.members = past._fit_members(part, split.validation, progress)
        if progress:
            print(f"Describing their candidates for up to {len(holdouts)} events a person", file=sys.stderr)
        most = MAX_EARLIER // len(holdouts)
        drawn = [_drawn(as_asked(holdout, past.members), most, self.config.seed) for holdout in holdouts]
        return [Lists.joined([past._describe(holdout)[0].telling() for holdout in drawn])]

    def _describe(self, validation: Holdout) -> tuple[Lists, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return everybody's candidates, and NDCG and recall of each member alone, (n_users, n_members)."""
        parts, ndcg, recall = [], [], []
        size = batch_size(self.data.n_codes)
        for start in range(0, validation.n_users, size):
            part = validation.select(slice(start, start + size))
            scores = {label: member._scores(part.inputs) for label, member in self.members.items()}
            alone = []
            for one in scores.values():
                ranks = target_ranks(one.copy(), part.inputs, part.targets)
                alone.append(quality(ranks, part.targets.rows, part.n_users, self.config.cutoff))
            ndcg.append(np.stack([one[0] for one in alone], axis=1))
            recall.append(np.stack([one[1] for one in alone], axis=1))
            found = self._candidates(scores, part.inputs)
            held = np.zeros(next(iter(scores.values())).shape, dtype=bool)
            held[part.targets.rows, part.targets.items] = True
            parts.append(Lists(found.rows + start, found.codes, held[found.rows, found.codes], found.features))
        joined = (np.concatenate(one) for one in zip(*(vars(part).values() for part in parts), strict=True))
        return Lists(*joined), np.concatenate(ndcg), np.concatenate(recall)

    def _candidates(self, scores: Mapping[str, Scores], histories: Histories) -> Candidates:
        assert self._titles is not None
        return Candidates.find(
            scores, histories, self._titles, self.config.depth, last_title=self._reads_the_last_title
        )

    @property
    def _reads_the_last_title(self) -> bool:
        return self.config.last_title and self.data.order is not Order.NONE

    def _columns(self, labels: Iterable[str]) -> list[str]:
        return feature_names(list(labels), last_title=self._reads_the_last_title)

    def _cross_fitted(
        self, lists: Lists, validation: Holdout, others: list[Lists]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return each person's NDCG and recall by trees grown on the other folds of the people and on `others`.

        Both are (n_users,).

        Source: Stone, Cross-validatory choice and assessment of statistical predictions, J. R. Stat. Soc. B 36 (1974).
        """
        n_users, k = validation.n_users, self.config.cutoff
        fold = np.random.default_rng(self.config.seed).permutation(n_users) % FOLDS
        ndcg, recall = np.zeros(n_users), np.zeros(n_users)
        for number in range(FOLDS):
            told = Lists.joined([*others, lists.of(fold != number)])
            trees = Trees.grow(told, self.config, self._columns(self.members))
            judged = lists.of(fold == number)
            part = list_quality(judged, trees.score(judged.features), validation.targets.lengths, k)
            ndcg += part[0]
            recall += part[1]
        return ndcg, recall

    def _report(
        self,
        labels: Sequence[str],
        ndcg: npt.NDArray[np.float64],
        recall: npt.NDArray[np.float64],
        trees: Trees | None,
    ) -> None:
        """Keep what validation said of each member, and what share of the trees' gain is owed to it."""
        k, names = self.config.cutoff, self._columns(labels)
        gains = np.zeros(len(names)) if trees is None else trees.gains()
        self._rows = []
        for place, label in enumerate(labels):
            owed = sum(gain for name, gain in zip(names, gains, strict=True) if name.startswith(f"{label}: "))
            row = {"member": label, "model": model_of(label), "share_of_gain": float(owed)}
            row |= {f"ndcg@{k}": float(ndcg[:, place].mean()), f"recall@{k}": float(recall[:, place].mean())}
            self._rows.append(row | {"fit_seconds": self.members[label].facts.get("fit_seconds")})
        if trees is not None:
            of_members = tuple(f"{label}: " for label in labels)
            owed_to = {
                name: round(float(gain), 4)
                for name, gain in zip(names, gains, strict=True)
                if not name.startswith(of_members)
            }
            self.facts |= {"share_of_gain_of_facts": owed_to}

    # -- serving -------------------------------------------------------------------------------------------------

    @property
    def ranks_seen(self) -> bool:
        return self.trees is None  # seen titles are no candidates of theirs

    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        if mood:
            moody = next(one for one in self.members.values() if one.supports_mood)
            return moody._scores(histories, mood)
        if self.trees is None:
            return self.members[self._first]._scores(histories)
        scores = {label: member._scores(histories) for label, member in self.members.items()}
        ordered = _behind(scores[self._first])
        found = self._candidates(scores, histories)
        values = self.trees.score(found.features)
        lowest = np.zeros(len(ordered), dtype=np.float32)
        np.minimum.at(lowest, found.rows, values)
        ordered[found.rows, found.codes] = values - lowest[found.rows]
        return ordered

    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        return self._similar_by(codes, dict.fromkeys(self.members, 1.0))

    def in_words(self) -> str:
        named = ", ".join(self.members)
        return f"{named} alone" if self.trees is None else f"a second stage after {named}"

    # -- what was learned ----------------------------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        return {"first": self._first, "trees": None if self.trees is None else self.trees.text}

    def _restore(self, members: dict[str, Recommender], state: Mapping[str, Any]) -> None:
        self.members, self._first = members, state["first"]
        self.trees = None if state["trees"] is None else Trees(state["trees"])
        if self.trees is not None:
            self.trees.check(self._columns(members))
        self.supports_mood = any(one.supports_mood for one in members.values())  # type: ignore[misc]

    def _save(self, folder: Path) -> None:
        assert self._titles is not None
        super()._save(folder)
        np.savez(folder / self.facts_file, **self._titles.to_arrays())  # type: ignore[arg-type]

    def _load(self, folder: Path) -> None:
        with np.load(folder / self.facts_file, allow_pickle=False) as arrays:
            self._titles = TitleFacts.from_arrays(dict(arrays))
        super()._load(folder)


def list_quality(
    lists: Lists, scores: npt.NDArray[np.float32], n_targets: npt.NDArray[np.int64], k: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return NDCG@k and recall@k of each person's candidates by these scores, ties against the target, (n_users,).

    `n_targets` counts each person's held-out titles; those that are no candidate are found by nobody.

    >>> lists = Lists(np.array([0, 0, 0]), np.array([5, 6, 7]), np.array([False, True, False]), np.zeros((3, 0)))
    >>> list_quality(lists, np.float32([2, 1, 0]), np.array([1, 1]), 10)[0].round(3).tolist()
    [0.631, 0.0]
    """
    order = np.lexsort((lists.wanted, -scores, lists.rows))
    starts = np.searchsorted(lists.rows, np.arange(len(n_targets)))
    rows, wanted = lists.rows[order], lists.wanted[order]
    ranks = np.arange(len(rows)) - starts[rows] + 1
    hits = ranks[wanted], rows[wanted]
    missing = n_targets - np.bincount(hits[1], minlength=len(n_targets))
    lost = np.repeat(np.arange(len(n_targets)), missing)
    all_ranks = np.concatenate([hits[0], np.full(len(lost), np.iinfo(np.int64).max)])
    return quality(all_ranks, np.concatenate([hits[1], lost]), len(n_targets), k)


def _drawn(holdout: Holdout, most: int, seed: int) -> Holdout:
    """Draw people where there are more of them."""
    if holdout.n_users <= most:
        return holdout
    return holdout.select(np.sort(np.random.default_rng(seed).choice(holdout.n_users, most, replace=False)))


def _behind(scores: Scores) -> Scores:
    """Bring each person's scores into (-2, -1] without changing their order, so that candidates can go before."""
    places = np.empty_like(scores)
    order = np.argsort(-scores, axis=1, kind="stable")
    np.put_along_axis(places, order, np.arange(scores.shape[1], dtype=np.float32)[None], axis=1)
    return -1 - places / np.float32(scores.shape[1])
