from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from recsys.errors import ArtifactError, InputError
from recsys.text.submission import write_submission

TEST = (
    "PhraseId\tSentenceId\tPhrase\n"
    "156061\t8545\tAn intermittently pleasing but mostly routine effort .\n"
    "156062\t8545\t\n"
    '156063\t8545\t" A quote that ends nowhere\n'
    "156064\t8545\tNone\n"
    "156060\t8546\tNA\n"
)


class LengthJudge:
    """Say the class by the number of letters, and remember the texts."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self.seen: list[str] = []

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.seen += texts
        return np.eye(len(self.labels), dtype=np.float32)[[len(text) % len(self.labels) for text in texts]]


@pytest.fixture
def test_file(tmp_path: Path) -> Path:
    path = tmp_path / "test.tsv"
    path.write_text(TEST, encoding="utf-8")
    return path


def test_every_phrase_is_answered_in_its_place(test_file, tmp_path) -> None:
    judge = LengthJudge("01234")
    told: list[tuple[int, int]] = []
    write_submission(test_file, judge, tmp_path / "s.csv", on_read=lambda *done: told.append(done))
    phrases = [
        "An intermittently pleasing but mostly routine effort .",
        "",
        '" A quote that ends nowhere',
        "None",
        "NA",
    ]
    assert judge.seen == phrases
    answers = "".join(
        f"{156060 + number},{len(text) % 5}\n" for number, text in zip((1, 2, 3, 4, 0), phrases, strict=True)
    )
    assert (tmp_path / "s.csv").read_bytes() == b"PhraseId,Sentiment\n" + answers.encode()
    assert told == [(5, 5)]


def test_batches_keep_the_order(tmp_path, monkeypatch) -> None:
    rows = [f"{number}\t1\t{'x' * (number % 7)}" for number in range(1, 24)]
    (tmp_path / "test.tsv").write_text("\n".join(["PhraseId\tSentenceId\tPhrase", *rows]))
    monkeypatch.setattr("recsys.text.submission.BATCH", 5)
    found = write_submission(tmp_path / "test.tsv", LengthJudge("01234"), tmp_path / "s.csv")
    assert found["Sentiment"].to_list() == [number % 7 % 5 for number in range(1, 24)]


def test_classes_are_numbered_by_their_meaning(test_file, tmp_path) -> None:
    labels = ("neutral", "negative", "positive", "somewhat positive", "somewhat negative")
    found = write_submission(test_file, LengthJudge(labels), tmp_path / "s.csv")
    assert found["Sentiment"].to_list() == [(2, 0, 4, 3, 1)[n % 5] for n in (54, 0, 27, 4, 2)]


@pytest.mark.parametrize(
    "labels, text",
    [(("neg", "pos"), "Kaggle asks for 5 classes, but the model tells 2"), (("rec.autos", "sci.med"), "no order")],
)
def test_other_models_are_refused(test_file, tmp_path, labels, text) -> None:
    with pytest.raises(InputError, match=text):
        write_submission(test_file, LengthJudge(labels), tmp_path / "s.csv")
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize(
    "content, text",
    [
        ("PhraseId\tPhrase\n1\tx\n1\ty\n", "has the PhraseId 1 twice"),
        ("PhraseId\tPhrase\n1\tx\n\ty\n", "has no PhraseId in row 2"),
        ("PhraseId\tPhrase\n", "holds no phrase"),
        ("PhraseId\tText\n1\tx\n", "has no column 'Phrase'"),
    ],
)
def test_other_files_are_refused(tmp_path, content, text) -> None:
    (tmp_path / "test.tsv").write_text(content)
    (tmp_path / "s.csv").write_text("earlier")
    with pytest.raises(InputError, match=text):
        write_submission(tmp_path / "test.tsv", LengthJudge("01234"), tmp_path / "s.csv", overwrite=True)
    assert (tmp_path / "s.csv").read_text() == "earlier"


def test_an_earlier_file_stays(test_file, tmp_path) -> None:
    (tmp_path / "s.csv").write_text("earlier")
    with pytest.raises(ArtifactError, match="exists already"):
        write_submission(test_file, LengthJudge("01234"), tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text() == "earlier"
