"""Does the order carry anything? What the sequential rules and the shuffle test say, in the light of the order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evaluation.audit.findings import Finding, Severity, percent, rounded
from evaluation.audit.order import OrderVerdict
from evaluation.audit.probe import PROBES, Probe, Rules, sequential_rules, shuffle_test
from recsys.dataset.prepared import Dataset, Order
from recsys.errors import InputError, RecsysError

TOPIC = "order"
WEAK = 0.2
"""Data sets whose models lose less count as hardly sequential in Klenitskiy et al. (Gowalla, Steam, Yelp …)."""
FEW_RULES, FEW_HITS = 10, 20
"""Fewer rules, or targets that the ordered model hits, tell nothing."""


def check_sequence(
    data: Dataset,
    verdict: OrderVerdict,
    probes: Sequence[str] = ("markov", "lstm"),
    *,
    seed: int = 0,
    tell: Callable[[str], None] = lambda text: None,
) -> tuple[list[Finding], dict[str, Any]]:
    """Return the findings of the rules and of each probe, and what their figure draws; `tell` hears what is run."""
    for name in probes:
        if name not in PROBES:
            raise InputError(f"There is no probe '{name}'.", f"Known: {', '.join(PROBES)}.")
    if verdict.declared is Order.NONE and verdict.sorted_by_id:
        shown = "not run: the rows are sorted by id"
        meaning = "There is no order to destroy; the shuffle test would only measure how well models count ids upwards."
        return [Finding(TOPIC, "shuffle test", Severity.INFO, shown, meaning)], {}
    tell("Counting sequential rules")
    findings = [_rules_finding(sequential_rules(data.histories, seed=seed), verdict)]
    results = []
    for name in probes:
        tell(f"Shuffle test with a small {name} model")
        try:
            probe = shuffle_test(data, PROBES[name], seed=seed)
        except RecsysError as error:  # too little for this model: that is a finding, not a failure
            shown = "not run"
            findings.append(Finding(TOPIC, f"shuffle test, {name}", Severity.INFO, shown, str(error)))
            continue
        findings.append(_probe_finding(name, probe, verdict))
        results += [] if probe is None else [probe.to_mapping()]
    return findings, {"probes": results} if results else {}


def _rules_finding(rules: Sequence[Rules], verdict: OrderVerdict) -> Finding:
    values: dict[str, Any] = {}
    for one in rules:
        values |= {
            f"rules_of_{one.length}": one.found,
            f"rules_of_{one.length}_shuffled": rounded(one.shuffled, 2),
            f"loss_of_{one.length}": None if one.loss is None else rounded(one.loss),
        }
    total, left = sum(one.found for one in rules), sum(one.shuffled for one in rules)
    told = "; ".join(f"{one.found:,} of {one.length} titles, {one.shuffled:,.0f} after shuffling" for one in rules)
    if total < FEW_RULES:
        meaning = "Hardly any sequence of titles is frequent and telling: too little data for rules, or no order."
        return Finding(TOPIC, "sequential rules", Severity.INFO, told or "not counted", meaning, values=values)
    loss = 1 - left / total
    severity, meaning, action = _judgement(loss, loss, verdict, "a list of rules")
    return Finding(TOPIC, "sequential rules", severity, told, meaning, action, values)


def _probe_finding(name: str, probe: Probe | None, verdict: OrderVerdict) -> Finding:
    title = f"shuffle test, {name}"
    if probe is None:
        return Finding(TOPIC, title, Severity.INFO, "not run", "Fewer than two users have three events or more.")
    values = probe.to_mapping()
    if probe.hits < FEW_HITS or probe.loss is None or probe.unordered_loss is None:
        shown = f"too little to tell: {probe.hits:,} of {probe.n_users:,} targets hit"
        meaning = "The probe predicts too little for its loss to mean anything."
        return Finding(TOPIC, title, Severity.INFO, shown, meaning, values=values)
    shown = (
        f"NDCG@10 {probe.ordered:.3f}; with shuffled inputs {probe.shuffled:.3f}, {_loss(probe.loss)}; trained on "
        f"shuffled histories, too, {probe.unordered:.3f}, {_loss(probe.unordered_loss)}"
    )
    # what a model that never saw an order makes good was not lost with the order, but with being used to one
    value, low, _ = min(probe.loss, probe.unordered_loss)
    severity, meaning, action = _judgement(value, low, verdict, f"a small {name} model")
    return Finding(TOPIC, title, severity, shown, meaning, action, values)


def _loss(loss: tuple[float, float, float]) -> str:
    value, low, high = (f"{one:.0%}".replace("-0%", "0%") for one in loss)
    return f"a loss of {value} ({low} to {high})"


def _judgement(loss: float, low: float, verdict: OrderVerdict, who: str) -> tuple[Severity, str, str]:
    """Say what a loss means; `low` is its interval's lower bound."""
    ordered = verdict.declared is not Order.NONE
    if low <= 0 and loss >= WEAK:
        return (
            Severity.INFO,
            f"{who} loses {percent(loss)}, which can be chance: there are too few users.".capitalize(),
            "",
        )
    if low <= 0 or loss < WEAK:
        severity = Severity.WARNING if low <= 0 else Severity.NOTICE
        much = "nothing beyond chance" if low <= 0 else "little"
        if not ordered:
            return Severity.INFO, f"Without the order {who} loses {much}, as data without an order should.", ""
        return (
            severity,
            f"Without the order {who} loses {much}: what comes next depends on what was watched, hardly on when.",
            "Models that ignore the order (item-knn, als) should do as well and cost less; do not show the worth of a "
            "sequence model on this data.",
        )
    if verdict.sorted_by_id:
        return (
            Severity.WARNING,
            f"Without the order {who} loses {percent(loss)}, but the order is that of the ids.",
            "Read nothing into it: see 'ascending ids'.",
        )
    if verdict.one_sitting:
        return (
            Severity.NOTICE,
            f"Without the order {who} loses {percent(loss)}: there is an order, but histories were entered in one "
            "sitting, so that it can be that of the entry form.",
            "A sequence model will score well; whether it has learned how people watch, this data cannot tell.",
        )
    if not ordered:
        return (
            Severity.NOTICE,
            f"Without the order of the rows {who} loses {percent(loss)}: they carry a sequence, though none is "
            "declared.",
            "If the source lists titles in watch order, prepare with --order listed; if not, find out what it is.",
        )
    return Severity.INFO, f"Without the order {who} loses {percent(loss)}: the order carries much.", ""
