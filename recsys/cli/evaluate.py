"""`recsys evaluate`: fit models on the training part and judge them by full ranking."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    prepared: Annotated[
        Path, typer.Argument(metavar="PREPARED", help="Folder that `recsys prepare` wrote.", show_default=False)
    ],
    model: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Model to fit and judge; repeatable.", show_default=False)
    ] = None,
    saved: Annotated[
        list[Path] | None,
        typer.Option(metavar="MODEL", help="Model folder to judge as it is; repeatable.", show_default=False),
    ] = None,
    k: Annotated[str, typer.Option("-k", "--k", metavar="K,K", help="Cutoffs.")] = "5,10,20",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="recall, ndcg, hit_rate, mrr, coverage (these by default), precision, map, novelty, diversity, "
            "popularity, popularity_lift, serendipity, miscalibration, sequel_breaks or gini at every cutoff, or with "
            "one of its own: ndcg@7. Repeatable.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            metavar="PLAN",
            help="auto (by the data's order), leave-last-out, random, time or unseen-users, with settings: "
            "leave-last-out,n_targets=3; time,at=2015-06-01,targets=first; unseen-users,share=0.2.",
        ),
    ] = "auto",
    part: Annotated[str, typer.Option(metavar="PART", help="Judge on the test or the validation part.")] = "test",
    candidates: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rank only these titles: ids, one a line.", show_default=False),
    ] = None,
    seen: Annotated[str, typer.Option(metavar="RULE", help="Titles already seen are excluded or ranked.")] = "excluded",
    ties: Annotated[str, typer.Option(metavar="RULE", help="A tied target ranks behind or ahead.")] = "behind",
    liked: Annotated[
        float | None,
        typer.Option(metavar="RATING", help="Only titles that were rated so high are to be found.", show_default=False),
    ] = None,
    request_times: Annotated[
        str,
        typer.Option(
            metavar="RULE",
            help="When each user asks, which is when they watched the title to be found, is hidden from the models or "
            "told.",
        ),
    ] = "hidden",
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Seed of what a split draws, the models and the intervals.")
    ] = 0,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="N,N",
            help="Fit each model that has a seed once for each of these, and average; in place of --seed for models.",
            show_default=False,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="MODEL.NAME=VALUE", help="A model's setting; repeatable.", show_default=False),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Result files and the picture go here.")
    ] = Path("results"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results there of other rules or of another test set, too.")
    ] = False,
) -> None:
    """Compare models: each ranks all titles for every held-out user, without those the user has seen.

    Shows a table with 95 % intervals, and writes one JSON file a model and a picture of recall@k; earlier ones of the
    same rules and test set are replaced.

    recsys evaluate data/prepared --model popularity als lstm --set lstm.epochs=20
    """
    from evaluation.contest import contest, draw_entries, enter, refuse_other_results, shown_name, write_entry
    from evaluation.judge import part_of
    from evaluation.metrics import DEFAULT_METRICS, metrics_at, parse_cutoffs, parse_metric, require_ground
    from evaluation.protocol import Rules
    from evaluation.result_files import commit, require_writable
    from evaluation.run import parse_seeds, settings_by_model
    from evaluation.screen import results_table
    from recsys.cli.options import candidate_codes
    from recsys.cli.screen import console
    from recsys.dataset.prepared import Dataset
    from recsys.dataset.split import SplitPlan, split_dataset

    names = list(model or [])
    metrics = [str(one) for one in metrics_at(metric or DEFAULT_METRICS, parse_cutoffs(k))]
    flags = settings_by_model(set_ or [], names)
    require_writable(out)
    data = Dataset.load(prepared)
    require_ground(map(parse_metric, metrics), data.catalogue)
    rules = Rules(None if candidates is None else candidate_codes(candidates, data), seen, ties, liked, request_times)  # type: ignore[arg-type]
    parts = split_dataset(data, SplitPlan.parse(split, seed=seed))
    rules.targets_of(part_of(parts, part))  # what is wrong with any of it is said before a model is fitted
    of_models = [seed] if seeds is None else parse_seeds(seeds)
    entrants = enter(data, parts, names, saved or [], flags=flags, seeds=of_models, part=part)
    if not overwrite:
        refuse_other_results(out, data, parts, entrants, part=part, rules=rules)
    values = {
        **{"model": names, "saved": saved, "k": [k], "metric": metric, "split": [split], "part": [part]},
        **{"candidates": candidates and [candidates], "seen": [seen], "ties": [ties], "seed": [seed]},
        **{"request-times": [request_times]},
        **{"liked": None if liked is None else [f"{liked:g}"], "seeds": seeds and [seeds], "set": set_},
    }
    words = [word for name, given in values.items() for value in given or [] for word in (f"--{name}", str(value))]
    command = shlex.join(["recsys", "evaluate", str(prepared), *words])
    commit()  # of the code that runs, whatever is committed meanwhile
    entries, written = [], []
    for entry in contest(data, parts, entrants, metrics=metrics, part=part, rules=rules, seed=seed, progress=True):
        entries.append(entry)  # written at once: a later model may fail
        written.append(write_entry(entry, data=data, seed=seed, command=command, out=out))
    screen = console()
    screen.print(results_table(entries, data=shown_name(data), seed=seed))
    for path in [*written, draw_entries(entries, data=data, seed=seed, out=out)]:
        screen.print(f"Wrote {path}", style="dim", markup=False)
