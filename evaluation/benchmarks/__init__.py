"""Benchmarks of speed and memory, each a command that writes its result file."""
