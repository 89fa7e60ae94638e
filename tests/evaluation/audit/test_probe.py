from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from evaluation.audit.findings import Severity
from evaluation.audit.order import OrderVerdict
from evaluation.audit.probe import PROBES, count_rules, relative_loss, sequential_rules, shuffle_test
from evaluation.audit.sequence import check_sequence
from recsys.dataset.prepared import Dataset, Order
from recsys.errors import InputError
from recsys.models.lstm.config import LSTMConfig
from tests.evaluation.audit.audit_data import chain_rows, dataset, random_rows, times_apart

TINY = {"units": (16,), "dim": 16, "epochs": 4, "window": 8, "batch_size": 16, "learning_rate": 0.03}


def plain_rules(rows, length: int) -> int:
    """Count rules as the paper's own code does, with a Counter."""

    def grams(n):
        return Counter(tuple(row[at : at + n]) for row in rows for at in range(len(row) - n + 1))

    found, beginnings = grams(length), grams(length - 1)
    return sum(times > 5 and times > 0.1 * beginnings[gram[:-1]] for gram, times in found.items())


@pytest.mark.parametrize("rows", [chain_rows(), chain_rows(follow=0.5), random_rows(n_users=300, n_items=10, length=8)])
def test_rules_are_those_of_a_plain_count(rows) -> None:
    rules = count_rules(dataset(rows).histories)
    assert rules == {length: plain_rules(rows, length) for length in (2, 3)}


def test_shuffling_destroys_the_rules_of_a_chain() -> None:
    two, three = sequential_rules(dataset(chain_rows()).histories)
    assert two.found == 40
    assert two.loss > 0.5
    assert three.loss > 0.9


@pytest.mark.parametrize("rows", [[[0]], [[0], [1]], [[0, 1]], [[0, 1, 2]]])
def test_rules_of_next_to_nothing(rows) -> None:
    assert [one.found for one in sequential_rules(dataset(rows).histories)] == [0, 0]


def test_a_markov_model_loses_most_on_a_chain() -> None:
    probe = shuffle_test(dataset(chain_rows()), PROBES["markov"])
    assert probe.ordered > 0.5
    assert probe.loss[1] > 0.3
    assert probe.unordered_loss[1] > 0.3


def test_a_markov_model_loses_nothing_on_noise() -> None:
    probe = shuffle_test(dataset(random_rows(n_users=600, n_items=30, length=10)), PROBES["markov"])
    assert probe.loss[1] < 0 < probe.loss[2]


def test_the_lstm_has_no_part_that_knows_no_order() -> None:
    assert not LSTMConfig.from_mapping(PROBES["lstm"].config).adds_wide


def test_an_lstm_loses_most_on_a_chain() -> None:
    settings = dataclasses.replace(PROBES["lstm"], config={**PROBES["lstm"].config, **TINY})
    probe = shuffle_test(dataset(chain_rows(n_users=160, n_items=12, length=8)), settings)
    assert probe.ordered > 0.5
    assert probe.loss[1] > 0.1
    assert probe.unordered_loss[1] > 0.1


def test_the_same_seed_gives_the_same_probe() -> None:
    data = dataset(chain_rows(n_users=40))
    first, second = (dataclasses.replace(shuffle_test(data, PROBES["markov"], seed=3), seconds=0) for _ in range(2))
    assert first == second


def test_a_probe_stays_inside_its_bounds() -> None:
    settings = dataclasses.replace(PROBES["markov"], n_users=50, window=5, work=50 * 30.0)
    probe = shuffle_test(dataset(chain_rows()), settings)
    assert probe.n_events < 50
    assert shuffle_test(dataset([[0, 1, 2]]), PROBES["markov"]) is None


def test_relative_loss_by_hand() -> None:
    before, after = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.5, 0.0, 0.0, 0.5])
    value, low, high = relative_loss(before, after)
    assert value == 0.5
    assert low < value < high <= 1
    assert relative_loss(np.zeros(3), np.ones(3)) is None


def severity(data: Dataset, verdict: OrderVerdict) -> Severity:
    found, _ = check_sequence(data, verdict, ("markov",))
    return next(one for one in found if one.name == "shuffle test, markov").severity


def test_a_loss_is_read_in_the_light_of_the_order() -> None:
    chain, noise = dataset(chain_rows()), dataset(random_rows(n_users=600, n_items=30, length=10))
    assert severity(chain, OrderVerdict(Order.LISTED)) is Severity.INFO
    assert severity(chain, OrderVerdict(Order.TIME, one_sitting=True)) is Severity.NOTICE
    assert severity(chain, OrderVerdict(Order.LISTED, sorted_by_id=True)) is Severity.WARNING
    assert severity(chain, OrderVerdict(Order.NONE)) is Severity.NOTICE
    assert severity(noise, OrderVerdict(Order.TIME)) is Severity.WARNING
    assert severity(noise, OrderVerdict(Order.NONE)) is Severity.INFO


def test_rows_sorted_by_id_are_not_probed() -> None:
    data = dataset([sorted(row) for row in random_rows()], order=Order.NONE)
    found, series = check_sequence(data, OrderVerdict(Order.NONE, sorted_by_id=True))
    assert [one.shown for one in found] == ["not run: the rows are sorted by id"]
    assert series == {}


def test_an_unknown_probe_is_refused() -> None:
    with pytest.raises(InputError, match="no probe 'gru'"):
        check_sequence(dataset(random_rows()), OrderVerdict(Order.LISTED), ("gru",))


def test_times_do_not_reach_the_probe() -> None:
    rows = chain_rows(n_users=30)
    with_times = dataset(rows, times=times_apart(rows, 60))
    probes = [shuffle_test(data, PROBES["markov"]) for data in (dataset(rows), with_times)]
    assert probes[0].ordered == probes[1].ordered
