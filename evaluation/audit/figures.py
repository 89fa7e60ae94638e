"""Pictures of an audit, drawn from its series alone, so that a saved audit can be drawn again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evaluation.plots.style import COLOURS, INK, PAPER, RULE, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, RED, GREEN = COLOURS[:3]
HEIGHT = 3.4
_BEHIND = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}
_MOMENTS = {
    10: "10 s",
    60: "1 min",
    600: "10 min",
    3600: "1 h",
    86_400: "1 day",
    864_000: "10 days",
    8_640_000: "100 days",
    259_200_000: "8 years",
}


class Picture(NamedTuple):
    """Hold a figure with the words below it, and in place of it for those who cannot see it."""

    topic: str
    figure: Figure
    caption: str


def draw(series: Mapping[str, Any]) -> list[Picture]:
    """Draw every figure that the series of an audit allow."""
    return [draw_one(series) for name, draw_one in _DRAWERS.items() if series.get(name)]


def ascent_figure(series: Mapping[str, Any]) -> Picture:
    """Draw each user's share of neighbours that ascend by id, beside that of shuffled histories."""
    found, shuffled = (series["ascending"][name] for name in ("found", "shuffled"))
    figure, axes = new_figure("Do title ids merely ascend?", "users with 5 events or more", height=HEIGHT)
    edges = np.array(found["edges"])
    axes.stairs(found["counts"], edges, fill=True, color=BLUE, alpha=0.85, label="this data")
    axes.stairs(shuffled["counts"], edges, color=RED, linewidth=1.6, label="shuffled")
    axes.set_xlim(0, 1.005)
    axes.set_xlabel("share of neighbours in a history whose ids ascend")
    axes.set_ylabel("users")
    _percent_axis(axes.xaxis)
    _count_axis(axes.yaxis)
    _legend(axes)
    caption = "An order of its own lies near the shuffled outline; a file that was sorted by id stands at 100 %."
    return Picture("order", figure, caption)


def gap_figure(series: Mapping[str, Any]) -> Picture:
    """Draw how long after the event before each event came."""
    gaps = series["gaps"]
    edges, counts = np.array(gaps["edges"], dtype=float), np.array(gaps["counts"], dtype=float)
    figure, axes = new_figure("How long after the event before?", "events of one user, in order", height=HEIGHT)
    ends = np.concatenate([[0.3, 1], edges[2:], [edges[-1] * 3]])  # a log axis has no zero
    quick = ends[:-1] < gaps["quick"]
    shares = counts / max(counts.sum(), 1)
    for chosen, colour in ((quick, RED), (~quick, BLUE)):
        axes.bar(ends[:-1][chosen], shares[chosen], np.diff(ends)[chosen] * 0.97, align="edge", color=colour)
    axes.set_xscale("log")
    axes.set_xticks([0.55, *_MOMENTS], ["0 s", *_MOMENTS.values()], rotation=35, ha="right")
    axes.xaxis.minorticks_off()
    axes.set_xlim(0.3, ends[-1])
    axes.set_ylabel("share of events")
    _percent_axis(axes.yaxis)
    share = shares[quick].sum()
    axes.text(0.98, 0.95, f"{share:.0%} within 10 minutes", color=RED, transform=axes.transAxes, va="top", ha="right")
    caption = "Nobody watches a title in less than ten minutes (red): such events were entered, not watched, then."
    return Picture("order", figure, caption)


def probe_figure(series: Mapping[str, Any]) -> Picture:
    """Draw what each probe reaches with the order, without it at the test, and without it at all."""
    probes = series["probes"]
    about = "NDCG@10 of small models on the last event of a sample of users"
    figure, axes = new_figure("What is lost without the order?", about, height=HEIGHT)
    names = {"ordered": "in order", "shuffled": "inputs shuffled", "unordered": "training and inputs shuffled"}
    places = np.arange(len(probes))
    for at, ((key, label), colour) in enumerate(zip(names.items(), (BLUE, COLOURS[5], RULE), strict=True)):
        values = [probe[key] for probe in probes]
        left = places + (at - 1) * 0.27
        axes.bar(left, values, 0.25, color=colour, label=label)
        for x, value in zip(left, values, strict=True):
            axes.annotate(f"{value:.3f}", (x, value), (0, 2), textcoords="offset points", ha="center", fontsize=8)
    axes.set_xticks(places, [_probe_label(probe) for probe in probes])
    axes.set_xlim(-0.6, len(probes) - 0.4)
    axes.set_ylim(0, max(1e-3, *(probe[key] for probe in probes for key in names)) * 1.5)
    _legend(axes)
    caption = (
        "The shuffle test of Klenitskiy et al. 2024. Where the bars are equal, the order carries nothing that a model "
        "can use. Whether it is the order of watching is another question: see sittings, ties and ids."
    )
    return Picture("order", figure, caption)


