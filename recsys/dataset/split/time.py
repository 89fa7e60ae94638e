"""Split all users at one point in time: the only split under which training knows nothing of the test's future."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.split.parts import Holdout, Split
from recsys.errors import InputError

TARGETS = ("first", "last", "random", "all")


def global_time(histories: Histories, at: str = "0.9", *, targets: str = "last", seed: int = 0) -> Split:
    """Train on what was before one moment, and test on what came from then on.

    `at` is that moment: an ISO date ("2015-06-01"), or the share of events before it ("0.9"). The validation period
    lies right before it and has as many events; training sees what was before both. A user is judged in a period by
    `targets`: by their "first", "last" or a "random" event there, or by "all" of them. The input is everything that
    the user watched before the target (before the period for "all"): for "last" and "random" also what came earlier in
    the same period, known at that moment though never trained on; so they judge people, too, who came after training
    had ended. Who has nothing before the target is left out.

    Events must ascend in time inside every user. Source: Meng et al., Exploring Data Splitting Strategies for the
    Evaluation of Recommendation Models, RecSys 2020; Gusak et al., Time to Split, RecSys 2025.

    Raises InputError when there are no times, or when the moment leaves one of the parts empty.
    """
    if histories.times is None or histories.n_events == 0:
        raise InputError("A split by time needs timestamps, and this data has none.", "Use leave-last-out or random.")
    if targets not in TARGETS:
        raise InputError(f"targets must be one of {', '.join(TARGETS)}, got '{targets}'.", "For example: targets=last.")
    times = np.sort(histories.times)
    test_from = _moment(at, times)
    n_tested = len(times) - int(np.searchsorted(times, test_from))
    n_earlier = len(times) - 2 * n_tested
    if n_tested == 0 or n_earlier < 1 or times[n_earlier] <= times[0]:
        raise InputError(
            f"A split at {_iso(test_from)} has {n_tested:,} of {len(times):,} events after it, and needs as many "
            "before it to validate and more to train on.",
            f"The data goes from {_iso(times[0])} to {_iso(times[-1])}: choose a moment between, for example at=0.9.",
        )
    validation_from = int(times[n_earlier])
    rng = np.random.default_rng(seed)
    # one generator, validation first: the test's random targets are the same whoever asks
    validation = _judged(histories, validation_from, test_from, targets, rng)
    test = _judged(histories, test_from, None, targets, rng)
    for name, part in (("validation", validation), ("test", test)):
        if part.n_users == 0:
            raise InputError(
                f"Nobody has a target in the {name} period of a split at {_iso(test_from)} and an event before it.",
                "Choose another moment, or targets=last.",
            )
    train = histories.keep_events(histories.times < validation_from)
    seeded = f"-seed-{seed}" if targets == "random" else ""
    protocol = f"time-at-{_iso(test_from)}-{targets}{seeded}, validation from {_iso(validation_from)}"
    return Split(protocol, train, validation, test, test_from)


def _moment(at: str, times: npt.NDArray[np.int64]) -> int:
    """Return the epoch second that `at` names."""
    try:
        share = float(at)
    except ValueError:
        try:
            date = datetime.fromisoformat(at)
        except ValueError:
            raise InputError(
                f"A moment must be an ISO date or a share between 0 and 1, got '{at}'.", "For example: at=2015-06-01."
            ) from None
        moment = int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
        if not times[0] < moment <= times[-1]:
            raise InputError(
                f"The moment {at} lies outside the data, which goes from {_iso(times[0])} to {_iso(times[-1])}.",
                "Choose one between.",
            ) from None
        return moment
    if not 0 < share < 1:
        raise InputError(f"A share of events must lie between 0 and 1, got {at}.", "For example: at=0.9.")
    return int(times[int(share * len(times))])


def _judged(histories: Histories, start: int, stop: int | None, targets: str, rng: np.random.Generator) -> Holdout:
    """Pair each user's targets in the period from `start` to before `stop` with what was before them."""
    assert histories.times is not None
    first = _count_before(histories, start)
    last = histories.lengths if stop is None else _count_before(histories, stop)
    if targets in ("last", "random"):
        first = np.maximum(first, 1)  # somebody's very first event has nothing before it
    users = np.flatnonzero((first > 0) & (last > first))
    low, high = first[users], last[users]
    if targets == "last":
        low = high - 1
    elif targets == "first":
        high = low + 1
    elif targets == "random":
        low = rng.integers(low, high)
        high = low + 1
    chosen = histories.select(users)
    place = chosen.places
    inputs = chosen.keep_events(place < np.repeat(low, chosen.lengths))
    wanted = (place >= np.repeat(low, chosen.lengths)) & (place < np.repeat(high, chosen.lengths))
    return Holdout(inputs, chosen.keep_events(wanted))


def _count_before(histories: Histories, moment: int) -> npt.NDArray[np.int64]:
    """Count each user's events before a moment, shape (n_users,)."""
    assert histories.times is not None
    early = histories.times < moment
    return np.bincount(histories.rows[early], minlength=histories.n_users)


def _iso(moment: int | np.integer) -> str:
    text = datetime.fromtimestamp(int(moment), tz=UTC).isoformat().removesuffix("+00:00")
    return text.removesuffix("T00:00:00")
