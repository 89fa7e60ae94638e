from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from evaluation.audit import Audit, Severity, audit
from evaluation.audit.screen import audit_table
from evaluation.audit.webpage import audit_page, write_page
from evaluation.recipes import RECIPES
from recsys.dataset.prepared import Order
from recsys.errors import ArtifactError, InputError
from tests.evaluation.audit.audit_data import DAY, chain_rows, dataset, random_rows, times_apart

MARKOV = ("markov",)


@pytest.fixture(scope="module")
def found() -> Audit:
    rows = chain_rows(n_users=60)
    return audit(dataset(rows, times=times_apart(rows, 3 * DAY, apart=DAY)), probes=MARKOV)


def shown(found: Audit) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(audit_table(found))
    return captured.get()


def test_json_is_read_back_as_it_was(found, tmp_path) -> None:
    path = found.write_json(tmp_path / "audit.json")
    again = Audit.from_mapping(json.loads(path.read_text(encoding="utf-8")))
    assert again == found
    with pytest.raises(ArtifactError, match="exists"):
        found.write_json(path)


def test_the_table_tells_every_finding(found) -> None:
    text = shown(found)
    for one in found.findings:
        assert one.name in text
    assert "Is the order real?" in text
    assert re.search(r"(no|\d+) warnings?, (no|\d+) notices?\.", text)


def test_the_page_needs_nothing_else_and_can_be_drawn_again(found, tmp_path) -> None:
    html = write_page(found, tmp_path / "audit.html").read_text(encoding="utf-8")
    again = Audit.from_mapping(json.loads(json.dumps(found.to_mapping())))
    assert audit_page(again).html() == html
    assert html.count("<svg") == 7
    assert not re.search(r'(src|href)="(?!#)', html.replace("http://www.w3.org", ""))
    for one in found.findings:
        assert one.name in html


def test_the_same_seed_gives_the_same_audit(found) -> None:
    rows = chain_rows(n_users=60)
    again = audit(dataset(rows, times=times_apart(rows, 3 * DAY, apart=DAY)), probes=MARKOV)
    same = [(one.name, one.shown) for one in found.findings]
    assert [(one.name, one.shown) for one in again.findings] == same


def test_data_that_cannot_be_split_is_a_finding() -> None:
    found = audit(dataset([[0, 1]]), probes=MARKOV)
    assert found.split is None
    parts = found.find("parts")
    assert parts.severity is Severity.WARNING
    assert "No user has the 3 events" in parts.meaning
    assert "cannot be split" in shown(found)


def test_a_plan_that_cannot_be_carried_out_is_refused() -> None:
    with pytest.raises(InputError, match="ordered by time"):
        audit(dataset(random_rows()), "time", probes=MARKOV)
    with pytest.raises(InputError, match="no events"):
        audit(dataset([], n_items=1), probes=MARKOV)


def test_markup_in_names_is_shown_as_it_is() -> None:
    found = audit(dataclasses.replace(dataset(random_rows()), name="[red]<b>x"), probes=())
    assert "[red]<b>x" in shown(found)
    assert "<b>x" not in audit_page(dataclasses.replace(found, series={})).html()


histories = st.lists(st.lists(st.integers(0, 8), max_size=7, unique=True), min_size=1, max_size=6)


@settings(max_examples=40)
@given(
    rows=histories.filter(any),
    order=st.sampled_from(Order),
    timed=st.booleans(),
    rated=st.booleans(),
    data=st.data(),
)
def test_small_data_of_any_shape_is_audited(rows, order, timed, rated, data) -> None:
    n_events = sum(map(len, rows))
    moments = st.integers(0, 10**9) | st.just(5)
    times = [sorted(data.draw(moments) for _ in row) for row in rows] if timed else None
    ratings = [data.draw(st.sampled_from([-1.0, 0.0, 5.0, np.nan])) for _ in range(n_events)] if rated else None
    order = Order.LISTED if order is Order.TIME and not timed else order
    planted = dataset(rows, times=times, ratings=ratings, order=order)
    found = audit(planted, probes=MARKOV)
    json.dumps(found.to_mapping(), allow_nan=False)
    assert found.find("size").values["events"] == n_events


@settings(max_examples=2)
@given(rows=histories.filter(any))
def test_small_data_can_be_drawn(rows) -> None:
    times = [[5 * place for place in range(len(row))] for row in rows]
    found = audit(dataset(rows, times=times), probes=MARKOV)
    assert "<svg" in audit_page(found).html()


@pytest.mark.realdata
def test_what_is_known_of_real_data_is_found(realdata) -> None:
    kaggle = audit(RECIPES["kaggle5k"].build("kaggle5k", realdata), probes=MARKOV)
    assert kaggle.find("ascending ids").severity is Severity.WARNING
    assert kaggle.find("ascending ids").values["share"] == 1.0
    assert kaggle.find("ratings").values["users_without"] == 286
    movielens = audit(RECIPES["ml100k"].build("ml100k", realdata), probes=())
    assert movielens.find("one sitting").severity is Severity.WARNING
    assert movielens.find("tied timestamps").severity is Severity.WARNING
    small = audit(RECIPES["mlsmall"].build("mlsmall", realdata), probes=())
    assert small.find("order inside ties").values["share"] == 1.0
    annict = audit(RECIPES["annict"].build("annict", realdata), probes=MARKOV)
    assert annict.find("ascending ids").severity is Severity.INFO
    assert annict.find("shuffle test, markov").severity is Severity.INFO


@pytest.mark.realdata
def test_the_rules_of_beauty_are_those_of_the_paper(realdata) -> None:
    """Klenitskiy et al. 2024 count 443 rules of two titles in this file (11.6 shuffled) and 131 (0) of three."""
    values = audit(RECIPES["beauty"].build("beauty", realdata), probes=()).find("sequential rules").values
    assert (values["rules_of_2"], values["rules_of_3"]) == (443, 131)
    assert values["rules_of_2_shuffled"] == pytest.approx(11.6, abs=5)
    assert values["rules_of_3_shuffled"] < 1
