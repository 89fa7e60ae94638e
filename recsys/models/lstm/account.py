"""What a training tells people: a picture, and lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOUND = (
    "monitor",
    "epochs",
    "best_epoch",
    "best_validation",
    "validation_of_known_users",
    "validation_of_the_same_as_unknown",
    "wide_share",
    "validation_with_the_linear_model",
    "deep_share",
    "names_odds",
    "validation_with_names",
    "chain_shares",
)
"""The facts of a fitted LSTM that its validation part found."""


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


def findings(facts: Mapping[str, Any]) -> list[str]:
    """Say from a fitted LSTM's facts what its validation part found: the best epoch, and what was chosen after it."""
    if facts.get("best_validation") is None:
        return []
    monitor = facts["monitor"]
    best, epochs = facts["best_epoch"], facts["epochs"]
    lines = [f"Best on validation after epoch {best} of {epochs}: {monitor} {facts['best_validation']:.4f}."]
    if found := facts.get("validation_with_the_linear_model"):
        share = facts["wide_share"]
        lines.append(f"SLIM's log odds count {share:g} beside the network: {monitor} {found[monitor]:.4f}.")
    if "deep_share" in facts:
        lines.append(f"The network's own scores count {facts['deep_share']:g} beside SLIM's log odds.")
    if found := facts.get("validation_with_names"):
        most = f"Names add up to {facts['names_odds']:g} to the log odds of titles that few know"
        lines.append(f"{most}: {monitor} {found[monitor]:.4f}.")
    if any(shares := facts.get("chain_shares", [])):
        from recsys.models.lstm.chain import KNOWN

        counts = ", ".join(f"{share:g}" for share in shares)
        numbers = ", ".join(map(str, KNOWN))
        lines.append(f"A Markov chain counts {counts} beside it for new people known by {numbers} titles.")
    if known := facts.get("validation_of_known_users"):
        unknown = facts["validation_of_the_same_as_unknown"]
        served = "with" if known[monitor] > unknown[monitor] else "without"
        lines.append(f"Known users are served {served} vectors of their own, as validation ranks them better.")
    return lines
