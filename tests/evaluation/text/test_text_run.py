"""The command that makes the rows, on a corpus small enough for a test; and the published corpora themselves."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from evaluation.text import run
from evaluation.text.data import DATA, count_repeats, find_data
from evaluation.text.results import read_predictions
from evaluation.text.run import TextRow, command_of, default_seeds, main
from recsys.errors import ConfigError, InputError
from recsys.text.corpus import Corpus, Parts
from recsys.text.recipes import RECIPES, recipe
from tests.evaluation.text.test_text_baselines import reviews


@pytest.fixture
def real(tmp_path):
    """Write a file of the form of the IMDB's."""
    folder = tmp_path / "real"
    (folder / "text").mkdir(parents=True)
    train, test = reviews(60), reviews(20, seed=1)
    frame = pl.DataFrame(
        {
            "split": ["train"] * 60 + ["test"] * 20,
            "label": [("neg", "pos")[label] for label in [*train.labels, *test.labels]],
            "stars": 1,
            "text": [*train.texts, *test.texts],
        }
    )
    frame.write_parquet(folder / "text" / "imdb50k.parquet")
    return folder


def test_a_row_is_made(real, tmp_path, capsys):
    out = tmp_path / "results"
    words = ["--data", "imdb", "--recipe", "tfidf-logistic", "--set", "tfidf-logistic.strengths=1 10"]
    assert main([*words, "--real", str(real), "--out", str(out)]) == 0
    result, frame = read_predictions(out / "imdb--tfidf-logistic.json")
    assert result["metrics"]["accuracy"]["value"] == 1.0
    assert result["protocol"]["n_texts"] == frame.height == 20
    assert result["config"]["strengths"] == [1.0, 10.0]
    assert result["command"] == (
        "python -m evaluation.text.run --data imdb --recipe tfidf-logistic --set 'tfidf-logistic.strengths=1 10'"
    )
    assert result["train_seconds"] > 0
    assert "accuracy 1.0000" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, message",
    [
        (["--data", "imbd", "--recipe", "tfidf-svm"], "There is no corpus 'imbd'"),
        (["--data", "imdb", "--recipe", "tfidf-svm", "--set", "tfidf-svm.ngram=3"], "There is no setting 'ngram'"),
        (["--data", "imdb", "--recipe", "tfidf-svm", "--set", "other.ngrams=3"], "a model that is not evaluated"),
        (["--data", "imdb", "--recipe", "tfidf-svm", "--seeds", "0,0"], "Seeds must be different"),
        (["--data", "imdb", "--recipe", "tfidf-svm", "--fitted", "a", "b"], "Fitted models are one row"),
        (["--data", "yelp", "--recipe", "tfidf-svm"], r"yelp10k.parquet does not exist"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(real, tmp_path, capsys, words, message):
    assert main([*words, "--real", str(real), "--out", str(tmp_path / "results")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_several_rows_have_processes_of_their_own(real, tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(
        run.subprocess, "run", lambda words, check: called.append(words) or type("Done", (), {"returncode": 0})
    )
    words = ["--data", "imdb", "news20", "--recipe", "tfidf-svm", "--set", "tfidf-svm.ngrams=1", "--seeds", "3"]
    assert main([*words, "--real", str(real), "--out", str(tmp_path)]) == 0
    assert [one[3:7] for one in called] == [["--data", name, "--recipe", "tfidf-svm"] for name in ("imdb", "news20")]
    assert called[0][0] == sys.executable
    assert called[0][7:] == ["--out", str(tmp_path), "--set", "tfidf-svm.ngrams=1", "--real", str(real), "--seeds", "3"]


SAVED = {}
"""What stands for folders: the classifiers that were saved, by path."""


class Network:
    """Stand for a recipe's classifier: it learns the words of the positive class."""

    def __init__(self, config, *, recipe):
        self.config, self.recipe, self.labels, self.facts, self.epochs = config, recipe, (), {}, []

    def fit(self, train, validation, *, vectors, more_texts, pretraining, progress):
        self.labels = train.classes
        self.more_texts, self.pretraining = list(more_texts), pretraining
        self.vectors, self.given_vectors = f"vectors of seed {self.config.seed}", vectors
        self.facts = {"fit_seconds": 2.0 + self.config.seed, "train_sha256": train.sha256}
        self.epochs = [{"epoch": 1, "loss": 0.1 * self.config.seed}]
        return self

    def predict(self, texts):
        positive = [any(word in text for word in ("fine", "great", "good")[: 3 - self.config.seed]) for text in texts]
        return np.where(positive, 0.9, 0.1)[:, None] * [-1, 1] + [1, 0]

    def save(self, folder, overwrite):
        assert overwrite
        SAVED[str(folder)] = self

    @classmethod
    def load(cls, folder):
        return SAVED[str(folder)]


@pytest.fixture
def parts(real):
    return find_data("imdb").load(real)


@pytest.fixture
def network(monkeypatch):
    module = ModuleType("recsys.text.classifier")
    module.TextClassifier = Network
    monkeypatch.setitem(sys.modules, "recsys.text.classifier", module)
    SAVED.clear()


@pytest.mark.usefixtures("network")
def test_a_recipe_is_trained_once_a_seed_and_kept(parts, tmp_path):
    row = TextRow("imdb", "imdb-lstm", (0, 1), ("epochs=1",))
    beside = run.Beside(["unlabelled"], parts.validation)
    path = run.run_row(row, parts, beside=beside, out=tmp_path, save=tmp_path / "models")
    result = json.loads(path.read_text())
    first, second = result["seed_values"]["accuracy"]
    assert first == 1.0 > second
    assert result["metrics"]["accuracy"]["value"] == pytest.approx((first + second) / 2)
    assert result["train_seconds"] == 2.5
    assert result["training"] == [{"epoch": 1, "loss": 0.0}]
    assert result["config"]["epochs"] == 1
    assert "--set imdb-lstm.epochs=1 --seeds 0,1" in result["command"]
    assert list(SAVED) == [str(tmp_path / "models" / f"imdb--imdb-lstm{end}") for end in ("", "--seed-1")]
    models = list(SAVED.values())
    assert all((one.more_texts, one.pretraining) == (["unlabelled"], parts.validation) for one in models)
    assert [one.given_vectors for one in models] == [None, "vectors of seed 0"]  # trained once, by the first seed

    again = run.run_row(row, parts, out=tmp_path / "again", fitted=[*map(str, SAVED)])
    judged = json.loads(again.read_text())
    assert judged["metrics"] == result["metrics"]
    assert judged["peak_memory_mb"] is None


@pytest.mark.usefixtures("network")
def test_a_fitted_model_must_be_of_these_texts(parts, tmp_path):
    row = TextRow("imdb", "imdb-lstm", (0,))
    run.run_row(row, parts, out=tmp_path, save=tmp_path)
    [(folder, model)] = SAVED.items()
    everything = Parts(parts.test, parts.validation, parts.train)  # its test texts were trained on
    with pytest.raises(InputError, match="was trained on other texts"):
        run.run_row(row, everything, out=tmp_path, fitted=[folder])
    model.labels = ("0", "1")
    with pytest.raises(InputError, match="tells 0, 1 apart, but the corpus has neg, pos"):
        run.run_row(row, parts, out=tmp_path, fitted=[folder])


def test_seeds_and_commands():
    assert default_seeds("imdb-lstm") == (0, 1, 2)
    assert default_seeds("tfidf-svm") == (0,)
    assert command_of(TextRow("sst", "phrases-5", (0, 1, 2))) == (
        "python -m evaluation.text.run --data sst --recipe phrases-5"
    )
    with pytest.raises(ConfigError, match="phrases-6"):
        TextRow("sst", "phrases-6", (0,)).config(0)
    assert TextRow("sst", "phrases-5", (0,)).more_texts == ("imdb", "yelp")
    assert TextRow("sst", "phrases-5", (0,), ("vectors=none",)).more_texts == ()
    assert TextRow("sst", "tfidf-svm", (0,)).more_texts == ()
    assert TextRow("yelp", "yelp-stars", (0,)).pretraining == "imdb"
    assert TextRow("yelp", "tfidf-svm", (0,)).pretraining is None


# -- the published corpora ---------------------------------------------------------------------------------------------


def test_every_recipe_has_its_corpus():
    assert {one.data for one in RECIPES.values()} <= set(DATA)
    for name, data in DATA.items():
        assert name.startswith(recipe(data.recipe).data)


def test_repeats_are_counted():
    def one(*texts):
        return Corpus(list(texts), np.zeros(len(texts), np.int32), ("a", "b"))

    assert count_repeats(Parts(one("x", "y"), one("z"), one("z", "x", "x", "w"))) == 3


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name, n_test, n_classes", [("imdb", 25_000, 2), ("yelp", 2_000, 2), ("sst", 82_600, 5), ("news20", 7_532, 20)]
)
def test_the_test_parts_are_those_of_the_files(realdata, name, n_test, n_classes):
    parts = DATA[name].load(realdata)
    assert len(parts.test) == n_test
    assert len(parts.test.classes) == n_classes
    assert set(parts.test.labels.tolist()) == set(range(n_classes))
    if name == "sst":
        assert parts.test.subset.sum() == 2_210
        sentences = [set(part.groups.tolist()) for part in (parts.train, parts.validation, parts.test)]
        assert not sentences[0] & sentences[2]
        assert not sentences[1] & sentences[2]


@pytest.mark.realdata
def test_stripped_newsgroups_are_the_same_messages_without_their_headers(realdata):
    whole, stripped = (DATA[name].load(realdata).test for name in ("news20", "news20-stripped"))
    assert (whole.labels == stripped.labels).all()
    assert whole.sha256 != stripped.sha256
    assert sum("subject :" in text for text in stripped.texts) < len(stripped) / 50
    assert sum("Subject:" in text for text in whole.texts) > 0.99 * len(whole)
