"""How alike the names of titles are, which is how seasons and films of one franchise are told."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from recsys.dataset.titles import title_words
from recsys.dataset.vocabulary import FIRST

ROWS = 2_000
"""Names that are compared with all others at a time."""
MOST_SHARED, MOST_NAMES = 0.05, 1_000
"""Share and number of the names from which a word in them tells nothing: without names all would be one franchise."""
LEAST_LIKENESS = 0.25
"""Cosine of two titles' names below which they have nothing to do with each other."""
UNSPACED = re.compile("([\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+)")
"""Kana, Chinese characters and Hangul, which are written with few spaces or none."""


def name_likeness(titles: pl.Series) -> Any:
    """Return the cosines of names by their words and pairs of words, rare ones weighing more: CSR (n_codes, n_codes).

    A word's weight is its inverse document frequency (Spärck Jones, J. Documentation 28, 1972); what is written without
    spaces counts by its pairs of characters. Only cosines of `LEAST_LIKENESS` or more are there, and none of a name
    with itself.

    >>> alike = name_likeness(pl.Series(["Trigun", "Trigun Stampede", "Mushishi", "蟲師", "蟲師 続章"])).toarray()
    >>> (alike > 0)[FIRST:].sum(axis=1).tolist()
    [1, 1, 0, 1, 1]
    """
    from scipy.sparse import csr_matrix, diags_array, vstack

    n_names, n_codes = len(titles), len(titles) + FIRST
    columns: dict[str, int] = {}
    rows, places = [], []
    for code, name in enumerate(title_words(titles).fill_null(""), start=FIRST):
        words = [*_words(name)]
        for word in dict.fromkeys([*words, *(" ".join(pair) for pair in itertools.pairwise(words))]):
            rows.append(code)
            places.append(columns.setdefault(word, len(columns)))
    shape = (n_codes, max(1, len(columns)))
    table = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, places)), shape=shape)
    frequency = np.bincount(places, minlength=shape[1])
    weights = np.log((1 + n_names) / (1 + frequency)) + 1
    weights[frequency > min(max(MOST_SHARED * n_names, 2), MOST_NAMES)] = 0
    table = table @ diags_array(weights.astype(np.float32))
    table.eliminate_zeros()
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    table = diags_array((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ table
    parts, others = [], table.T.tocsr()
    for start in range(0, n_codes, ROWS):  # most pairs share but a common word: all at once would be too many
        part = csr_matrix(table[start : start + ROWS] @ others)
        part.data[part.data < LEAST_LIKENESS] = 0
        part.eliminate_zeros()
        parts.append(part)
    alike = vstack(parts, format="csr")
    alike.setdiag(0)
    alike.eliminate_zeros()
    alike.sort_indices()
    return alike


def _words(name: str) -> Iterator[str]:
    """Yield the words of a name in their order, and the pairs of characters of what has no spaces.

    >>> list(_words("蟲師 続章 2"))
    ['蟲師', '続章', '2']
    >>> list(_words("アマガミss plus"))
    ['アマ', 'マガ', 'ガミ', 'ss', 'plus']
    """
    for word in name.split():
        for run in filter(None, UNSPACED.split(word)):
            if len(run) > 2 and UNSPACED.fullmatch(run):
                yield from (first + second for first, second in itertools.pairwise(run))
            else:
                yield run
