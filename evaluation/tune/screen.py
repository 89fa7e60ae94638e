"""Show a search on a terminal: a line while it runs, a table in the end."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, Group
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from evaluation.tune.study import Tried
from recsys.config import show

if TYPE_CHECKING:
    from evaluation.tune.result import Tuned

SHOWN = 5


class TuneLine:
    """Keep one line on stderr: which trial runs, the best value so far, the seconds; a log gets a line a trial."""

    def __init__(self, metric: str, n_trials: int | None, *, shown: bool) -> None:
        self._metric = metric
        self._n_trials = n_trials
        self._of = "" if n_trials is None else f" of {n_trials}"
        self._live = shown and sys.stderr.isatty()
        self._logged = shown and not self._live
        self._text = ""
        self._told: int | None = None
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=not self._live)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        self._task = self._bar.add_task("", total=None)
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, tried: Sequence[Tried]) -> None:
        """Tell of the trials so far; another one begins, unless these were all."""
        values = [one.value for one in tried if one.value is not None]
        best = f" · best {self._metric} {max(values):.4f}" if values else ""
        number = min(len(tried) + 1, self._n_trials or len(tried) + 1)
        self._text = f"Trial {number}{self._of}{{epoch}}{best}"
        self._update("")
        new = [] if self._told is None else tried[self._told :]  # a resumed search has told of the earlier ones
        self._told = len(tried)
        for one in new if self._logged else ():
            print(f"Trial {one.number}{self._of}: {outcome_of(one)} in {one.seconds:.1f} s{best}", file=sys.stderr)

    def epoch(self, number: int) -> None:
        """Tell how far the running trial is."""
        self._update(f", epoch {number}")

    def _update(self, epoch: str) -> None:
        if self._task is not None:
            self._bar.update(self._task, description=self._text.format(epoch=epoch))


def tuned_table(tuned: Tuned) -> Group:
    """Lay out the best trials, and what was found."""
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("trial", tuned.metric, "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("settings", overflow="fold")
    ranked = sorted(tuned.trials, key=lambda one: one.value if one.value is not None else -1.0, reverse=True)
    for place, one in enumerate(ranked[:SHOWN]):
        changed = {name: value for name, value in one.settings.items() if name not in tuned.fixed}
        style = "bold green" if place == 0 and changed else ""
        value = one.outcome if one.value is None else f"{one.value:.4f}"
        words = Text(settings_text(changed))  # no markup: a list would be taken for one
        words.append(f"  {one.note}" if one.note else "", style="dim")
        table.add_row(str(one.number), value, f"{one.seconds:,.1f}", words, style=style)
    return Group(Text(_heading(tuned), style="bold"), table, Text(_verdict(tuned)))


def outcome_of(tried: Tried) -> str:
    """Write a trial's value, or how else it ended."""
    return f"{tried.value:.4f}" if tried.value is not None else f"{tried.outcome} ({tried.note})"


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write settings as --set takes them.

    >>> settings_text({"units": [64, 64], "dropout": 0.1}), settings_text({})
    ("'units=64 64' dropout=0.1", 'the defaults')
    """
    import shlex

    words = [f"{name}={show(tuple(value) if isinstance(value, list) else value)}" for name, value in settings.items()]
    return " ".join(map(shlex.quote, words)) or "the defaults"


def _heading(tuned: Tuned) -> str:
    ended = [f"{sum(one.outcome == outcome for one in tuned.trials)} {outcome}" for outcome in ("pruned", "failed")]
    ends = "".join(f", {text}" for text in ended if not text.startswith("0 "))
    stopped = ", interrupted" if tuned.interrupted else ""
    return (
        f"{tuned.model}: {len(tuned.trials)} trials{ends} in {tuned.seconds:,.0f} s{stopped} (budget: {tuned.budget}); "
        f"the best {min(SHOWN, len(tuned.trials))} on the validation part"
        + (f", all with {settings_text(tuned.fixed)}" if tuned.fixed else "")
    )


def _verdict(tuned: Tuned) -> str:
    if tuned.default_value is None:
        return f"Found {tuned.metric} {tuned.value:.4f} on the validation part; the defaults did not come to an end."
    if tuned.value <= tuned.default_value:
        return f"No trial was better than the defaults ({tuned.metric} {tuned.default_value:.4f}): keep them."
    gain = "" if tuned.gain is None else f", {tuned.gain:+.1%}"
    return (
        f"Found {tuned.metric} {tuned.value:.4f}, the defaults gave {tuned.default_value:.4f}{gain}. The best of "
        "many is a little lucky on the part that it was chosen by: the test part tells what it is worth."
    )
