"""Benchmarks of the text classifiers' speed, each a command that writes its result file."""
