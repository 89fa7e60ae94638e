"""The shuffle test: what a model loses when the order of histories is destroyed.

Source: Klenitskiy et al., Does It Look Sequential? An Analysis of Datasets for Evaluation of Sequential
Recommendations, RecSys 2024.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.audit.findings import rounded
from evaluation.audit.order import shuffle_events
from evaluation.metrics import ndcg, recall
from evaluation.ranks import Ranks, rank_holdout
from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.models import make_model, model_class

SUPPORT, CONFIDENCE = 5, 0.1
"""A rule occurs more often than this, and follows its beginning in more than this share: the paper's thresholds."""
SHUFFLES, DRAWS = 3, 1000
MANY_EVENTS = 500_000
"""With so many, one shuffle tells as much of the rules as several."""
CUTOFF = 10
LEAST_EVENTS = 3


@dataclass(frozen=True)
class Rules:
    """Count the sequential rules of a length, in the histories as they are and shuffled (mean of several)."""

    length: int
    found: int
    shuffled: float

    @property
    def loss(self) -> float | None:
        """Give the share of rules that shuffling destroys; None where there are none."""
        return 1 - self.shuffled / self.found if self.found else None


@dataclass(frozen=True)
class ProbeSettings:
    """Say how large a probe is: how many users, their last events, and the model's settings.

    `work` bounds the product of events and titles, by which the time of a full softmax grows.
    """

    model: str
    n_users: int
    window: int
    config: Mapping[str, Any]
    work: float = np.inf


PROBES = {
    "markov": ProbeSettings("markov", 5000, 200, {"window": 1, "last": 1, "smoothing": 10.0}),
    "lstm": ProbeSettings(
        "lstm",
        2000,
        50,
        {
            "units": (64,),
            "dim": 64,
            "user_dim": 0,
            "rating_dim": 0,
            "time_dim": 0,
            "max_tokens": 0,
            "wide_share": 0.0,  # a linear model knows no order, and would hide what the order is worth
            "chain_share": 0.0,
            "names_odds": 0.0,
            "window": 50,
            "batch_size": 32,
            "least_steps": 1,
            "epochs": 8,
            "learning_rate": 5e-3,
        },
        work=1.5e8,  # less than a minute on two cores
    ),
}


@dataclass(frozen=True)
class Probe:
    """Hold a model's NDCG@10 and recall@10 with the order, and without it.

    `shuffled` destroys the order of the test inputs only (the paper's measure), `unordered` that of the training
    histories, too: what the model reaches when it never saw an order. `loss` and `unordered_loss` are the shares of
    NDCG lost, with 95 % bootstrap intervals over users.
    """

    model: str
    n_users: int
    n_events: int
    n_titles: int
    ordered: float
    shuffled: float
    unordered: float
    ordered_recall: float
    shuffled_recall: float
    unordered_recall: float
    loss: tuple[float, float, float] | None
    unordered_loss: tuple[float, float, float] | None
    hits: int
    seconds: float

    def to_mapping(self) -> dict[str, Any]:
        """Return plain names and values, ready for JSON."""

        def plain(value: Any) -> Any:
            if isinstance(value, tuple):
                return [rounded(one) for one in value]
            return rounded(value) if isinstance(value, float) else value

        return {name: plain(value) for name, value in asdict(self).items()}


