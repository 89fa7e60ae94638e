"""Write the tables and pictures of the README and of the judge's own, so that no number is ever typed by hand.

python -m evaluation.report [--check]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.plots import curve_figure, save_figure
from evaluation.report.curves import recall_curves
from evaluation.report.markdown import tables_markdown
from evaluation.report.newcomers import newcomers_markdown
from evaluation.report.speed import read_benchmarks, speed_markdown
from evaluation.report.tables import ResultTable, make_tables
from evaluation.result_files import FOLDER, read_folder
from evaluation.text.table import text_markdown
from recsys.artifact import write_file
from recsys.errors import InputError, RecsysError, refuse

README = Path(__file__).parents[2] / "README.md"
GUIDE = Path(__file__).parents[1] / "README.md"
"""The judge's own README, beside which the results lie."""

PICTURED = ("ml1m", "kaggle5k")
"""One data set with an order, and one without."""

DIFFERS = 1


def has_markers(text: str) -> bool:
    """Say whether a README has a place for the results."""
    return "<!-- results:begin -->" in text


def render(readme: str, results: Path = FOLDER) -> str:
    """Return the README's text with its tables made anew; a part without markers is left alone."""
    parts: dict[str, Callable[[], str]] = {
        "results": lambda: tables_markdown(_tables(results)),
        "text-results": lambda: text_markdown(results),
        "speed": lambda: speed_markdown(read_benchmarks(results / "benchmarks")),
        "newcomers": lambda: newcomers_markdown(results),  # links as from the judge's README
    }
    for name, body in parts.items():
        readme = _replace(readme, name, body)
    return readme


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


def _replace(text: str, name: str, body: Callable[[], str]) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if begin not in text:
        return text
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise InputError(f"The README has {begin} without {end}.", "Add the missing marker.")
    return f"{before}{begin}\n{body()}\n{end}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables, or check them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.report", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; end with 1 when the README differs")
    parser.add_argument("--readme", type=Path, nargs="+", default=[README, GUIDE])
    parser.add_argument("--results", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    try:
        texts = {path: _read(path) for path in options.readme}
        made = {path: render(text, options.results) for path, text in texts.items()}
        differing = [path for path in texts if made[path] != texts[path]]
        if options.check:
            names = " and ".join(path.name if path.parent == Path() else str(path) for path in differing)
            print(f"{names} differs: run python -m evaluation.report." if differing else "The README agrees.")
            return DIFFERS if differing else 0
        for path in differing:
            with write_file(path, overwrite=True) as beside:
                beside.write_text(made[path], encoding="utf-8")
        draw(options.results)
    except RecsysError as error:
        return refuse(error)
    return 0


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path} does not exist.", "Pass --readme FILE.")
    return path.read_text(encoding="utf-8")
