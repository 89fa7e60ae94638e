"""Readers of raw tables, one file a format."""
