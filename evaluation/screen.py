"""Show results on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evaluation.certainty import Interval, clear_winner
from evaluation.judge import Evaluation

if TYPE_CHECKING:
    from rich.console import Group


def results_table(evaluations: Sequence[Evaluation], *, data: str, seed: int = 0) -> Group:
    """Lay out one row a metric and one column a model; the best is bold only where it is best beyond doubt."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    protocol = evaluations[0].protocol
    heading = (
        f"{data}: {protocol.split}, {protocol.part} part, {protocol.n_users:,} users, "
        f"{protocol.n_titles:,} titles ranked, seen ones excluded"
    )
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("metric", no_wrap=True)
    for one in evaluations:
        table.add_column(Text(one.model))
    winners = {metric: _winner(evaluations, metric, seed) for metric in evaluations[0].metrics}
    for metric, winner in winners.items():
        cells = [cell(one.metrics[metric], place == winner) for place, one in enumerate(evaluations)]
        table.add_row(metric, *cells)
    return Group(Text(heading, style="bold"), table, Text(_note(winners, len(evaluations)), style="dim"))


def cell(interval: Interval, bold: bool) -> str:
    """Write "0.335 0.323–0.347" in rich's markup."""
    value = f"{interval.value:.4f}"
    bounds = "" if interval.low is None else f" [dim]{interval.low:.3f}–{interval.high:.3f}[/dim]"
    return f"[bold green]{value}[/bold green]{bounds}" if bold else f"{value}{bounds}"


def _winner(evaluations: Sequence[Evaluation], metric: str, seed: int) -> int | None:
    if metric not in evaluations[0].per_user:
        return None  # more coverage is not better in itself
    return clear_winner([one.per_user[metric] for one in evaluations], seed=seed)


def _note(winners: Mapping[str, int | None], n_models: int) -> str:
    about = "Ranges: 95 % bootstrap intervals over users."
    if n_models < 2:
        return about
    if any(winner is not None for winner in winners.values()):
        return f"{about} Bold: better than every other model beyond doubt (paired bootstrap)."
    return f"{about} No model is better than every other beyond doubt (paired bootstrap), so none is bold."
