"""From raw tables to histories.

>>> from recsys.dataset import Histories
>>> Histories.from_lists([[2, 3], [4]]).n_users
2

Every name is imported when it is first used, so that the command line, which needs one of them, answers at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recsys.dataset.catalogue import Catalogue as Catalogue
    from recsys.dataset.histories import Histories as Histories
    from recsys.dataset.prepared import Dataset as Dataset
    from recsys.dataset.prepared import Order as Order
    from recsys.dataset.readers import read_tables as read_tables
    from recsys.dataset.readers.options import ReadOptions as ReadOptions
    from recsys.dataset.split import Split as Split
    from recsys.dataset.split import split_dataset as split_dataset
    from recsys.dataset.vocabulary import Vocabulary as Vocabulary

_HOMES = {
    "Catalogue": "recsys.dataset.catalogue",
    "Dataset": "recsys.dataset.prepared",
    "Histories": "recsys.dataset.histories",
    "Order": "recsys.dataset.prepared",
    "ReadOptions": "recsys.dataset.readers.options",
    "Split": "recsys.dataset.split",
    "Vocabulary": "recsys.dataset.vocabulary",
    "read_tables": "recsys.dataset.readers",
    "split_dataset": "recsys.dataset.split",
}
"""The module that each public name comes from."""

__all__ = list(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'recsys.dataset' has no attribute '{name}'")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value
