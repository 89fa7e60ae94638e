from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest

from evaluation.benchmarks.generate import generate
from evaluation.benchmarks.measure import run_child, write_benchmark
from evaluation.benchmarks.prepare import measure
from recsys.errors import RecsysError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    generate(folder, n_users=600, n_titles=400, n_rows=30_000)
    return folder


def test_generated_table_looks_like_the_original(folder: Path, tmp_path: Path) -> None:
    ratings, anime = pl.read_csv(folder / "rating.csv"), pl.read_csv(folder / "anime.csv")
    assert ratings.shape == (30_000, 3)
    assert ratings["user_id"].n_unique() == 600
    assert ratings.sort("user_id", "anime_id").equals(ratings)
    assert not ratings.select("user_id", "anime_id").is_duplicated().any()
    assert set(ratings["anime_id"]) <= set(anime["anime_id"])
    assert (ratings["rating"] == -1).mean() == pytest.approx(0.19, abs=0.02)
    counts = ratings["anime_id"].value_counts()["count"].sort(descending=True)
    assert counts.head(40).sum() > 0.3 * 30_000
    generate(tmp_path, n_users=600, n_titles=400, n_rows=30_000)
    assert (tmp_path / "rating.csv").read_bytes() == (folder / "rating.csv").read_bytes()


def test_both_commands_run(folder: Path, tmp_path: Path) -> None:
    sorting, preparing = measure(folder, tmp_path, runs=1)
    assert sorting[0].seconds > 0
    assert preparing[0].peak_memory_mb > 10
    assert (tmp_path / "prepared-0" / "card.json").is_file()


def test_a_child_is_measured_by_itself() -> None:
    ballast = bytearray(300_000_000)
    small = run_child([sys.executable, "-c", "print('hello')"])
    assert small.stdout == "hello\n"
    assert small.peak_memory_mb < 150
    large = run_child([sys.executable, "-c", "bytearray(200_000_000)"], env={"PYTHONHASHSEED": "0"})
    assert large.peak_memory_mb > 190
    assert len(ballast) > 0


def test_a_failing_child_is_an_error() -> None:
    with pytest.raises(RecsysError, match=r"ended with 3\."):
        run_child([sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(RecsysError, match="could not be started"):
        run_child(["no-such-command-anywhere"])


def test_result_file_has_the_four_parts(tmp_path: Path) -> None:
    path = write_benchmark("speed", "python -m x", {"a": {"seconds": 1.0}}, {"a_to_b": 2.0}, tmp_path)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert list(found) == ["command", "machine", "measures", "ratios"]
    assert found["machine"]["cores"] >= 1
