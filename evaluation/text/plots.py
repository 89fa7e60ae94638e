"""Pictures of one classifier: how it learned, and which classes it takes for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evaluation.plots.style import COLOURS, INK, LINE, PAPER, RULE, SOFT, WIDTH, Style, entitle, label_ends, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = {"training": "", "validation": "val_"}
"""The two lines of each panel, with the prefix of their columns."""
_STYLES = {"training": Style(COLOURS[0], "-", "o"), "validation": Style(COLOURS[1], "-", "o")}
_DARKEST = 0.7
"""How opaque a cell is that holds all texts of its class."""
_SHORT = 24
"""Letters of a class's name that stand beside the matrix."""
_LETTER_INCHES = 0.09
_MANY = 8
"""From so many classes on, cells hold counts in small print only."""


def learning_figure(epochs: Sequence[Mapping[str, Any]], *, title: str, about: str = "") -> Figure:
    """Draw loss, and below it accuracy, of training and validation over the epochs.

    `epochs` are rows with `epoch, loss, accuracy, val_loss, val_accuracy`; a dot marks the epoch with the best
    validation accuracy (of equals the one with the least loss), whose weights the classifier keeps.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 5.0), dpi=150, layout="constrained", facecolor=PAPER)
    panels: Any = figure.subplots(2, sharex=True)
    entitle(panels[0], title, about)
    numbers = [int(row["epoch"]) for row in epochs]
    best = best_epoch(epochs)
    all_ends = []
    for axes, name in zip(panels, ("loss", "accuracy"), strict=True):
        tidy(axes)
        axes.set_ylabel(name)
        ends = {}
        for part, prefix in PARTS.items():
            values = [float(row[prefix + name]) for row in epochs]
            colour = _STYLES[part].colour
            axes.plot(numbers, values, color=colour, linewidth=1.8, marker="o" if len(numbers) == 1 else None)
            if part == "validation":
                axes.plot(numbers[best], values[best], color=colour, marker="o", markersize=6)
            ends[part] = (float(numbers[-1]), values[-1])
        all_ends.append(ends)
    panels[1].set_xlabel("epoch")
    panels[1].xaxis.get_major_locator().set_params(integer=True)
    first, last = min(numbers), max(numbers)
    panels[1].set_xlim(first if last > first else first - 0.5, last + 0.03 * max(last - first, 1))
    for axes, ends in zip(panels, all_ends, strict=True):
        label_ends(axes, ends, _STYLES, {part: f"{part}  {value:.3f}" for part, (_, value) in ends.items()})
    return figure


def best_epoch(epochs: Sequence[Mapping[str, Any]]) -> int:
    """Return the place of the epoch that validation chooses.

    >>> best_epoch([{"val_accuracy": 0.7, "val_loss": 0.5}, {"val_accuracy": 0.7, "val_loss": 0.4}])
    1
    """
    return max(range(len(epochs)), key=lambda place: (epochs[place]["val_accuracy"], -epochs[place]["val_loss"]))


def confusion_figure(
    confusion: npt.NDArray[np.integer], classes: Sequence[str], *, title: str, about: str = ""
) -> Figure:
    """Draw a confusion matrix (true, predicted): shaded by the share of the true class, the counts in the cells.

    A row sums to the texts of its class. Empty cells stay empty where there are many classes.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    n = len(classes)
    many = n >= _MANY
    names = [short(name) for name in classes]
    widest = _LETTER_INCHES * max(map(len, names))
    upright = many or (n + 1) * widest > WIDTH - 1
    height = 1.7 + (0.34 if many else 0.62) * n + (widest if upright else 0)
    figure = Figure(figsize=(WIDTH, max(3.2, height)), dpi=150, layout="constrained", facecolor=PAPER)
    axes: Any = figure.add_subplot()
    entitle(axes, title, about)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    for true, given in np.ndindex(n, n):
        count, share = int(confusion[true, given]), float(shares[true, given])
        # transparent, not mixed with white: on a dark page the cell is dark, too, and its text stays readable
        cell = Rectangle((given - 0.5, true - 0.5), 1, 1, color=COLOURS[0], alpha=_DARKEST * share, linewidth=0)
        axes.add_patch(cell)
        if count or not many:
            text = f"{count:,}" if many else f"{count:,}\n{100 * share:.0f} %"
            axes.text(given, true, text, ha="center", va="center", color=INK, fontsize=6.5 if many else 10)
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    for edge in range(n + 1):
        axes.axhline(edge - 0.5, color=LINE if 0 < edge < n else RULE, linewidth=0.8)
        axes.axvline(edge - 0.5, color=LINE if 0 < edge < n else RULE, linewidth=0.8)
    axes.set_xticks(range(n), names, rotation=90 if upright else 0, parse_math=False)
    axes.set_yticks(range(n), names, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(SOFT)
    axes.tick_params(colors=SOFT, length=0, labelsize=8 if many else 10)
    axes.spines[:].set_visible(False)
    return figure


def short(name: str) -> str:
    """Shorten a class's name from its front, as the end of "comp.sys.mac.hardware" tells more.

    >>> short("comp.sys.ibm.pc.hardware"), short("computers.sys.ibm.pc.hardware")
    ('comp.sys.ibm.pc.hardware', '…ers.sys.ibm.pc.hardware')
    """
    return name if len(name) <= _SHORT else f"…{name[1 - _SHORT :]}"