def count_rules(histories: Histories) -> dict[int, int]:
    """Count the distinct sequences of two and of three titles that are frequent and telling: {length: rules}.

    A sequence counts when it occurs more than `SUPPORT` times, and in more than `CONFIDENCE` of the occurrences of
    its beginning (all but its last title).
    """
    base = int(histories.items.max(initial=0)) + 1
    rules: dict[int, int] = {}
    beginnings, times = np.arange(base), np.bincount(histories.items, minlength=base)
    for length in (2, 3):
        if base**length >= 2**63:  # sequences are told apart by one number
            break
        found, counts = _grams(histories, length, base)
        of_beginning = times[np.searchsorted(beginnings, found // base)]
        rules[length] = int(((counts > SUPPORT) & (counts > CONFIDENCE * of_beginning)).sum())
        beginnings, times = found, counts
    return rules


def sequential_rules(histories: Histories, *, seed: int = 0) -> list[Rules]:
    """Compare the rules of two and three titles with those in shuffled histories."""
    rng = np.random.default_rng(seed)
    found = count_rules(histories)
    n_shuffles = SHUFFLES if histories.n_events < MANY_EVENTS else 1
    shuffled = [count_rules(shuffle_events(histories, rng)) for _ in range(n_shuffles)]
    return [Rules(length, n, float(np.mean([one[length] for one in shuffled]))) for length, n in found.items()]


def shuffle_test(data: Dataset, settings: ProbeSettings, *, seed: int = 0) -> Probe | None:
    """Fit a small model twice, on histories as they are and shuffled, and compare how it predicts the last events.

    Only a sample of users takes part, with their last events and the titles in these. Returns None where fewer than
    two users can be tested.
    """
    began = time.perf_counter()
    rng = np.random.default_rng(seed)
    sample = _sample(data.histories, settings, rng)
    if sample is None:
        return None
    probe_data, holdout = sample
    scrambled = [Holdout(shuffle_events(holdout.inputs, rng), holdout.targets) for _ in range(SHUFFLES)]
    config = _seeded(settings, seed)

    def fitted(train: Histories) -> Any:
        return make_model(settings.model, config).fit(probe_data.with_histories(train))

    model = fitted(holdout.inputs)
    ordered = _judge(model, [holdout])
    shuffled = _judge(model, scrambled)
    unordered = _judge(fitted(shuffle_events(holdout.inputs, rng)), scrambled)
    return Probe(
        settings.model,
        holdout.n_users,
        holdout.inputs.n_events,
        len(probe_data.items),
        ordered=float(ordered[0].mean()),
        shuffled=float(shuffled[0].mean()),
        unordered=float(unordered[0].mean()),
        ordered_recall=float(ordered[1].mean()),
        shuffled_recall=float(shuffled[1].mean()),
        unordered_recall=float(unordered[1].mean()),
        loss=relative_loss(ordered[0], shuffled[0], seed=seed),
        unordered_loss=relative_loss(ordered[0], unordered[0], seed=seed),
        hits=int((ordered[0] > 0).sum()),
        seconds=round(time.perf_counter() - began, 1),
    )


def relative_loss(
    before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], *, seed: int = 0
) -> tuple[float, float, float] | None:
    """Return 1 - mean(after) / mean(before) with its 95 % percentile-bootstrap interval over users.

    Both hold one value a user, of the same users. None where nothing was hit before.
    """
    if not before.any():
        return None
    rng = np.random.default_rng(seed)
    drawn = np.empty(DRAWS)
    for draw in range(DRAWS):
        chosen = rng.integers(0, len(before), len(before))
        total = before[chosen].sum()
        drawn[draw] = 1 - after[chosen].sum() / total if total else np.nan
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return 1 - float(after.mean() / before.mean()), float(low), float(high)


def _grams(histories: Histories, length: int, base: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the distinct sequences of a length, as numbers to a base, and how often each occurs."""
    n_starts = max(histories.n_events - length + 1, 0)
    rows, codes = histories.rows, histories.items.astype(np.int64)
    inside = rows[length - 1 :][:n_starts] == rows[:n_starts]
    numbers = np.zeros(n_starts, dtype=np.int64)
    for step in range(length):
        numbers = numbers * base + codes[step : n_starts + step]
    return np.unique(numbers[inside], return_counts=True)


def _sample(histories: Histories, settings: ProbeSettings, rng: np.random.Generator) -> tuple[Dataset, Holdout] | None:
    """Draw users, take their last events apart into inputs and one target, and renumber the titles in them."""
    users = rng.permutation(np.flatnonzero(histories.lengths >= LEAST_EVENTS))[: settings.n_users]
    recent = histories.select(users).last(settings.window)
    while recent.n_events * len(np.unique(recent.items)) > settings.work:
        recent = recent.select(slice(recent.n_users * 9 // 10))
    from_end = recent.places_from_end
    inputs, targets = recent.keep_events(from_end > 0), recent.keep_events(from_end == 0)
    fresh = np.bincount(inputs.rows[inputs.items == targets.items[inputs.rows]], minlength=recent.n_users) == 0
    if fresh.sum() < 2:
        return None
    inputs, targets = inputs.select(np.flatnonzero(fresh)), targets.select(np.flatnonzero(fresh))
    titles, places = np.unique(np.concatenate([inputs.items, targets.items]), return_inverse=True)
    codes = (places + FIRST).astype(np.int32)
    holdout = Holdout(
        Histories(inputs.offsets, codes[: inputs.n_events]), Histories(targets.offsets, codes[inputs.n_events :])
    )
    vocabulary = Vocabulary(np.arange(len(titles)))
    catalogue = Catalogue(pl.DataFrame({"anime_id": vocabulary.ids}))
    people = Vocabulary(np.arange(holdout.n_users))
    return Dataset("probe", holdout.inputs, people, vocabulary, catalogue, Order.LISTED), holdout


def _judge(model: Any, holdouts: list[Holdout]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return each user's NDCG@10 and recall@10, averaged over the holdouts."""
    ranks: list[Ranks] = [rank_holdout(model, holdout).ranks for holdout in holdouts]
    quality = [np.mean([metric(one, CUTOFF) for one in ranks], axis=0) for metric in (ndcg, recall)]
    return quality[0], quality[1]


def _seeded(settings: ProbeSettings, seed: int) -> dict[str, Any]:
    """Add the seed to the settings of a model that has one."""
    names = [item.name for item in fields(model_class(settings.model).Config)]
    return dict(settings.config) | ({"seed": seed} if "seed" in names else {})
