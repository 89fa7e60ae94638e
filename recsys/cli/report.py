"""`recsys report`: result files as a page with pictures, and as Markdown tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def report(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS", help="Folder of result files, such as `recsys evaluate` writes.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The page; by default report.html in the folder of results.",
            show_default=False,
        ),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the tables as Markdown.", show_default=False)
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only the results of this data set; repeat the option.", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what --out and --markdown name.")] = False,
) -> None:
    """Show results side by side: tables with intervals, who leads and how sure that is, pictures.

    recsys report results --markdown results/report.md

    The page is one file that needs no network. An earlier report.html in the folder of results is replaced.
    """
    from rich.text import Text

    from evaluation.report import read_tables, report_page, tables_markdown, verdict
    from recsys.artifact import refuse_file, write_file
    from recsys.cli.screen import console, refuse_inputs, refuse_one_file

    usual = results / "report.html"
    page = out or usual
    tables = read_tables(results, data or [])
    refuse_one_file(out=page, markdown=markdown)
    refuse_inputs([page, markdown], results.glob("*--*.json"))
    for path in filter(None, (page, markdown)):
        refuse_file(path, overwrite=overwrite or path == usual)  # before the pictures are drawn
    report_page(tables).write(page)
    if markdown is not None:
        text = tables_markdown(tables, folder=_link(results, markdown.parent)) + "\n"
        with write_file(markdown, overwrite=True) as beside:
            beside.write_text(text, encoding="utf-8")
    screen = console()
    for table in tables:
        screen.print(Text.assemble((f"{table.title}: ", "bold"), verdict(table)))
    for path in filter(None, (page, markdown)):
        screen.print(Text(f"Wrote {path}"), style="dim")


def _link(folder: Path, start: Path) -> str:
    """Say where a folder is, as a link in a text must; another drive of Windows has no relative path."""
    try:
        return Path(os.path.relpath(folder, start)).as_posix()
    except ValueError:
        return folder.absolute().as_uri()
