from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Order
from recsys.dataset.split import (
    SplitPlan,
    global_time,
    hold_out_earlier,
    leave_last_out,
    random_holdout,
    split_dataset,
    unseen_users,
)
from recsys.dataset.vocabulary import FIRST, UNKNOWN
from recsys.errors import ConfigError, InputError, RecsysError


def timed(rows, times):
    """Build histories of these titles at these times, user i having the code i + 2."""
    histories = Histories.from_lists(rows, users=range(FIRST, FIRST + len(rows)))
    return replace(histories, times=np.concatenate([np.asarray(one, dtype=np.int64) for one in times]))


@st.composite
def worlds(draw):
    """Draw histories with times that ascend, and often tie, inside each user; titles are distinct inside a user."""
    rows, times = [], []
    for _ in range(draw(st.integers(1, 8))):
        titles = draw(st.lists(st.integers(FIRST, 40), max_size=12, unique=True))
        rows.append(titles)
        times.append(sorted(draw(st.lists(st.integers(0, 30), min_size=len(titles), max_size=len(titles)))))
    return timed(rows, times)


def pairs(histories):
    return list(zip(histories.users[histories.rows].tolist(), histories.items.tolist(), strict=True))


def check(split, histories, *, known=True):
    """Demand what holds for every split: no event is in two places, and who is judged has a history and a target."""
    train = pairs(split.train)
    assert len(set(train)) == len(train)
    assert split.train.n_users == histories.n_users
    for part in (split.validation, split.test):
        assert (part.targets.lengths >= 1).all()
        for user in range(part.n_users):
            assert not set(part.inputs.of(user).tolist()) & set(part.targets.of(user).tolist())
        assert part.inputs.users.tolist() == part.targets.users.tolist()
        if known:
            assert not set(train) & set(pairs(part.targets))
    if known:
        assert not set(pairs(split.validation.inputs)) & set(pairs(split.test.targets))


@given(worlds(), st.integers(1, 2))
def test_the_last_events_are_held_out(histories, n):
    if (histories.lengths < 2 * n + 1).all():
        with pytest.raises(InputError, match=f"No user has the {2 * n + 1} events"):
            leave_last_out(histories, n_targets=n)
        return
    split = leave_last_out(histories, n_targets=n)
    check(split, histories)
    judged = np.flatnonzero(histories.lengths >= 2 * n + 1)
    for row, user in enumerate(judged):
        whole = histories.of(user).tolist()
        assert split.test.inputs.of(row).tolist() + split.test.targets.of(row).tolist() == whole
        assert split.test.targets.lengths[row] == n
        validated = split.validation.inputs.of(row).tolist() + split.validation.targets.of(row).tolist()
        assert validated == whole[:-n]


@given(worlds(), st.integers(0, 3))
def test_random_events_are_held_out(histories, seed):
    if (histories.lengths < 3).all():
        return
    split = random_holdout(histories, seed=seed)
    check(split, histories)
    assert split.sha256 == random_holdout(histories, seed=seed).sha256
    total = split.train.n_events + split.validation.targets.n_events + split.test.targets.n_events
    assert total == histories.n_events


def test_earlier_events_by_hand():
    histories = Histories.from_lists([[2, 3, 4, 5, 6], [7, 8, 9], [2]], users=[2, 3, 4])
    split, holdouts = hold_out_earlier(histories, 2, ordered=True)
    assert [split.train.of(user).tolist() for user in range(3)] == [[2, 3, 4], [7, 8], [2]]
    assert split.validation.inputs.users.tolist() == [2, 3]
    assert split.validation.targets.items.tolist() == [5, 9], "what follows"
    assert split.test.targets.items.tolist() == [5, 6, 9]
    last, before = holdouts
    assert [last.inputs.of(user).tolist() for user in range(2)] == [[2, 3, 4, 5], [7, 8]]
    assert last.targets.items.tolist() == [6, 9]
    assert before.inputs.items.tolist() == [2, 3, 4], "half of three events is one"
    assert before.targets.items.tolist() == [5]


