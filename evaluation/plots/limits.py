"""What was tried on ML-1M, what it cost and what it brought: a picture of where more of the same stops helping.

    python -m evaluation.plots.limits

The numbers stand in `evaluation/results/limits/ml1m.csv`, by hand from `evaluation/LOG.md`: means over seeds
where there were several, of the validation part and, of what was judged, of the test part.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from evaluation.plots.style import COLOURS, INK, LINE, RULE, SOFT, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path(__file__).parents[1] / "results" / "limits"
AIMS = {"one model": 0.355, "any system": 0.375}
"""What was asked for in recall@10 (the hit rate) on the test part."""


def limits_figure(tried: pl.DataFrame) -> Figure:
    """Draw a row a system, recall@10 along it: validation a ring, test a dot."""
    figure, axes = new_figure(
        "More networks, more teachers, more stages: less and less",
        "ML-1M, recall@10 by full ranking; ring: validation, dot: test part; hours of one core",
        n_labels=int(1.6 * tried.height),
    )
    rows = range(tried.height, 0, -1)
    axes.scatter(tried["val_recall"], rows, s=42, facecolors="none", edgecolors=COLOURS[0], linewidths=1.4)
    axes.scatter(tried["test_recall"], rows, s=42, color=COLOURS[1])
    low, high = axes.get_xlim()
    axes.set_xlim(low, high)
    axes.hlines(rows, low, high, color=LINE, linewidth=1, zorder=0)
    for row, (name, hours) in zip(rows, tried.select("system", "core_hours").iter_rows(), strict=True):
        axes.annotate(f"{name} ({hours:g} h)", (low, row), (2, 6), textcoords="offset points", color=INK, fontsize=8.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(0.5, tried.height + 1.2)
    for place, (name, aim) in enumerate(AIMS.items()):
        axes.axvline(aim, color=RULE, linestyle=":", linewidth=1)
        side = {"ha": ("right", "left")[place], "textcoords": "offset points", "color": SOFT, "fontsize": 8.5}
        axes.annotate(f"aim for {name}", (aim, tried.height + 1.2), ((-4, 4)[place], -9), **side)
    axes.xaxis.set_major_formatter("{x:.2f}")
    return figure


def main() -> int:
    """Draw the picture beside the numbers; returns the exit code."""
    print("→", save_figure(limits_figure(pl.read_csv(FOLDER / "ml1m.csv")), FOLDER / "ml1m.png"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
