"""Turn ranked codes into the one result shape: a frame with external ids and titles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.vocabulary import FIRST
from recsys.ranking.topk import TopK

DETAILS = ("type", "year", "genres")
"""What a person sees of a title beside its name."""


def recommendation_frame(data: Dataset, histories: Histories, ranked: Sequence[TopK]) -> pl.DataFrame:
    """Return `user_id, rank, anime_id, score, title`; rows only where a candidate remained, never fillers.

    `ranked` holds the users of `histories` in their order, in one batch or several.
    """
    places = [np.nonzero(part.codes >= FIRST) for part in ranked]
    starts = np.cumsum([0, *(len(part.codes) for part in ranked)])
    users = _join([start + rows for start, (rows, _) in zip(starts, places, strict=False)], np.int64)
    codes = _join([part.codes[place] for part, place in zip(ranked, places, strict=True)], np.int32)
    return pl.DataFrame(
        {
            "user_id": data.users.decode(histories.users[users]),
            "rank": _join([columns + 1 for _, columns in places], np.int32),
            "anime_id": data.items.decode(codes),
            "score": _join([part.scores[place] for part, place in zip(ranked, places, strict=True)], np.float32),
            "title": _titles(data, codes),
        }
    )


def similar_frame(data: Dataset, ranked: TopK) -> pl.DataFrame:
    """Return `rank, anime_id, score, title` of one title's neighbours."""
    codes = ranked.codes[0][ranked.codes[0] >= FIRST]
    return pl.DataFrame(
        {
            "rank": np.arange(1, len(codes) + 1, dtype=np.int32),
            "anime_id": data.items.decode(codes),
            "score": ranked.scores[0][: len(codes)],
            "title": _titles(data, codes),
        }
    )


def with_details(data: Dataset, frame: pl.DataFrame) -> pl.DataFrame:
    """Add type, year and genres to a result frame, its rows in their order."""
    details = data.catalogue.frame.select("anime_id", *DETAILS)
    return frame.join(details, on="anime_id", how="left", maintain_order="left")


def _titles(data: Dataset, codes: np.ndarray) -> pl.Series:
    return data.catalogue.titles.gather(pl.Series(codes.astype(np.int64) - FIRST))


def _join(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.zeros(0, dtype=dtype)
