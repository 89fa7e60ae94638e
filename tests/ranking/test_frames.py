from __future__ import annotations

import numpy as np
import polars as pl

from recsys.dataset.prepared import Dataset
from recsys.ranking.frames import recommendation_frame, similar_frame, with_details
from recsys.ranking.topk import TopK


def ranked(*rows: list[int]) -> TopK:
    codes = np.array(rows, dtype=np.int32)
    scores = np.where(codes > 0, 10 - np.arange(codes.shape[1]), -np.inf).astype(np.float32)
    return TopK(codes, scores)


def test_rows_only_where_a_candidate_remained(small: Dataset) -> None:
    histories = small.histories_of([103, 101])
    frame = recommendation_frame(small, histories, [ranked([2, 3, 4], [7, 0, 0])])
    assert frame.to_dict(as_series=False) == {
        "user_id": [103, 103, 103, 101],
        "rank": [1, 2, 3, 1],
        "anime_id": [10, 11, 12, 20],
        "score": [10.0, 9.0, 8.0, 10.0],
        "title": ["Cowboy Bebop", "Trigun", "Outlaw Star", "Toradora!"],
    }


def test_batches_make_the_same_frame_as_one(small: Dataset) -> None:
    rows = [[2, 3], [4, 0], [0, 0], [5, 6], [7, 8], [9, 2]]
    whole = recommendation_frame(small, small.histories, [ranked(*rows)])
    parts = [ranked(*rows[:3]), ranked(*rows[3:4]), ranked(*rows[4:])]
    assert recommendation_frame(small, small.histories, parts).equals(whole)


def test_people_outside_the_data_have_no_id(small: Dataset) -> None:
    histories = small.histories.select(slice(0, 1)).without_users()
    frame = recommendation_frame(small, histories, [ranked([2])])
    assert frame["user_id"].to_list() == [None]
    assert frame.schema["user_id"] == pl.Int64


def test_nobody_gives_an_empty_frame_of_the_same_shape(small: Dataset) -> None:
    frame = recommendation_frame(small, small.histories.select(slice(0, 0)), [])
    assert frame.is_empty()
    assert frame.schema == recommendation_frame(small, small.histories, [ranked(*[[2]] * 6)]).schema


def test_similar(small: Dataset) -> None:
    frame = similar_frame(small, ranked([3, 2, 0]))
    assert frame.to_dict(as_series=False) == {
        "rank": [1, 2],
        "anime_id": [11, 10],
        "score": [10.0, 9.0],
        "title": ["Trigun", "Cowboy Bebop"],
    }


def test_details_keep_rows_and_order(small: Dataset) -> None:
    frame = recommendation_frame(small, small.histories, [ranked(*[[12, 2, 12]] * 6)])
    detailed = with_details(small, frame)
    assert detailed.select(frame.columns).equals(frame)
    assert detailed.columns[-3:] == ["type", "year", "genres"]
    assert detailed["type"].to_list()[:3] == ["Movie", "TV", "Movie"]
