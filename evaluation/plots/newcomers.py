"""Recall for people of whom little is known, and of titles that few have watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.certainty import Interval
from evaluation.plots.slices import Slice
from evaluation.plots.style import PAPER, WIDTH, Style, entitle, label_ends, styles_of, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 30
"""A group of fewer targets is drawn pale and without intervals, which would only say that nothing is known."""
_Values = Mapping[str, Sequence[Interval]]


def newcomers_figure(
    known: Sequence[int],
    by_known: _Values,
    bins: Sequence[Slice],
    by_bin: _Values,
    *,
    title: str,
    about: str = "",
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw one line a model over the number of known titles, and below it bars by the frequency of the target.

    A half without values is left out; at least one must have some. `by_known` has an interval for each of `known`,
    `by_bin` one for each of `bins`, whose `n_users` count the targets.
    """
    from matplotlib.figure import Figure

    shown = [half for half, values in (("known", by_known), ("bins", by_bin)) if values]
    models = _best_first(by_known) + [model for model in _best_first(by_bin) if model not in by_known]
    styles = styles or styles_of(models)
    figure = Figure(figsize=(WIDTH, 0.9 + 2.9 * len(shown)), dpi=150, layout="constrained", facecolor=PAPER)
    panels: Any = figure.subplots(len(shown), squeeze=False)[:, 0]
    entitle(panels[0], title, about)
    for axes in panels:
        tidy(axes)
    if by_bin:
        _draw_bars(panels[-1], bins, by_bin, [model for model in models if model in by_bin], styles)
    if by_known:  # last, as its labels need the final layout
        _draw_lines(panels[0], known, by_known, styles)
    return figure


def _draw_lines(axes: Any, known: Sequence[int], values: _Values, styles: Mapping[str, Style]) -> None:
    """Draw recall against the number of known titles on a log axis; the models stand slightly apart."""
    models = _best_first(values)
    x = np.log(np.asarray(known, dtype=float))
    shifts = np.linspace(-0.06, 0.06, len(models)) if len(models) > 1 else np.zeros(1)
    ends, top = {}, 0.0
    for model, shift in zip(models, shifts, strict=True):
        colour, dashes, marker = styles[model]
        value, low, high = np.array(values[model], dtype=float).T
        axes.plot(x + shift, value, color=colour, linestyle=dashes, linewidth=1.6)
        axes.vlines(x + shift, low, high, color=colour, linewidth=1.0, alpha=0.35)
        axes.plot(x + shift, value, color=colour, linestyle="none", marker=marker, markersize=4)
        ends[model] = (float(x[-1] + shift), float(value[-1]))
        top = max(top, float(high.max()))
    axes.set_xlim(x[0] - 0.15, x[-1] + 0.2)
    axes.set_ylim(0, top * 1.04 or 1.0)
    axes.set_xticks(x, [str(n) for n in known])
    axes.set_xlabel("titles that a new person is known by")
    axes.set_ylabel("recall@10")
    label_ends(axes, ends, styles, {model: f"{model}  {y:.3f}" for model, (_, y) in ends.items()})


def _draw_bars(
    axes: Any, bins: Sequence[Slice], values: _Values, models: Sequence[str], styles: Mapping[str, Style]
) -> None:
    """Draw a group of bars for each bin, one a model, with intervals; of few targets, pale and without."""
    centres = np.arange(len(bins), dtype=float)
    width = 0.84 / len(models)
    told = np.array([one.n_users >= FEW for one in bins])
    top = 0.0
    for place, model in enumerate(models):
        colour = styles[model].colour
        hatch = "" if styles[model].marker == "o" else "////"
        value, low, high = np.array(values[model], dtype=float).T
        x = centres + (place - (len(models) - 1) / 2) * width
        for at, height, enough in zip(x, value, told, strict=True):
            alpha = 0.9 if enough else 0.35
            axes.bar(at, height, 0.9 * width, color=colour, alpha=alpha, hatch=hatch, edgecolor=PAPER, linewidth=0)
        axes.vlines(x[told], low[told], high[told], color=styles[model].ink, linewidth=0.8, alpha=0.7)
        axes.bar(0, 0, 0, color=colour, hatch=hatch, edgecolor=PAPER, label=model)  # for the legend, never pale
        top = max(top, float(np.where(told, high, value).max()))
    axes.set_xlim(-0.5, len(bins) - 0.5)
    axes.set_ylim(0, min(1.0, top * 1.04) or 1.0)
    names = [f"{one.name}\n{one.n_users:,} targets" + ("" if one.n_users >= FEW else ",\ntoo few") for one in bins]
    axes.set_xticks(centres, names)
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("training events of the target's title")
    axes.set_ylabel("recall@10")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, handlelength=1.0)


def _best_first(values: _Values) -> list[str]:
    return sorted(values, key=lambda model: -values[model][-1].value)
