"""Write the README's tables and pictures from the result files, so that no number is ever typed by hand.

python -m evaluation.report [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.plots import curve_figure, save_figure
from evaluation.report.curves import recall_curves
from evaluation.report.markdown import tables_markdown
from evaluation.report.speed import read_benchmarks, speed_markdown
from evaluation.report.tables import ResultTable, make_tables
from evaluation.result_files import FOLDER, read_folder
from evaluation.text.table import text_markdown
from recsys.artifact import write_file
from recsys.errors import InputError, RecsysError

README = Path(__file__).parents[2] / "README.md"

PICTURED = ("ml1m", "kaggle5k")
"""One data set with an order, and one without."""

DIFFERS = 1
REFUSED = 2


def has_markers(text: str) -> bool:
    """Say whether a README has a place for the results."""
    return "<!-- results:begin -->" in text


def render(readme: str, results: Path = FOLDER) -> str:
    """Return the README's text with its tables made anew; a part without markers is left alone."""
    readme = _replace(readme, "results", tables_markdown(_tables(results)))
    readme = _replace(readme, "text-results", text_markdown(results))
    return _replace(readme, "speed", speed_markdown(read_benchmarks(results / "benchmarks")))


def draw(results: Path = FOLDER) -> list[Path]:
    """Write the README's pictures, recall@k of all models on each of `PICTURED`, and return their paths."""
    paths = []
    for table in _tables(results):
        curves = recall_curves(table) if table.data in PICTURED else {}
        if curves:
            figure = curve_figure(curves, title=f"Recall@k on {table.title}", about="bands: 95 % intervals over users")
            paths.append(save_figure(figure, results / "pictures" / f"{table.data}--recall.png"))
    return paths


def _tables(results: Path) -> list[ResultTable]:
    return make_tables(read_folder(results))


def _replace(text: str, name: str, body: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if begin not in text:
        return text
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise InputError(f"The README has {begin} without {end}.", "Add the missing marker.")
    return f"{before}{begin}\n{body}\n{end}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables, or check them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.report", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; end with 1 when the README differs")
    parser.add_argument("--readme", type=Path, default=README)
    parser.add_argument("--results", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    try:
        if not options.readme.is_file():
            raise InputError(f"{options.readme} does not exist.", "Pass --readme FILE.")
        text = options.readme.read_text(encoding="utf-8")
        made = render(text, options.results)
        if options.check:
            print("The README agrees." if made == text else "The README differs: run python -m evaluation.report.")
            return 0 if made == text else DIFFERS
        if made != text:
            with write_file(options.readme, overwrite=True) as beside:
                beside.write_text(made, encoding="utf-8")
        draw(options.results)
    except RecsysError as error:
        print(f"Error: {error.message}\n{error.hint}", file=sys.stderr)
        return REFUSED
    return 0
