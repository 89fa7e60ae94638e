"""Show results on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evaluation.certainty import Interval, clear_winner
from evaluation.judge import Evaluation

if TYPE_CHECKING:
    from rich.table import Table


def results_table(evaluations: Sequence[Evaluation], *, data: str, seed: int = 0) -> Table:
    """Lay out one row a metric and one column a model; the best is bold only where it is best beyond doubt."""
    from rich.table import Table

    protocol = evaluations[0].protocol
    table = Table(
        title=f"{data}: {protocol.split}, {protocol.part} part, {protocol.n_users:,} users, "
        f"{protocol.n_titles:,} titles ranked, seen ones excluded",
        caption=_caption(evaluations, seed),
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("metric")
    for one in evaluations:
        table.add_column(one.model)
    for metric in evaluations[0].metrics:
        winner = _winner(evaluations, metric, seed)
        cells = [cell(one.metrics[metric], place == winner) for place, one in enumerate(evaluations)]
        table.add_row(metric, *cells)
    return table


def cell(interval: Interval, bold: bool) -> str:
    """Write "0.335 0.323–0.347" in rich's markup."""
    value = f"{interval.value:.4f}"
    bounds = "" if interval.low is None else f" [dim]{interval.low:.3f}–{interval.high:.3f}[/dim]"
    return f"[bold green]{value}[/bold green]{bounds}" if bold else f"{value}{bounds}"


def _winner(evaluations: Sequence[Evaluation], metric: str, seed: int) -> int | None:
    if metric not in evaluations[0].per_user:
        return None  # more coverage is not better in itself
    return clear_winner([one.per_user[metric] for one in evaluations], seed=seed)


def _caption(evaluations: Sequence[Evaluation], seed: int) -> str:
    about = "Ranges: 95 % bootstrap intervals over users."
    if len(evaluations) < 2:
        return about
    if any(_winner(evaluations, metric, seed) is not None for metric in evaluations[0].metrics):
        return f"{about} Bold: better than every other model beyond doubt (paired bootstrap)."
    return f"{about} No model is better than every other beyond doubt (paired bootstrap), so none is bold."
