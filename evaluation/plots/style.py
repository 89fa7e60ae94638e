"""What all pictures share: colours, axes without clutter, and labels that stand beside their lines and apart."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from recsys.artifact import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#555555")
"""Okabe and Ito's colours, which the colour-blind can tell apart."""
_INKS = {"#CC79A7": "#A8527F", "#56B4E9": "#2478B0", "#E69F00": "#9C6A00"}
INK, SOFT, RULE, LINE, PAPER = "#000000", "#555555", "#999999", "#EEEEEE", "#FFFFFF"
WIDTH = 7.2
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
_MARKERS = ("o", "s", "^")
_LABEL_INCHES = 0.185
_TITLE_LETTERS, _ABOUT_LETTERS = 56, 92  # what a line holds


class Style(NamedTuple):
    """Say how one model is drawn; where the colours are used up, dashes and markers tell models apart."""

    colour: str
    dashes: Any
    marker: str

    @property
    def ink(self) -> str:
        """Give the colour for text, dark enough to be read on white."""
        return _INKS.get(self.colour, self.colour)


def styles_of(models: Iterable[str]) -> dict[str, Style]:
    """Give every model a style of its own, in the order given."""
    styles = {}
    for place, model in enumerate(dict.fromkeys(models)):
        turn, colour = divmod(place, len(COLOURS))
        styles[model] = Style(COLOURS[colour], _DASHES[turn % len(_DASHES)], _MARKERS[turn % len(_MARKERS)])
    return styles


def new_figure(title: str, about: str = "", *, n_labels: int = 0, height: float = 4.4) -> tuple[Figure, Any]:
    """Make a figure with one pair of axes, high enough for so many labels one above another."""
    from matplotlib.figure import Figure

    height = max(height, 1.4 + n_labels * _LABEL_INCHES)
    figure = Figure(figsize=(WIDTH, height), dpi=150, layout="constrained", facecolor=PAPER)
    axes: Any = figure.add_subplot()
    entitle(axes, title, about)
    tidy(axes)
    return figure, axes


def entitle(axes: Any, title: str, about: str = "") -> None:
    """Write the title at the left, and below it, smaller, what is shown; long ones are broken into lines."""
    title = textwrap.fill(title, _TITLE_LETTERS)
    about = textwrap.fill(about, _ABOUT_LETTERS)
    room = 8 + (5 + 11 * (1 + about.count("\n")) if about else 0)  # points
    axes.set_title(title, loc="left", fontweight="bold", pad=room, parse_math=False, color=INK)
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
    axes.annotate(about, (0, 1), (0, 8), **place, color=SOFT, fontsize=9, parse_math=False)


def tidy(axes: Any) -> None:
    """Take away all lines but those that help to read a value."""
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(RULE)
    axes.tick_params(colors=SOFT, which="both")
    axes.xaxis.label.set_color(SOFT)
    axes.yaxis.label.set_color(SOFT)
    axes.grid(axis="y", color=LINE)
    axes.set_axisbelow(True)


def label_ends(
    axes: Any, ends: Mapping[str, tuple[float, float]], styles: Mapping[str, Style], texts: Mapping[str, str]
) -> None:
    """Write a text at the right of each line's end (x, y), moved up or down as little as keeps them apart.

    The axes' limits must be final. A label that had to move is joined to its line's end.
    """
    if not ends:
        return
    low, high = axes.get_ylim()
    inches = axes.figure.get_size_inches()[1] * _share_of_height(axes)
    gap = _LABEL_INCHES / inches * (high - low)
    highest_first = sorted(ends, key=lambda model: -ends[model][1])
    heights = spread([ends[model][1] for model in highest_first], gap=gap, low=low, high=high)
    right = axes.get_xlim()[1]
    for model, height in zip(highest_first, heights, strict=True):
        colour = styles[model].colour
        join = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
        axes.annotate("", (ends[model][0], ends[model][1]), (right, height), arrowprops=join, annotation_clip=False)
        offset = {"textcoords": "offset points", "va": "center", "annotation_clip": False, "parse_math": False}
        axes.annotate(texts[model], (right, height), (3, 0), color=styles[model].ink, fontsize=9, **offset)


def _share_of_height(axes: Any) -> float:
    """Return how much of the figure's height the axes take, once the layout is made."""
    axes.figure.draw_without_rendering()
    return float(axes.get_position().height)


def spread(heights: Sequence[float], gap: float, low: float = 0.0, high: float = np.inf) -> npt.NDArray[np.float64]:
    """Move labels, given from high to low, as little as keeps them `gap` apart and inside the bounds.

    The least squares of the moves is an isotonic regression of the heights with their places' gaps taken off. Source:
    Barlow, Bartholomew, Bremner, Brunk, Statistical Inference under Order Restrictions (1972), chapter 1.
    """
    from scipy.optimize import isotonic_regression

    places = np.arange(len(heights))
    gap = min(gap, (high - low) / max(1, len(heights) - 1))
    free = np.asarray(heights, dtype=np.float64) + places * gap
    level = isotonic_regression(free, increasing=False).x
    spread: npt.NDArray[np.float64] = np.clip(level, low + (len(heights) - 1) * gap, max(high, low)) - places * gap
    return spread


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a picture, whole or not at all; the name's ending decides the format."""
    path = Path(path)
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix.removeprefix(".") or "png")
    with write_file(path, overwrite=True) as beside:
        beside.write_bytes(content.getvalue())
    return path
