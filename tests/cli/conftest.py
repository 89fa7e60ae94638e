"""Fixtures of the command line: a prepared folder, a model folder, and a runner that says what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recsys.cli.app import app
from recsys.dataset.prepared import Dataset
from recsys.models import make_model


@dataclass(frozen=True)
class Outcome:
    """Hold what a command printed and its exit code."""

    code: int
    out: str
    err: str


Recsys = Callable[..., Outcome]


@pytest.fixture
def recsys(monkeypatch: pytest.MonkeyPatch) -> Recsys:
    """Run the command line in this process, its failures handled as for a person."""
    monkeypatch.delenv("RECSYS_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Outcome:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def prepared(small: Dataset, tmp_path: Path) -> Path:
    return small.save(tmp_path / "prepared")


@pytest.fixture
def popular(small: Dataset, tmp_path: Path) -> Path:
    """Save a popularity model of the small data; titles 12, 13, 22 and 23 lead."""
    return make_model("popularity").fit(small).save(tmp_path / "popular")
