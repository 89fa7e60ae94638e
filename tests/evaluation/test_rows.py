from __future__ import annotations

import pytest

from evaluation.rows import CONFIGS, Row, find_row, read_row, row_path, write_row
from recsys.errors import ConfigError, InputError


def test_a_row_comes_back_as_it_was_written(tmp_path):
    row = Row("toy", "als", (0, 2), {"factors": 32, "regularization": 0.1}, {"trials": 12, "metric": "ndcg@10"})
    path = write_row(row, tmp_path / "new")
    assert path == row_path("toy", "als", tmp_path / "new")
    assert read_row(path) == row
    write_row(Row("toy", "als"), tmp_path / "new")
    assert find_row("toy", "als", tmp_path / "new") == Row("toy", "als")
    assert find_row("toy", "lstm", tmp_path / "new") == Row("toy", "lstm")


@pytest.mark.parametrize(
    "text, message",
    [
        ('data = "toy"\nmodel = "als"\nspeed = 3', "has an unknown key 'speed'"),
        ('data = "toy"', "lacks 'model'"),
        ('data = 3\nmodel = "als"', "'data' in .* must be a str, got 3"),
        ('data = "toy"\nmodel = "als"\nseeds = []', "must be whole numbers from 0"),
        ('data = "toy"\nmodel = "als"\n[settings]\nfaktors = 3', "There is no setting 'faktors'"),
        ("data = ", "is not a readable TOML file"),
    ],
)
def test_what_is_wrong_in_a_row_is_said(text, message, tmp_path):
    (tmp_path / "row.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_row(tmp_path / "row.toml")


def test_a_row_of_an_unknown_model_is_refused(tmp_path):
    (tmp_path / "row.toml").write_text('data = "toy"\nmodel = "als9"')
    with pytest.raises(InputError, match="There is no model 'als9'"):
        read_row(tmp_path / "row.toml")


def test_the_committed_rows_can_be_read():
    for path in CONFIGS.glob("*.toml"):
        row = read_row(path)
        assert path == row_path(row.data, row.model)
