from __future__ import annotations

import gzip
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import ConfigError, InputError
from recsys.text.columns import KAGGLE
from recsys.text.corpus import Columns, Corpus, TextTable, read_corpus, split_corpus

REVIEWS = Columns("text", "label")
TWO: dict[str, list[object]] = {"text": ["a", "b"], "label": ["x", "y"]}
TRAIN_TSV = """PhraseId\tSentenceId\tPhrase\tSentiment
1\t1\tA series of "escapades" demonstrating the adage\t1
2\t1\tA series\t2
3\t1\t"\t2
4\t2\tThis quiet , introspective film\t3
5\t2\tNone\t2
6\t2\tnull\t2
7\t3\tNA\t0
8\t3\t``\t4
"""


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def reviews(path: Path, **columns: object) -> Path:
    pl.DataFrame({"text": ["good", "bad", "so so"], "label": ["pos", "neg", "pos"], **columns}).write_parquet(path)
    return path


# reading


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.tsv", "a.jsonl", "a.csv.gz", "a.tsv.gz", "a.jsonl.gz"])
def test_every_format_gives_the_same_corpus(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame({"label": [3, 1, 10, 1], "text": ["so, so", "bad  NA", None, "naïve"]})
    path = tmp_path / name.removesuffix(".gz")
    writers = {".parquet": frame.write_parquet, ".csv": frame.write_csv, ".jsonl": frame.write_ndjson}
    if path.suffix == ".tsv":
        frame.write_csv(path, separator="\t")
    else:
        writers[path.suffix](path)
    if name.endswith(".gz"):
        path = write(tmp_path / name, gzip.compress(path.read_bytes()))
    corpus = read_corpus(path, REVIEWS).corpus
    assert corpus.texts == ["so, so", "bad  NA", "", "naïve"]  # a missing text is an empty one
    assert corpus.classes == ("1", "3", "10")  # in the order of their numbers
    assert corpus.labels.tolist() == [1, 0, 2, 0]
    assert corpus.labels.dtype == np.int32
    assert corpus.counts == {"1": 2, "3": 1, "10": 1}


def test_kaggles_train_tsv_is_read_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "train.tsv", TRAIN_TSV)
    recipe = Columns("phrase", "label", group="sent", split="split", subset="is_root")
    table = read_corpus(path, recipe, classes=list("01234"))
    corpus = table.corpus
    assert corpus.texts == [line.split("\t")[2] for line in TRAIN_TSV.splitlines()[1:]]  # quotes quote nothing
    assert corpus.texts[4:7] == ["None", "null", "NA"]
    assert corpus.labels.tolist() == [1, 2, 2, 3, 2, 2, 0, 4]
    assert corpus.groups is not None
    assert corpus.groups.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert corpus.subset is not None
    assert corpus.subset.tolist() == [True, False, False, True, False, False, True, False]  # whole sentences
    assert table.split is None
    named = read_corpus(path, KAGGLE).corpus
    assert named.texts == corpus.texts


def test_a_bound_makes_two_classes(tmp_path: Path) -> None:
    path = write(tmp_path / "stars.csv", "stars,text\n5,good\n3,so so\n3.5,fine\n1,bad\n")
    corpus = read_corpus(path, Columns("text", "stars", above=3)).corpus
    assert corpus.classes == ("negative", "positive")
    assert corpus.labels.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize("labels", [["1", " 0 ", "1"], [1, 0, 1], [1.0, 0.0, 1.0]])
def test_labels_are_texts_or_numbers(tmp_path: Path, labels: list[object]) -> None:
    corpus = read_corpus(reviews(tmp_path / "a.parquet", label=labels), REVIEWS).corpus
    assert corpus.classes == ("0", "1")
    assert corpus.labels.tolist() == [1, 0, 1]


def test_given_classes_keep_their_order_and_may_be_absent(tmp_path: Path) -> None:
    corpus = read_corpus(reviews(tmp_path / "a.parquet"), REVIEWS, classes=("pos", "mixed", "neg")).corpus
    assert corpus.labels.tolist() == [0, 2, 0]
    one = reviews(tmp_path / "b.parquet", label=["pos"] * 3)
    assert read_corpus(one, REVIEWS, classes=("neg", "pos")).corpus.labels.tolist() == [1, 1, 1]  # to be judged


def test_a_number_in_two_parts_is_two_groups(tmp_path: Path) -> None:
    path = reviews(tmp_path / "a.parquet", split=["train", "DEV ", "train"], sent=[0, 0, 1], root=["yes", "no", "no"])
    table = read_corpus(path, Columns("text", "label", group="sent", split="split", subset="root"))
    assert table.split is not None
    assert table.split.tolist() == ["train", "validation", "train"]
    assert table.corpus.groups is not None
    assert len(set(table.corpus.groups.tolist())) == 3
    assert table.corpus.subset is not None
    assert table.corpus.subset.tolist() == [True, False, False]
    assert table.part("validation").texts == ["bad"]


