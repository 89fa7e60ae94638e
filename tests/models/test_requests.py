from __future__ import annotations

import dataclasses
from pathlib import Path

import polars as pl

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.prepared import Dataset
from recsys.models.requests import read_candidates


def test_a_line_that_is_an_id_is_one(small: Dataset, tmp_path: Path) -> None:
    frame = small.catalogue.frame
    renamed = frame.with_columns(title=pl.when(pl.col("anime_id") == 30).then(pl.lit("10")).otherwise(pl.col("title")))
    data = dataclasses.replace(small, catalogue=Catalogue(renamed))
    path = tmp_path / "few.txt"
    path.write_text("10\n #11\nKanon\n\n")
    assert read_candidates(path, data) == [10, 11, 23]
