"""New people: recall for users whom the model has never seen, known by only a few of their first titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.newcomers.recall import REFERENCE, hits, summary
from evaluation.protocol import Protocol, refuse_leak
from evaluation.ranks import NEVER, Scorer, rank_holdout
from evaluation.result_files import collect_fields, versions
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout, Split
from recsys.dataset.split.leave_out import shuffled_places
from recsys.errors import InputError
from recsys.models.base import Recommender

KNOWN = (1, 2, 5, 10)
"""By how many titles a person is known."""

Ranks = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Newcomers:
    """Hold the people to judge by: all of the titles that they may be known by, and the one that comes next.

    `split` is the one that models learn from; `holdout` pairs each person's first `max(known)` titles with the title
    after them. Known by n titles is who came n titles ago: the model is told the n before the target. So every n has
    the same people and targets, and the target is always the next title. (Told the first n instead, a model would
    have to guess across a gap that closes as n grows: on ML-1M all of them stay below popularity up to n = 5, and leap
    at n = 10.) The candidates are the same, too: none of the `max(known)` titles is one, told or not.
    """

    split: Split
    holdout: Holdout
    known: tuple[int, ...] = KNOWN

    @property
    def sha256(self) -> str:
        """Identify who is judged by what."""
        return replace(self.split, test=self.holdout).sha256


@dataclass(frozen=True)
class Acquainted:
    """Score for people as a model that is told only the last n titles of each."""

    model: Scorer
    n: int

    def scores(self, histories: Histories, /) -> npt.NDArray[Any]:
        """Return the model's scores for the shortened histories."""
        return self.model.scores(histories.last(self.n))


def meet_newcomers(data: Dataset, split: Split, *, known: Sequence[int] = KNOWN, seed: int = 0) -> Newcomers:
    """Take the people whom a split keeps out of training, where they have more than `max(known)` titles.

    Their titles come in their own order, or, where the data has none, in a random one that the seed decides.
    """
    if not known or min(known) < 1 or list(known) != sorted(set(known)):
        raise InputError(f"Known titles must be rising numbers from 1, got {list(known)}.", "For example: 1, 2, 5, 10.")
    if not split.protocol.startswith("unseen-users"):
        raise InputError(
            f"New people are those of a split by person, got {split.protocol}.", "Split by unseen-users,share=0.1."
        )
    whole = _whole(split.test)
    if data.order is Order.NONE:
        places = shuffled_places(whole, np.random.default_rng(seed))
        whole = whole.reorder_events(np.lexsort((places, whole.rows)))
    most = known[-1]
    whole = whole.select(np.flatnonzero(whole.lengths > most))
    if whole.n_users == 0:
        raise InputError(f"No unseen user of {data.name} has more than {most} titles.", "Ask for fewer known titles.")
    places = whole.places
    return Newcomers(split, Holdout(whole.keep_events(places < most), whole.keep_events(places == most)), tuple(known))


def rank_newcomers(model: Recommender, newcomers: Newcomers) -> Ranks:
    """Rank everybody's target at each number of known titles, (numbers, people).

    Raises InputError for a model that was fitted on another split: it may know the people.
    """
    refuse_leak(model, newcomers.split)
    rows = [rank_holdout(Acquainted(model, n), newcomers.holdout).ranks.values for n in newcomers.known]
    return np.stack(rows)


def people_result(
    models: Sequence[Recommender],
    newcomers: Newcomers,
    ranks: Sequence[Ranks],
    reference: Ranks | None,
    *,
    data: str,
    data_title: str,
    seeds: Sequence[int],
    command: str,
) -> dict[str, Any]:
    """Collect a row's fields from a model under several seeds; `metrics` are by the number of known titles.

    `ranks` holds what `rank_newcomers` gave, one a seed; `reference` popularity's, None for popularity itself.
    """
    model = models[0]
    by_seed = np.stack(ranks)  # (seeds, numbers, people)
    protocol = Protocol(
        split=f"{newcomers.split.protocol}, title {newcomers.known[-1] + 1} by the n before it",
        part="test",
        n_users=newcomers.holdout.n_users,
        n_titles=len(model.data.items),
    )
    fields = collect_fields(
        data=data,
        protocol={**protocol.to_mapping(), "known": list(newcomers.known), "judged_sha256": newcomers.sha256},
        split_sha256=newcomers.split.sha256,
        model=model.name,
        config=model.config.to_mapping(),
        seeds=seeds,
        command=command,
        installed=versions(),
        train_seconds=mean(one.facts["fit_seconds"] for one in models),
        peak_memory_mb=None,  # several models share the process
        metrics={},
        values_by_seed=[],
        data_title=data_title,
        serve_seconds=None,
        training=getattr(model, "epochs", []),
    )
    metrics: Mapping[str, Any] = {
        str(n): summary(hits(by_seed[:, place]), None if reference is None else hits(reference[None, place]))
        for place, n in enumerate(newcomers.known)
    }
    return fields | {"metrics": metrics, "reference": REFERENCE}


def ranks_table(ranks: Sequence[Ranks], newcomers: Newcomers, seeds: Sequence[int]) -> pl.DataFrame:
    """Lay out one row a person, number of known titles and seed: `seed, known, user, rank` (null: never)."""
    people = np.arange(newcomers.holdout.n_users)
    frames = [
        pl.DataFrame({"seed": seed, "known": n, "user": people, "rank": row}).with_columns(
            pl.when(pl.col("rank") != NEVER).then("rank")
        )
        for seed, one in zip(seeds, ranks, strict=True)
        for n, row in zip(newcomers.known, one, strict=True)
    ]
    return pl.concat(frames).cast(pl.Int32)


def _whole(holdout: Holdout) -> Histories:
    """Join inputs and targets again, each person's targets last."""
    parts = (holdout.inputs, holdout.targets)
    order = np.argsort(np.concatenate([part.rows for part in parts]), kind="stable")

    def joined(name: str) -> npt.NDArray[Any] | None:
        values = [getattr(part, name) for part in parts]
        return None if any(one is None for one in values) else np.concatenate(values)[order]

    items = joined("items")
    assert items is not None
    return Histories(
        holdout.inputs.offsets + holdout.targets.offsets,
        items,
        joined("ratings"),
        joined("times"),
        holdout.inputs.users,
    )