@pytest.mark.parametrize(
    "frame, columns, message",
    [
        ({"body": ["a"], "label": [1]}, REVIEWS, r"a\.csv has no column 'text' \(found: body, label\)"),
        ({"text": ["a"], "stars": [1]}, REVIEWS, r"a\.csv has no column 'label' \(found: text, stars\)"),
        ({"text": ["a", "b"], "label": ["x", "x"]}, REVIEWS, r"'label' of a\.csv holds one class only \('x'\)"),
        ({"text": ["a", "b"], "label": ["x", None]}, REVIEWS, r"'label' of a\.csv has no value in row 2"),
        ({"text": ["a", "b"], "label": ["x", " "]}, REVIEWS, r"'label' of a\.csv has no value in row 2"),
        ({"text": [], "label": []}, REVIEWS, r"a\.csv holds no row"),
        ({**TWO, "s": ["train", "tset"]}, Columns("text", "label", split="s"), r"part 'tset' in row 2"),
        ({**TWO, "s": ["dev", None]}, Columns("text", "label", split="s"), "'s' .* no value in row 2"),
        ({**TWO, "g": [1, None]}, Columns("text", "label", group="g"), "'g' .* no value in row 2"),
        ({**TWO, "r": ["1", "so"]}, Columns("text", "label", subset="r"), "true or false, got 'so'"),
        ({"text": ["a"], "label": ["x"]}, Columns("text", "label", above=3), "must hold numbers, got 'x' in row 1"),
        ({"text": ["a"], "label": ["nan"]}, Columns("text", "label", above=3), "must hold numbers, got 'nan' in row 1"),
        ({"text": ["a"] * 1001, "label": list(range(1001))}, REVIEWS, "holds 1,001 classes. Is it the column"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(
    tmp_path: Path, frame: dict[str, list[object]], columns: Columns, message: str
) -> None:
    pl.DataFrame(frame).write_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match=message):
        read_corpus(tmp_path / "a.csv", columns)


def test_an_unknown_label_is_told_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown label 'neg' in row 2\. Known: pos, mixed"):
        read_corpus(reviews(tmp_path / "a.parquet"), REVIEWS, classes=("pos", "mixed"))
    path = reviews(tmp_path / "b.parquet", label=[1, 2, 3])
    with pytest.raises(ConfigError, match="two classes, got 3"):
        read_corpus(path, Columns("text", "label", above=2), classes=("a", "b", "c"))


# cutting


def corpus_of(labels: list[int], groups: list[int] | None = None, n_classes: int = 3) -> Corpus:
    return Corpus(
        [f"text {row}" for row in range(len(labels))],
        np.array(labels, dtype=np.int32),
        tuple("abc"[:n_classes]),
        None if groups is None else np.array(groups, dtype=np.int64),
    )


@given(st.integers(3, 60), st.integers(3, 60), st.integers(3, 60), st.integers(0, 5))
def test_every_class_is_in_every_part_and_the_same_seed_gives_the_same_rows(a: int, b: int, c: int, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation([0] * a + [1] * b + [2] * c).tolist()
    table = TextTable(corpus_of(labels))
    parts = split_corpus(table, seed=seed)
    again = split_corpus(table, seed=seed)
    texts = [part.texts for part in (parts.train, parts.validation, parts.test)]
    assert texts == [part.texts for part in (again.train, again.validation, again.test)]
    assert sorted(chain.from_iterable(texts)) == sorted(table.corpus.texts)
    for part in (parts.train, parts.validation, parts.test):
        assert set(part.labels.tolist()) == {0, 1, 2}
        rows = [int(text.split()[1]) for text in part.texts]
        assert rows == sorted(rows)  # in file order
        assert part.labels.tolist() == [labels[row] for row in rows]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), min_size=12, max_size=120), st.integers(0, 3))
def test_no_group_is_parted(rows: list[tuple[int, int]], seed: int) -> None:
    groups, labels = [group for group, _ in rows], [label for _, label in rows]
    table = TextTable(
        corpus_of([*labels, 0, 1, 2] * 3, [*groups, 31, 32, 33, *groups, 34, 35, 36, *groups, 37, 38, 39])
    )
    parts = split_corpus(table, seed=seed)
    found = [
        set(part.groups.tolist()) for part in (parts.train, parts.validation, parts.test) if part.groups is not None
    ]
    assert len(found) == 3
    assert sum(map(len, found)) == len(set(groups)) + 9 == len(set.union(*found))


def test_shares_are_of_each_class() -> None:
    parts = split_corpus(TextTable(corpus_of([0] * 500 + [1] * 300 + [2] * 200)), seed=3, validation=0.1, test=0.3)
    assert parts.validation.counts == {"a": 50, "b": 30, "c": 20}
    assert parts.test.counts == {"a": 150, "b": 90, "c": 60}
    other = split_corpus(TextTable(corpus_of([0] * 500 + [1] * 300 + [2] * 200)), seed=4, validation=0.1, test=0.3)
    assert other.test.texts != parts.test.texts


