"""Answer one request: who asks, with which history, from which titles."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recsys.dataset.histories import Histories
from recsys.dataset.ids import read_ids
from recsys.dataset.people import Person, epoch_seconds, person_of_titles, read_person
from recsys.dataset.prepared import Dataset, UserIds
from recsys.dataset.titles import TitleIndex
from recsys.errors import InputError, RecsysError
from recsys.models import load_model
from recsys.models.base import Recommender
from recsys.ranking.filters import Filters, split_names


def recommend(
    model: Recommender | str | Path,
    users: UserIds = None,
    k: int = 10,
    *,
    titles: Sequence[str] | str | None = None,
    history: str | Path | None = None,
    filters: Filters | None = None,
    mood: Sequence[str] | str = (),
    at: str | None = None,
) -> pl.DataFrame:
    """Return the frame `user_id, rank, anime_id, score, title` of the best `k` titles for each person.

    The people are known `users` (all of them when nobody is named), somebody who watched these `titles` (as typed, the
    last one most recently), or the owner of a `history` file; these two have no `user_id`. A path loads its model.
    `at` says when they ask, as a date, epoch seconds or "now", to a model that reads it.
    """
    model = model if isinstance(model, Recommender) else load_model(model)
    person = who_asks(model.data, users, titles, history)
    histories = asking_at(model, person.histories, at)
    return model.recommend(k=k, histories=histories, filters=filters, mood=check_mood(model, mood))


def similar(
    model: Recommender | str | Path, title: str, k: int = 10, *, filters: Filters | None = None
) -> pl.DataFrame:
    """Return the frame `rank, anime_id, score, title` of the titles most like one, named as a person types it."""
    model = model if isinstance(model, Recommender) else load_model(model)
    return model.similar(model.data.items.decode([find_title(model.data, title)])[0], k, filters)


def who_asks(
    data: Dataset, users: UserIds = None, titles: Sequence[str] | str | None = None, history: str | Path | None = None
) -> Person:
    """Return the histories of known users, or of one person from titles or a file; everybody's when none is given."""
    if sum((users is not None, titles is not None, history is not None)) > 1:
        raise InputError("Users, titles and a history file exclude each other, got more than one.", "Give one of them.")
    if titles is not None:
        return person_of_titles(data, [titles] if isinstance(titles, str) else titles)
    if history is not None:
        return read_person(history, data)
    return Person(data.histories_of(users))


def find_title(data: Dataset, text: str) -> int:
    """Return the item code of the one title that is meant; the text may be its id."""
    return TitleIndex(data.catalogue).find(str(text))


def check_mood(model: Recommender, mood: Sequence[str] | str) -> tuple[str, ...]:
    """Take a mood apart and refuse tags that the data does not know, with a suggestion."""
    names = split_names(mood)
    if names and model.supports_mood:
        model.data.catalogue.resolve_tokens(names)
    return names


def asking_at(model: Recommender, histories: Histories, at: str | None) -> Histories:
    """Say when these people ask: a date, epoch seconds or "now"; None leaves it open."""
    if at is None:
        return histories
    if not model.reads_request_times:
        raise InputError(
            f"This {model.name} model does not read when somebody asks.",
            "Leave the time out, or fit an lstm with wait_dim=16 on data with times.",
        )
    if histories.times is None:
        raise InputError(
            "The time of a request tells how long ago the last title was watched, and this history has no times.",
            "Leave the time out, or give --history with a column timestamp.",
        )
    try:
        moment = int(time.time()) if at == "now" else epoch_seconds(at)
    except ValueError:
        remedy = "Give a date such as 2024-05-31, epoch seconds, or now."
        raise InputError(f"The time of a request must be a moment, got '{at}'.", remedy) from None
    return histories.asking_at(np.full(histories.n_users, moment))


def read_candidates(path: str | Path, data: Dataset) -> list[Any]:
    """Read the ids of a candidate file: a table with a column `anime_id`, or one id or title a line.

    A line that is an id is one, also where a title has this name.
    """
    path = Path(path)
    if path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".parquet", ".pq")):
        return read_ids(path, "anime_id", data.items)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return read_ids(path, "anime_id", data.items)  # it says what is wrong
    index = TitleIndex(data.catalogue, adult=True)
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            id = line.strip().removeprefix("#")
            found.append(int(data.items.encode([id])[0]) if id in data.items else index.find(line))
        except RecsysError as error:
            raise type(error)(f"{path}, line {number}: {error.message}", error.hint) from None
    if not found:
        raise InputError(f"{path} holds no titles.", "Give a file with one id or title a line.")
    return data.items.decode(found).to_list()
