"""Find a title as a person types it: case, punctuation, accents and close spellings are forgiven, guesses are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl
from rapidfuzz import fuzz, process

from recsys.dataset.catalogue import Catalogue
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import UnknownIdError

SURE = 80.0
"""The likeness in percent from which a spelling is taken for a title."""
MARGIN = 2.0
"""How far ahead of the next best title it must be."""
SHOWN = 8
"""How many candidates an error lists."""
NEAR = 50.0
"""The likeness from which a title that is not meant is still worth naming."""

Places = npt.NDArray[np.intp]


class AmbiguousTitleError(UnknownIdError):
    """Refuse a name that several titles answer to; the message lists them."""


class TitleIndex:
    """Look titles up in a catalogue: build it once, ask it often.

    Adult titles are found by their whole name only, unless `adult`.

    >>> catalogue = Catalogue(pl.DataFrame({"anime_id": [1, 6], "title": ["Cowboy Bebop", "Trigun"]}))
    >>> TitleIndex(catalogue).find("cowbow bebop!")
    2
    """

    def __init__(self, catalogue: Catalogue, *, adult: bool = False) -> None:
        self._frame = catalogue.frame
        self._ids = Vocabulary(catalogue.frame["anime_id"])
        self._typed = _plain(catalogue.titles)
        self._words = title_words(catalogue.titles)
        self._joined = self._words.str.replace_all(" ", "", literal=True)
        hidden = np.zeros(len(catalogue), dtype=bool) if adult else catalogue.adult[FIRST:]
        self._guessable = pl.Series(~hidden) & (self._words != "")

    def find(self, text: str) -> int:
        """Return the item code of the one title that is meant, or raise `UnknownIdError` with the candidates.

        In this order: an id after `#` (`#5114`); the title itself; its id (`5114`); the title that begins so; the one
        with these words in it; a close spelling. Where several begin so, it is the one that all others continue:
        "cowboy" finds "Cowboy Bebop" beside "Cowboy Bebop: The Movie".
        """
        text = text.strip()
        words = title_words(pl.Series([text]))[0]
        if text.startswith("#") and len(by_id := self._with_id(text)):
            return int(by_id[0]) + FIRST
        by_name = self._named(text, words)
        if len(by_name) > 1:
            raise self._ambiguous(text, words, by_name)
        for places in (by_name, self._with_id(text)):
            if len(places):
                return int(places[0]) + FIRST
        beginning = _places(self._guessable & self._words.str.starts_with(words)) if words else _NOWHERE
        having = _places(self._guessable & self._having(words)) if words else _NOWHERE
        for places in (beginning, having):
            if len(places):
                root = self._root(places)
                if root is None:
                    raise self._ambiguous(text, words, np.union1d(beginning, having))
                return root + FIRST
        return self._closest(text, words) + FIRST

    def describe(self, places: Sequence[int] | Places) -> list[str]:
        """Tell titles apart for a person: name, type, year and id."""
        rows = self._frame[np.asarray(places, dtype=np.int64)]
        return [
            f"{title} ({', '.join(str(fact) for fact in (kind, year, f'id {anime_id}') if fact is not None)})"
            for title, kind, year, anime_id in rows.select("title", "type", "year", "anime_id").iter_rows()
        ]

    def _named(self, text: str, words: str) -> Places:
        """Find the titles of this very name, else those that differ in punctuation, spaces or accents only."""
        same = _places(self._typed == _plain(pl.Series([text]))[0])
        return same if len(same) or not words else _places(self._joined == words.replace(" ", ""))

    def _with_id(self, text: str) -> Places:
        for candidate in (text, text.removeprefix("#")):
            if candidate in self._ids:
                return self._ids.encode([candidate]).astype(np.intp) - FIRST
        return _NOWHERE

    def _having(self, words: str) -> pl.Series:
        whole = f" {words} " if words.isascii() else words  # Japanese does not put spaces between words
        return (" " + self._words + " ").str.contains(whole, literal=True)

    def _root(self, places: Places) -> int | None:
        """Return the only title, or the one that all others begin with, if there is one."""
        names = self._words.gather(places)
        shortest = names.str.len_chars().arg_min()
        assert shortest is not None
        root = names[shortest]
        continued = (names + " ").str.starts_with(root + " ")
        return int(places[shortest]) if continued.all() and (names == root).sum() == 1 else None

    def _closest(self, text: str, words: str) -> int:
        likeness = self._likeness(words)
        best = np.argsort(-likeness, kind="stable")[:SHOWN]
        if likeness[best[0]] >= SURE:
            tied = best[likeness[best] > likeness[best[0]] - MARGIN]
            if len(tied) == 1:
                return int(tied[0])
            raise self._ambiguous(text, words, tied)
        near = self.describe(best[:3][likeness[best[:3]] >= NEAR])
        remedy = f"The nearest: {'; '.join(near)}." if near else "Check the spelling, or give its id."
        raise UnknownIdError(f"There is no title like '{text}'.", remedy)

    def _likeness(self, words: str) -> npt.NDArray[np.float32]:
        """Return how alike each title is in percent, with its words in any order; 0 where it must not be guessed."""
        names = pl.select(pl.when(self._guessable).then(self._words)).to_series().to_list()
        scores = [process.cdist([words], names, scorer=scorer)[0] for scorer in (fuzz.ratio, fuzz.token_sort_ratio)]
        likeness: npt.NDArray[np.float32] = np.maximum(*scores)
        return likeness

    def _ambiguous(self, text: str, words: str, places: Places) -> AmbiguousTitleError:
        names = self._words.gather(places).to_list()
        order = np.argsort(-process.cdist([words], names, scorer=fuzz.ratio)[0], kind="stable")[:SHOWN]
        shown = "; ".join(self.describe(places[order]))
        more = f"; and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
        return AmbiguousTitleError(
            f"'{text}' may be one of {len(places)} titles: {shown}{more}.", "Give its id instead."
        )


_NOWHERE: Places = np.zeros(0, dtype=np.intp)


def _plain(titles: pl.Series) -> pl.Series:
    return titles.str.normalize("NFKC").str.to_lowercase().str.strip_chars()


def title_words(titles: pl.Series) -> pl.Series:
    """Reduce titles to lower-case letters and digits with single spaces; accents and apostrophes go."""
    return (
        titles.str.normalize("NFKD")
        .str.to_lowercase()
        .str.replace_all("[\u0300-\u036f'’‘`´]", "")
        .str.replace_all("×", "x", literal=True)
        .str.normalize("NFC")  # only Latin accents were meant to go, not the marks of kana
        .str.replace_all(r"[^\p{L}\p{N}]+", " ")
        .str.strip_chars(" ")
    )


def _places(mask: pl.Series) -> Places:
    return mask.arg_true().to_numpy().astype(np.intp)
