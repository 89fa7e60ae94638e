from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from recsys.errors import InputError
from recsys.text.columns import Columns
from recsys.text.holdout import FACT, held_out, read_source

PHRASES = Columns("phrase", "label", group="sent", split="split", subset="is_root")


def write(path: Path, **more: Any) -> Path:
    rows = range(60)
    frame = pl.DataFrame({"phrase": [f"text {row}" for row in rows], "label": [row % 2 for row in rows], **more})
    frame.write_parquet(path)
    return path


def model_of(path: Path, columns: Columns) -> Any:
    source = read_source(path, columns)
    return SimpleNamespace(labels=source.parts.train.classes, facts={FACT: source.fact})


def test_what_was_held_out_is_found_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", sent=[row // 3 for row in range(60)])
    source = read_source(path, PHRASES)
    assert source.left_aside == {"split": "split", "subset": "is_root"}
    assert source.columns == Columns("phrase", "label", group="sent")
    found = held_out(path, model_of(path, PHRASES))
    assert found.texts == source.parts.test.texts
    assert not set(found.texts) & {*source.parts.train.texts, *source.parts.validation.texts}


def test_columns_that_were_asked_for_must_be_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="no column 'sent'"):
        read_source(path, PHRASES, named=("sent",))


def test_kaggles_file_is_read_with_its_own_columns(tmp_path: Path) -> None:
    rows = [f"{row}\t{row // 4}\ttext {row}\t{row % 2}" for row in range(60)]
    path = tmp_path / "train.tsv"
    path.write_text("\n".join(["PhraseId\tSentenceId\tPhrase\tSentiment", *rows]))
    source = read_source(path, PHRASES, classes=("0", "1"))
    assert source.left_aside == {}
    assert source.parts.test.subset is not None
    assert held_out(path, model_of(path, PHRASES)).texts == source.parts.test.texts


def test_a_file_that_changed_is_refused(tmp_path: Path) -> None:
    model = model_of(write(tmp_path / "a.parquet"), PHRASES)
    changed = write(tmp_path / "b.parquet", more=0)
    assert len(held_out(changed, model)) > 0  # another column changes nothing
    pl.read_parquet(changed).head(59).write_parquet(changed)
    with pytest.raises(InputError, match=r"b\.parquet is not the file .* \(a\.parquet\)"):
        held_out(changed, model)


def test_a_model_that_says_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not say what was held out"):
        held_out(write(tmp_path / "a.parquet"), SimpleNamespace(labels=("0", "1"), facts={}))


def test_columns_that_were_named_are_not_kaggles(tmp_path: Path) -> None:
    rows = [f"{row}\t{row // 4}\ttext {row}\t{row % 2}\t{row % 3}" for row in range(60)]
    path = tmp_path / "train.tsv"
    path.write_text("\n".join(["PhraseId\tSentenceId\tPhrase\tSentiment\tGold", *rows]))
    gold = Columns("Phrase", "Gold", group="SentenceId")
    assert read_source(path, gold, named=("Phrase", "Gold")).parts.train.classes == ("0", "1", "2")
    with pytest.raises(InputError, match="no column 'phrase'"):
        read_source(path, Columns("phrase", "Gold", group="sent"), named=("Gold",))
    with pytest.raises(InputError, match="no column 'Phras'"):
        read_source(path, Columns("Phras", "label"), named=("Phras",))
