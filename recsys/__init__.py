"""Recommend anime from watch histories: readers, models, ranking, evaluation and export."""

__version__ = "0.1.0"