def lengths_figure(series: Mapping[str, Any]) -> Picture:
    """Draw users by the length of their history, and titles by their number of events."""
    figure, axes = new_figure("How long are histories, how often is a title watched?", height=HEIGHT)
    for key, colour, label in (("history_lengths", BLUE, "users"), ("title_counts", RED, "titles")):
        edges, counts = series[key]["edges"], np.array(series[key]["counts"], dtype=float)
        at_least = np.cumsum(counts[::-1])[::-1] / max(counts.sum(), 1)
        axes.plot(np.array(edges[:-1]) + 0.5, at_least, color=colour, label=label, linewidth=2)
    axes.set_xscale("log")
    _count_axis(axes.xaxis)
    axes.set_xlabel("events")
    axes.set_ylabel("share with at least so many")
    axes.set_ylim(0, 1.02)
    axes.set_xlim(1)
    _percent_axis(axes.yaxis)
    _legend(axes)
    return Picture("content", figure, "The share of users, and of titles, that have at least so many events.")


def lorenz_figure(series: Mapping[str, Any]) -> Picture:
    """Draw what share of the events the most watched titles have."""
    titles, events = (np.array(series["lorenz"][name]) for name in ("titles", "events"))
    figure, axes = new_figure("How few titles take most events?", height=HEIGHT)
    axes.plot(titles, events, color=BLUE, linewidth=2)
    axes.plot([0, 1], [0, 1], color=RULE, linewidth=1, linestyle=(0, (3, 3)))
    top = float(np.interp(0.1, titles, events))
    axes.plot(0.1, top, "o", color=RED)
    axes.text(0.12, top, f"the top 10% have {top:.0%}", color=RED, va="center", bbox=_BEHIND)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("share of titles, most watched first")
    axes.set_ylabel("share of events")
    _percent_axis(axes.xaxis)
    _percent_axis(axes.yaxis)
    return Picture("content", figure, "The dashed line is what equally popular titles would give.")


def timeline_figure(series: Mapping[str, Any]) -> Picture:
    """Draw events, and titles with their first event, over time."""
    line = series["timeline"]
    starts = np.array(line["starts"], dtype="datetime64[D]")
    figure, axes = new_figure("When did it happen?", f"events a {line['unit']}", height=HEIGHT)
    step = {"day": 1, "week": 7, "month": 31, "year": 366}[line["unit"]]
    ends = np.append(starts, starts[-1] + step)
    axes.stairs(line["events"], ends, fill=True, color=BLUE, alpha=0.85)
    axes.set_ylim(0)
    axes.set_ylabel("events", color=BLUE)
    _count_axis(axes.yaxis)
    axes.set_xlim(ends[0], ends[-1])
    known = np.cumsum(line["new_titles"]) / max(sum(line["new_titles"]), 1)
    right = axes.twinx()
    tidy(right)
    right.grid(visible=False)
    right.plot(ends[1:], known, color=RED, linewidth=2)
    right.set_ylim(0, 1.02)
    right.set_ylabel("titles watched so far", color=RED)
    _percent_axis(right.yaxis)
    caption = f"Events a {line['unit']}, and the share of all titles that had been watched by then."
    return Picture("content", figure, caption)


def test_length_figure(series: Mapping[str, Any]) -> Picture:
    """Draw how much history the model is shown of each test user."""
    drawn = series["test_lengths"]
    figure, axes = new_figure("How much history does a model see at the test?", "test users", height=HEIGHT)
    axes.stairs(drawn["counts"], drawn["edges"], fill=True, color=GREEN, alpha=0.85)
    axes.set_xscale("log")
    axes.set_xlim(max(min(drawn["edges"]), 0.5))
    _count_axis(axes.xaxis)
    _count_axis(axes.yaxis)
    axes.set_xlabel("events shown (bins widen)")
    axes.set_ylabel("users")
    return Picture("split", figure, "Test users by the number of events that a model is shown of them.")


_DRAWERS: dict[str, Callable[[Mapping[str, Any]], Picture]] = {
    "ascending": ascent_figure,
    "gaps": gap_figure,
    "probes": probe_figure,
    "history_lengths": lengths_figure,
    "lorenz": lorenz_figure,
    "timeline": timeline_figure,
    "test_lengths": test_length_figure,
}
"""Each figure by the series that it needs."""


def _probe_label(probe: Mapping[str, Any]) -> str:
    if probe["loss"] is None:
        return str(probe["model"])
    value, low, high = probe["loss"]
    return f"{probe['model']}\nloses {value:.0%} ({low:.0%} to {high:.0%})"


def _percent_axis(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _count_axis(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _legend(axes: Any) -> None:
    legend = axes.legend(frameon=False, loc="best", fontsize=9)
    for text in legend.get_texts():
        text.set_color(INK)
