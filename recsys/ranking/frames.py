"""Turn ranked codes into the one result shape: a frame with external ids and titles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.vocabulary import FIRST
from recsys.ranking.topk import TopK


def recommendation_frame(data: Dataset, histories: Histories, ranked: Sequence[TopK]) -> pl.DataFrame:
    """Return `user_id, rank, anime_id, score, title`; rows only where a candidate remained, never fillers."""
    codes = np.concatenate([part.codes for part in ranked])
    scores = np.concatenate([part.scores for part in ranked])
    users, places = np.nonzero(codes >= FIRST)
    flat = codes[users, places]
    return pl.DataFrame(
        {
            "user_id": data.users.decode(histories.users[users]),
            "rank": (places + 1).astype(np.int32),
            "anime_id": data.items.decode(flat),
            "score": scores[users, places],
            "title": data.catalogue.titles.gather(flat.astype(np.int64) - FIRST),
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
            "title": data.catalogue.titles.gather(codes.astype(np.int64) - FIRST),
        }
    )
