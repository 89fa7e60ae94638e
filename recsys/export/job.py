"""Rank titles for everybody, batch by batch, into one file that appears whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from recsys.artifact import refuse_file, write_file
from recsys.dataset.histories import Histories
from recsys.errors import InputError
from recsys.export.writers import choose_writer
from recsys.models import load_model
from recsys.models.base import Recommender
from recsys.ranking.filters import Filters, split_names
from recsys.ranking.frames import recommendation_frame

COLUMNS = ("user_id", "rank", "anime_id", "score")


def export(
    model: Recommender | str | Path,
    out: str | Path,
    k: int = 100,
    *,
    users: Sequence[Any] | None = None,
    filters: Filters | None = None,
    mood: Sequence[str] | str = (),
    titles: bool = False,
    format: str | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> Path:
    """Write the best `k` titles of every user (or of these `users`) to a file; return its path.

    The columns are `user_id, rank, anime_id, score` (+ `title` with `titles`), the users in the order of the data or
    as asked for, each once; fewer rows where fewer candidates exist. The format is the suffix's unless given: see
    `recsys.export.WRITERS`. Memory holds a batch of users, not the result. The file is written under a hidden name
    beside `out` and renamed, so that an interrupted export leaves nothing but what was there before.

    Raises InputError for k < 1, an unknown format or no users, UnknownIdError for unknown users and filters, and
    ArtifactError where the file exists (without `overwrite`) or cannot be written.
    """
    out = Path(out)
    open_writer = choose_writer(out, format)
    refuse_file(out, overwrite=overwrite)
    if not isinstance(model, Recommender):
        model = load_model(model)
    histories = _histories(model, users)
    frames = _frames(model, histories, k, filters, split_names(mood), COLUMNS + ("title",) * titles)
    began = time.perf_counter()
    # the first batch is ranked before anything is written, so that wrong filters change nothing on disk
    n_users, frame = next(frames)
    with (
        write_file(out, overwrite=overwrite) as beside,
        closing(open_writer(beside)) as writer,
        ThreadPoolExecutor(1, "export") as pool,
        _progress_bar(progress, began) as bar,
    ):
        task = bar.add_task(f"Exporting to {out.name}", total=histories.n_users)
        writing = pool.submit(writer.write, frame)  # while the next batch is ranked; one at most waits for the disk
        bar.advance(task, n_users)
        for n_users, frame in frames:
            writing.result()
            writing = pool.submit(writer.write, frame)
            bar.advance(task, n_users)
        writing.result()
    return out


def _histories(model: Recommender, users: Sequence[Any] | None) -> Histories:
    histories = model.histories_of(users)
    if users is not None:
        _, first = np.unique(histories.users, return_index=True)
        histories = histories.select(np.sort(first))
    if histories.n_users == 0:
        raise InputError("An export needs at least one user, got none.", "Leave the users out to export everybody.")
    return histories


def _frames(
    model: Recommender,
    histories: Histories,
    k: int,
    filters: Filters | None,
    mood: Sequence[str],
    columns: Sequence[str],
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield the number of users and the rows of one batch after the other."""
    start = 0
    for ranked in model.top_k(histories, k, filters, mood):
        n_users = len(ranked.codes)
        batch = histories.select(slice(start, start + n_users))
        yield n_users, recommendation_frame(model.data, batch, [ranked]).select(columns)
        start += n_users


class _SpeedColumn(ProgressColumn):
    """Show users per second since the work began, which is before the bar appears."""

    def __init__(self, began: float) -> None:
        super().__init__()
        self._began = began

    def render(self, task: Task) -> Text:
        speed = task.completed / max(time.perf_counter() - self._began, 1e-9)
        return Text(f"{speed:,.0f} users/s", style="progress.data.speed")


def _progress_bar(shown: bool, began: float) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _SpeedColumn(began),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not shown,
    )
