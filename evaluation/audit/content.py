"""What is in the data: duplicates, ratings, lengths of histories, and how popularity is spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.audit.findings import Finding, Severity, histogram, length_edges, percent, rounded
from evaluation.metrics.catalogue import gini_of
from recsys.dataset.card import QUANTILES
from recsys.dataset.clean import REPEATED
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.vocabulary import FIRST

TOPIC = "content"
SHORT, RARE = 3, 5
"""Users with fewer events cannot be tested by leaving one out; titles with fewer can hardly be learned."""
TWIN_LENGTH = 5
"""Shorter histories agree by chance."""


def check_content(data: Dataset) -> tuple[list[Finding], dict[str, Any]]:
    """Return the findings on the content and the series of their figures."""
    histories = data.histories
    counts = np.bincount(histories.items, minlength=data.n_codes)[FIRST:]
    series = {
        "history_lengths": histogram(histories.lengths, length_edges(int(histories.lengths.max(initial=1)))),
        "title_counts": histogram(counts[counts > 0], length_edges(int(counts.max(initial=1)))),
        "lorenz": _lorenz(counts[counts > 0]),
    }
    findings = [
        _size(data, counts),
        _duplicates(data),
        *_twins(histories),
        *_ratings(histories),
        _history_lengths(histories),
        _title_counts(counts),
        _concentration(counts),
    ]
    return findings, series


def history_hashes(histories: Histories, n_codes: int, seed: int = 0) -> npt.NDArray[np.uint64]:
    """Return a number for each user's set of titles, shape (n_users,): equal sets have equal numbers.

    It is the sum of random 64-bit numbers, one a title, modulo 2^64; different sets agree with probability 2^-64.
    """
    drawn = np.random.default_rng(seed).integers(0, 2**64, size=n_codes, dtype=np.uint64)
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(drawn[histories.items], dtype=np.uint64)])
    return np.asarray(sums[histories.offsets[1:]] - sums[histories.offsets[:-1]], dtype=np.uint64)


def quantiles(values: npt.NDArray[Any]) -> dict[str, float]:
    """Return the quantiles that a data card has, and the mean."""
    if len(values) == 0:
        return {}
    found = np.quantile(values, list(QUANTILES.values()), method="lower")
    return {"mean": rounded(values.mean(), 2)} | {
        name: int(value) for name, value in zip(QUANTILES, found, strict=True)
    }


def _size(data: Dataset, counts: npt.NDArray[np.int64]) -> Finding:
    histories, watched = data.histories, int((counts > 0).sum())
    cells = max(histories.n_users * watched, 1)
    density = histories.n_events / cells
    return Finding(
        TOPIC,
        "size",
        Severity.INFO,
        f"{histories.n_users:,} users, {watched:,} titles, {histories.n_events:,} events; {density:.2%} of the matrix",
        "Differences between models that are smaller than the intervals of so many users are none.",
        values={
            "users": histories.n_users,
            "titles": len(data.items),
            "titles_watched": watched,
            "events": histories.n_events,
            "density": rounded(density, 6),
        },
    )


def _duplicates(data: Dataset) -> Finding:
    """Count repeated (user, title) pairs: those that `prepare` dropped, and any that are still there."""
    histories = data.histories
    pairs = np.sort(histories.rows * data.n_codes + histories.items)
    remaining = int((pairs[1:] == pairs[:-1]).sum())
    rules = [rule for rule in data.card.get("dropped", ()) if rule.get("rule") == REPEATED]
    dropped = sum(rule["rows"] for rule in rules)
    identical = sum(rule.get("identical", 0) for rule in rules)
    n_rows = int(data.card.get("counts", {}).get("rows", histories.n_events))
    share = dropped / n_rows if n_rows else 0.0
    values = {"dropped": dropped, "identical": identical, "remaining": remaining, "share": rounded(share)}
    if remaining:
        return Finding(
            TOPIC,
            "duplicates",
            Severity.WARNING,
            f"{remaining:,} events repeat a title of their user",
            "A target that the user has watched before is among the inputs: the answer is known.",
            "Prepare the data with recsys prepare, which keeps the latest event of each title.",
            values,
        )
    if not dropped:
        return Finding(
            TOPIC, "duplicates", Severity.INFO, "none", "Each title occurs once in a history.", values=values
        )
    return Finding(
        TOPIC,
        "duplicates",
        Severity.NOTICE if share > 0.01 else Severity.INFO,
        f"{dropped:,} of {n_rows:,} rows repeated a title of their user; {identical:,} in every column",
        "Only the latest row of each title was kept. Rows that are alike were logged twice; the others are a second "
        "time, or a changed rating, and the order now says when the title was watched last.",
        "If people come back to titles and you want to predict that, this data set no longer shows it."
        if share > 0.01
        else "",
        values,
    )


def _twins(histories: Histories) -> list[Finding]:
    """Look for users with the very same titles: one person with two accounts, or rows copied."""
    long = histories.select(np.flatnonzero(histories.lengths >= TWIN_LENGTH))
    if not long.n_users:
        return []
    _, sizes = np.unique(history_hashes(long, int(long.items.max()) + 1), return_counts=True)
    twins = int(sizes[sizes > 1].sum())
    share = twins / long.n_users
    return [
        Finding(
            TOPIC,
            "identical histories",
            Severity.WARNING if share > 0.05 else Severity.NOTICE if twins else Severity.INFO,
            f"{twins:,} of {long.n_users:,} users with {TWIN_LENGTH} titles or more have exactly another's titles"
            if twins
            else "none",
            "Copied accounts: one of them in training gives away the targets of the other."
            if twins
            else "No two users have the very same titles.",
            "Remove the copies before splitting." if twins else "",
            {"users": twins, "of": long.n_users, "share": rounded(share)},
        )
    ]


def _ratings(histories: Histories) -> list[Finding]:
    """Describe the scale and what is missing; look for numbers that stand for 'no rating'."""
    if histories.ratings is None:
        return [
            Finding(TOPIC, "ratings", Severity.INFO, "none", "All events count alike: what was watched, not how liked.")
        ]
    given = histories.ratings[~np.isnan(histories.ratings)]
    missing = 1 - len(given) / max(len(histories.ratings), 1)
    if not len(given):
        return [Finding(TOPIC, "ratings", Severity.NOTICE, "all missing", "The column of ratings is empty.")]
    levels = np.unique(given)
    least = float(levels[levels > 0].min()) if (levels > 0).any() else 0.0
    stand_ins = {float(level): int((given == level).sum()) for level in levels if level < 0 or (level == 0 < least)}
    suspicious = any(level < 0 for level in stand_ins) and float(levels[-1]) > 0
    unrated = _unrated_users(histories)
    found: list[Finding] = []
    if suspicious or (stand_ins and least >= 1):
        level, count = next(iter(stand_ins.items()))
        found.append(
            Finding(
                TOPIC,
                "rating stand-ins",
                Severity.WARNING if suspicious else Severity.NOTICE,
                f"{count:,} ratings are {level:g}",
                "That looks like 'watched, not rated', not like a bad rating; as a number it drags every mean down.",
                f"If so, prepare again with --unrated {level:g}.",
                {"level": level, "count": count, "share": rounded(count / len(given))},
            )
        )
    values = {
        "missing_share": rounded(missing),
        "users_without": unrated,
        "min": float(levels[0]),
        "mean": rounded(given.mean(dtype=np.float64), 3),
        "max": float(levels[-1]),
        "levels": len(levels),
    }
    shown = (
        f"{levels[0]:g} to {levels[-1]:g} in {len(levels):,} levels, mean {values['mean']:.2f}; "
        f"{percent(missing)} missing"
    )
    if unrated:
        shown += f", {unrated:,} users rate nothing"
    bare = missing > 0.5
    found.append(
        Finding(
            TOPIC,
            "ratings",
            Severity.NOTICE if bare else Severity.INFO,
            shown,
            "Most events have no rating: it can be an extra, not the basis."
            if bare
            else "Models here count every event as watched; a rating only weighs it.",
            "Do not drop unrated events: that somebody watched a title is what is learned from." if missing else "",
            values,
        )
    )
    return found


def _unrated_users(histories: Histories) -> int:
    assert histories.ratings is not None
    rated = np.bincount(histories.rows[~np.isnan(histories.ratings)], minlength=histories.n_users)
    return int(((rated == 0) & (histories.lengths > 0)).sum())


def _history_lengths(histories: Histories) -> Finding:
    lengths = histories.lengths
    short = float((lengths < SHORT).mean()) if len(lengths) else 0.0
    spread = quantiles(lengths)
    return Finding(
        TOPIC,
        "history lengths",
        Severity.NOTICE if short > 0.2 else Severity.INFO,
        f"median {spread['median']:,}, {spread['p10']:,} to {spread['p90']:,} for most, longest {spread['max']:,}; "
        f"{percent(short)} have fewer than {SHORT}",
        f"Leaving one out needs {SHORT} events of a user; who has fewer is only trained on, so results speak for the "
        "others.",
        "Judge with unseen-users or a time split if newcomers matter." if short > 0.2 else "",
        values={**spread, "short_share": rounded(short)},
    )


def _title_counts(counts: npt.NDArray[np.int64]) -> Finding:
    watched = counts[counts > 0]
    rare = float((watched < RARE).mean()) if len(watched) else 0.0
    spread = quantiles(watched)
    return Finding(
        TOPIC,
        "events per title",
        Severity.NOTICE if rare > 0.3 else Severity.INFO,
        f"median {spread['median']:,}, most {spread['max']:,}; {percent(rare)} of titles have fewer than {RARE}",
        f"A title with fewer than {RARE} events can hardly be learned from behaviour alone.",
        "Look at recall by popularity of the target; use genres and tags; or prepare with --min-count."
        if rare > 0.3
        else "",
        values={**spread, "rare_share": rounded(rare)},
    )


def _concentration(counts: npt.NDArray[np.int64]) -> Finding:
    """Measure how much of all watching falls on few titles."""
    watched = np.sort(counts[counts > 0])[::-1]
    total = max(int(watched.sum()), 1)
    top = {share: float(watched[: max(1, round(share * len(watched)))].sum() / total) for share in (0.01, 0.1)}
    unequal = gini_of(watched)
    strong = top[0.1] > 0.5
    return Finding(
        TOPIC,
        "popularity",
        Severity.NOTICE if strong else Severity.INFO,
        f"the top 1% of titles have {percent(top[0.01])} of the events, the top 10% {percent(top[0.1])}; "
        f"Gini {unequal:.2f}",
        "Few titles take most of the events: to list them for everybody is a strong baseline, and a high recall can "
        "come from popularity alone."
        if strong
        else "Popularity is spread widely.",
        "Always judge beside the popularity model, and report coverage and novelty too." if strong else "",
        {"top_1_percent": rounded(top[0.01]), "top_10_percent": rounded(top[0.1]), "gini": rounded(unequal)},
    )


def _lorenz(counts: npt.NDArray[np.int64]) -> dict[str, list[float]]:
    """Return points of the curve: what share of events the most watched share of titles has."""
    events = np.concatenate([[0], np.cumsum(np.sort(counts)[::-1])])
    at = np.unique(np.linspace(0, len(counts), 101).round().astype(int))
    total = max(int(events[-1]), 1)
    return {
        "titles": [rounded(one / max(len(counts), 1)) for one in at],
        "events": [rounded(events[one] / total) for one in at],
    }
