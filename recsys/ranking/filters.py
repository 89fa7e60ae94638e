"""Say which titles may be shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.names import name_key, resolve_names
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import InputError, UnknownIdError


@dataclass(frozen=True)
class Filters:
    """Restrict recommendations; the default restricts nothing but titles already seen and adult ones.

    `include_genres`: at least one of these genres or tags; `exclude_genres`: none of these; `types`: one of these
    (TV, Movie …); `candidates`: only these anime ids; `keep_seen`: rank seen titles too; `adult`: allow titles of
    genre Hentai or Erotica or with rating Rx (evaluation ranks everything). Names may also come as one text:

    >>> Filters(include_genres="Sci-Fi, Drama").include_genres
    ('Sci-Fi', 'Drama')
    """

    include_genres: Sequence[str] | str = ()
    exclude_genres: Sequence[str] | str = ()
    types: Sequence[str] | str = ()
    candidates: Sequence[Any] | None = None
    keep_seen: bool = False
    adult: bool = False

    def __post_init__(self) -> None:
        for name in ("include_genres", "exclude_genres", "types"):
            object.__setattr__(self, name, split_names(getattr(self, name)))
        if isinstance(self.candidates, str) or not isinstance(self.candidates, Iterable | None):
            raise InputError(
                f"candidates must be a list of anime ids, got {self.candidates!r}.", "For example: [1, 5]."
            )
        if self.candidates is not None:
            object.__setattr__(self, "candidates", tuple(self.candidates))

    def allowed(self, catalogue: Catalogue, items: Vocabulary) -> npt.NDArray[np.bool_]:
        """Mark the item codes that may be shown, shape (n_codes,).

        Raises UnknownIdError for a genre, tag, type or candidate that the catalogue does not have.
        """
        allowed = np.ones(catalogue.n_codes, dtype=bool)
        allowed[:FIRST] = False
        if not self.adult:
            allowed &= ~catalogue.adult
        if self.include_genres:
            allowed &= _with_any(catalogue, self.include_genres)
        if self.exclude_genres:
            allowed &= ~_with_any(catalogue, self.exclude_genres)
        if self.types:
            allowed &= _of_types(catalogue, self.types)
        if self.candidates is not None:
            allowed &= _listed(self.candidates, items)
        return allowed


def split_names(names: Iterable[str] | str) -> tuple[str, ...]:
    """Take one text with commas apart; names that are apart already stay as they are.

    >>> split_names("Sci-Fi, Drama")
    ('Sci-Fi', 'Drama')
    """
    if not isinstance(names, Iterable):
        raise InputError(f"Names must be a list or a text with commas, got {names!r}.", 'For example: "Sci-Fi, Drama".')
    return tuple(name.strip() for name in names.split(",") if name.strip()) if isinstance(names, str) else tuple(names)


def _with_any(catalogue: Catalogue, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    tokens = catalogue.resolve_tokens(names)
    return np.asarray(catalogue.token_matrix(tokens).any(axis=1))


def _of_types(catalogue: Catalogue, types: Sequence[str]) -> npt.NDArray[np.bool_]:
    column = catalogue.frame["type"]
    known = [kind for kind in column.unique().sort().to_list() if kind]
    if not known:
        raise InputError(f"This data has no types of titles, so none can be '{types[0]}'.", "Leave the type out.")
    keys = {name_key(kind) for kind in resolve_names(types, known, "type")}
    mask = np.zeros(catalogue.n_codes, dtype=bool)
    mask[FIRST:] = column.is_in([kind for kind in known if name_key(kind) in keys]).fill_null(False).to_numpy()
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
