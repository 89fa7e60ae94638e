"""`recsys compare`: which of several results differ, on the same users, and how sure that is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    result: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT",
            help="Result files that `recsys evaluate` wrote, or names in the folder of results: ratings--lstm.",
            show_default=False,
        ),
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Accuracy metric (recall and ndcg by default), such as mrr@20; repeat the option."
        ),
    ] = None,
    k: Annotated[str, typer.Option("-k", "--k", metavar="K,K", help="Cutoffs of metrics without one.")] = "10",
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Compare this model with all others, or the 'best' one; by default the first result.",
            show_default=False,
        ),
    ] = None,
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Compare each with each.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the intervals.")] = 0,
    results: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of results, as `recsys evaluate --out` names it.")
    ] = Path("results"),
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write everything to a JSON file.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier JSON file.")] = False,
) -> None:
    """Compare results user by user: differences with intervals, tests, and for how many users each is better.

    recsys compare ratings--lstm ratings--als ratings--bpr --metric ndcg@10

    The first result is compared with each of the others. All must have been judged on the same test set.
    """
    import evaluation.compare
    from evaluation.contenders import find_results
    from evaluation.metrics import parse_cutoffs
    from evaluation.screen import comparison_markdown, comparison_table
    from recsys.artifact import refuse_file
    from recsys.cli.screen import console, refuse_inputs

    paths = find_results(result, results)
    refuse_inputs([json], paths)
    if json is not None:
        refuse_file(json, overwrite=overwrite)  # before the work, not after it
    found = evaluation.compare.compare(
        paths,
        metric or evaluation.compare.METRICS,
        cutoffs=parse_cutoffs(k),
        reference=reference,
        all_pairs=all_pairs,
        seed=seed,
    )
    if json is not None:
        typer.echo(f"Wrote {found.write_json(json, overwrite=overwrite)}", err=True)
    if markdown:
        typer.echo(comparison_markdown(found))
    else:
        console().print(comparison_table(found))
