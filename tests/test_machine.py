"""What the machine has: plausible numbers wherever the tests run."""

from __future__ import annotations

from recsys.machine import available_memory, usable_cores


def test_available_memory_is_a_number_of_bytes() -> None:
    free = available_memory()
    assert free is None or free > 1e6


def test_there_is_a_core_to_run_this() -> None:
    assert usable_cores() >= 1
