"""Say which models differ, on the same users, and how sure that is.

    python -m evaluation compare ml1m--lstm ml1m--als ml1m--bpr --metric ndcg@10

The first result is compared with each of the others, unless --reference or --all-pairs says otherwise.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.certainty import LEVEL, SAMPLES, TOLERANCE, Difference, holm, paired_differences, seed_spread
from evaluation.contenders import Contender, find_results, read_contenders
from evaluation.metrics import RANK_METRICS, Metric, metrics_at, parse_cutoffs
from evaluation.ranks import NEVER
from evaluation.result_files import FOLDER
from recsys.artifact import refuse_file, write_file
from recsys.errors import InputError, RecsysError, refuse

METRICS = ("recall", "ndcg")
CUTOFFS = (10,)
BEST = "best"
UNCLEAR = "no clear difference"

_SCHEMA = {
    **{"metric": pl.String, "a": pl.String, "b": pl.String},
    **dict.fromkeys(("mean_a", "mean_b", "difference", "low", "high", "p_t", "p_holm"), pl.Float64),
    **dict.fromkeys(("wins", "ties", "losses"), pl.Int64),
    "verdict": pl.String,
}
_SPREAD_SCHEMA = {
    **{"metric": pl.String, "model": pl.String, "seeds": pl.Int64},
    **dict.fromkeys(("mean", "sd", "min", "max"), pl.Float64),
}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Hold what a comparison found, with all that is needed to make it again.

    `frame` has one row a metric and pair: `metric, a, b, mean_a, mean_b, difference` (a - b, mean over users), `low,
    high` (its bootstrap interval), `p_t` (paired t-test), `p_holm` (corrected for the pairs of this metric), `wins,
    ties, losses` (users for whom a is better, as good, worse), `verdict`. `spread` has one row a metric and model:
    `metric, model, seeds, mean, sd, min, max` over the seeds of its training. `notes` say what else to know.
    """

    data: str
    data_title: str
    protocol: dict[str, Any]
    split_sha256: str
    files: dict[str, Path]
    frame: pl.DataFrame
    spread: pl.DataFrame
    notes: tuple[str, ...]
    samples: int
    seed: int

    @property
    def n_pairs(self) -> int:
        return self.frame.n_unique(("a", "b"))

    def to_mapping(self) -> dict[str, Any]:
        """Return plain names and values, ready for JSON."""
        return {
            "data": self.data,
            "data_title": self.data_title,
            "protocol": self.protocol,
            "split_sha256": self.split_sha256,
            "files": {label: path.as_posix() for label, path in self.files.items()},
            "level": LEVEL,
            "samples": self.samples,
            "seed": self.seed,
            "differences": self.frame.to_dicts(),
            "seeds": self.spread.to_dicts(),
            "notes": list(self.notes),
        }

    def write_json(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the comparison to a JSON file, as a whole or not at all."""
        text = json.dumps(self.to_mapping(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        with write_file(path, overwrite=overwrite) as beside:
            beside.write_text(text, encoding="utf-8")
        return Path(path)


def compare(
    results: Sequence[str | Path],
    metrics: Iterable[str] = METRICS,
    *,
    cutoffs: Sequence[int] = CUTOFFS,
    reference: str | None = None,
    all_pairs: bool = False,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare results user by user: the reference with each of the others, or all pairs.

    `results` are paths of result files with their ranks beside them, from which every accuracy metric is computed
    again; names without a cutoff are taken at all `cutoffs`. The `reference` is a model's name or "best" (the highest
    mean of the first metric), by default the first result. What several seeds gave a user is averaged before pairing.
    A verdict names the better model only where the interval leaves out zero and p, corrected by Holm's method for the
    pairs of the metric, is below 5 %. The interval says what other users might have given; the spread over seeds says
    what training again might have.

    Raises InputError for results that cannot be compared, unknown metrics and an unknown reference.
    """
    chosen = _accuracy_metrics(metrics, cutoffs)
    if all_pairs and reference is not None:
        raise InputError(
            f"All pairs have no reference, got '{reference}' for one.", "Leave out either --reference or --all-pairs."
        )
    if seed < 0 or samples < 1:
        raise InputError(
            f"A seed must be at least 0 and samples at least 1, got {seed} and {samples}.", "Leave them as they are."
        )
    contenders = read_contenders(results)
    by_seed = {one.label: one.values(chosen) for one in contenders}  # (seeds, users, metrics)
    tables = {label: values.mean(axis=0) for label, values in by_seed.items()}
    pairs = _pairs(contenders, tables, reference, all_pairs)
    found = _differences(tables, pairs, samples, seed)
    rows = [
        row
        for place, metric in enumerate(chosen)
        for row in _rows(str(metric), place, tables, pairs, found[place :: len(chosen)])
    ]
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    over_seeds = [
        (str(metric), label, len(values), *seed_spread(values[:, :, place].mean(axis=1)))
        for place, metric in enumerate(chosen)
        for label, values in by_seed.items()
    ]
    spread = pl.DataFrame(over_seeds, schema=_SPREAD_SCHEMA, orient="row")
    first = contenders[0].result
    return Comparison(
        data=str(first["data"]),
        data_title=str(first["data_title"] or first["data"]),
        protocol=dict(first["protocol"]),
        split_sha256=str(first["split_sha256"]),
        files={one.label: one.path for one in contenders},
        frame=frame,
        spread=spread,
        notes=(*_depth_notes(contenders, chosen), *_seed_notes(frame, spread)),
        samples=samples,
        seed=seed,
    )


def verdict(a: str, b: str, low: float, high: float, p: float, *, level: float = LEVEL) -> str:
    """Name the better model where the interval of a - b leaves out zero and the corrected p agrees; else neither.

    >>> verdict("lstm", "als", 0.01, 0.03, 0.001), verdict("lstm", "als", -0.01, 0.03, 0.001)
    ('lstm is better', 'no clear difference')
    """
    if p >= 1 - level or (low <= TOLERANCE and high >= -TOLERANCE):
        return UNCLEAR
    return f"{a if low > 0 else b} is better"


def _accuracy_metrics(names: Iterable[str], cutoffs: Sequence[int]) -> list[Metric]:
    chosen = metrics_at(names, cutoffs)
    if not chosen:
        raise InputError("At least one metric is needed, got none.", "For example: ndcg@10.")
    for metric in chosen:
        if metric.name not in RANK_METRICS:
            raise InputError(
                f"'{metric}' is not told by the ranks of held-out titles, so results cannot be paired by it.",
                f"Compare by one of: {', '.join(RANK_METRICS)}.",
            )
    return chosen


def _depth_notes(contenders: Sequence[Contender], metrics: Sequence[Metric]) -> Iterator[str]:
    """Warn of metrics that look deeper than some model's lists may have gone."""
    for one in contenders:
        deeper = [str(metric) for metric in metrics if one.depth is not None and (metric.k or NEVER) > one.depth]
        if deeper:
            yield (
                f"{one.label} ranked no target beyond {one.depth:,}, and some not at all: if its lists ended there, "
                f"what lies deeper counts as missed in its {', '.join(deeper)}."
            )


def _seed_notes(frame: pl.DataFrame, spread: pl.DataFrame) -> Iterator[str]:
    """Warn where a model is called better though one of the other's seeds reached one of its own."""
    over_seeds = {(row["metric"], row["model"]): row for row in spread.iter_rows(named=True)}
    for row in frame.filter(pl.col("verdict") != UNCLEAR).iter_rows(named=True):
        better, worse = (row["a"], row["b"]) if row["difference"] > 0 else (row["b"], row["a"])
        least, most = over_seeds[row["metric"], better], over_seeds[row["metric"], worse]
        if most["max"] >= least["min"]:
            yield (
                f"{row['metric']}: a seed of {better} gave {least['min']:.4f} only, one of {worse} {most['max']:.4f}: "
                "training again could turn this around."
            )


_Pairs = list[tuple[str, str]]
_Tables = dict[str, npt.NDArray[np.float64]]  # label: (n_users, n_metrics)


def _pairs(contenders: Sequence[Contender], tables: _Tables, reference: str | None, all_pairs: bool) -> _Pairs:
    labels = list(tables)
    if all_pairs:
        return list(itertools.combinations(labels, 2))
    first = labels[0] if reference is None else _reference(contenders, tables, reference)
    return [(first, other) for other in labels if other != first]


def _reference(contenders: Sequence[Contender], tables: _Tables, name: str) -> str:
    """Find the result that a name means: its label, or its file's name or path."""
    for one in contenders:
        if name in (one.label, one.path.stem, str(one.path)):
            return one.label
    if name == BEST:
        return max(tables, key=lambda label: float(tables[label][:, 0].mean()))
    raise InputError(
        f"The reference must be one of the results, got '{name}'.", f"Given: {', '.join(tables)}; or: {BEST}."
    )


def _differences(tables: _Tables, pairs: _Pairs, samples: int, seed: int) -> list[Difference]:
    """Compare all pairs by all metrics with the same draws of users; pair by pair, metric by metric in each."""
    left, right = (np.concatenate([tables[pair[side]] for pair in pairs], axis=1) for side in (0, 1))
    return paired_differences(left, right, samples=samples, seed=seed)


def _rows(
    metric: str, place: int, tables: _Tables, pairs: _Pairs, differences: Sequence[Difference]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one metric, whose p-values are corrected together."""
    corrected = holm([one.p for one in differences]).tolist()
    for (a, b), one, p in zip(pairs, differences, corrected, strict=True):
        means = (float(tables[label][:, place].mean()) for label in (a, b))
        answer = verdict(a, b, one.low, one.high, p)
        yield (metric, a, b, *means, one.value, one.low, one.high, one.p, p, one.wins, one.ties, one.losses, answer)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.json is not None:
            refuse_file(options.json, overwrite=options.overwrite)
        found = compare(
            find_results(options.result, options.results),
            options.metric or METRICS,
            cutoffs=parse_cutoffs(options.k),
            reference=options.reference,
            all_pairs=options.all_pairs,
            seed=options.seed,
        )
        if options.json is not None:
            found.write_json(options.json, overwrite=options.overwrite)
    except RecsysError as error:
        return refuse(error)
    _show(found, markdown=options.markdown)
    return 0


def _show(found: Comparison, *, markdown: bool) -> None:
    from rich.console import Console

    from evaluation.screen import PLAIN_WIDTH, comparison_markdown, comparison_table

    if markdown:
        print(comparison_markdown(found))
    else:
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        Console(width=width, highlight=False, emoji=False).print(comparison_table(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation compare", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("result", nargs="+", help="result files, or their names in the folder of results: ml1m--lstm")
    parser.add_argument("--metric", action="append", help="an accuracy metric, such as ndcg@10; repeatable")
    parser.add_argument("-k", default="10", help="cutoffs of the metrics without one of their own (default 10)")
    parser.add_argument("--reference", help=f"model to compare with all others, or '{BEST}' (default: the first)")
    parser.add_argument("--all-pairs", action="store_true", help="compare each with each")
    parser.add_argument("--seed", type=int, default=0, help="of the intervals (default 0)")
    parser.add_argument("--results", type=Path, default=FOLDER, help="folder of results (default: evaluation/results)")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything to a JSON file")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier JSON file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
