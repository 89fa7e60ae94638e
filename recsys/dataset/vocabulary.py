"""Translate external ids to dense codes and back; nothing else in the project does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

PADDING = 0
UNKNOWN = 1
FIRST = 2
"""The code of the first known id: 0 pads, 1 stands for everything unknown."""


class Vocabulary:
    """Map ids (all integers or all strings) to the codes `FIRST …` in the order given.

    >>> vocabulary = Vocabulary([20, 5])
    >>> vocabulary.encode([5, 20, 99]).tolist()
    [3, 2, 1]
    >>> vocabulary.decode([2, 3]).to_list()
    [20, 5]
    """

    def __init__(self, ids: pl.Series | Sequence[Any] | np.ndarray) -> None:
        series = ids if isinstance(ids, pl.Series) else pl.Series(ids)
        series = series.cast(pl.Int64) if series.dtype.is_integer() or len(series) == 0 else series.cast(pl.String)
        if series.null_count() or series.n_unique() != len(series):
            raise ValueError("A vocabulary's ids must be unique and present.")
        self.ids = series.rename("id").rechunk()

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.ids.equals(other.ids)

    __hash__ = None  # type: ignore[assignment]

    @property
    def n_codes(self) -> int:
        """Count the codes, padding and unknown included."""
        return len(self.ids) + FIRST

    @cached_property
    def _codes(self) -> dict[Any, int]:
        return {value: code for code, value in enumerate(self.ids.to_list(), start=FIRST)}

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Give the table `id, code` to join with."""
        return pl.DataFrame({"id": self.ids, "code": np.arange(FIRST, self.n_codes, dtype=np.int32)})

    def encode(self, ids: pl.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Return the int32 code of each id; ids that are not known get `UNKNOWN`."""
        series = ids if isinstance(ids, pl.Series) else pl.Series(ids, strict=False)
        if len(series) == 0:
            return np.zeros(0, dtype=np.int32)
        if len(series) <= 64:  # a request: a look-up beats a join
            cast = self.parse
            return np.array([self._codes.get(cast(value), UNKNOWN) for value in series.to_list()], dtype=np.int32)
        if series.dtype.is_float():
            series = pl.select(pl.when(series == series.floor()).then(series)).to_series()  # 1.5 is not 1
        if series.dtype == pl.String and self.ids.dtype != pl.String:
            series = series.str.strip_chars()  # as `parse` reads them
        frame = pl.DataFrame({"id": series.cast(self.ids.dtype, strict=False)})
        codes = frame.join(self.frame, on="id", how="left", maintain_order="left")["code"]
        return codes.fill_null(UNKNOWN).to_numpy().astype(np.int32, copy=False)

    def decode(self, codes: Sequence[int] | np.ndarray) -> pl.Series:
        """Return the id of each code; padding and unknown become null."""
        positions = np.asarray(codes, dtype=np.int64) - FIRST
        return self.ids.gather(pl.Series(np.where(positions < 0, 0, positions))).set(pl.Series(positions < 0), None)

    def parse(self, value: Any) -> Any:
        """Turn an id as a user typed it into this vocabulary's type (or None when it cannot be one)."""
        if self.ids.dtype == pl.String:
            return None if value is None else str(value)
        if isinstance(value, str) and ("_" in value or not value.isascii()):  # Python would read 1_0 as 10
            return None
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            return None
        return None if isinstance(value, float) and value != number else number

    def __contains__(self, value: object) -> bool:
        return self.parse(value) in self._codes