@given(worlds(), st.integers(1, 4), st.booleans(), st.integers(0, 3))
def test_earlier_events_are_each_a_target_once(histories, n, ordered, seed):
    split, holdouts = hold_out_earlier(histories, n, ordered=ordered, seed=seed)
    taken = np.minimum(n, histories.lengths // 2)
    assert (split.train.lengths == histories.lengths - taken).all()
    assert np.array_equal(split.train.users, histories.users)
    assert len(holdouts) == taken.max(initial=0)
    found = {user: [] for user in histories.users}
    for part in holdouts:
        assert (part.targets.lengths == 1).all()
        for row, user in enumerate(part.inputs.users):
            whole, rest = histories.of(user - FIRST).tolist(), part.inputs.of(row).tolist()
            target = part.targets.of(row)[0]
            found[user].append(target)
            assert rest == (whole[: whole.index(target)] if ordered else [item for item in whole if item != target])
    for place, user in enumerate(histories.users):
        assert {*found[user], *split.train.of(place)} == set(histories.of(place))
        assert len(found[user]) == taken[place]
    assert split.validation.n_users == np.count_nonzero(taken)
    for row, user in enumerate(split.validation.inputs.users):
        assert split.validation.inputs.of(row).tolist() == split.train.of(user - FIRST).tolist()
        assert split.validation.targets.of(row).tolist() == found[user][-1:]


@given(worlds(), st.sampled_from(["first", "last", "random", "all"]), st.floats(0.05, 0.95))
def test_a_split_by_time_never_trains_on_the_future(histories, targets, share):
    try:
        split = global_time(histories, str(share), targets=targets)
    except InputError:
        return
    check(split, histories)
    assert split.train.times.max() < split.validation.targets.times.min()
    assert split.validation.targets.times.max() < split.test_from <= split.test.targets.times.min()
    for part in (split.validation, split.test):
        for user in range(part.n_users):
            place = slice(part.targets.offsets[user], part.targets.offsets[user + 1])
            shown = part.inputs.times[part.inputs.offsets[user] : part.inputs.offsets[user + 1]]
            assert shown.max() <= part.targets.times[place].min()
        if targets != "all":
            assert (part.targets.lengths == 1).all()


def test_each_kind_of_target_by_hand():
    """From the seventh second on it is the test; the second user has nothing there."""
    histories = timed(
        [[2, 3, 4, 5, 6], [7, 8, 9], [2, 9], [2, 3, 4, 5, 6]],
        [[1, 5, 7, 8, 9], [2, 3, 6], [7, 8], [1, 1, 2, 2, 3]],
    )
    found = {}
    for targets in ("first", "last", "all"):
        split = global_time(histories, "0.7", targets=targets)
        assert split.test_from == 7
        test = split.test
        found[targets] = [
            (int(test.inputs.users[row]), test.inputs.of(row).tolist(), test.targets.of(row).tolist())
            for row in range(test.n_users)
        ]
    assert found == {
        "first": [(2, [2, 3], [4])],
        "last": [(2, [2, 3, 4, 5], [6]), (4, [2], [9])],  # the third came after training had ended
        "all": [(2, [2, 3], [4, 5, 6])],
    }


def test_a_date_is_a_moment():
    day = 86_400
    histories = timed([list(range(2, 12))], [[day * n for n in range(10)]])
    split = global_time(histories, "1970-01-08", targets="all")
    assert split.protocol == "time-at-1970-01-08-all, validation from 1970-01-05"
    assert split.test.targets.items.tolist() == [9, 10, 11]
    assert split.train.items.tolist() == [2, 3, 4, 5]
    assert split.sha256 == global_time(histories, "1970-01-08T00:00:00+00:00", targets="all").sha256


@pytest.mark.parametrize(
    "at, message",
    [
        (
            "1971-01-01",
            "The moment 1971-01-01 lies outside the data, which goes from 1970-01-01 to 1970-01-01T00:00:09",
        ),
        ("1969-12-31", "lies outside the data"),
        ("soon", "A moment must be an ISO date or a share between 0 and 1, got 'soon'"),
        ("1.5", "A share of events must lie between 0 and 1, got 1.5"),
        ("0", "A share of events must lie between 0 and 1, got 0"),
        ("0.3", "needs as many before it to validate and more to train on"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(at, message):
    with pytest.raises(InputError, match=message):
        global_time(timed([list(range(2, 12))], [range(10)]), at)


def test_a_split_by_time_needs_times(small):
    with pytest.raises(InputError, match="needs timestamps, and this data has none"):
        global_time(Histories.from_lists([[2, 3, 4]]))
    with pytest.raises(InputError, match="small has the order 'none'"):
        split_dataset(replace(small, order=Order.NONE), "time")


@given(worlds(), st.booleans(), st.integers(0, 3))
def test_unseen_users_are_absent_from_training(histories, ordered, seed):
    try:
        split = unseen_users(histories, 0.3, ordered=ordered, seed=seed)
    except InputError:
        return
    check(split, histories, known=False)
    n = split.test.n_users
    assert (split.train.lengths[histories.lengths > 0] == 0).sum() == 2 * n == 2 * split.validation.n_users
    assert (split.test.inputs.users == UNKNOWN).all()
    if ordered:
        wholes = [histories.of(user).tolist() for user in range(histories.n_users)]
        for row in range(n):
            assert split.test.inputs.of(row).tolist() + split.test.targets.of(row).tolist() in wholes


@pytest.mark.parametrize("share", [0.0, 0.5, -1.0])
def test_a_share_of_users_must_leave_some(share):
    with pytest.raises(InputError, match=r"must lie between 0 and 0\.5"):
        unseen_users(Histories.from_lists([[2, 3]] * 10), share)


def test_a_plan_is_one_line_of_text(small):
    assert SplitPlan.parse("time,at=2015-06-01") == SplitPlan("time", at="2015-06-01")
    assert SplitPlan.parse("auto", seed=3).seed == 3
    assert SplitPlan.parse("random,seed=2", seed=3).seed == 2
    assert SplitPlan.parse("leave-last-out", seed=3).seed == 0
    assert split_dataset(small, "leave-last-out").sha256 == split_dataset(small).sha256
    assert split_dataset(small, "random", seed=4).protocol == "random-1-out-seed-4"
    assert split_dataset(small, "unseen-users,share=0.2").test.n_users == 1
    assert split_dataset(replace(small, order=Order.NONE)).protocol == "random-1-out-seed-0"


@pytest.mark.parametrize(
    "text, message",
    [
        ("tomorrow", "'kind' must be one of auto, leave-last-out"),
        ("time,when=3", "There is no setting 'when'"),
        ("random,at=0.5", "A split of the kind 'random' has no setting 'at'"),
        ("leave-last-out,n_targets=0", "'n_targets' must be at least 1, got 0"),
        ("time,targets=some", "'targets' must be one of first, last, random, all"),
        ("time at=3", "'kind' must be one of"),
    ],
)
def test_a_plan_that_means_nothing_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        SplitPlan.parse(text)


def test_the_last_events_of_unordered_data_are_no_targets(small):
    with pytest.raises(InputError, match="has no order, so its last events are not the latest ones"):
        split_dataset(replace(small, order=Order.NONE), "leave-last-out")


@given(worlds(), st.integers(-1, 9))
def test_too_short_histories_are_refused_and_never_a_crash(histories, n):
    for attempt in (leave_last_out, random_holdout, unseen_users):
        with suppress(RecsysError):
            attempt(histories, n_targets=n)
