"""Batch export of recommendations."""
