"""Show which models were tried and which one was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.auto import METRICS, Found, Tried
from recsys.models import COMPOSITE

if TYPE_CHECKING:
    from rich.console import Group


def auto_table(found: Found) -> Group:
    """Lay out one row a candidate, best first, those without a value last; the chosen one is bold."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("model", no_wrap=True)
    for name in (*METRICS, "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold", style="dim")
    for row in sorted(found.rows, key=lambda one: -1.0 if one.ndcg is None else one.ndcg, reverse=True):
        style = "bold green" if row.model == found.kept else ""
        cells = (f"{row.seconds:,.1f}" if row.ndcg is not None or row.seconds else "–", Text(row.note))
        table.add_row(row.model, _number(row.ndcg), _number(row.recall), *cells, style=style)
    heading = f"Tried on the validation part in {found.seconds:,.0f} s, full ranking, seen titles excluded"
    return Group(Text(heading, style="bold"), table, Text(verdict(found)))


def verdict(found: Found) -> str:
    """Say in a sentence what is kept, and why.

    A blend's own validation values flatter it a little, for they chose its weights: the difference does not.
    """
    tried: list[Tried] = [row for row in found.rows if row.ndcg is not None and row.model not in COMPOSITE]
    best = max(tried, key=lambda one: one.ndcg or 0.0).model
    if found.gain is None:
        return f"Keeping {found.kept}."
    by = f"{found.gain.value:+.4f} {METRICS[0]}, 95 % {found.gain.low:+.4f} to {found.gain.high:+.4f}"
    if found.kept == found.composite:
        return f"Keeping {found.composite}: better than {best} beyond noise ({by}, learned without the user)."
    return f"Keeping {best}: {found.composite} is not better beyond noise ({by}, learned without the user)."


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
