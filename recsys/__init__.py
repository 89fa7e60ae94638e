"""Recommend anime from watch histories: readers, models, ranking, evaluation and export.

>>> import recsys
>>> dataset = recsys.prepare("rating.csv", items="anime.csv")  # doctest: +SKIP
>>> split = recsys.split_dataset(dataset)  # doctest: +SKIP
>>> model = recsys.make_model("lstm").fit(dataset, split)  # doctest: +SKIP
>>> recsys.evaluate(model, split).frame()  # doctest: +SKIP
>>> recsys.recommend(model, titles=["Cowboy Bebop", "Trigun"], k=10)  # doctest: +SKIP

Every name is imported when it is first used, so that `import recsys` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluation import evaluate as evaluate
    from recsys.dataset.histories import Histories as Histories
    from recsys.dataset.prepare import prepare as prepare
    from recsys.dataset.prepared import Dataset as Dataset
    from recsys.dataset.prepared import Order as Order
    from recsys.dataset.sample import load_sample as load_sample
    from recsys.dataset.split import split_dataset as split_dataset
    from recsys.errors import RecsysError as RecsysError
    from recsys.export import export as export
    from recsys.models import load_model as load_model
    from recsys.models import make_model as make_model
    from recsys.models.requests import recommend as recommend
    from recsys.models.requests import similar as similar
    from recsys.ranking.filters import Filters as Filters

__version__ = "0.1.0"

_HOMES = {
    "Dataset": "recsys.dataset.prepared",
    "Filters": "recsys.ranking.filters",
    "Histories": "recsys.dataset.histories",
    "Order": "recsys.dataset.prepared",
    "RecsysError": "recsys.errors",
    "evaluate": "evaluation",
    "export": "recsys.export",
    "load_model": "recsys.models",
    "load_sample": "recsys.dataset.sample",
    "make_model": "recsys.models",
    "prepare": "recsys.dataset.prepare",
    "recommend": "recsys.models.requests",
    "similar": "recsys.models.requests",
    "split_dataset": "recsys.dataset.split",
}
"""The module that each public name comes from."""

__all__ = [*_HOMES, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'recsys' has no attribute '{name}'")
    home = importlib.import_module(_HOMES[name])
    # `export` is a package too, and callable; to replace it by its function would hide its modules
    value = globals()[name] = home if home.__name__ == f"{__name__}.{name}" else getattr(home, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
