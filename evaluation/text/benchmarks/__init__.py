"""Benchmarks of the text pipelines, each a command that writes its result file."""
