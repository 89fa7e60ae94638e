"""Batch export: everybody's list in one file.

>>> from recsys.export import export
>>> export("my-model", "recs.parquet", k=100)  # doctest: +SKIP
PosixPath('recs.parquet')
"""

from recsys.export.job import export
from recsys.export.writers import WRITERS, choose_writer

__all__ = ["WRITERS", "choose_writer", "export"]
