from __future__ import annotations

import logging
import sys

import pytest

from recsys.backend import fit_verbosity, load_keras


@pytest.mark.parametrize(
    ("progress", "watched", "expected"), [(False, True, 0), (True, True, 1), (True, False, 2), (False, False, 0)]
)
def test_a_bar_is_for_those_who_watch(
    progress: bool, watched: bool, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: watched)
    assert fit_verbosity(progress) == expected


def test_several_networks_in_one_process_are_nothing_to_warn_of(caplog: pytest.LogCaptureFixture) -> None:
    load_keras()
    log = logging.getLogger("tensorflow")
    log.addHandler(caplog.handler)
    log.warning("%s out of the last 41 calls to %s triggered tf.function retracing.", 5, "a function")
    log.warning("something else")
    log.removeHandler(caplog.handler)
    assert {record.getMessage() for record in caplog.records} == {"something else"}
