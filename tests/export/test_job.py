from __future__ import annotations

import errno
import inspect
import os
import signal
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import recsys.export.job
import recsys.models.base
from recsys.dataset.vocabulary import FIRST
from recsys.errors import ArtifactError, InputError, RecsysError, UnknownIdError
from recsys.export import WRITERS, export
from recsys.export.writers import TextWriter
from recsys.models.popularity import PopularityRecommender
from recsys.ranking.filters import Filters

COLUMNS = ["user_id", "rank", "anime_id", "score"]


class Noise(PopularityRecommender):
    """Score by user and title, so that no two lists are alike; fail at a batch on request."""

    failure: Any = None
    fail_at = 3
    batches: list[list[int]]

    def _scores(self, histories, mood=()):
        self.batches = [*getattr(self, "batches", []), histories.users.tolist()]
        if self.failure is not None and len(self.batches) == self.fail_at:
            self.failure()
        codes = np.arange(self.data.n_codes)
        return np.sin(histories.users[:, None] * 7.0 + codes * codes).astype(np.float32)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    """Cut the six users into two chunks of four and two; a model ranks two at once."""
    monkeypatch.setattr(recsys.models.base, "BATCH", 2)
    monkeypatch.setattr(recsys.export.job, "CHUNK", 4)


@pytest.fixture
def model(small):
    return Noise().fit(small)


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "recs.csv"
    path.write_text("old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def failing(error: BaseException) -> Any:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    return fail


NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


# -- what is written ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3, 100])
def test_the_file_holds_what_recommend_returns(model, tmp_path, k):
    path = export(model, tmp_path / "recs.parquet", k=k)
    assert path == tmp_path / "recs.parquet"
    found = pl.read_parquet(path)
    assert found.columns == COLUMNS
    assert found.equals(model.recommend(k=k).select(COLUMNS))
    assert names(tmp_path) == ["recs.parquet"]


def test_titles_are_added_on_request(model, tmp_path):
    found = pl.read_parquet(export(model, tmp_path / "recs.parquet", k=2, titles=True))
    assert found.equals(model.recommend(k=2))


def test_filters_hold(model, tmp_path):
    filters = Filters(include_genres=["romance"], keep_seen=True, adult=True)
    found = pl.read_parquet(export(model, tmp_path / "recs.parquet", k=9, filters=filters))
    assert found.equals(model.recommend(k=9, filters=filters).select(COLUMNS))
    assert found["anime_id"].unique().sort().to_list() == [20, 21, 22, 23]


def test_users_come_in_the_order_asked_for_and_once(model, tmp_path):
    found = pl.read_parquet(export(model, tmp_path / "recs.parquet", k=1, users=["106", "101", "104", "101"]))
    assert found["user_id"].to_list() == [106, 101, 104]


@pytest.mark.parametrize("format", WRITERS)
def test_every_format_has_every_row(model, tmp_path, format):
    path = export(model, tmp_path / f"recs.{format}", k=3)
    if format.startswith("jsonl"):
        found = pl.read_ndjson(path)
    else:
        found = pl.read_parquet(path) if format == "parquet" else pl.read_csv(path)
    assert found["anime_id"].to_list() == model.recommend(k=3)["anime_id"].to_list()
    assert found.columns == COLUMNS


def test_a_saved_model_is_exported_from_its_folder(small, tmp_path):
    model = PopularityRecommender().fit(small)
    path = export(model.save(tmp_path / "model"), tmp_path / "recs", k=3, format="csv")
    assert pl.read_csv(path)["anime_id"].to_list() == model.recommend(k=3)["anime_id"].to_list()


def test_nothing_left_to_recommend_makes_a_file_with_columns_only(model, tmp_path):
    found = pl.read_parquet(export(model, tmp_path / "recs.parquet", users=[101], filters=Filters(candidates=[10])))
    assert found.columns == COLUMNS
    assert len(found) == 0


def test_the_progress_bar_counts_users(model, tmp_path, capsys):
    export(model, tmp_path / "quiet.csv")
    assert capsys.readouterr() == ("", "")
    export(model, tmp_path / "shown.csv", progress=True)
    out, error = capsys.readouterr()
    assert out == ""
    assert "Exporting to shown.csv" in error
    assert "6/6" in error
    assert "users/s" in error


def test_one_user_is_tried_first_and_then_all_of_a_chunk_in_order_of_length(model, tmp_path):
    export(model, tmp_path / "recs.csv")
    assert model.batches == [[2], [2, 3], [5, 4], [6, 7]]  # of the users 2 to 7, 4 and 7 have five events


@pytest.mark.parametrize(
    ("max_rows", "k", "sizes"), [(6, 3, [2, 2, 2]), (7, 3, [2, 2, 2]), (1, 3, [1] * 6), (26, 10**9, [2, 2, 2])]
)
def test_long_lists_make_small_chunks(model, tmp_path, monkeypatch, max_rows, k, sizes):
    monkeypatch.setattr(recsys.export.job, "MAX_ROWS", max_rows)
    found = pl.read_parquet(export(model, tmp_path / "recs.parquet", k=k))
    assert [len(users) for users in model.batches[1:]] == sizes
    assert found.equals(model.recommend(k=k).select(COLUMNS))


def test_memory_holds_few_lists_however_many_users_there_are(model, tmp_path, monkeypatch):
    monkeypatch.setattr(recsys.models.base, "BATCH", 1)
    monkeypatch.setattr(recsys.export.job, "CHUNK", 1)
    alive: set[int] = set()
    counts = []
    ranked = recsys.models.base.top_k

    def counting_top_k(scores, k):
        result = ranked(scores, k)
        for array in (scores, result.codes):
            alive.add(id(array))
            weakref.finalize(array, alive.discard, id(array))
        counts.append(len(alive))
        return result

    monkeypatch.setattr(recsys.models.base, "top_k", counting_top_k)
    export(model, tmp_path / "recs.csv")
    assert len(counts) == 7
    assert max(counts) <= 4  # the scores and the codes of this user and of the one before


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 0}, InputError, r"k must be at least 1, got 0"),
        ({"users": []}, InputError, r"An export needs at least one user, got none"),
        ({"users": [101, 999]}, UnknownIdError, r"There is no user 999 in small"),
        ({"filters": Filters(include_genres=["Akction"])}, UnknownIdError, r"There is no genre or tag 'Akction'"),
        ({"filters": Filters(candidates=[7])}, UnknownIdError, r"1 of 1 candidates are no known titles"),
        ({"filters": Filters(include_genres="Romance", exclude_genres="Romance")}, InputError, r"No title is left"),
        ({"mood": ["Action"]}, InputError, r"cannot follow a mood"),
        ({"format": "xlsx"}, InputError, r"There is no export format 'xlsx'"),
    ],
)
def test_wrong_requests_change_nothing_on_disk(model, old, options, error, message):
    with pytest.raises(error, match=message):
        export(model, old, overwrite=True, **options)
    with pytest.raises(error, match=message):
        export(model, old.parent / "new" / "recs.csv", **options)
    assert old.read_text() == "old"
    assert names(old.parent) == ["recs.csv"]


