"""What a table says, in a sentence: who leads, by how much, and where the LSTM is behind."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.report.tables import LEADING, OURS, Entry, Gap, ResultTable

SHOWN = 3
"""How many models are named with their numbers; the others are only named."""


def verdict(table: ResultTable, metric: str = LEADING) -> str:
    """Say who leads; a difference whose interval contains zero is called no clear difference.

    Where another model beats the LSTM beyond doubt, a second sentence says so.
    """
    best = table.best(metric)
    if best is None:
        return ""
    rivals = [entry for entry in table.entries if entry is not best and entry.metric(metric) is not None]
    name = metric.replace("ndcg", "NDCG")
    if not rivals:
        return f"{best.label} was judged alone: {name} {_number(best, metric)}."
    gaps = {entry.label: table.gaps[metric, best.label, entry.label] for entry in rivals}
    level = [entry for entry in rivals if not gaps[entry.label].clear]
    if level:
        names = listed([f"{entry.label} ({_number(entry, metric)})" for entry in (best, *level)])
        rest = ", the others are behind" if len(level) < len(rivals) else ""
        leading = f"No clear difference in {name} between {names}{rest}."
    else:
        nearest = min(gaps, key=lambda label: gaps[label].value)
        below = "the LSTM" if nearest == OURS else nearest
        leading = (
            f"{best.label} leads in {name}: {_number(best, metric)}, which is {_above(gaps[nearest])} above {below}."
        )
        if nearest == OURS:  # nobody else is ahead of it, and by how much is said
            return " ".join(filter(None, [leading, _unpaired(table)]))
    return " ".join(filter(None, [leading, _behind(table, metric), _unpaired(table)]))


def _behind(table: ResultTable, metric: str) -> str:
    """Name those that beat the LSTM beyond doubt; an empty text when nobody does."""
    behind = {}
    for (name, one, other), gap in table.gaps.items():
        if name == metric and one == OURS and gap.high < 0:
            behind[other] = Gap(-gap.value, -gap.high, -gap.low)
    if not behind:
        return ""
    by_gap = sorted(behind, key=lambda label: -behind[label].value)
    named = [f"{label} by {_above(behind[label])}" for label in by_gap[:SHOWN]]
    return f"The LSTM is beaten by {listed([*named, *by_gap[SHOWN:]])}."


def _unpaired(table: ResultTable) -> str:
    missing = [entry.label for entry in table.entries if entry.contender is None]
    if not missing:
        return ""
    whose = "all rows" if len(missing) == len(table.entries) else listed(missing)
    return f"(The ranks of {whose} are missing: compared by separate intervals, which see less.)"


def listed(names: Sequence[str]) -> str:
    """Write names one after another.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _number(entry: Entry, metric: str) -> str:
    found = entry.metric(metric)
    assert found is not None
    return f"{found.value:.3f}"


def _above(gap: Gap) -> str:
    return f"{gap.value:.3f} (95 % {gap.low:.3f}–{gap.high:.3f})"
