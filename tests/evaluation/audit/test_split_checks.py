from __future__ import annotations

import dataclasses

import numpy as np

from evaluation.audit.findings import Severity
from evaluation.audit.split import check_split
from recsys.dataset.histories import Histories
from recsys.dataset.split import Holdout, split_dataset
from recsys.dataset.vocabulary import FIRST
from tests.evaluation.audit.audit_data import DAY, dataset, random_rows, times_apart


def findings(data, split):
    return {one.name: one for one in check_split(data, split)[0]}


def test_a_clean_split_has_no_leaks() -> None:
    data = dataset(random_rows())
    found = findings(data, split_dataset(data))
    assert found["targets in inputs"].severity is Severity.INFO
    assert found["parts"].values["test_users"] == 60
    assert found["parts"].values["train_events"] == 60 * 10
    assert found["cold users"].values["users"] == 0
    assert found["history at test"].values["median"] == 11


def test_a_planted_leak_into_inputs_is_found() -> None:
    data = dataset(random_rows())
    split = split_dataset(data)
    inputs = split.test.inputs
    items = inputs.items.copy()
    items[inputs.offsets[0]] = split.test.targets.items[0]
    test = Holdout(Histories(inputs.offsets, items, users=inputs.users), split.test.targets)
    leaked = findings(data, dataclasses.replace(split, test=test))["targets in inputs"]
    assert leaked.severity is Severity.WARNING
    assert (leaked.values["shown"], leaked.values["trained"]) == (1, 0)


def test_a_planted_leak_into_training_is_found() -> None:
    data = dataset(random_rows())
    split = dataclasses.replace(split_dataset(data), train=data.histories)
    leaked = findings(data, split)["targets in inputs"]
    assert leaked.severity is Severity.WARNING
    assert leaked.values["trained"] == 120  # every target of test and validation


def test_cold_titles_by_hand() -> None:
    data = dataset([[0, 1, 2, 3], [0, 1, 2, 4], [1, 2, 0, 1 + 1 + 3]])
    cold = findings(data, split_dataset(data))["cold titles"]
    assert cold.values == {"targets": 3, "share": 1.0}
    assert cold.severity is Severity.WARNING


def test_leaving_the_last_out_looks_into_the_future_and_a_time_split_does_not() -> None:
    rows = random_rows()
    data = dataset(rows, times=times_apart(rows, 10 * DAY, apart=5 * DAY))
    found = findings(data, split_dataset(data))["look into the future"]
    split = split_dataset(data)
    later = [(split.train.times > time).mean() for time in split.test.targets.times]
    assert found.values["mean_share_of_later_training"] == round(float(np.mean(later)), 4)
    assert found.values["targets_with_later_training"] == round(float(np.mean(np.array(later) > 0)), 4)
    assert found.severity is Severity.WARNING
    by_time = split_dataset(data, "time,at=0.8")
    assert findings(data, by_time)["look into the future"].severity is Severity.INFO


def test_a_random_hold_out_shows_users_their_own_future() -> None:
    rows = random_rows()
    data = dataset(rows, times=times_apart(rows, DAY))
    found = findings(data, split_dataset(data, "random"))["look into the future"]
    assert found.values["users_with_later_inputs"] > 0.5
    assert "own events that came later" in found.shown


def test_unseen_users_are_cold_by_design() -> None:
    data = dataset(random_rows(n_users=100))
    cold = findings(data, split_dataset(data, "unseen-users,share=0.1"))["cold users"]
    assert cold.values == {"users": 10, "share": 1.0}


def test_a_double_that_gives_the_target_away_is_found() -> None:
    rows = random_rows(n_users=40)
    data = dataset([*rows, *rows])  # everybody has a copy
    split = split_dataset(data, "unseen-users,share=0.2")
    found = findings(data, split)["doubles in training"]
    trained = {tuple(sorted(split.train.of(user))) for user in range(80) if len(split.train.of(user))}
    whole = [
        tuple(sorted([*split.test.inputs.of(user), *split.test.targets.of(user)])) for user in range(split.test.n_users)
    ]
    assert found.values["users"] == sum(one in trained for one in whole) > 0
    assert found.severity is Severity.WARNING


def test_copies_whose_target_is_held_out_too_give_nothing_away() -> None:
    rows = random_rows(n_users=40)
    data = dataset([*rows, *rows])
    assert findings(data, split_dataset(data))["doubles in training"].values["users"] == 0


def test_people_without_a_code_are_nobody_in_particular() -> None:
    data = dataset(random_rows())
    split = split_dataset(data, "unseen-users")
    assert (split.test.inputs.users < FIRST).all()
    assert findings(data, split)["targets in inputs"].values == {"shown": 0, "trained": 0}
