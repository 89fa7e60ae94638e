"""Recommend anime from watch histories: readers, models, ranking, evaluation and export."""
