"""Judge models on new titles and on new people, and draw the picture.

    python -m evaluation.newcomers --data ml1m --model lstm als
    python -m evaluation.newcomers --data ml1m --model lstm --fitted FOLDER

New titles are judged from the ranks that `evaluation.run` left, so no model is trained for them. For new people each
model is fitted on the others, with the settings of its published row. Popularity, the yardstick, is always judged.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluation.newcomers.files import FOLDER, PEOPLE, TITLES, draw
from evaluation.newcomers.people import Newcomers, Ranks, meet_newcomers, people_result, rank_newcomers, ranks_table
from evaluation.newcomers.recall import REFERENCE
from evaluation.newcomers.titles import titles_result
from evaluation.recipes import RECIPES, SPLIT_SEED
from evaluation.result_files import FOLDER as PUBLISHED
from evaluation.result_files import file_stem, ranks_path, require_writable, write_result
from evaluation.rows import Row, find_row
from evaluation.run import parse_seeds, real_folder, refuse_other_model, settings_by_model, settings_of
from recsys.artifact import MANIFEST
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import SplitPlan, split_dataset
from recsys.errors import InputError, RecsysError, refuse
from recsys.models import load_model, make_model
from recsys.models.base import Recommender

SHARES = {"annict": 0.2}
"""The share of people kept out of training, where a tenth would leave too few to judge by."""
PARTS = (TITLES, PEOPLE)


def judge_titles(data: str, models: Sequence[str], out: Path, published: Path = PUBLISHED) -> list[Path]:
    """Cut the published rows of a data set by the frequency of the target; a row without ranks is left out, aloud."""
    paths = {model: published / f"{file_stem(data)}--{file_stem(model)}.json" for model in (REFERENCE, *models)}
    missing = [model for model, path in paths.items() if not ranks_path(path).is_file()]
    for model in missing:
        print(
            f"{data} · {model}: no published ranks, so nothing on new titles. First: python -m evaluation.run "
            f"--data {data} --model {model}",
            file=sys.stderr,
        )
    if REFERENCE in missing:
        return []
    command = shlex.join(["python", "-m", "evaluation.newcomers", "--part", TITLES, "--data", data, "--model"])
    return [
        write_result(titles_result(path, paths[REFERENCE], command=f"{command} {model}"), out / TITLES)
        for model, path in paths.items()
        if model not in missing
    ]


def judge_people(
    rows: Sequence[Row],
    real: Path,
    out: Path,
    *,
    flags: dict[str, list[str]],
    save: Path | None = None,
    fitted: Path | None = None,
) -> list[Path]:
    """Fit each row's model on the people of a data set that are not kept aside, judge it on those who are."""
    data, newcomers = load_newcomers(rows[0].data, real)
    reference: Ranks | None = None
    paths = []
    for row in rows:
        print(f"== {row.data} · {row.model}: new people", flush=True)
        models, ranks = [], []
        for seed in row.seeds:
            given = flags.get(row.model, [])
            model = _kept(fitted, row, given, seed) or _fit(row, given, seed, data, newcomers, save)
            models.append(model)
            ranks.append(rank_newcomers(model, newcomers))
        result = people_result(
            models,
            newcomers,
            ranks,
            reference,
            data=row.data,
            data_title=RECIPES[row.data].title,
            seeds=row.seeds,
            command=command_of(row, flags.get(row.model, [])),
        )
        if row.model == REFERENCE:
            reference = np.asarray(ranks[0])
        paths.append(write_result(result, out / PEOPLE, ranks=ranks_table(ranks, newcomers, row.seeds)))
    return paths


def load_newcomers(name: str, real: Path) -> tuple[Dataset, Newcomers]:
    """Prepare a data set by its short name, and take the people that no model may learn from."""
    if name not in RECIPES:
        raise InputError(f"There is no data set '{name}'.", f"Known: {', '.join(RECIPES)}.")
    data = RECIPES[name].build(name, real)
    plan = SplitPlan.parse(f"unseen-users,share={SHARES.get(name, 0.1)}", seed=SPLIT_SEED)
    return data, meet_newcomers(data, split_dataset(data, plan), seed=SPLIT_SEED)


