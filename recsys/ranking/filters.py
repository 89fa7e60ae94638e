"""Say which titles may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.names import resolve_names
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import UnknownIdError


@dataclass(frozen=True)
class Filters:
    """Restrict recommendations; the default restricts nothing but titles already seen and adult ones.

    `include_genres`: at least one of these genres or tags; `exclude_genres`: none of these; `types`: one of these
    (TV, Movie …); `candidates`: only these anime ids; `keep_seen`: rank seen titles too; `adult`: allow titles of
    genre Hentai or Erotica or with rating Rx (evaluation ranks everything).
    """

    include_genres: Sequence[str] = ()
    exclude_genres: Sequence[str] = ()
    types: Sequence[str] = ()
    candidates: Sequence[Any] | None = None
    keep_seen: bool = False
    adult: bool = False

    def allowed(self, catalogue: Catalogue, items: Vocabulary) -> npt.NDArray[np.bool_]:
        """Mark the item codes that may be shown, shape (n_codes,)."""
        allowed = np.ones(catalogue.n_codes, dtype=bool)
        allowed[:FIRST] = False
        if not self.adult:
            allowed &= ~catalogue.adult
        if self.include_genres:
            allowed &= _with_any(catalogue, self.include_genres)
        if self.exclude_genres:
            allowed &= ~_with_any(catalogue, self.exclude_genres)
        if self.types:
            known = [kind for kind in catalogue.frame["type"].unique().sort().to_list() if kind]
            wanted = resolve_names(self.types, known, "type")
            allowed[FIRST:] &= catalogue.frame["type"].is_in(wanted).fill_null(False).to_numpy()
        if self.candidates is not None:
            allowed &= _listed(self.candidates, items)
        return allowed


def _with_any(catalogue: Catalogue, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    tokens = catalogue.resolve_tokens(names)
    mask: npt.NDArray[np.bool_] = catalogue.token_matrix(tokens).any(axis=1)
    return mask


def _listed(candidates: Sequence[Any], items: Vocabulary) -> npt.NDArray[np.bool_]:
    codes = items.encode(list(candidates))
    unknown = [str(one) for one, code in zip(candidates, codes, strict=True) if code < FIRST]
    if unknown:
        raise UnknownIdError(
            f"{len(unknown)} of {len(codes)} candidates are no known titles, e.g. {', '.join(unknown[:3])}.",
            "Remove them from the candidates.",
        )
    mask = np.zeros(items.n_codes, dtype=bool)
    mask[codes] = True
    return mask
