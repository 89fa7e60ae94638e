"""Lines over k or over epochs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.certainty import Interval
from evaluation.plots.style import PAPER, WIDTH, Style, entitle, label_ends, new_figure, styles_of, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from evaluation.judge import Evaluation

DEPTH = 20


def recall_figure(evaluations: Sequence[Evaluation], *, data: str, depth: int = DEPTH, seed: int = 0) -> Figure:
    """Draw recall@k against k, one line a model with its 95 % band, each named at its end."""
    protocol = evaluations[0].protocol
    about = f"{protocol.n_users:,} {protocol.part} users, {protocol.n_titles:,} titles ranked; bands: 95 % bootstrap"
    curves = {one.model: one.curve("recall", max(2, depth), seed=seed) for one in evaluations}
    return curve_figure(curves, title=f"Recall@k on {data}", about=about)


def curve_figure(
    curves: Mapping[str, Sequence[Interval]],
    *,
    title: str,
    about: str = "",
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw a metric at the cutoffs 1, 2, 3 … (two or more), one line a model with its band."""
    tables = {model: np.array(curve, dtype=float).T for model, curve in curves.items()}
    best_first = sorted(tables, key=lambda model: -tables[model][0, -1])
    styles = styles or styles_of(best_first)
    depth = len(next(iter(curves.values())))
    cutoffs = np.arange(1, depth + 1)
    figure, axes = new_figure(title, about, n_labels=len(tables))
    for model in best_first:
        value, low, high = tables[model]
        style = styles[model]
        axes.fill_between(cutoffs, low, high, color=style.colour, alpha=0.14, linewidth=0)
        axes.plot(cutoffs, value, color=style.colour, linestyle=style.dashes, linewidth=1.8)
    axes.set_xlabel("k, titles in the list")
    axes.set_xlim(1, depth)
    axes.set_ylim(0, max(float(table[2].max()) for table in tables.values()) * 1.04 or 1.0)
    axes.set_xticks([1, *range(5, depth + 1, 5 if depth <= 30 else 10)] if depth >= 5 else cutoffs)
    ends = {model: (float(depth), float(tables[model][0, -1])) for model in best_first}
    _leave_room(axes, 0.03)
    label_ends(axes, ends, styles, {model: f"{model}  {y:.3f}" for model, (_, y) in ends.items()})
    return figure


def training_figure(
    logs: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    title: str,
    about: str = "",
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw the loss, and below it the quality on the validation part, over the epochs; a dot marks the best epoch.

    A log is a model's rows with `epoch`, `loss` and the validation's metrics as `val_…`, of which the one that most
    models have is drawn, NDCG before others. A model without one of the two is left out of that half.
    """
    from matplotlib.figure import Figure

    styles = styles or styles_of(logs)
    named = Counter(name for rows in logs.values() for name in (rows[0] if rows else {}) if name.startswith("val_"))
    metric = max(named, key=lambda name: (named[name], "ndcg" in name), default=None)
    shown = ["loss", metric] if metric else ["loss"]
    n_labels = max(3, len(logs))
    figure = Figure(
        figsize=(WIDTH, 1.2 + len(shown) * max(1.9, 0.19 * n_labels)), dpi=150, layout="constrained", facecolor=PAPER
    )
    panels: Any = figure.subplots(len(shown), sharex=True, squeeze=False)[:, 0]
    entitle(panels[0], title, about)
    ends = [_draw_log(axes, name, logs, styles) for axes, name in zip(panels, shown, strict=True)]
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.get_major_locator().set_params(integer=True)
    panels[-1].set_xlim(1, max([2.0, *(epoch for one in ends for epoch, _ in one.values())]))
    _leave_room(panels[-1], 0.03)
    for axes, one in zip(panels, ends, strict=True):
        label_ends(axes, one, styles, {model: model for model in one})
    return figure


def _draw_log(
    axes: Any, name: str, logs: Mapping[str, Sequence[Mapping[str, Any]]], styles: Mapping[str, Style]
) -> dict[str, tuple[float, float]]:
    """Draw one column of the logs, and return each line's end."""
    tidy(axes)
    validation = name != "loss"
    axes.set_ylabel(
        name.removeprefix("val_").replace("ndcg", "NDCG") + (", validation" if validation else ", training")
    )
    ends = {}
    for model, rows in logs.items():
        points = [(float(row["epoch"]), float(row[name])) for row in rows if row.get(name) is not None]
        if not points:
            continue
        epochs, values = zip(*points, strict=True)
        colour, dashes, marker = styles[model]
        axes.plot(epochs, values, color=colour, linestyle=dashes, linewidth=1.8)
        if validation or len(points) == 1:
            best = int(np.argmax(values))
            axes.plot(epochs[best], values[best], color=colour, marker=marker, markersize=5)
        ends[model] = points[-1]
    if validation:
        axes.set_ylim(bottom=0)
    return ends


def _leave_room(axes: Any, share: float) -> None:
    """Widen the axes to the right, so that a label's joining line has somewhere to turn."""
    left, right = axes.get_xlim()
    axes.set_xlim(left, right + share * (right - left))
