"""The models, by name; a module is imported only when its model is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.errors import InputError

if TYPE_CHECKING:
    from recsys.models.base import Recommender

REGISTRY = {
    "popularity": "recsys.models.popularity:PopularityRecommender",
    "recent": "recsys.models.recent:RecentRecommender",
    "markov": "recsys.models.markov:MarkovRecommender",
    "als": "recsys.models.factorization:ALSRecommender",
    "bpr": "recsys.models.factorization:BPRRecommender",
    "lmf": "recsys.models.factorization:LMFRecommender",
    "item-knn": "recsys.models.neighbours:ItemKNNRecommender",
    "ease": "recsys.models.linear:EASERecommender",
    "slim": "recsys.models.slim:SLIMRecommender",
    "lstm": "recsys.models.lstm.recommender:LSTMRecommender",
    "blend": "recsys.models.blend.recommender:BlendRecommender",
    "rerank": "recsys.models.rerank.recommender:RerankRecommender",
}
COMPOSITE = ("blend", "rerank")
"""The models that are made of other models, and cannot be members of one another."""


def model_class(name: str) -> type[Recommender]:
    """Return the class of a registered model."""
    if name not in REGISTRY:
        raise InputError(f"There is no model '{name}'.", f"Known: {', '.join(REGISTRY)}.")
    module, _, attribute = REGISTRY[name].partition(":")
    found: type[Recommender] = getattr(importlib.import_module(module), attribute)
    return found


def make_model(name: str, settings: Mapping[str, Any] | None = None, **options: Any) -> Recommender:
    """Build an unfitted model from its name and settings; `options` are what its class takes besides (workdir …)."""
    cls = model_class(name)
    return cls(cls.Config.from_mapping(settings or {}), **options)


def load_model(folder: str | Path) -> Recommender:
    """Load any saved model from its folder."""
    from recsys.artifact import read_manifest
    from recsys.models.base import KIND

    manifest = read_manifest(folder, kind=KIND, check_files=False)  # `load` checks them
    return model_class(str(manifest.get("model"))).load(folder)
