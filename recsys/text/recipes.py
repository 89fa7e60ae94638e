"""The named pipelines: the founding documents' networks, and better ones, each one strict config and its columns."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recsys.errors import ConfigError
from recsys.text.config import TextConfig

if TYPE_CHECKING:
    from recsys.text.columns import Columns


@dataclass(frozen=True)
class Recipe:
    """Name a pipeline: what it reads, and how its settings differ from `TextConfig`'s defaults."""

    name: str
    title: str
    data: str
    """The public data set that its published row is measured on."""
    config: Mapping[str, Any]
    columns_of: Mapping[str, Any]
    """The columns of that data set's file, as `Columns` names them."""
    classes: tuple[str, ...]
    published: str = ""
    """The accuracy that the founding document states, if any."""
    more_texts: tuple[str, ...] = field(default=())
    """Data sets whose training texts, without their labels, word vectors may learn from too."""
    pretraining: str | None = None
    """A data set whose training part, with its labels, the network learns from first."""

    @property
    def columns(self) -> Columns:
        from recsys.text.columns import Columns

        return Columns(**self.columns_of)

    def settings(self, overrides: Mapping[str, Any] | None = None) -> TextConfig:
        """Return the recipe's config, with some settings replaced."""
        return TextConfig.from_mapping({**self.config, **(overrides or {})})


_IMDB = {"text": "text", "label": "label", "split": "split"}
_POLARITY = ("neg", "pos")
_FOUNDING_IMDB = {
    "clean": ("html",),
    "n_words": 5_000,
    "n_tokens": 500,
    "dim": 32,
    "units": (100,),
    "output": "sigmoid",
    "epochs": 5,
    "patience": 3,
    "schedule": "cosine",
}
_NEWSGROUPS = (
    "alt.atheism",
    "comp.graphics",
    "comp.os.ms-windows.misc",
    "comp.sys.ibm.pc.hardware",
    "comp.sys.mac.hardware",
    "comp.windows.x",
    "misc.forsale",
    "rec.autos",
    "rec.motorcycles",
    "rec.sport.baseball",
    "rec.sport.hockey",
    "sci.crypt",
    "sci.electronics",
    "sci.med",
    "sci.space",
    "soc.religion.christian",
    "talk.politics.guns",
    "talk.politics.mideast",
    "talk.politics.misc",
    "talk.religion.misc",
)


def _imdb(name: str, title: str, published: str, **settings: Any) -> Recipe:
    return Recipe(name, title, "imdb", {**_FOUNDING_IMDB, **settings}, _IMDB, _POLARITY, published)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        _imdb("imdb-lstm", "embedding 32, LSTM 100, sigmoid", "86.79 %"),
        _imdb("imdb-lstm-dropout", "the same with dropout .2 between layers", "85.56 %", dropout=0.2),
        _imdb(
            "imdb-lstm-recurrent-dropout",
            "dropout .2 of input and state in the LSTM's cell, all states pooled",
            "82.82 %",
            input_dropout=0.2,
            recurrent_dropout=0.2,
            pooling="max-mean",
            batch_size=128,
            learning_rate=2e-3,
            epochs=4,
        ),
        _imdb(
            "imdb-cnn-lstm", "Conv1D 32x3, max-pool 2, LSTM 100", "86.36 %", conv_filters=32, conv_width=3, conv_pool=2
        ),
        _imdb(
            "imdb-best",
            "Conv1D, two-way LSTM on trained word vectors, all states pooled, and a wide part of 1-3-grams",
            "",
            n_words=60_000,
            n_tokens=1_000,
            dim=100,
            vectors="train",
            embedding_dropout=0.2,
            conv_filters=64,
            units=(64,),
            bidirectional=True,
            pooling="max-mean",
            dropout=0.3,
            ngrams=3,
            n_buckets=2**21,
            vectors_epochs=3,
            epochs=3,
            learning_rate=2e-3,
        ),
        Recipe(
            "yelp-stars",
            "stars > 3 = positive: embedding 128, Conv1D, LSTM 200, softmax; film reviews first; and a wide part",
            "yelp",
            {
                "clean": ("html",),
                "n_words": 20_000,
                "n_tokens": 300,
                "dim": 128,
                "vectors": "train",
                "vectors_epochs": 3,
                "embedding_dropout": 0.2,
                "conv_filters": 64,
                "units": (200,),
                "pooling": "max-mean",
                "dropout": 0.4,
                "ngrams": 2,
                "pretraining_epochs": 2,
                "refit": True,
                "batch_size": 32,
                "epochs": 4,
                "learning_rate": 2e-3,
                "schedule": "cosine",
            },
            {"text": "text", "label": "stars", "above": 3},
            ("negative", "positive"),
            "86 %, on more data",
            more_texts=("imdb",),
            pretraining="imdb",
        ),
        Recipe(
            "phrases-5",
            "contractions expanded, embedding 256, spatial dropout .3, LSTM 256, dense 256; wide part, memory",
            "sst",
            {
                "clean": ("contractions",),
                "n_words": 16_384,
                "n_tokens": 60,
                "dim": 256,
                "vectors": "train",
                "vectors_window": 10,
                "vectors_epochs": 8,
                "embedding_dropout": 0.3,
                "units": (256,),
                "pooling": "max-mean",
                "dropout": 0.3,
                "dense": 256,
                "ngrams": 3,
                "memory": 3,
                "distinct": True,
                "batch_size": 256,
                "epochs": 3,
                "learning_rate": 2e-3,
                "schedule": "cosine",
            },
            {"text": "phrase", "label": "label", "group": "sent", "split": "split", "subset": "is_root"},
            ("0", "1", "2", "3", "4"),
            more_texts=("imdb", "yelp"),
        ),
        Recipe(
            "news20-glove",
            "frozen word vectors 100, LSTM 100, softmax of 20 topics; and a wide part",
            "news20",
            {
                "n_words": 20_000,
                "n_tokens": 1_000,
                "keep": "first",
                "dim": 100,
                "vectors": "train",
                "vectors_window": 15,
                "vectors_epochs": 8,
                "freeze": True,
                "units": (100,),
                "pooling": "max-mean",
                "dropout": 0.2,
                "ngrams": 2,
                "n_buckets": 2**18,
                "epochs": 9,
                "patience": 3,
                "learning_rate": 4e-3,
                "schedule": "cosine",
            },
            {"text": "text", "label": "group", "split": "split"},
            _NEWSGROUPS,
        ),
    )
}


def recipe(name: str) -> Recipe:
    """Return a recipe by its name; an unknown one is a ConfigError."""
    if name not in RECIPES:
        close = difflib.get_close_matches(name, RECIPES, n=1)
        remedy = f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(RECIPES)}."
        raise ConfigError(f"There is no recipe '{name}'.", remedy)
    return RECIPES[name]
