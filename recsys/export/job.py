"""Rank titles for everybody, batch by batch, into one file that appears whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from recsys.artifact import refuse_file, write_file
from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import PADDING
from recsys.errors import InputError
from recsys.export.writers import choose_writer
from recsys.models import load_model
from recsys.models.base import Recommender
from recsys.models.requests import asking_at
from recsys.ranking.filters import Filters, split_names
from recsys.ranking.frames import recommendation_frame
from recsys.ranking.topk import TopK

COLUMNS = ("user_id", "rank", "anime_id", "score")

CHUNK, MAX_ROWS = 4096, 2**20
"""How many users are ranked before their lists are written: fewer where these would have more rows."""


def export(
    model: Recommender | str | Path,
    out: str | Path,
    k: int = 100,
    *,
    users: Sequence[Any] | None = None,
    filters: Filters | None = None,
    mood: Sequence[str] | str = (),
    at: str | None = None,
    titles: bool = False,
    format: str | None = None,
    overwrite: bool = False,
    progress: bool = False,
) -> Path:
    """Write the best `k` titles of every user (or of these `users`) to a file; return its path.

    The columns are `user_id, rank, anime_id, score` (+ `title` with `titles`), the users in the order of the data
    or as asked for, each once; fewer rows where fewer candidates exist. The format is the suffix's unless given:
    see `recsys.export.WRITERS`. `at` says when they ask, as `recsys.recommend` does. Memory holds the lists of a
    few thousand users, not the whole result. The file is written under a hidden name beside `out` and renamed, so
    that an interrupted one leaves only what was there before.

    Raises InputError for k < 1, an unknown format, no users or no title that is allowed, UnknownIdError for unknown
    users and filters, and ArtifactError where the file exists (without `overwrite`) or cannot be written.
    """
    out = Path(out)
    open_writer = choose_writer(out, format)
    refuse_file(out, overwrite=overwrite)
    if not isinstance(model, Recommender):
        model = load_model(model)
    histories = asking_at(model, _histories(model, users), at)
    rank = partial(model.top_k, k=k, filters=filters, mood=split_names(mood))
    next(rank(histories.select(slice(0, 1))))  # one user first, so that a wrong request changes nothing on disk
    if filters is not None and not filters.allowed(model.data.catalogue, model.data.items).any():
        raise InputError("No title is left to recommend after these filters.", "Loosen them.")
    columns = COLUMNS + ("title",) * titles
    size = max(1, min(CHUNK, MAX_ROWS // min(k, model.data.n_codes)))
    with (
        write_file(out, overwrite=overwrite) as beside,
        closing(open_writer(beside)) as writer,
        ThreadPoolExecutor(1, "export") as pool,
        _progress_bar(progress) as bar,
    ):
        short = 0
        task = bar.add_task(f"Exporting to {out.name}", total=histories.n_users)
        writing: Future[None] | None = None
        for chunk in histories.batches(size):
            ranked = _by_length(rank, chunk, partial(bar.advance, task))
            short += int((ranked.codes[:, -1] == PADDING).sum()) if ranked.codes.shape[1] == k else chunk.n_users
            frame = recommendation_frame(model.data, chunk, [ranked]).select(columns)
            if writing is not None:
                writing.result()  # one chunk at most waits for the disk
            writing = pool.submit(writer.write, frame)  # while the next chunk is being ranked
        assert writing is not None
        writing.result()
    if short and progress:
        few = f"{short:,} of {histories.n_users:,} users have fewer than {k:,} titles"
        print(f"{few}: no others are known, allowed and unseen.", file=sys.stderr)
    return out


def _histories(model: Recommender, users: Sequence[Any] | None) -> Histories:
    histories = model.histories_of(users)
    if users is not None:
        _, first = np.unique(histories.users, return_index=True)
        histories = histories.select(np.sort(first))
    if histories.n_users == 0:
        raise InputError("An export needs at least one user, got none.", "Leave the users out to export everybody.")
    return histories


def _by_length(rank: Callable[[Histories], Iterator[TopK]], chunk: Histories, advance: Callable[[int], None]) -> TopK:
    """Rank the users of a chunk in order of length, return the lists in the order of the chunk.

    A model that pads the histories of a batch to the longest of them then pads little.
    """
    order = np.argsort(chunk.lengths, kind="stable")
    parts = []
    for part in rank(chunk.select(order)):
        parts.append(part)
        advance(len(part.codes))
    place = np.argsort(order)  # of each user in `order`
    return TopK(
        np.concatenate([part.codes for part in parts])[place], np.concatenate([part.scores for part in parts])[place]
    )


class _SpeedColumn(ProgressColumn):
    """Show users per second, as the mean from the start."""

    def render(self, task: Task) -> Text:
        speed = task.completed / max(task.elapsed or 0.0, 1e-9)
        return Text(f"{speed:,.0f} users/s", style="progress.data.speed")


def _progress_bar(shown: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _SpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not shown,
    )
