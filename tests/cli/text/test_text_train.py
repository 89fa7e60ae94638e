from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys.text.classifier import TextClassifier
from recsys.text.holdout import FACT, held_out


def test_what_training_says_and_leaves(trained: Path) -> None:
    said = (trained / "said.txt").read_text(encoding="utf-8")
    assert "reviews.csv: 42 train, 6 validation, 12 held out for the test; classes neg, pos." in said
    assert "It has no column 'split'" in said
    assert "Trained imdb-lstm on 42 texts: accuracy 1.0000 on 6 validation texts" in said
    assert f"recsys text evaluate {trained / 'model'} --data {trained / 'reviews.csv'}" in said
    assert sorted(path.name for path in (trained / "model-training").iterdir()) == ["curves.png", "log.csv"]
    assert pl.read_csv(trained / "model-training" / "log.csv")["epoch"].to_list()[:2] == [1, 2]
    model = TextClassifier.load(trained / "model")
    assert (model.recipe, model.labels, model.config.seed, model.config.units) == ("imdb-lstm", ("neg", "pos"), 3, (8,))
    assert model.facts[FACT]["n_test"] == 12
    assert len(held_out(trained / "reviews.csv", model)) == 12


@pytest.fixture
def untrained(monkeypatch) -> list[TextClassifier]:
    """Let `fit` do nothing but remember who was to be trained; nothing is saved."""
    seen: list[TextClassifier] = []

    def fit(self, train, validation, **options):
        seen.append(self)
        self.given = (train, validation, options)
        self.labels = train.classes
        self.facts = {"n_train": len(train), "n_validation": len(validation), "vectors": "none"}
        self.facts |= {"best_epoch": 1, "validation_accuracy": 0.5}
        self.facts |= {"n_refitted": len(train) + len(validation)} if self.config.refit else {}
        self.epochs = [{"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}]
        return self

    monkeypatch.setattr(TextClassifier, "fit", fit)
    monkeypatch.setattr(TextClassifier, "save", lambda self, folder, *, overwrite: folder)
    return seen


def test_settings_come_from_recipe_file_flags_and_seed(recsys, reviews, tmp_path, untrained) -> None:
    (tmp_path / "settings.toml").write_text("epochs = 7\ndim = 5\nseed = 1\n")
    options = ["--config", tmp_path / "settings.toml", "--set", "epochs=9", "--seed", 4]
    assert recsys("text", "train", "imdb-lstm", "--data", reviews, "--out", tmp_path / "m", *options).code == 0
    config = untrained[0].config
    assert (config.epochs, config.dim, config.seed, config.n_words) == (9, 5, 4, 5000)


def test_it_says_when_the_validation_part_was_learned_from(recsys, reviews, tmp_path, untrained) -> None:
    words = ["text", "train", "imdb-lstm", "--data", reviews, "--out", tmp_path / "m", "--overwrite"]
    assert "learned once more" not in recsys(*words).out
    train, validation, _ = untrained[0].given
    said = recsys(*words, "--set", "refit=true").out
    assert f"learned once more from {len(train) + len(validation)} texts, the validation part among them" in said


def test_columns_classes_and_groups_can_be_named(recsys, tmp_path, untrained) -> None:
    frame = pl.DataFrame(
        {
            "review": [f"text {row}" for row in range(30)],
            "verdict": [("bad", "fine")[row % 2] for row in range(30)],
            "who": [row // 3 for row in range(30)],
            "part": [("train", "test", "dev")[row // 3 % 3] for row in range(30)],
        }
    )
    frame.write_parquet(tmp_path / "own.parquet")
    options = ["--text-column", "review", "--label-column", "verdict", "--classes", "bad, fine"]
    options += ["--split-column", "part", "--group-column", "who"]
    said = recsys("text", "train", "imdb-lstm", "--data", tmp_path / "own.parquet", "--out", tmp_path / "m", *options)
    assert said.code == 0, said.err
    assert "12 train, 9 validation, 9 held out" in said.out
    train, validation, _ = untrained[0].given
    assert train.classes == ("bad", "fine")
    assert not set(train.texts) & set(validation.texts)
    assert untrained[0].facts[FACT]["columns"]["group"] == "who"


def test_word_vectors_and_more_texts_reach_the_model(recsys, reviews, tmp_path, untrained) -> None:
    (tmp_path / "vectors.txt").write_text("good 1 2\ndull 3 4\n")
    (tmp_path / "more.txt").write_text("one\ntwo\n")
    split = pl.DataFrame({"phrase": ["kept", "not kept"], "split": ["train", "test"]})
    split.write_csv(tmp_path / "split.csv")
    words = ["text", "train", "imdb-lstm", "--data", reviews, "--out", tmp_path / "m", "--overwrite"]
    said = recsys(*words, "--vectors", tmp_path / "vectors.txt", "--set", "dim=2")
    assert said.code == 0, said.err
    assert untrained[0].given[2]["vectors"].dim == 2
    said = recsys(*words, "--set", "vectors=train", "--more-texts", tmp_path / "more.txt", tmp_path / "split.csv")
    assert said.code == 0, said.err
    assert untrained[1].given[2]["more_texts"] == ["one", "two", "kept"]


def test_a_published_row_with_more_texts_is_told(recsys, tmp_path, untrained) -> None:
    rows = {"text": [f"a {row}" for row in range(20)], "stars": [1, 5] * 10}
    pl.DataFrame(rows).write_csv(tmp_path / "places.csv")
    said = recsys("text", "train", "yelp-stars", "--data", tmp_path / "places.csv", "--out", tmp_path / "m")
    assert said.code == 0, said.err
    assert "trains word vectors on imdb too: --more-texts FILE." in said.err
    assert "learns from imdb first" in said.err


def test_many_classes_are_named_by_the_first_and_the_last(recsys, tmp_path, untrained) -> None:
    rows = {"text": [f"a {row}" for row in range(20)], "group": ["sci.med", "sci.space"] * 10}
    pl.DataFrame(rows).write_csv(tmp_path / "news.csv")
    said = recsys("text", "train", "news20-glove", "--data", tmp_path / "news.csv", "--out", tmp_path / "m")
    assert "classes alt.atheism … talk.religion.misc (20)" in said.out


BAD = [
    (["imdb-lstn", "--data", "{reviews}", "--out", "{tmp}/m"], "Did you mean 'imdb-lstm'?"),
    (["imdb-lstm", "--data", "{tmp}/none.csv", "--out", "{tmp}/m"], "none.csv does not exist"),
    (["imdb-lstm", "--data", "{tmp}", "--out", "{tmp}/m"], "is no table"),
    (["imdb-lstm", "--data", "{tmp}/empty.csv", "--out", "{tmp}/m"], "empty.csv holds no row"),
    (["imdb-lstm", "--data", "{tmp}/single.csv", "--out", "{tmp}/m"], "one class only"),
    (["imdb-lstm", "--data", "{tmp}/odd.csv", "--out", "{tmp}/m"], "unknown label 'so-so' in row 2"),
    (["imdb-lstm", "--data", "{reviews}", "--text-column", "review", "--out", "{tmp}/m"], "no column 'review'"),
    (["imdb-lstm", "--data", "{reviews}", "--split-column", "part", "--out", "{tmp}/m"], "no column 'part'"),
    (["imdb-lstm", "--data", "{reviews}", "--set", "epoch=3", "--out", "{tmp}/m"], "Did you mean 'epochs'?"),
    (["imdb-lstm", "--data", "{reviews}", "--vectors", "{tmp}/narrow.txt", "--out", "{tmp}/m"], "of 2 numbers"),
    (
        ["imdb-lstm", "--data", "{reviews}", "--vectors", "{tmp}/none.txt", "--out", "{tmp}/m"],
        "none.txt cannot be read",
    ),
    (["imdb-lstm", "--data", "{reviews}", "--more-texts", "{reviews}", "--out", "{tmp}/m"], "none are trained"),
    (["imdb-lstm", "--data", "{reviews}", "--classes", "neg,pos,neg", "--out", "{tmp}/m"], "different names, got"),
    (["imdb-lstm", "--data", "{reviews}", "--classes", "neg,", "--out", "{tmp}/m"], "two or more different names"),
    (["imdb-lstm", "--data", "{reviews}", "--out", "{model}"], "exists already"),
    (["imdb-lstm", "--data", "{tmp}/empty.csv", "--out", "{model}", "--overwrite"], "holds no row"),
    (["imdb-lstm", "--data", "{reviews}", "--out", "{tmp}", "--overwrite"], "not a folder of recsys"),
    (["imdb-lstm", "--data", "{reviews}", "--out", "{tmp}/empty.csv"], "is a file"),
]


def test_it_learns_from_other_labelled_texts_first(recsys, reviews, tmp_path, untrained) -> None:
    other = tmp_path / "other.csv"
    other.write_text(
        "text,label,split\n" + "\n".join(f"t{at},{'gb'[at % 2]},{'test' if at > 7 else 'train'}" for at in range(10))
    )
    words = ["text", "train", "imdb-lstm", "--data", reviews, "--out", tmp_path / "m"]
    said = recsys(*words, "--pretraining", other)
    assert said.code == 0, said.err
    assert "other.csv: 8 to learn from first; classes b as neg, g as pos." in said.out
    first = untrained[0].given[2]["pretraining"]
    assert (len(first), first.classes) == (8, ("b", "g"))
    other.write_text("text,label\na,1\nb,2\nc,3\n")
    refused = recsys(*words, "--overwrite", "--pretraining", other)
    assert refused.code == 2
    assert "other.csv has 3 classes, the texts to train on 2." in " ".join(refused.err.split())


@pytest.mark.parametrize("arguments, text", BAD)
def test_bad_input_is_refused_before_training(recsys, reviews, model, tmp_path, monkeypatch, arguments, text) -> None:
    monkeypatch.setattr(TextClassifier, "fit", lambda *_, **__: pytest.fail("trained"))
    (tmp_path / "empty.csv").write_text("text,label\n")
    (tmp_path / "single.csv").write_text("text,label\n" + "fine,pos\n" * 20)
    (tmp_path / "odd.csv").write_text("text,label\nfine,pos\nfine,so-so\n")
    (tmp_path / "narrow.txt").write_text("good 1 2\n")
    before = {path: path.read_bytes() for path in (*tmp_path.iterdir(), *model.iterdir())}
    words = [word.format(tmp=tmp_path, reviews=reviews, model=model) for word in arguments]
    refused = recsys("text", "train", *words)
    assert refused.code == 2
    assert text in " ".join(refused.err.split())
    assert "Traceback" not in refused.err
    assert {path: path.read_bytes() for path in (*tmp_path.iterdir(), *model.iterdir())} == before


def test_the_log_of_an_earlier_training_is_not_replaced_unasked(recsys, reviews, tmp_path, untrained) -> None:
    log = tmp_path / "m-training" / "log.csv"
    log.parent.mkdir()
    log.write_text("of another model")
    words = ["text", "train", "imdb-lstm", "--data", reviews, "--out", tmp_path / "m"]
    refused = recsys(*words)
    assert refused.code == 2
    assert "log.csv exists already" in " ".join(refused.err.split())
    assert log.read_text() == "of another model"
    assert recsys(*words, "--overwrite").code == 0
    assert log.read_text() != "of another model"


def test_the_folder_may_be_the_present_one(recsys, reviews, tmp_path, untrained, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert recsys("text", "train", "imdb-lstm", "--data", reviews, "--out", ".").code == 0
    assert (tmp_path / "here-training" / "curves.png").is_file()
