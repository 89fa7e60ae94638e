"""Batch export: everybody's list in one file. The package itself is callable, so that `recsys.export(...)` works.

>>> import recsys
>>> recsys.export("my-model", "recs.parquet", k=100)  # doctest: +SKIP
PosixPath('recs.parquet')
"""

import sys
from types import ModuleType
from typing import Any

from recsys.export.job import export
from recsys.export.writers import WRITERS, choose_writer

__all__ = ["WRITERS", "choose_writer", "export"]


class _CallablePackage(ModuleType):
    """Let `recsys.export` be both the function and the room it lives in."""

    __wrapped__ = staticmethod(export)
    """Where `help` and `inspect.signature` look."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call `recsys.export.export`."""
        return export(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
