"""The titles: what the catalogue knows of each, in code order, and their genre/tag tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from recsys.dataset.names import resolve_names
from recsys.dataset.vocabulary import FIRST, PADDING, Vocabulary

SCHEMA: dict[str, Any] = {
    "title": pl.String,
    "genres": pl.List(pl.String),
    "tags": pl.List(pl.String),
    "type": pl.String,
    "episodes": pl.Int64,
    "year": pl.Int64,
    "age_rating": pl.String,
}
"""The columns beside `anime_id` that every catalogue has; a source that lacks one leaves it null (or empty)."""

ADULT_GENRES = ("hentai", "erotica")
ADULT_RATING = "rx"


class Catalogue:
    """Hold one row a title: row i describes item code i + `FIRST`."""

    def __init__(self, frame: pl.DataFrame) -> None:
        missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
        extra = [name for name in frame.columns if name not in SCHEMA and name != "anime_id"]
        self.frame = frame.with_columns(missing).select(
            "anime_id",
            pl.col("title").cast(pl.String).fill_null(pl.format("title {}", "anime_id")),
            *(pl.col(name).cast(kind).fill_null([]) for name, kind in SCHEMA.items() if name in ("genres", "tags")),
            *(pl.col(name).cast(SCHEMA[name]) for name in ("type", "episodes", "year", "age_rating")),
            *extra,
        )

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def n_codes(self) -> int:
        return len(self.frame) + FIRST

    @property
    def titles(self) -> pl.Series:
        return self.frame["title"]

    @cached_property
    def adult(self) -> npt.NDArray[np.bool_]:
        """Mark adult titles (genres Hentai, Erotica; age rating Rx) by item code, shape (n_codes,)."""
        flags = self.frame.select(
            pl.col("genres").list.eval(pl.element().str.to_lowercase().is_in(ADULT_GENRES)).list.any().fill_null(False)
            | pl.col("age_rating").str.to_lowercase().str.starts_with(ADULT_RATING).fill_null(False)
        ).to_series()
        return np.concatenate([np.zeros(FIRST, dtype=bool), flags.to_numpy()])

    @cached_property
    def prequels(self) -> npt.NDArray[np.int32]:
        """Give the code of the title that each title continues (`sequel_of`), shape (n_codes,); 0 for none."""
        before = np.full(self.n_codes, PADDING, dtype=np.int32)
        if "sequel_of" in self.frame.columns:
            codes = Vocabulary(self.frame["anime_id"]).encode(self.frame["sequel_of"])
            others = np.arange(FIRST, self.n_codes)
            before[FIRST:] = np.where((codes >= FIRST) & (codes != others), codes, PADDING)  # no title follows itself
        return before

    @cached_property
    def _token_rows(self) -> pl.DataFrame:
        """List `code, token, shown`: one row for each title and distinct genre or tag of it."""
        codes = pl.Series("code", np.arange(FIRST, self.n_codes, dtype=np.int32))
        both = self.frame.select("genres", "tags").with_columns(codes)
        shown = both.select("code", pl.concat_list("genres", "tags").alias("shown")).explode("shown").drop_nulls()
        return (
            shown.with_columns(token=token_key(pl.col("shown")))
            .filter(pl.col("token") != "")
            .unique(["code", "token"], keep="first", maintain_order=True)
        )

    @cached_property
    def tokens(self) -> pl.DataFrame:
        """List `token, shown, n_titles`: every genre and tag, most frequent first; ties by name."""
        return (
            self._token_rows.group_by("token", maintain_order=True)
            .agg(pl.col("shown").first(), pl.len().cast(pl.Int64).alias("n_titles"))
            .sort("n_titles", "token", descending=[True, False])
        )

    @cached_property
    def genre_tokens(self) -> list[str]:
        """List the tokens that some title carries as a genre, in the order of `tokens`."""
        genres = self.frame.select(pl.col("genres").explode()).drop_nulls().select(token_key(pl.col("genres")))
        return self.tokens.filter(pl.col("token").is_in(genres.to_series().implode()))["token"].to_list()

    def token_matrix(self, tokens: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the multi-hot matrix (n_codes, len(tokens)) of tokens as named in `tokens`."""
        columns = pl.DataFrame(
            {"token": tokens, "column": np.arange(len(tokens))}, schema={"token": pl.String, "column": pl.Int64}
        )
        hits = self._token_rows.join(columns, on="token")
        matrix = np.zeros((self.n_codes, len(tokens)), dtype=np.float32)
        matrix[hits["code"].to_numpy(), hits["column"].to_numpy()] = 1.0
        return matrix

    def resolve_tokens(self, names: Sequence[str]) -> list[str]:
        """Return the token of each genre or tag as a person typed it; an unknown one suggests close ones."""
        shown = self.tokens["shown"].to_list()
        tokens = dict(zip(shown, self.tokens["token"].to_list(), strict=True))
        return [tokens[name] for name in resolve_names(names, shown, "genre or tag")]


def token_key(shown: pl.Expr) -> pl.Expr:
    """Normalise a genre or tag for comparison: "Sci-Fi", " sci-fi" and "sci fi" are one token."""
    return shown.str.to_lowercase().str.replace_all(r"[\s_\-]+", " ").str.strip_chars()
