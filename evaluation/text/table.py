"""The README's table of text recipes, from their result files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.certainty import TOLERANCE
from evaluation.report.cells import EMPTY, seconds_text
from evaluation.report.markdown import markdown_line
from evaluation.result_files import FOLDER, TEXT, read_folder
from evaluation.text.baselines import BASELINES
from evaluation.text.compare import accuracy_gap, read_judged
from evaluation.text.data import DATA
from evaluation.text.results import predictions_path
from recsys.errors import InputError
from recsys.text.recipes import RECIPES

NOTES = (
    "Accuracy and macro F1 in %, means over the seeds. Small numbers: 95 % intervals over test texts (over whole "
    "sentences for the phrases); ± the standard deviation between seeds. **Bold**: better than the TF-IDF model beside "
    "it beyond doubt, by paired bootstrap over the same texts. Validation, cut from train, chose settings and epoch; "
    "the test part chose nothing, and where it was looked at more than once (Yelp, the baselines), evaluation/LOG.md "
    "says so. "
    "The numbers published there were chosen by the test part."
)
HEAD = ("recipe", "data", "published there", "accuracy", "whole sentences", "macro F1", "TF-IDF beside", "training")
_Row = tuple[dict[str, Any], Path]


def text_markdown(folder: Path = FOLDER, *, link: str = "evaluation/results") -> str:
    """Render one row a recipe and corpus; raises InputError where a corpus has results of different test parts."""
    found = read_folder(folder, TEXT)
    _refuse_mixture(found)
    recipes = [row for row in found if row[0]["model"] not in BASELINES]
    if not found:
        return "No results yet."
    # a baseline stands beside its recipes; alone where there are none yet
    alone = [row for row in found if row[0]["data"] not in {result["data"] for result, _ in recipes}]
    rows = [_cells(row, _rival(row, found), link) for row in sorted([*recipes, *alone], key=_order)]
    shown = [place for place in range(len(HEAD)) if any(row[place] != EMPTY for row in rows)]
    lines = [markdown_line([HEAD[place] for place in shown])]
    lines.append(markdown_line(["---" if place < 2 else "---:" for place in shown]))
    lines += [markdown_line([row[place] for place in shown]) for row in rows]
    return "\n".join(lines) + f"\n\n{NOTES}"


def _cells(row: _Row, rival: _Row | None, link: str) -> list[str]:
    result, path = row
    accuracy = _percent(result, "accuracy")
    if rival is not None and _is_better(path, rival[1]):
        value, rest = accuracy.split(" ", 1)
        accuracy = f"**{value}** {rest}"
    beside = EMPTY if rival is None else f"[{_value(rival[0], 'accuracy')}]({link}/{rival[1].name})"
    return [
        f"[{result['model']}]({link}/{path.name})",
        f"`{result['data']}`",
        _published(str(result["model"])),
        accuracy,
        _percent(result, "sentence_accuracy"),
        _value(result, "macro_f1"),
        beside,
        seconds_text(result["train_seconds"]),
    ]


def _published(model: str) -> str:
    """Return what the founding document states of a recipe."""
    return (RECIPES[model].published if model in RECIPES else "") or EMPTY


def _is_better(path: Path, rival: Path) -> bool:
    """Say whether a result beats another beyond doubt; not without the predictions of both."""
    if not all(predictions_path(one).is_file() for one in (path, rival)):
        return False
    return accuracy_gap(read_judged(path), read_judged(rival)).low > TOLERANCE


def _value(result: dict[str, Any], metric: str) -> str:
    found = result["metrics"].get(metric)
    return EMPTY if found is None else f"{100 * found['value']:.2f}"


def _percent(result: dict[str, Any], metric: str) -> str:
    """Write a metric with its interval and the spread between seeds."""
    found = result["metrics"].get(metric)
    if found is None:
        return EMPTY
    values = result["seed_values"].get(metric, [])
    spread = f" ±{100 * np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{_value(result, metric)} <sub>{100 * found['low']:.1f}–{100 * found['high']:.1f}{spread}</sub>"


def _rival(row: _Row, found: Sequence[_Row]) -> _Row | None:
    """Find the best baseline of the same corpus."""
    beside = [one for one in found if one[0]["model"] in BASELINES and one[0]["data"] == row[0]["data"] and one != row]
    return max(beside, key=lambda one: float(one[0]["metrics"]["accuracy"]["value"]), default=None)


def _order(row: _Row) -> tuple[int, int, str]:
    result, _ = row
    data, models = list(DATA), list(RECIPES)
    model = str(result["model"])
    return (
        data.index(result["data"]) if result["data"] in data else len(data),
        models.index(model) if model in models else len(models),
        model,
    )


def _refuse_mixture(found: Sequence[_Row]) -> None:
    first: dict[str, _Row] = {}
    for result, path in found:
        known, beside = first.setdefault(str(result["data"]), (result, path))
        if known["split_sha256"] != result["split_sha256"]:
            raise InputError(
                f"{path.name} and {beside.name} were judged on different test texts and cannot stand in one table.",
                "Run the older one again.",
            )
