"""`recsys text`: sentiment and topics of texts, a module beside the recommender; one thin file a verb."""

from __future__ import annotations

from typing import ClassVar

import typer

from recsys.cli.verbs import LazyVerbs


class TextVerbs(LazyVerbs):
    """Find the verbs of `recsys text`."""

    verbs: ClassVar = {
        "recipes": "recsys.cli.text.recipes:recipes",
        "train": "recsys.cli.text.train:train",
        "evaluate": "recsys.cli.text.evaluate:evaluate",
        "predict": "recsys.cli.text.predict:predict",
        "score-reviews": "recsys.cli.text.score_reviews:score_reviews",
        "submission": "recsys.cli.text.submission:submission",
        "vectors": "recsys.cli.text.vectors:vectors",
        "sample": "recsys.cli.text.sample:sample",
    }


text = typer.Typer(name="text", cls=TextVerbs, no_args_is_help=True, add_completion=False)


@text.callback()
def _about() -> None:
    """Classify texts with LSTMs: how people feel about a title, a film, a place; or what a message is about.

    Start with `recsys text recipes`, or try it on invented reviews: `recsys text sample`.
    """
