"""Split by person: some users are absent from training and are served by their history alone."""

from __future__ import annotations

import numpy as np

from recsys.dataset.histories import Histories
from recsys.dataset.split.leave_out import shuffled_places
from recsys.dataset.split.parts import Holdout, Split
from recsys.errors import InputError


def unseen_users(
    histories: Histories, share: float = 0.1, *, n_targets: int = 1, ordered: bool = True, seed: int = 0
) -> Split:
    """Keep a share of the users out of training to test on, and as many to validate on.

    Their last `n_targets` events are the targets (random ones where the data has no order), the others the input; who
    they are is not told. Only users with more than `n_targets` events are drawn. Source: Liang et al., Variational
    Autoencoders for Collaborative Filtering, WWW 2018, section 4.3 ("strong generalization").
    """
    if not 0 < share < 0.5:
        raise InputError(f"The share of unseen users must lie between 0 and 0.5, got {share}.", "For example: 0.1.")
    if n_targets < 1:
        raise InputError(f"A split must hold out at least 1 event a user, got {n_targets}.", "Use 1 or more.")
    rng = np.random.default_rng(seed)
    drawable = rng.permutation(np.flatnonzero(histories.lengths > n_targets))
    n = round(share * len(drawable))
    if n < 1:
        raise InputError(
            f"A share of {share} of the {len(drawable)} users with more than {n_targets} events is nobody.",
            "Use a larger share.",
        )
    place = histories.places_from_end if ordered else shuffled_places(histories, rng)
    groups = {"test": np.sort(drawable[:n]), "validation": np.sort(drawable[n : 2 * n])}
    absent = np.zeros(histories.n_users, dtype=bool)
    absent[drawable[: 2 * n]] = True
    parts = {
        name: Holdout(
            histories.keep_events(place >= n_targets).select(users).without_users(),
            histories.keep_events(place < n_targets).select(users).without_users(),
        )
        for name, users in groups.items()
    }
    held = f"{'last' if ordered else 'random'}-{n_targets}"
    protocol = f"unseen-users-{share:g}-{held}-seed-{seed}"
    train = histories.keep_events(~absent[histories.rows])
    if train.n_events == 0:
        raise InputError("Nothing is left to train on.", "Use a smaller share of unseen users.")
    return Split(protocol, train, parts["validation"], parts["test"])
