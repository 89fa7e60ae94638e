"""Write the README's tables from the result files, so that no number is ever typed by hand.

python -m evaluation.report [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.recipes import RECIPES
from evaluation.result_files import FOLDER, read_results, replace_file
from recsys.errors import InputError, RecsysError

README = Path(__file__).parents[1] / "README.md"
COLUMNS = ("recall@10", "ndcg@10", "recall@20", "mrr", "coverage@10")
SORTED_BY = "ndcg@10"
RUNNER = "python -m evaluation.run "

DIFFERS = 1
REFUSED = 2


def results_markdown(results: Iterable[Mapping[str, Any]]) -> str:
    """Render one table a data set, best NDCG@10 first; raises InputError when its rows have different test sets."""
    by_data: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        by_data.setdefault(str(result["data"]), []).append(result)
    if not by_data:
        return "No results yet."
    order = [*(name for name in RECIPES if name in by_data), *(name for name in sorted(by_data) if name not in RECIPES)]
    notes = (
        "Small numbers: 95 % bootstrap intervals over users. **Bold**: the interval lies above all others'. "
        f"Each row's command, after `{RUNNER.strip()}`, is in the last column; settings, versions, commit and the "
        "test set's whole hash are in the file behind the model's name."
    )
    return "\n\n".join([*(_data_markdown(name, by_data[name]) for name in order), notes])


def _data_markdown(data: str, rows: Sequence[Mapping[str, Any]]) -> str:
    hashes = sorted({str(row["split_sha256"]) for row in rows})
    if len(hashes) > 1:
        raise InputError(
            f"The results of {data} were judged on {len(hashes)} different test sets and cannot stand in one table.",
            "Run the older ones again.",
        )
    rows = sorted(rows, key=lambda row: (-_value(row, SORTED_BY), str(row["model"])))
    protocol = rows[0]["protocol"]
    recipe = RECIPES.get(data)
    heading = f"**{recipe.title if recipe else data}**" + (f" (`{data}`): {recipe.question}" if recipe else "")
    about = (
        f"{protocol['n_users']:,} {protocol['part']} users, {protocol['n_titles']:,} titles ranked, "
        f"{protocol['split']}, test set `{hashes[0][:12]}`"
    )
    names = [name for name in COLUMNS if any(name in row["metrics"] for row in rows)]
    head = ["model", *names, "training", "peak memory", "command"]
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 2), "---"])]
    for row in rows:
        link = f"[{row['model']}](evaluation/results/{data}--{row['model']}.json)"
        cells = [_metric_cell(row, name, rows) for name in names]
        command = str(row["command"]).removeprefix(RUNNER)
        lines.append(
            _line([link, *cells, _seconds(row["train_seconds"]), _memory(row["peak_memory_mb"]), f"`{command}`"])
        )
    return f"{heading} — {about}.\n\n" + "\n".join(lines)


def _metric_cell(row: Mapping[str, Any], name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    metric = row["metrics"].get(name)
    if metric is None:
        return "–"
    value = f"{metric['value']:.4f}"
    if metric["low"] is None:
        return value
    others = [other["metrics"][name]["high"] for other in rows if other is not row and name in other["metrics"]]
    if others and metric["low"] > max(others):
        value = f"**{value}**"
    return f"{value} <sub>{metric['low']:.3f}–{metric['high']:.3f}</sub>"


def _value(row: Mapping[str, Any], name: str) -> float:
    return float(row["metrics"].get(name, {"value": 0.0})["value"])


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def _memory(megabytes: float | None) -> str:
    return "–" if megabytes is None else f"{megabytes:,.0f} MB"


def speed_markdown(benchmarks: Mapping[str, Mapping[str, Any]]) -> str:
    """Render one row a benchmark: its ratios, what was measured, its command; and the machines."""
    if not benchmarks:
        return "No results yet."
    lines = [_line(["what", "ratios", "measured", "command"]), _line(["---"] * 4)]
    machines: dict[str, list[str]] = {}
    for name, result in benchmarks.items():
        ratios = "<br>".join(f"{label}: **{value:.3g}**" for label, value in result["ratios"].items()) or "–"
        measured = "<br>".join(f"{label}: {value}" for label, value in _leaves(result["measures"]))
        link = f"[{name}](evaluation/results/benchmarks/{name}.json)"
        lines.append(_line([link, ratios, measured, f"`{result['command']}`"]))
        machine = result["machine"]
        about = f"{machine.get('processor')}, {machine.get('cores')} cores, {machine.get('memory_gb')} GB"
        machines.setdefault(f"{about}, Python {machine.get('python')}", []).append(name)
    notes = [f"{', '.join(names)}: {about}." for about, names in machines.items()]
    return "\n".join(lines) + "\n\nMeasured on — " + " ".join(notes)


def _leaves(measures: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """List the numbers and texts of nested measures under joined names; lists, the single runs, are left out."""
    for name, value in measures.items():
        label = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{label}, ")
        elif isinstance(value, float):
            yield label, f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        elif isinstance(value, int):
            yield label, f"{value:,}"
        elif isinstance(value, str):
            yield label, value


def read_benchmarks(folder: Path) -> dict[str, dict[str, Any]]:
    """Read every benchmark's result file by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def has_markers(text: str) -> bool:
    """Say whether a README has a place for the results."""
    return "<!-- results:begin -->" in text


def render(readme: str, results: Path = FOLDER) -> str:
    """Return the README's text with its tables made anew; a part without markers is left alone."""
    readme = _replace(readme, "results", results_markdown(read_results(results)))
    return _replace(readme, "speed", speed_markdown(read_benchmarks(results / "benchmarks")))


def _replace(text: str, name: str, body: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if begin not in text:
        return text
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise InputError(f"The README has {begin} without {end}.", "Add the missing marker.")
    return f"{before}{begin}\n{body}\n{end}{after}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables, or check them; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.report", description=__doc__.partition("\n")[0])
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
            replace_file(options.readme, made.encode())
    except RecsysError as error:
        print(f"Error: {error.message}\n{error.hint}", file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
