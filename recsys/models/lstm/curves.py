"""The picture of a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def save_curves(epochs: Sequence[dict[str, Any]], best_epoch: int, path: Path) -> Path:
    """Draw the loss and, where there was a validation part, its ranking metrics over epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    measured = [name for name in epochs[0] if name.startswith("val_")]
    panels = figure.subplots(1, 2 if measured else 1, squeeze=False)[0]
    numbers = [row["epoch"] for row in epochs]
    panels[0].plot(numbers, [row["loss"] for row in epochs], color="#4c5b8f", marker="o", markersize=3)
    panels[0].set_title("Training loss (cross-entropy)", loc="left")
    for name, colour in zip(measured, ("#c1554e", "#3c8d6e"), strict=False):
        values = [row[name] for row in epochs]
        panels[1].plot(numbers, values, color=colour, marker="o", markersize=3)
        panels[1].annotate(
            name.removeprefix("val_"),
            (numbers[-1], values[-1]),
            xytext=(6, 0),
            color=colour,
            textcoords="offset points",
            va="center",
        )
    if measured:
        panels[1].axvline(best_epoch, color="#999999", linestyle=":", linewidth=1)
        panels[1].set_title(f"Validation, full ranking (best: epoch {best_epoch})", loc="left")
        panels[1].set_xlim(0.5, numbers[-1] + 0.18 * len(numbers) + 0.5)
    for panel in panels:
        panel.set_xlabel("epoch")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="#e5e5e5")
        panel.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(path, dpi=130)
    return path