def test_an_existing_file_is_refused_before_the_work(model, old):
    with pytest.raises(ArtifactError, match=r"recs\.csv exists already\. Choose another name, or pass --overwrite"):
        export(model, old)
    assert not hasattr(model, "batches")
    assert old.read_text() == "old"


def test_an_existing_file_is_replaced_on_request(model, old):
    assert len(pl.read_csv(export(model, old, k=1, overwrite=True))) == 6


def test_a_model_that_was_not_fitted_is_refused(tmp_path):
    with pytest.raises(RecsysError, match="has not been fitted"):
        export(PopularityRecommender(), tmp_path / "recs.csv")


# -- what survives -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("fail_at", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("failure", "error"),
    [(ValueError("bug"), ValueError), (KeyboardInterrupt(), KeyboardInterrupt), (MemoryError(), MemoryError)],
)
def test_an_interrupted_export_leaves_the_old_file_and_nothing_else(model, old, failure, error, fail_at, format):
    model.failure, model.fail_at = failing(failure), fail_at
    with pytest.raises(error):
        export(model, old, overwrite=True, format=format)
    assert old.read_text() == "old"
    assert names(old.parent) == ["recs.csv"]


def test_sigterm_leaves_the_old_file_and_nothing_else(model, old):
    model.failure = lambda: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        export(model, old, overwrite=True)
    assert ended.value.code == 143
    assert old.read_text() == "old"
    assert names(old.parent) == ["recs.csv"]


@pytest.mark.parametrize("step", ["write", "close"])
@pytest.mark.parametrize(("failure", "error"), [(NO_SPACE, ArtifactError), (ValueError("bug"), ValueError)])
def test_a_failing_writer_leaves_the_old_file_and_nothing_else(model, old, monkeypatch, step, failure, error):
    method = getattr(TextWriter, step)

    def work_then_fail(self, *arguments):
        method(self, *arguments)
        raise failure

    monkeypatch.setattr(TextWriter, step, work_then_fail)
    with pytest.raises(error, match="No space left" if failure is NO_SPACE else "bug"):
        export(model, old, overwrite=True)
    assert old.read_text() == "old"
    assert names(old.parent) == ["recs.csv"]


def test_a_failing_rename_leaves_the_old_file_and_nothing_else(model, old, monkeypatch):
    monkeypatch.setattr(Path, "replace", failing(NO_SPACE))
    with pytest.raises(ArtifactError, match=r"recs\.csv cannot be written: No space left on device"):
        export(model, old, overwrite=True)
    assert old.read_text() == "old"
    assert names(old.parent) == ["recs.csv"]


def test_users_without_events_are_served(small, tmp_path):
    data = small.with_histories(small.histories.keep_events(small.histories.rows > 0))
    found = pl.read_parquet(export(Noise().fit(data), tmp_path / "recs.parquet", k=99, filters=Filters(adult=True)))
    assert found.filter(user_id=101).height == data.n_codes - FIRST


def test_the_package_is_the_function_too(model, tmp_path):
    assert recsys.export(model, tmp_path / "recs.csv", k=1) == tmp_path / "recs.csv"
    assert inspect.signature(recsys.export) == inspect.signature(export)
