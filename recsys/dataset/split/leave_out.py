"""Hold out each user's last events, or random ones where the data has no order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.split.parts import Holdout, Split
from recsys.errors import InputError


def leave_last_out(histories: Histories, *, n_targets: int = 1) -> Split:
    """Test on each user's last events, validate on those before them, train on the rest.

    Users with fewer than `2 * n_targets + 1` events stay whole in the training part.
    """
    return _cut(histories, histories.places_from_end, n_targets, f"leave-last-{n_targets}-out")


def random_holdout(histories: Histories, *, n_targets: int = 1, seed: int = 0) -> Split:
    """Test and validate on random events of each user: for data without an order."""
    place = shuffled_places(histories, np.random.default_rng(seed))
    return _cut(histories, place, n_targets, f"random-{n_targets}-out-seed-{seed}")


def hold_out_earlier(histories: Histories, n: int, *, ordered: bool, seed: int = 0) -> tuple[Split, list[Holdout]]:
    """Hold the last `n` events of each person, random ones without an order, out of a training part once more.

    So what orders the titles that models find can learn from more than the validation part. Nobody loses more than
    half of their events. Returns a split for fitting these models, whose validation part is one event of each person,
    and whose test part is all that were taken; and up to `n` holdouts of one target each, whose inputs are what is
    known when a target is asked for: all before it, or without an order all but it.
    """
    place = histories.places_from_end if ordered else shuffled_places(histories, np.random.default_rng(seed))
    counts = np.minimum(n, histories.lengths // 2)
    held = np.repeat(counts, histories.lengths)

    def holdout(inputs: npt.NDArray[np.bool_], target: npt.NDArray[np.bool_]) -> Holdout:
        targets = histories.keep_events(target)
        users = np.flatnonzero(targets.lengths)
        return Holdout(histories.keep_events(inputs).select(users), targets.select(users))

    holdouts = [
        holdout(place > number if ordered else place != number, (place == number) & (number < held))
        for number in range(int(counts.max(initial=0)))
    ]
    rest = place >= held
    validation, test = holdout(rest, (place == held - 1) & ~rest), holdout(rest, ~rest)
    return Split(f"earlier-{n}-out", histories.keep_events(rest), validation, test), holdouts


def shuffled_places(histories: Histories, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Number each user's events from 0 in a random order, shape (n_events,)."""
    shuffled = np.lexsort((rng.random(histories.n_events), histories.rows))
    place = np.empty(histories.n_events, dtype=np.int64)
    place[shuffled] = histories.places
    return place


def _cut(histories: Histories, place: npt.NDArray[np.int64], n_targets: int, protocol: str) -> Split:
    """Divide events by their place in the queue for being held out (0 goes first, to the test part)."""
    if n_targets < 1:
        raise InputError(f"A split must hold out at least 1 event a user, got {n_targets}.", "Use 1 or more.")
    tested = histories.lengths >= 2 * n_targets + 1
    if not tested.any():
        raise InputError(
            f"No user has the {2 * n_targets + 1} events that this split needs.",
            "Prepare the data with longer histories or hold out fewer events.",
        )
    eligible = np.repeat(tested, histories.lengths)
    in_test = eligible & (place < n_targets)
    in_validation = eligible & (place >= n_targets) & (place < 2 * n_targets)
    users = np.flatnonzero(tested)
    train = histories.keep_events(~in_test & ~in_validation)
    validation = Holdout(train.select(users), histories.keep_events(in_validation).select(users))
    test = Holdout(histories.keep_events(~in_test).select(users), histories.keep_events(in_test).select(users))
    return Split(protocol, train, validation, test)
