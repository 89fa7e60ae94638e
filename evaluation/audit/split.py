"""What a split leaves in its parts, and what of the test leaks into the training."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.audit.content import TWIN_LENGTH, history_hashes, quantiles
from evaluation.audit.findings import Finding, Severity, histogram, length_edges, percent, rounded
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout, Split
from recsys.dataset.vocabulary import FIRST

TOPIC = "split"
FEW_USERS = 500
"""Fewer test users leave intervals of a recall of .1 wider than ± .026."""
COLD, VERY_COLD = 0.01, 0.1
FUTURE = 0.1


def check_split(data: Dataset, split: Split) -> tuple[list[Finding], dict[str, Any]]:
    """Return the findings on a split and the series of their figures."""
    lengths = split.test.inputs.lengths
    series = {
        "parts": [_part("train", split.train), *_holdout_parts("validation", split.validation, "test", split.test)],
        "test_lengths": histogram(lengths, length_edges(int(lengths.max(initial=1)))),
    }
    findings = [
        _parts(data, split),
        _cold_titles(split),
        _cold_users(split),
        _test_histories(split.test),
        _leaked_targets(split),
        _future(data, split),
        *_twins(data, split),
    ]
    return findings, series


def _part(name: str, histories: Histories, targets: Histories | None = None) -> dict[str, Any]:
    return {
        "part": name,
        "users": int((histories.lengths > 0).sum()) if targets is None else histories.n_users,
        "events": histories.n_events,
        "targets": None if targets is None else targets.n_events,
        "titles": len(np.unique(histories.items if targets is None else targets.items)),
    }


def _holdout_parts(*named: Any) -> list[dict[str, Any]]:
    return [_part(name, part.inputs, part.targets) for name, part in zip(named[::2], named[1::2], strict=True)]


def _parts(data: Dataset, split: Split) -> Finding:
    trained, tested = int((split.train.lengths > 0).sum()), split.test.n_users
    share = split.train.n_events / max(data.histories.n_events, 1)
    small = tested < FEW_USERS
    return Finding(
        TOPIC,
        "parts",
        Severity.NOTICE if small else Severity.INFO,
        f"train {trained:,} users, {split.train.n_events:,} events ({percent(share)}); validation "
        f"{split.validation.n_users:,} users; test {tested:,} users, {split.test.targets.n_events:,} targets",
        "With so few test users most differences between models are chance."
        if small
        else "There are enough test users to tell models apart by a few percent.",
        "Look at the intervals; average over seeds of the split, or take more users." if small else "",
        {
            "train_users": trained,
            "train_events": split.train.n_events,
            "train_share": rounded(share),
            "validation_users": split.validation.n_users,
            "test_users": tested,
            "test_targets": split.test.targets.n_events,
            "sha256": split.sha256,
        },
    )


def _cold_titles(split: Split) -> Finding:
    """Count test targets that no training event tells of."""
    known = np.zeros(_n_codes(split), dtype=bool)
    known[split.train.items] = True
    cold = ~known[split.test.targets.items]
    share = float(cold.mean())
    return Finding(
        TOPIC,
        "cold titles",
        Severity.WARNING if share > VERY_COLD else Severity.NOTICE if share > COLD else Severity.INFO,
        f"{int(cold.sum()):,} of {len(cold):,} test targets ({percent(share)}) have no training event",
        f"A model that learns from events alone cannot hit them: no recall above {1 - share:.3f} is possible for it."
        if cold.any()
        else "All targets were seen in training.",
        "Compare such models among each other only, or take one that reads genres and tags." if share > COLD else "",
        {"targets": int(cold.sum()), "share": rounded(share)},
    )


def _cold_users(split: Split) -> Finding:
    """Count test users without a training event of their own."""
    trained = np.zeros(int(max(split.train.users.max(initial=0), split.test.inputs.users.max(initial=0))) + 1, bool)
    trained[split.train.users[split.train.lengths > 0]] = True
    trained[:FIRST] = False  # a person whose code is "unknown" is nobody in particular
    cold = ~trained[split.test.inputs.users]
    share = float(cold.mean())
    return Finding(
        TOPIC,
        "cold users",
        Severity.NOTICE if share > COLD else Severity.INFO,
        f"{int(cold.sum()):,} of {len(cold):,} test users ({percent(share)}) have no training event",
        "They are served by their history alone; a user embedding is of no use to them."
        if cold.any()
        else "All test users were trained on: the result says nothing of newcomers.",
        "Prefer models that read a history, and judge on --split unseen-users, too." if share > COLD else "",
        {"users": int(cold.sum()), "share": rounded(share)},
    )


def _test_histories(test: Holdout) -> Finding:
    lengths = test.inputs.lengths
    spread = quantiles(lengths)
    empty = int((lengths == 0).sum())
    return Finding(
        TOPIC,
        "history at test",
        Severity.WARNING if empty else Severity.INFO,
        f"median {spread['median']:,} events, {spread['p10']:,} to {spread['p90']:,} for most"
        + (f"; {empty:,} users have none" if empty else ""),
        "Who has no history gets the popular titles from every model."
        if empty
        else "This much of a user is shown to the model before it predicts.",
        "Leave these users out." if empty else "",
        {**spread, "empty": empty},
    )


def _leaked_targets(split: Split) -> Finding:
    """Look for test and validation targets among what the model is shown or trained on."""
    n = _n_codes(split)
    shown = trained = 0
    for part in (split.test, split.validation):
        inputs = part.inputs.rows * n + part.inputs.items
        shown += _count_among(part.targets.rows * n + part.targets.items, inputs)
        users = part.targets.users[part.targets.rows].astype(np.int64)
        pairs = split.train.users[split.train.rows].astype(np.int64) * n + split.train.items
        trained += _count_among((users * n + part.targets.items)[users >= FIRST], pairs)
    leaks = shown + trained
    return Finding(
        TOPIC,
        "targets in inputs",
        Severity.WARNING if leaks else Severity.INFO,
        f"{shown:,} among what the model is shown, {trained:,} among what it learns from" if leaks else "none",
        "The answer is known before the question is asked: such a score means nothing."
        if leaks
        else "No target is among what the model is shown or what it learns from.",
        "Remove duplicates before splitting." if leaks else "",
        {"shown": shown, "trained": trained},
    )


def _future(data: Dataset, split: Split) -> Finding:
    """Count test targets for which the model has learned from events that were later in time.

    Source: Ji et al., A Critical Study on Data Leakage in Recommender System Offline Evaluation, TOIS 41 (2023);
    Meng et al., Exploring Data Splitting Strategies, RecSys 2020; Hidasi, Czapp, Widespread Flaws in Offline
    Evaluation of Recommender Systems, RecSys 2023.
    """
    name = "look into the future"
    train, targets, inputs = split.train.times, split.test.targets.times, split.test.inputs.times
    if train is None or targets is None or inputs is None:
        return Finding(
            TOPIC,
            name,
            Severity.NOTICE if data.order is not Order.NONE else Severity.INFO,
            "cannot be seen without times",
            "Most users are tested at another moment than others: the training part probably knows what became popular "
            "after a target."
            if data.order is not Order.NONE
            else "Without an order there is no before and after.",
        )
    later = len(train) - np.searchsorted(np.sort(train), targets, side="right")
    looking, mean_later = float((later > 0).mean()), float(later.mean() / max(len(train), 1))
    first_target = np.full(split.test.n_users, np.iinfo(np.int64).max)
    np.minimum.at(first_target, split.test.targets.rows, targets)
    own = np.bincount(
        split.test.inputs.rows[inputs > first_target[split.test.inputs.rows]], minlength=split.test.n_users
    )
    own_later = float((own > 0).mean())
    values = {
        "targets_with_later_training": rounded(looking),
        "mean_share_of_later_training": rounded(mean_later),
        "users_with_later_inputs": rounded(own_later),
    }
    if not looking and not own_later:
        shown = "none: all of the training is earlier than every test target"
        meaning = "The model knows no more than it could have known at that moment."
        return Finding(TOPIC, name, Severity.INFO, shown, meaning, values=values)
    shown = (
        f"for {percent(looking)} of test targets the training has later events, on average {percent(mean_later)} of it"
    )
    if own_later:
        shown += f"; {percent(own_later)} of users are shown own events that came later"
    return Finding(
        TOPIC,
        name,
        Severity.WARNING if mean_later > FUTURE or own_later > FUTURE else Severity.NOTICE,
        shown,
        "The model has learned from what happened after the moment that it is asked about: titles that came out "
        "later, and what became popular. Scores are higher than a service would see, and not for all models alike.",
        "Judge by --split time, too, before you believe a ranking of models.",
        values,
    )


def _twins(data: Dataset, split: Split) -> list[Finding]:
    """Count test users whose targets are in the training history of another user with the very same titles."""
    whole = data.histories
    if not (whole.lengths >= TWIN_LENGTH).any():
        return []
    n = max(_n_codes(split), int(whole.items.max()) + 1)
    groups, group_of, sizes = np.unique(history_hashes(whole, n), return_inverse=True, return_counts=True)
    twin = (sizes[group_of] > 1) & (whole.lengths >= TWIN_LENGTH)
    if not twin.any():
        return []
    inputs, targets = split.test.inputs, split.test.targets
    hashes = history_hashes(inputs, n) + history_hashes(targets, n)
    place = np.searchsorted(groups, hashes)
    place[place == len(groups)] = 0
    found = (groups[place] == hashes) & (sizes[place] > 1) & (inputs.lengths + targets.lengths >= TWIN_LENGTH)
    group_of_user = np.full(int(whole.users.max(initial=0)) + 1, -1, dtype=np.int64)
    group_of_user[whole.users] = np.where(twin, group_of, -1)
    owner = group_of_user[np.minimum(split.train.users, len(group_of_user) - 1)][split.train.rows]
    known = np.unique((owner * n + split.train.items)[owner >= 0])
    given = np.isin(place[targets.rows] * n + targets.items, known) & found[targets.rows]
    users = int(np.bincount(targets.rows[given], minlength=targets.n_users).astype(bool).sum())
    share = users / max(split.test.n_users, 1)
    return [
        Finding(
            TOPIC,
            "doubles in training",
            Severity.WARNING if share > COLD else Severity.NOTICE if users else Severity.INFO,
            f"{users:,} of {split.test.n_users:,} test users have a double in training that has their target",
            "A neighbour model copies the double's last title; that is no recommendation."
            if users
            else "Nobody's target is given away by somebody with the very same titles.",
            "Remove the copied accounts before splitting." if users else "",
            {"users": users, "share": rounded(share)},
        )
    ]


def _count_among(few: npt.NDArray[np.int64], many: npt.NDArray[np.int64]) -> int:
    """Count the different numbers of the first array that are in the second; only the first is sorted."""
    few = np.unique(few)
    place = np.searchsorted(few, many)
    place[place == len(few)] = 0
    found = np.zeros(len(few), dtype=bool)
    if len(few):
        found[place[few[place] == many]] = True
    return int(found.sum())


def _n_codes(split: Split) -> int:
    parts = (split.train, split.test.inputs, split.test.targets, split.validation.inputs, split.validation.targets)
    return 1 + max(int(part.items.max(initial=0)) for part in parts)
