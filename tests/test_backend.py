from __future__ import annotations

import sys

import pytest

from recsys.backend import fit_verbosity


@pytest.mark.parametrize(
    ("progress", "watched", "expected"), [(False, True, 0), (True, True, 1), (True, False, 2), (False, False, 0)]
)
def test_a_bar_is_for_those_who_watch(
    progress: bool, watched: bool, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: watched)
    assert fit_verbosity(progress) == expected