def command_of(row: Row, flags: Sequence[str]) -> str:
    """Write the command that judges this row on new people again."""
    words = ["python", "-m", "evaluation.newcomers", "--part", PEOPLE, "--data", row.data, "--model", row.model]
    for setting in flags:
        words += ["--set", f"{row.model}.{setting}"]
    if row.seeds != find_row(row.data, row.model).seeds:
        words += ["--seeds", ",".join(map(str, row.seeds))]
    return shlex.join(words)


def _fit(
    row: Row, flags: Sequence[str], seed: int, data: Dataset, newcomers: Newcomers, save: Path | None
) -> Recommender:
    model = make_model(row.model, settings_of(row.model, flags, seed, base=row.settings))
    if save is not None and hasattr(model, "workdir"):
        model.workdir = save / f"{_name(row, seed)}.training"
    model.fit(data, newcomers.split, progress=True)
    if save is not None:
        model.save(save / _name(row, seed), overwrite=True)
    return model


def _kept(folder: Path | None, row: Row, flags: Sequence[str], seed: int) -> Recommender | None:
    """Load the model of a row and seed that an earlier run saved, if it did; `folder` may be the model's own."""
    if folder is None or row.model == REFERENCE:
        return None
    place = folder if (folder / MANIFEST).is_file() else folder / _name(row, seed)
    if not (place / MANIFEST).is_file():
        return None
    model = load_model(place)
    refuse_other_model(place, model, row, flags, seed)
    return model


def _name(row: Row, seed: int) -> str:
    return f"{file_stem(row.data)}--{file_stem(row.model)}" + (f"--seed-{seed}" if seed else "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    parts = options.part or PARTS
    models = [name for name in dict.fromkeys(options.model) if name != REFERENCE]
    try:
        flags = settings_by_model(options.set, [REFERENCE, *models])
        rows = {data: [_row(data, model, options) for model in (REFERENCE, *models)] for data in options.data}
        for row in (row for of_data in rows.values() for row in of_data):  # a wrong setting is said before all else
            settings_of(row.model, flags[row.model], 0, base=row.settings)
        out, save, fitted = (None if one is None else Path(one) for one in (options.out, options.save, options.fitted))
        assert out is not None
        if fitted is not None and not fitted.is_dir():
            raise InputError(f"{fitted} is no folder of models.", "Name the folder that --save named.")
        if fitted is not None and (fitted / MANIFEST).is_file() and len(options.data) * len(models) > 1:
            raise InputError(
                f"{fitted} holds one model, and several were asked for.", "Name one --data and --model, or its parent."
            )
        require_writable(out)
        real = real_folder(options.real) if PEOPLE in parts else None
        for data, of_data in rows.items():
            if TITLES in parts:
                judge_titles(data, models, out, Path(options.published))
            if real is not None:
                judge_people(of_data, real, out, flags=flags, save=save, fitted=fitted)
            print(draw(data, out) or f"{data}: nothing to draw")
    except RecsysError as error:
        return refuse(error)
    return 0


def _row(data: str, model: str, options: argparse.Namespace) -> Row:
    row = find_row(data, model)
    return row if options.seeds is None or model == REFERENCE else replace(row, seeds=parse_seeds(options.seeds))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation.newcomers", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", action="extend", nargs="+", required=True, help="data sets: ml1m, annict, kaggle5k …")
    parser.add_argument("--model", action="extend", nargs="+", required=True, help="models, as in `recsys models`")
    parser.add_argument("--part", action="append", choices=PARTS, help="only new titles, or only new people")
    parser.add_argument("--set", action="extend", nargs="+", default=[], help="settings, as model.name=value")
    parser.add_argument("--seeds", help="of the models, e.g. 0,1,2 (default: those of the published rows)")
    parser.add_argument("--real", help="folder of the original files (default: $RECSYS_REALDATA)")
    parser.add_argument("--published", default=str(PUBLISHED), help="where the published rows and their ranks are")
    parser.add_argument("--out", default=str(FOLDER), help="where results go (default: evaluation/results/newcomers)")
    parser.add_argument("--save", help="also keep each fitted model in this folder")
    parser.add_argument("--fitted", help="judge the models that --save kept in this folder; fit those it lacks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
