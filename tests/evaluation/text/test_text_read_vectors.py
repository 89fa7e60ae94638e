from __future__ import annotations

from pathlib import Path

from evaluation.text.benchmarks import read_vectors as benchmark
from recsys.text.vectors import read_vectors


def test_the_file_is_what_its_reader_takes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(benchmark, "BLOCK", 7)
    benchmark.write_file(tmp_path / "vectors.txt", 20, 3)
    vectors = read_vectors(tmp_path / "vectors.txt", dim=3)
    assert vectors.words == [f"word{index}" for index in range(20)]
    assert 0.2 < vectors.matrix.std() < 0.6
