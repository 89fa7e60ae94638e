"""A metric over groups of users or of titles, such as those with short and with long histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evaluation.certainty import Interval
from evaluation.plots.style import Style, label_ends, new_figure, styles_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Slice(NamedTuple):
    """Name a group, such as "20–35", with the number of its users."""

    name: str
    n_users: int


def slice_figure(
    slices: Sequence[Slice],
    values: Mapping[str, Sequence[Interval]],
    *,
    title: str,
    about: str = "",
    x_label: str,
    y_label: str,
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw one line a model over the slices, with each value's interval as a bar; the models stand side by side."""
    last = {model: intervals[-1].value for model, intervals in values.items()}
    best_first = sorted(values, key=lambda model: -last[model])
    styles = styles or styles_of(best_first)
    figure, axes = new_figure(title, about, n_labels=len(values))
    centres = np.arange(len(slices), dtype=float)
    shifts = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(1)
    ends, top = {}, 0.0
    for model, shift in zip(best_first, shifts, strict=True):
        colour, dashes, marker = styles[model]
        value, low, high = np.array(values[model], dtype=float).T
        axes.plot(centres + shift, value, color=colour, linestyle=dashes, linewidth=1.0, alpha=0.6)
        axes.vlines(centres + shift, low, high, color=colour, linewidth=1.2, alpha=0.5)
        axes.plot(centres + shift, value, color=colour, linestyle="none", marker=marker, markersize=4)
        ends[model] = (centres[-1] + shift, float(value[-1]))
        top = max(top, float(high.max()))
    axes.set_xlim(-0.4, len(slices) - 0.55)
    axes.set_ylim(0, top * 1.05 or 1.0)
    axes.set_xticks(centres, [f"{one.name}\n{one.n_users:,} users" for one in slices])
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    label_ends(axes, ends, styles, {model: f"{model}  {last[model]:.3f}" for model in best_first})
    return figure
