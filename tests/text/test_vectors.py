from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recsys.errors import ArtifactError, InputError
from recsys.text.vector_files import unwritable
from recsys.text.vectors import WordVectors, read_vectors, write_vectors

THREE = WordVectors(["good", "great", "awful"], np.array([[1, 0.25], [2, 0.75], [-1, 0]], np.float32), "by hand")


def test_rows_for_a_vocabulary() -> None:
    matrix, found = THREE.rows_for(["awful", "", "good", "good", "zebra"])
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, [[-1, 0], [0, 0], [1, 0.25], [1, 0.25], [0, 0]])
    np.testing.assert_array_equal(found, [True, False, True, True, False])
    assert THREE.rows_for([])[0].shape == (0, 2)
    assert (len(THREE), THREE.dim, "good" in THREE, "zebra" in THREE) == (3, 2, True, False)


def test_neighbours_by_cosine() -> None:
    first, second = THREE.neighbours("good")
    assert (first[0], second[0]) == ("great", "awful")
    assert first[1] == pytest.approx((2 + 0.1875) / np.sqrt(1.0625 * 4.5625))
    assert THREE.neighbours("good", 1) == [first]
    with pytest.raises(InputError, match="no vector for 'zebra'"):
        THREE.neighbours("zebra")


def test_a_zero_vector_has_neighbours_at_a_right_angle() -> None:
    vectors = WordVectors(["pad", "good"], np.array([[0, 0], [1, 2]], np.float32), "by hand")
    assert vectors.neighbours("pad") == [("good", 0.0)]


