"""Batch export: everybody's list in one file.

>>> from recsys.export import export
>>> export("my-model", "recs.parquet", k=100)  # doctest: +SKIP
PosixPath('recs.parquet')
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from recsys.export.job import export
from recsys.export.writers import WRITERS, choose_writer

__all__ = ["WRITERS", "choose_writer", "export"]


class _CallableModule(ModuleType):
    """Let `recsys.export(model, "recs.parquet")` work although this package has the function's name."""

    def __call__(self, *args: Any, **options: Any) -> Path:
        return export(*args, **options)


sys.modules[__name__].__class__ = _CallableModule
