"""Show results and comparisons on a terminal, comparisons in Markdown too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evaluation.certainty import LEVEL, Interval, clear_winner
from evaluation.judge import Evaluation
from evaluation.metrics import RANK_METRICS, parse_metric
from evaluation.protocol import ALL_TITLES, Protocol, exceptions

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from evaluation.compare import Comparison
    from evaluation.contest import Entry

PLAIN_WIDTH = 120
"""The width of a table that goes into a file or a pipe."""


def results_table(entries: Sequence[Entry], *, data: str, seed: int = 0) -> Group:
    """Lay out one row a metric and one column a model; the best is bold only where it is best beyond doubt."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    evaluations = [entry.evaluation for entry in entries]
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("metric", no_wrap=True)
    for one in evaluations:
        table.add_column(Text(one.model))
    winners = {metric: _winner(evaluations, metric, seed) for metric in evaluations[0].metrics}
    for metric, winner in winners.items():
        cells = [
            cell(one.metrics[metric], entry.spread(metric).sd, place == winner)
            for place, (entry, one) in enumerate(zip(entries, evaluations, strict=True))
        ]
        table.add_row(metric, *cells)
    several = max(len(entry.models) for entry in entries)
    heading = Text(f"{data}: {describe(evaluations[0].protocol)}", style="bold")
    return Group(heading, table, Text(_note(winners, len(evaluations), several), style="dim"))


def describe(protocol: Protocol) -> str:
    """Put a protocol into words."""
    candidates = (
        "titles ranked" if protocol.candidates == ALL_TITLES else f"titles, of which ranked: {protocol.candidates}"
    )
    seen = ", seen ones excluded" if protocol.seen == "excluded" else ""
    return (
        f"{protocol.split}, {protocol.part} part, {protocol.n_users:,} users, {protocol.n_titles:,} {candidates}"
        f"{seen}{exceptions(protocol.to_mapping())}"
    )


def cell(interval: Interval, sd: float | None, bold: bool) -> str:
    """Write "0.335 ±0.002 0.323–0.347" in rich's markup: the mean, its spread over seeds, its interval over users."""
    value = f"{interval.value:.4f}"
    spread = "" if sd is None else f" [dim]±{sd:.4f}[/dim]"
    bounds = "" if interval.low is None else f" [dim]{interval.low:.3f}–{interval.high:.3f}[/dim]"
    return (f"[bold green]{value}[/bold green]" if bold else value) + spread + bounds


def _winner(evaluations: Sequence[Evaluation], metric: str, seed: int) -> int | None:
    if parse_metric(metric).name not in RANK_METRICS:
        return None  # more novelty or coverage is not better in itself
    return clear_winner([one.per_user[metric] for one in evaluations], seed=seed)


def _note(winners: Mapping[str, int | None], n_models: int, n_seeds: int) -> str:
    about = "Ranges: 95 % bootstrap intervals over users."
    if n_seeds > 1:
        about = f"{about} ±: standard deviation over {n_seeds} seeds, whose values are averaged."
    if n_models < 2:
        return about
    if any(winner is not None for winner in winners.values()):
        return f"{about} Bold: better than every other model beyond doubt (paired bootstrap)."
    return f"{about} No model is better than every other beyond doubt (paired bootstrap), so none is bold."


COMPARED = ("metric", "model", "against", "difference (95 %)", "p", "wins", "ties", "losses", "verdict")
OVER_SEEDS = ("metric", "model", "seeds", "mean", "sd", "min", "max")
_WORDS = {"metric", "model", "against", "verdict"}  # the other columns are numbers
_LEAST_WIDTH = 7  # of a column of words, however narrow the terminal


def comparison_table(comparison: Comparison) -> Group:
    """Lay out one row a metric and pair, with the spread over seeds below where a model has several."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Text | Table] = [Text(_comparison_heading(comparison), style="bold")]
    parts.append(_grid(COMPARED, _compared_cells(comparison)))
    if _has_seeds(comparison):
        parts += [Text("\nOver the seeds of the training", style="bold"), _grid(OVER_SEEDS, _seed_cells(comparison))]
    notes = [Text(note, style="yellow") for note in comparison.notes]
    return Group(*parts, Text(), *notes, Text(_comparison_note(comparison), style="dim"))


def comparison_markdown(comparison: Comparison) -> str:
    """Write the same as Markdown tables."""
    parts = [f"**{_comparison_heading(comparison)}**", _pipes(COMPARED, _compared_cells(comparison))]
    if _has_seeds(comparison):
        parts += ["**Over the seeds of the training**", _pipes(OVER_SEEDS, _seed_cells(comparison))]
    return "\n\n".join([*parts, *comparison.notes, _comparison_note(comparison)])


def _comparison_heading(comparison: Comparison) -> str:
    rules = describe(Protocol(**comparison.protocol))
    return f"{comparison.data_title}: {rules}, test set {comparison.split_sha256[:12]}"


def _compared_cells(comparison: Comparison) -> list[list[str]]:
    return [
        [
            row["metric"],
            f"{row['a']} {row['mean_a']:.4f}",
            f"{row['b']} {row['mean_b']:.4f}",
            f"{row['difference']:+.4f} ({row['low']:+.3f}, {row['high']:+.3f})",
            _p(row["p_holm"]),
            *(f"{row[name]:,}" for name in ("wins", "ties", "losses")),
            row["verdict"].replace(" is better", " better"),
        ]
        for row in comparison.frame.iter_rows(named=True)
    ]


def _seed_cells(comparison: Comparison) -> list[list[str]]:
    return [
        [
            row["metric"],
            row["model"],
            str(row["seeds"]),
            *("–" if row[name] is None else f"{row[name]:.4f}" for name in ("mean", "sd", "min", "max")),
        ]
        for row in comparison.spread.iter_rows(named=True)
    ]


def _has_seeds(comparison: Comparison) -> bool:
    return bool((comparison.spread["seeds"] > 1).any())


def _comparison_note(comparison: Comparison) -> str:
    n_pairs = comparison.n_pairs
    holm = f", corrected by Holm for {n_pairs} comparisons a metric" if n_pairs > 1 else ""
    seeds = " What several seeds gave a user is averaged first." if _has_seeds(comparison) else ""
    return (
        f"Difference: model minus against, mean over users, with its {LEVEL * 100:g} % interval: paired bootstrap, "
        f"{comparison.samples:,} draws of users, seed {comparison.seed}. p: paired t-test"
        f"{holm}. Wins, ties, losses: users for whom the model is better, as good, worse.{seeds} One is called better "
        f"only where the interval leaves out zero and p is below {1 - LEVEL:.2f}."
    )


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Make a table of the terminal: each metric is a line of its own, with the model where it is always the same."""
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    told = 2 if len({(row[0], row[1]) for row in rows}) == len({row[0] for row in rows}) < len(rows) else 1
    for column in columns[told:]:
        words = column in _WORDS
        table.add_column(
            column,
            justify="left" if words else "right",
            no_wrap=not words,
            overflow="fold",
            min_width=_LEAST_WIDTH if words else None,
        )
    before: Sequence[str] = ()
    for row in rows:
        if row[:told] != before:
            before = row[:told]
            table.add_row(Text(": ".join(before), style="cyan"))
        cells = [Text(cell, style="green bold" if cell.endswith(" better") else "") for cell in row[told:]]
        table.add_row(*cells)
    return table


def _pipes(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Make a Markdown table."""
    rules = ["---" if column in _WORDS else "---:" for column in columns]
    cells = [[cell.replace("|", r"\|") for cell in row] for row in (columns, rules, *rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