def test_glove_format(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_bytes(b"the 0.25 -1.5\n. . . 1 2e-1\nat name@domain.com 3 4\n\xff\xfe 5 6\nthe 9 9\n\xc2\x85 7 8\n")
    vectors = read_vectors(path)
    assert vectors.words == ["the", ". . .", "at name@domain.com", "\ufffd\ufffd", "\x85"]
    np.testing.assert_array_equal(vectors.matrix, np.float32([[0.25, -1.5], [1, 0.2], [3, 4], [5, 6], [7, 8]]))
    assert vectors.matrix.dtype == np.float32
    assert vectors.origin == "vectors.txt (6 x 2)"


@pytest.mark.parametrize("text", ["2 3\na 1 2 3\nb 4 5 6\n", "\ufeff2 3\r\na 1 2 3 \r\nb 4 5 6 \r\n\r\n"])
def test_word2vec_header_windows_line_ends_and_trailing_spaces(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vectors.vec"
    path.write_bytes(text.encode())
    vectors = read_vectors(path, dim=3)
    assert vectors.words == ["a", "b"]
    np.testing.assert_array_equal(vectors.matrix, [[1, 2, 3], [4, 5, 6]])


def test_two_numbers_that_are_no_header(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("7 5\n8 6\n")  # words "7" and "8"
    vectors = read_vectors(path)
    assert vectors.words == ["7", "8"]
    np.testing.assert_array_equal(vectors.matrix, [[5], [6]])


def test_a_vocabulary_restricts_what_is_read_and_parsed(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("a 1 2\nbroken x y\nb 3 4\nc 5 6\n")
    vectors = read_vectors(path, words=["c", "a", "zebra"])
    assert vectors.words == ["a", "c"]
    assert vectors.origin == "vectors.txt (4 x 2)"
    assert read_vectors(path, words=[]).matrix.shape == (0, 2)


def test_many_blocks_are_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.text.vector_files.BLOCK", 50)
    path = tmp_path / "vectors.txt"
    path.write_text("".join(f"word{index} {index} -{index}.5\n" for index in range(200)) + "last 1 x")
    with pytest.raises(InputError, match=r"vectors.txt, line 201: 'x' is not a finite number"):
        read_vectors(path)
    path.write_text(path.read_text().removesuffix("x") + "2")
    vectors = read_vectors(path)
    assert vectors.words == [f"word{index}" for index in range(200)] + ["last"]
    np.testing.assert_array_equal(vectors.matrix[:200, 1], -np.arange(200) - 0.5)


@pytest.mark.parametrize(
    "text, dim, message",
    [
        ("", None, "is empty"),
        ("\n \n", None, "is empty"),
        ("just some words\nand more words\n", None, "most of its lines end with no number"),
        ("a 1 2\nb 3\n", None, "line 2: 1 numbers follow the word, the others have 2"),
        ("a 1 2\n\nb 3 4\nc 0.1 0.5 3 4\n", None, r"line 4: there is a number too many \(0.5\)"),
        ("a 1 2\n 3 4\nb 5 6\n", None, "line 2: the word is empty"),
        ("a 1 2\nb 1 zwei\nc 5 6\n", None, "line 2: 'zwei' is not a finite number"),
        ("a 1 2\nb 1 0,5\nc 5 6\n", None, "line 2: '0,5' is not a finite number"),
        ("a 1 2\nb nan 2\n", None, "line 2: 'nan' is not a finite number"),
        ("a 1 2\nb 1 -inf\n", None, "line 2: '-inf' is not a finite number"),
        ("a 1 2\nb 1 1e39\n", None, "line 2: '1e39' is not a finite number"),
        ("a 1  2\nb 1 2\nc 1 2\n", None, "line 1: '' is not a finite number"),
        ("a 1 2\nb 3 4\n", 3, "has vectors of 2 numbers, 3 wanted"),
        ("3 2\na 1 2\nb 3 4\n", None, "holds 2 vectors, but its first line says 3"),
        ("2 1\na 1 2\nb 3 4\n", None, "says 1 numbers a word in its first line, but has 2"),
        ("0 100\n", None, "holds no word vectors"),
        ("a\0b 1 2\n", None, "is a binary file"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, dim: int | None, message: str) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_vectors(path, dim=dim)


def test_packed_files(tmp_path: Path) -> None:
    packed = tmp_path / "vectors.txt.gz"
    packed.write_bytes(gzip.compress(b"a 1 2\nb 3 4\n"))
    assert read_vectors(packed).words == ["a", "b"]
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_vectors(packed)


def test_a_zip_holds_several_widths(tmp_path: Path) -> None:
    path = tmp_path / "glove.6B.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("glove.6B.50d.txt", "a 1 2\n")
    assert read_vectors(path).origin == "glove.6B.zip/glove.6B.50d.txt (1 x 2)"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("glove.6B.3d.txt", "a 1 2 3\n")
        archive.writestr("glove.6B.300d.txt", "a 1 2 3 4\n")
    assert read_vectors(path, dim=3).dim == 3
    for dim, message in ((None, "holds several"), (7, "no files of 7 numbers")):
        with pytest.raises(InputError, match=message):
            read_vectors(path, dim=dim)
    path.write_bytes(b"PK no")
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_vectors(path)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.txt", tmp_path / "none.zip", tmp_path / "none.gz"):
        with pytest.raises(InputError, match="cannot be read"):
            read_vectors(path)


words = st.lists(st.text(min_size=1, max_size=6).filter(lambda word: not unwritable(word)), min_size=1, unique=True)


@given(words=words, data=st.data(), header=st.booleans())
def test_what_is_written_is_read_bit_for_bit(tmp_path_factory, words, data, header) -> None:
    path = tmp_path_factory.mktemp("vectors") / "vectors.txt"
    numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
    matrix = data.draw(arrays(np.float32, (len(words), data.draw(st.integers(1, 4))), elements=numbers))
    write_vectors(WordVectors(words, matrix, "drawn"), path, header=header)
    found = read_vectors(path, dim=matrix.shape[1])
    assert found.words == words
    assert found.matrix.tobytes() == matrix.tobytes()


@pytest.mark.parametrize(
    "word", ["", " ", " a", "a ", "a\nb", "version 2.0", "a 5", "1 nan", "a\0b", "\ufeffa", "\ud800"]
)
def test_words_that_the_format_cannot_hold(tmp_path: Path, word: str) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_vectors(WordVectors([word], np.ones((1, 2), np.float32), ""), tmp_path / "vectors.txt")
    assert not list(tmp_path.iterdir())


def test_writing_refuses_numbers_without_end_and_files_that_exist(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    with pytest.raises(InputError, match="not finite"):
        write_vectors(WordVectors(["a"], np.array([[np.inf]], np.float32), ""), path)
    write_vectors(THREE, path, header=True)
    assert path.read_text() == "3 2\ngood 1.0 0.25\ngreat 2.0 0.75\nawful -1.0 0.0\n"
    with pytest.raises(ArtifactError, match="exists already"):
        write_vectors(THREE, path)
    write_vectors(THREE, path, overwrite=True)
    assert path.read_text().startswith("good")
