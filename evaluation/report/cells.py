"""How numbers are written in both the README and the page."""

from __future__ import annotations

from evaluation.report.tables import Entry

EMPTY = "–"


def value_text(entry: Entry, metric: str) -> str:
    """Write a metric's mean."""
    found = entry.metric(metric)
    return EMPTY if found is None else f"{found.value:.4f}"


def range_text(entry: Entry, metric: str) -> str:
    """Write a metric's interval and, for several seeds, the spread between them, such as "0.322–0.346 ±0.003".

    The interval says what other users might have given; the spread, what another training might have.
    """
    found, sd = entry.metric(metric), entry.sd(metric)
    low, high = (None, None) if found is None else (found.low, found.high)
    interval = "" if low is None or high is None else f"{low:.3f}–{high:.3f}"
    return " ".join(filter(None, [interval, "" if sd is None else f"±{sd:.3f}"]))


def seconds_text(seconds: float | None) -> str:
    """Write a duration.

    >>> seconds_text(0.0), seconds_text(0.04), seconds_text(90.0), seconds_text(7200.0), seconds_text(None)
    ('<0.01 s', '0.04 s', '1.5 min', '2.0 h', '–')
    """
    if seconds is None:
        return EMPTY
    if seconds < 0.01:
        return "<0.01 s"
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def rate_text(per_second: float | None) -> str:
    """Write how many users a second are served, with two digits that mean something.

    >>> rate_text(61_234.5), rate_text(7.345), rate_text(None)
    ('61,000', '7.3', '–')
    """
    if per_second is None:
        return EMPTY
    return f"{float(f'{per_second:.2g}'):,.0f}" if per_second >= 10 else f"{per_second:.2g}"


def memory_text(megabytes: float | None) -> str:
    """Write a size in MB."""
    return EMPTY if megabytes is None else f"{megabytes:,.0f} MB"


def metric_name(metric: str) -> str:
    """Write a metric's name as people do: NDCG@10."""
    return metric.replace("ndcg", "NDCG").replace("mrr", "MRR").replace("map", "MAP").replace("_", " ")
