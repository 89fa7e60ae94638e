"""The public corpora of the published table: which file each is, and how its test part comes about.

The project does not ship the original files; evaluation/README.md lists them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from recsys.errors import InputError
from recsys.text.clean import clean
from recsys.text.corpus import Corpus, Parts, read_corpus, split_corpus
from recsys.text.recipes import recipe

SPLIT_SEED = 0
"""Decides what is cut where a file has no split of its own; fixed, so that all published rows share one test part."""
VALIDATION = 0.1
TEST = 0.2


@dataclass(frozen=True)
class TextData:
    """Say where a corpus is in the folder of original files, and in words how it is split.

    Its columns and classes are those that its recipes read. `removed` names cleaning steps that are taken before
    anybody sees a text of any part.
    """

    title: str
    source: str
    recipe: str
    split: str
    removed: tuple[str, ...] = ()

    def load(self, folder: Path) -> Parts:
        """Read the corpus from its file and part it as its published rows are."""
        path = folder / self.source
        if not path.exists():
            raise InputError(
                f"{path} does not exist.",
                "Name the folder of the original files by --real or RECSYS_REALDATA; see evaluation/README.md.",
            )
        like = recipe(self.recipe)
        table = read_corpus(path, like.columns, classes=like.classes)
        parts = split_corpus(table, seed=SPLIT_SEED, validation=VALIDATION, test=TEST)
        return Parts(*(self._prepared(part) for part in (parts.train, parts.validation, parts.test)))

    def _prepared(self, corpus: Corpus) -> Corpus:
        if not self.removed:
            return corpus
        return replace(corpus, texts=[clean(text, self.removed) for text in corpus.texts])


_NEWS20 = TextData(
    "20 Newsgroups, by date",
    "text/news20_bydate.parquet",
    "news20-glove",
    "the file's own by date; validation: a tenth of train",
)
DATA = {
    "imdb": TextData(
        "IMDB, 50,000 film reviews",
        "text/imdb50k.parquet",
        "imdb-lstm",
        "the file's own; validation: a tenth of train",
    ),
    "yelp": TextData(
        "Yelp, 10,000 reviews, more than 3 stars is positive",
        "text/yelp10k.parquet",
        "yelp-stars",
        f"a fifth drawn by seed {SPLIT_SEED}, class by class; validation: a tenth",
    ),
    "sst": TextData(
        "Stanford Sentiment Treebank, all phrases, 5 classes",
        "text/sst_phrases.parquet",
        "phrases-5",
        "the file's own train, dev and test, by sentence",
    ),
    "news20": _NEWS20,
    # another training and another test set, so another name: rows of one name always share one test set
    "news20-stripped": replace(
        _NEWS20, title=f"{_NEWS20.title}, headers and quotations removed", removed=("headers", "quotes")
    ),
}


def find_data(name: str) -> TextData:
    """Return a corpus by its short name."""
    if name not in DATA:
        raise InputError(f"There is no corpus '{name}'.", f"Known: {', '.join(DATA)}.")
    return DATA[name]


def count_repeats(parts: Parts) -> int:
    """Count the test texts that stand, letter by letter, among those of train or validation too."""
    known = {*parts.train.texts, *parts.validation.texts}
    return sum(text in known for text in parts.test.texts)