def test_the_files_own_parts_stay() -> None:
    labels = [0, 1] * 20
    split = np.array(["train"] * 30 + ["test"] * 10, dtype="<U10")
    parts = split_corpus(TextTable(corpus_of(labels), split), seed=1)
    assert parts.test.texts == [f"text {row}" for row in range(30, 40)]
    assert len(parts.validation) == 4  # a tenth of each class of the training rows, rounded
    assert len(parts.train) == 26
    split[:5] = "validation"
    parts = split_corpus(TextTable(corpus_of(labels), split), seed=1)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [25, 5, 10]


def test_a_cut_that_cannot_be_is_refused() -> None:
    table = TextTable(corpus_of([0, 1] * 5), np.array(["test"] * 10))
    with pytest.raises(InputError, match="no training rows"):
        split_corpus(table, seed=1)
    with pytest.raises(InputError, match="one class only"):
        split_corpus(TextTable(corpus_of([0] * 9)), seed=1)
    with pytest.raises(ConfigError, match="test share must be between 0 and 1, got 1"):
        split_corpus(table, seed=1, test=1)
    with pytest.raises(ConfigError, match=r"leave training rows, got 0\.5 and 0\.5"):
        split_corpus(table, seed=1, validation=0.5, test=0.5)
    with pytest.raises(InputError, match="no part 'test'"):
        TextTable(corpus_of([0, 1])).part("test")


def test_a_corpus_is_known_by_its_content() -> None:
    corpus = corpus_of([0, 1, 2, 0], [0, 0, 1, 1])
    assert corpus.sha256 == corpus.select([0, 1, 2, 3]).sha256
    others = [
        corpus.select([1, 0, 2, 3]),
        corpus.select([0, 1, 2]),
        corpus_of([0, 1, 2, 0]),
        corpus_of([0, 1, 2, 1], [0, 0, 1, 1]),
        Corpus(["text 0t", "ext 1", "text 2", "text 3"], corpus.labels, corpus.classes, corpus.groups),
    ]
    assert len({corpus.sha256, *(other.sha256 for other in others)}) == len(others) + 1
    assert corpus.select(np.array([False, True, False, True])).texts == ["text 1", "text 3"]
    assert len(corpus.select([])) == 0


# real files


@pytest.mark.realdata
def test_imdb(realdata: Path) -> None:
    table = read_corpus(realdata / "text/imdb50k.parquet", Columns("text", "label", split="split"))
    parts = split_corpus(table, seed=1)
    assert parts.test.counts == {"neg": 12_500, "pos": 12_500}
    assert parts.validation.counts == {"neg": 1_250, "pos": 1_250}
    assert parts.train.counts == {"neg": 11_250, "pos": 11_250}


@pytest.mark.realdata
def test_yelp(realdata: Path) -> None:
    table = read_corpus(realdata / "text/yelp10k.parquet", Columns("text", "stars", above=3))
    parts = split_corpus(table, seed=1)
    for part, n_texts in ((table.corpus, 10_000), (parts.test, 2_000), (parts.validation, 1_000)):
        assert abs(part.labels.mean() - 0.6863) < 0.0006
        assert abs(len(part) - n_texts) <= 1


@pytest.mark.realdata
def test_sst_sentences_are_not_parted(realdata: Path) -> None:
    columns = Columns("phrase", "label", group="sent", split="split", subset="is_root")
    table = read_corpus(realdata / "text/sst_phrases.parquet", columns)
    own = split_corpus(table, seed=1)
    sentences = [int(part.subset.sum()) for part in (own.train, own.validation, own.test) if part.subset is not None]
    assert sum(sentences) == 11_855
    assert sentences[2] == 2_210
    cut = split_corpus(TextTable(table.corpus), seed=1)
    for parts in (own, cut):
        found = [
            set(part.groups.tolist()) for part in (parts.train, parts.validation, parts.test) if part.groups is not None
        ]
        assert sum(map(len, found)) == len(set.union(*found)) == 11_855
    assert abs(len(cut.test) / len(table.corpus) - 0.2) < 0.01
    assert set(cut.test.labels.tolist()) == set(range(5))


@pytest.mark.realdata
def test_news20(realdata: Path) -> None:
    table = read_corpus(realdata / "text/news20_bydate.parquet", Columns("text", "group", split="split"))
    assert len(table.corpus.classes) == 20
    parts = split_corpus(table, seed=1)
    assert len(parts.test) == 7_532
    assert len(parts.train) + len(parts.validation) == 11_314
    assert min(parts.validation.counts.values()) >= 37


@pytest.mark.parametrize("column", ["label", "split"])
def test_a_column_of_lists_holds_no_names(tmp_path: Path, column: str) -> None:
    frame = pl.DataFrame({"text": ["a", "b"], "label": ["x", "y"], "split": ["train", "dev"]})
    frame.with_columns(pl.concat_list(column)).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=rf"Column '{column}' of a\.parquet holds no texts but List"):
        read_corpus(tmp_path / "a.parquet", Columns("text", "label", split="split"))


def test_an_endless_label_is_none(tmp_path: Path) -> None:
    pl.DataFrame({"text": ["a", "b"], "label": [1.0, float("inf")]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="no value in row 2"):
        read_corpus(tmp_path / "a.parquet", REVIEWS)
