"""Pictures of results, drawn without a display."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evaluation.judge import Evaluation
from evaluation.result_files import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#555555")
"""Okabe and Ito's colours, which the colour-blind can tell apart."""


def recall_figure(evaluations: Sequence[Evaluation], *, data: str, depth: int = 20, seed: int = 0) -> Figure:
    """Draw recall@k against k, one line a model with its 95 % band, each named at its end."""
    from matplotlib.figure import Figure

    depth = max(2, depth)
    cutoffs = np.arange(1, depth + 1)
    figure = Figure(figsize=(7.2, 4.4), dpi=150, layout="constrained", facecolor="white")
    axes: Any = figure.add_subplot()
    curves = {one.model: np.array(one.curve("recall", depth, seed=seed), dtype=float).T for one in evaluations}
    best_first = sorted(curves, key=lambda model: -curves[model][0, -1])
    top = max(float(curves[model][2].max()) for model in best_first) * 1.04 or 1.0
    heights = _spread([float(curves[model][0, -1]) for model in best_first], gap=top * 0.055)
    for place, (model, height) in enumerate(zip(best_first, heights, strict=True)):
        value, low, high = curves[model]
        colour = COLOURS[place % len(COLOURS)]
        axes.fill_between(cutoffs, low, high, color=colour, alpha=0.14, linewidth=0)
        axes.plot(cutoffs, value, color=colour, linewidth=2)
        label = f"{model}  {value[-1]:.3f}"
        axes.annotate(label, (depth, height), (6, 0), textcoords="offset points", va="center", color=colour)
    protocol = evaluations[0].protocol
    axes.set_title(f"Recall@k on {data}", loc="left", fontweight="bold", pad=24)
    about = f"{protocol.n_users:,} {protocol.part} users, {protocol.n_titles:,} titles ranked; bands: 95 % bootstrap"
    axes.text(0, 1.03, about, transform=axes.transAxes, color="#555555", fontsize=9)
    axes.set_xlabel("k, titles in the list")
    axes.set_xlim(1, depth)
    axes.set_ylim(0, max(top, heights[0] + top * 0.03))
    axes.set_xticks([1, *range(5, depth + 1, 5 if depth <= 30 else 10)] if depth >= 5 else cutoffs)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.tick_params(colors="#555555")
    axes.grid(axis="y", color="#EEEEEE")
    axes.set_axisbelow(True)
    return figure


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a picture, whole or not at all; the name's ending decides the format."""
    path = Path(path)
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix.removeprefix(".") or "png")
    replace_file(path, content.getvalue())
    return path


def _spread(heights: Sequence[float], gap: float) -> npt.NDArray[np.float64]:
    """Move labels, given from high to low, just so far apart that none covers another; none sinks below zero."""
    spread = np.array(heights, dtype=np.float64)
    for place in range(1, len(spread)):
        spread[place] = min(spread[place], spread[place - 1] - gap)
    lowest = gap / 2
    for place in range(len(spread) - 1, -1, -1):
        spread[place] = max(spread[place], lowest)
        lowest = spread[place] + gap
    return spread
