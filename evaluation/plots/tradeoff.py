"""Accuracy against what else matters: coverage, training time, serving speed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.certainty import Interval
from evaluation.plots.style import RULE, SOFT, Style, new_figure, styles_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scale = Literal["share", "rate", "seconds"]
_RATES = tuple([one * 10.0**e for e in range(-3, 9) for one in ones] for ones in ((1,), (1, 3), (1, 2, 5)))
_SECONDS = (
    [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36_000, 360_000],
    [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10_800, 36_000],
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18_000, 36_000],
)
"""Ticks of a log axis, coarse ones first: the first grid with enough inside the axis is taken."""
_LEAST_TICKS = 4
_RADII = (6.0, 11.0, 18.0, 27.0, 38.0, 52.0)  # points from the marker to the label
_ANGLES = np.deg2rad([0, 180, 90, 270, 45, 315, 135, 225, 20, 340, 160, 200, 65, 115, 245, 295])
_JOINED = 12.0  # from this distance on a line leads from the label to its marker


class Point(NamedTuple):
    """Hold one model's place: x, and its accuracy with the interval."""

    model: str
    x: float
    y: Interval


def tradeoff_figure(
    points: Sequence[Point],
    *,
    scale: Scale,
    title: str,
    about: str = "",
    x_label: str,
    y_label: str,
    styles: Mapping[str, Style] | None = None,
) -> Figure:
    """Draw each model as a point with the interval of its accuracy, and its name beside it.

    `scale` says what x is: a share (0 to 1), a rate (log axis, more is better) or seconds (log axis, less is better).
    For the last two a grey line joins the models that no other beats in both accuracy and x.
    """
    styles = styles or styles_of(point.model for point in points)
    figure, axes = new_figure(title, about, height=4.6)
    x = np.array([point.x for point in points], dtype=float)
    y, low, high = np.array([point.y for point in points], dtype=float).T
    low, high = np.where(np.isnan(low), y, low), np.where(np.isnan(high), y, high)
    _set_scale(axes, x, scale)
    axes.set_ylim(0, float(high.max()) * 1.1 or 1.0)
    best = unbeaten(x if scale == "rate" else -x, y) if scale != "share" else np.zeros(0, dtype=np.int64)
    axes.plot(x[best], y[best], color=RULE, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    for point, bottom, top in zip(points, low, high, strict=True):
        colour, _, marker = styles[point.model]
        axes.vlines(point.x, bottom, top, color=colour, linewidth=1.4, alpha=0.45)
        axes.plot(point.x, point.y.value, color=colour, linestyle="none", marker=marker, markersize=6)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    _label_points(axes, points, np.stack([x, low, y, high], axis=1), best, styles)
    return figure


def unbeaten(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the points that no other beats in both x and y (more is better), from the largest x on.

    >>> unbeaten(np.array([1.0, 2.0, 3.0, 1.5]), np.array([0.9, 0.2, 0.5, 0.6])).tolist()
    [2, 3, 0]
    """
    order = np.lexsort((-y, -x))
    so_far = np.concatenate([[-np.inf], np.maximum.accumulate(y[order])[:-1]])
    return order[y[order] > so_far]


def _set_scale(axes: Any, x: npt.NDArray[np.float64], scale: Scale) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    if scale == "share":
        axes.set_xlim(0, min(1.02, float(x.max()) * 1.15) or 1.0)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        return
    low, high = float(x.min()) / 2, float(x.max()) * 2
    grids = _SECONDS if scale == "seconds" else _RATES
    inside = [[tick for tick in grid if low <= tick <= high] for grid in grids]
    ticks = next((grid for grid in inside if len(grid) >= _LEAST_TICKS), inside[-1])
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    write = _duration if scale == "seconds" else "{:,.12g}".format
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))


def _duration(seconds: float) -> str:
    """Write a tick's seconds in the unit that people would use.

    >>> _duration(0.05), _duration(20.0), _duration(600.0), _duration(7200.0)
    ('50 ms', '20 s', '10 min', '2 h')
    """
    for unit, size in (("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{1000 * seconds:g} ms"


def _label_points(
    axes: Any,
    points: Sequence[Point],
    values: npt.NDArray[np.float64],
    line: npt.NDArray[np.int64],
    styles: Mapping[str, Style],
) -> None:
    """Write each model's name where it covers no other name and no marker, as near to its marker as may be.

    `values` is (n, 4): x, low, y, high; `line` lists the points that a line joins. The crowded ones choose first; then
    each chooses twice more, now that the others' places are known.
    """
    figure = axes.figure
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is final: what is placed by it must not move
    free: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False, "parse_math": False, "fontsize": 9}
    texts = [
        axes.annotate(point.model, (point.x, point.y.value), (0, 0), color=styles[point.model].ink, **free)
        for point in points
    ]
    scale = 72 / figure.dpi
    sizes = np.array([box.size for box in (text.get_window_extent() for text in texts)]) * scale + 2
    bottoms, at, tops = (axes.transData.transform(values[:, [0, column]]) * scale for column in (1, 2, 3))
    joined = _along(at[line])
    soft = np.concatenate([_boxes(bottoms, tops, 1), _boxes(joined, joined, 2)])
    frame = np.array(axes.get_window_extent().extents) * scale
    frame[2] = figure.bbox.width * scale - 2
    gaps = np.linalg.norm(at[:, None] - at[None], axis=2) + np.diag(np.full(len(at), np.inf))
    chosen: dict[int, npt.NDArray[np.float64]] = {}
    for place in [*np.argsort(gaps.min(axis=1), kind="stable").tolist()] * 3:
        boxes, distances = _candidates(at[place], sizes[place])
        others = np.array([box for other, box in chosen.items() if other != place]).reshape(-1, 4)
        joins = [_along(np.stack([at[one], _nearest(box, at[one])]))[2:] for one, box in chosen.items() if one != place]
        crossed = np.concatenate([np.zeros((0, 2)), *joins])
        cost = 100 * _overlap(boxes, others) + 20 * _overlap(boxes, _boxes(at, at, 5)) + 3 * _overlap(boxes, soft)
        cost += 100 * _outside(boxes, frame) + distances + 20 * _overlap(boxes, _boxes(crossed, crossed, 1))
        chosen[place] = boxes[int(cost.argmin())]
    for place, text in enumerate(texts):
        text.set_position(chosen[place][:2] + 1 - at[place])
        nearest = _nearest(chosen[place], at[place])
        if np.linalg.norm(nearest - at[place]) >= _JOINED:
            ends = axes.transData.inverted().transform(np.stack([nearest, at[place]]) / scale)
            axes.plot(*ends.T, color=SOFT, linewidth=0.5, zorder=1.5, scalex=False, scaley=False, clip_on=False)


_Boxes = npt.NDArray[np.float64]  # (n, 4): left, bottom, right, top, in points


def _candidates(at: npt.NDArray[np.float64], size: npt.NDArray[np.float64]) -> tuple[_Boxes, npt.NDArray[np.float64]]:
    """Return the boxes in which a label may stand, and how far from its marker each is."""
    angles, radii = (grid.ravel() for grid in np.meshgrid(_ANGLES, _RADII))
    ray = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # a box right of the marker touches the ray's end with its left side, one above with its bottom
    corner = at + ray * radii[:, None] + (np.clip(1.6 * ray, -1, 1) - 1) / 2 * size
    return np.concatenate([corner, corner + size], axis=1), radii + 0.1 * (np.arange(len(radii)) % len(_ANGLES))


def _boxes(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], margin: float) -> _Boxes:
    return np.concatenate([low - margin, high + margin], axis=1)


def _nearest(box: npt.NDArray[np.float64], at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the point of a box that is nearest to a marker."""
    return np.clip(at, box[:2], box[2:])


def _along(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return points along a line through the corners, four points of print or less apart."""
    pieces = [np.zeros((0, 2))]
    for start, end in itertools.pairwise(corners):
        steps = np.linspace(0, 1, int(np.linalg.norm(end - start) / 4) + 2)[:, None]
        pieces.append(start + steps * (end - start))
    return np.concatenate(pieces)


def _overlap(boxes: _Boxes, others: _Boxes) -> npt.NDArray[np.float64]:
    """Return the area, in square points, that each box shares with all the others."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    area: npt.NDArray[np.float64] = np.clip(high - low, 0, None).prod(axis=2).sum(axis=1)
    return area


def _outside(boxes: _Boxes, frame: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how far each box reaches over the frame."""
    over = np.clip(frame[:2] - boxes[:, :2], 0, None) + np.clip(boxes[:, 2:] - frame[2:], 0, None)
    total: npt.NDArray[np.float64] = over.sum(axis=1)
    return total
