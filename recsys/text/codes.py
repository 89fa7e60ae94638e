"""Texts as ragged arrays of word codes, cut to what a network reads and padded a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Codes:
    """Hold the codes of n texts, one after another; text i is `values[starts[i] : starts[i] + lengths[i]]`."""

    values: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]

    @classmethod
    def cut(cls, values: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64], n_tokens: int, keep: str) -> Codes:
        """Keep the `first` or `last` n_tokens of each text; nothing is copied.

        >>> codes = Codes.cut(np.array([7, 8, 9, 5], np.int32), np.array([0, 3, 3, 4]), 2, "last")
        >>> codes.padded(np.array([0, 1, 2])).tolist()
        [[8, 9], [0, 0], [5, 0]]
        """
        whole = np.diff(offsets)
        lengths = np.minimum(whole, n_tokens)
        return cls(values, offsets[:-1] + (whole - lengths if keep == "last" else 0), lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def padded(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return the codes of some texts, (len(rows), longest of them, at least 1), padded with 0 at the end."""
        lengths = self.lengths[rows]
        steps = np.arange(max(1, int(lengths.max(initial=0))))
        inside = steps < lengths[:, None]
        places = np.where(inside, self.starts[rows][:, None] + steps, 0)
        values = self.values if len(self.values) else np.zeros(1, dtype=np.int32)
        return np.where(inside, values[places], 0).astype(np.int32)
