"""A file of labelled reviews and a model of it, trained once by the command line; stand-ins for other models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from typer.testing import CliRunner

from recsys.cli.app import app
from recsys.text.classifier import TextClassifier

PRAISE, BLAME = "good warm sharp", "dull flat stale"


def write_reviews(path: Path, n: int = 60) -> Path:
    """Write reviews of three titles; praise is pos, blame is neg."""
    texts = [f"{(PRAISE if row % 2 else BLAME)} number {row}" for row in range(n)]
    labels = [("neg", "pos")[row % 2] for row in range(n)]
    pl.DataFrame({"anime_id": [10 + row % 3 for row in range(n)], "text": texts, "label": labels}).write_csv(path)
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with `reviews.csv`, `model`, `model-training` and what `recsys text train` said in `said.txt`."""
    folder = tmp_path_factory.mktemp("text")
    data = write_reviews(folder / "reviews.csv")
    settings = ["dim=8", "units=8", "n_tokens=6", "epochs=12", "patience=12", "learning_rate=0.05", "batch_size=8"]
    words = ["text", "train", "imdb-lstm", "--data", str(data), "--out", str(folder / "model"), "--seed", "3"]
    done = CliRunner().invoke(app, [*words, "--set", *settings])
    assert done.exit_code == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder


@pytest.fixture
def reviews(trained: Path) -> Path:
    return trained / "reviews.csv"


@pytest.fixture
def model(trained: Path) -> Path:
    return trained / "model"


class StandIn:
    """Answer the class whose place is the number of letters."""

    recipe = "stand-in"

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.eye(len(self.labels), dtype=np.float32)[[len(text) % len(self.labels) for text in texts]]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let every model folder hold a model of these classes."""

    def install(*labels: str) -> None:
        monkeypatch.setattr(TextClassifier, "load", lambda folder: StandIn(labels))

    return install
