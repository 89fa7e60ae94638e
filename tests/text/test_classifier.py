import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recsys.errors import ArtifactError, ConfigError, InputError
from recsys.text.classifier import TextClassifier
from recsys.text.clean import clean
from recsys.text.config import TextConfig
from recsys.text.corpus import Corpus
from recsys.text.vectors import WordVectors
from tests.text.reviews_data import mixed_reviews, ordered_reviews

SMALL = {"n_words": 50, "dim": 8, "units": (8,), "epochs": 5, "learning_rate": 0.02, "batch_size": 16}
NETWORKS = {
    "plain": {"output": "sigmoid"},
    "convolution": {"conv_filters": 6, "conv_width": 4, "conv_pool": 3, "dropout": 0.1},
    "deep": {"units": (6, 5), "bidirectional": True, "pooling": "max-mean", "dense": 7, "embedding_dropout": 0.1},
    "two-way": {"bidirectional": True, "word_dropout": 0.1, "label_smoothing": 0.05, "schedule": "cosine"},
    "in the cell": {"input_dropout": 0.2, "recurrent_dropout": 0.2},
    "wide": {"ngrams": 3, "n_buckets": 1024, "output": "sigmoid"},
    "wide, softmax": {"ngrams": 2, "n_buckets": 1024, "pooling": "max-mean"},
    "remembering": {"memory": 2, "distinct": True, "ngrams": 1, "n_buckets": 1024},
    "cut": {"n_tokens": 4, "keep": "first"},
}
STRANGE = ["", " ", "猫が好き", "good 🎬\ud800", "\x00", "great " * 200_000, "(" * 5_000]


def small(**settings) -> TextConfig:
    return TextConfig(**{**SMALL, **settings})


@pytest.fixture(scope="module", params=NETWORKS)
def fitted(request) -> TextClassifier:
    return TextClassifier(small(**NETWORKS[request.param])).fit(mixed_reviews(240, 0), mixed_reviews(60, 1))


class TestEveryNetwork:
    def test_it_learns_what_words_tell(self, fitted):
        test = mixed_reviews(100, 2)
        # a text cut at four tokens has often lost its word of feeling
        bar = 0.65 if fitted.config.n_tokens == 4 else 0.9
        assert (fitted.predict(test.texts).argmax(axis=1) == test.labels).mean() >= bar

    def test_probabilities_are_some(self, fitted):
        found = fitted.predict(mixed_reviews(20, 3).texts)
        assert found.shape == (20, 2)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)

    def test_a_text_alone_gets_what_it_gets_among_others(self, fitted):
        texts = [*mixed_reviews(70, 4).texts, *STRANGE]
        together = fitted.predict(texts)
        alone = np.concatenate([fitted.predict([text]) for text in texts])
        np.testing.assert_allclose(alone, together, atol=2e-6)

    def test_any_text_is_answered(self, fitted):
        assert np.isfinite(fitted.predict(STRANGE)).all()

    def test_no_text_is_answered_with_nothing(self, fitted):
        assert fitted.predict([]).shape == (0, 2)

    def test_reloaded_it_answers_to_the_bit(self, fitted, tmp_path):
        texts = [*mixed_reviews(30, 5).texts, *STRANGE]
        fitted.save(tmp_path / "model")
        reloaded = TextClassifier.load(tmp_path / "model")
        assert (reloaded.predict(texts) == fitted.predict(texts)).all()
        assert (reloaded.labels, reloaded.facts, reloaded.epochs) == (fitted.labels, fitted.facts, fitted.epochs)
        reloaded.save(tmp_path / "again")
        assert (TextClassifier.load(tmp_path / "again").predict(texts) == fitted.predict(texts)).all()
        (tmp_path / "model" / "network.keras").write_bytes(b"another one")
        with pytest.raises(ArtifactError, match="is no longer what was read"):
            reloaded.save(tmp_path / "mixed")
        assert not (tmp_path / "mixed").exists()

    def test_the_keras_file_with_the_vectorizer_inside_agrees(self, fitted, tmp_path):
        import keras

        texts = [*mixed_reviews(30, 6).texts, *STRANGE]
        fitted.save(tmp_path / "model")
        network = keras.models.load_model(tmp_path / "model" / "network.keras", compile=False, safe_mode=True)
        for batch in (texts, [""]):
            cleaned = [[clean(text, fitted.config.clean)] for text in batch]
            found = np.asarray(network(keras.ops.convert_to_tensor(cleaned, dtype="string")))
            expected = fitted.predict(batch)
            np.testing.assert_allclose(found, expected[:, 1:] if found.shape[1] == 1 else expected, atol=1e-5)

    def test_an_epoch_is_a_row(self, fitted):
        assert [row["epoch"] for row in fitted.epochs] == list(range(1, len(fitted.epochs) + 1))
        assert set(fitted.epochs[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
        best = fitted.epochs[fitted.facts["best_epoch"] - 1]["val_accuracy"]
        of_network = "validation_accuracy" + ("_lstm" if fitted.config.ngrams else "")
        assert best == max(row["val_accuracy"] for row in fitted.epochs)
        assert best == pytest.approx(fitted.facts[of_network], abs=1e-5)


def test_it_learns_what_only_the_order_tells():
    config = small(epochs=12, patience=12, units=(16,))
    model = TextClassifier(config).fit(ordered_reviews(300, 0), ordered_reviews(60, 1))
    test = ordered_reviews(100, 2)
    assert (model.predict(test.texts).argmax(axis=1) == test.labels).mean() >= 0.95


def test_it_learns_nothing_from_noise():
    model = TextClassifier(small(ngrams=2, n_buckets=1024)).fit(
        mixed_reviews(300, 0, noise=True), mixed_reviews(60, 1, noise=True)
    )
    test = mixed_reviews(300, 2, noise=True)
    assert abs((model.predict(test.texts).argmax(axis=1) == test.labels).mean() - 0.5) < 0.1


def test_the_same_seed_gives_the_same_model():
    train, validation = mixed_reviews(60, 0), mixed_reviews(20, 1)
    config = small(epochs=1, dropout=0.2, ngrams=2, n_buckets=256, vectors="train")
    more = ["good great fun bad dull awful"] * 20
    first, second, other = (
        TextClassifier(small(**{**config.to_mapping(), "seed": seed})).fit(train, validation, more_texts=more)
        for seed in (3, 3, 4)
    )
    texts = mixed_reviews(20, 2).texts
    assert (first.predict(texts) == second.predict(texts)).all()
    assert (first.predict(texts) != other.predict(texts)).any()


def test_the_training_step_is_traced_once(traced):
    TextClassifier(small(epochs=1)).fit(mixed_reviews(60, 0), mixed_reviews(20, 1))
    assert traced == ["Adam"]


def test_what_pretraining_tells_stays_known():
    words = {"good": "tasty", "great": "cosy", "fun": "warm", "bad": "stale", "dull": "cold", "awful": "rude"}

    def of_places(corpus: Corpus) -> Corpus:
        texts = [" ".join(words.get(word, word) for word in text.split()) for text in corpus.texts]
        return Corpus(texts, corpus.labels, corpus.classes)

    films, places = mixed_reviews(240, 0), of_places(mixed_reviews(40, 1))
    config = small(epochs=2, pretraining_epochs=4, ngrams=1, n_buckets=1024)
    model = TextClassifier(config).fit(places, of_places(mixed_reviews(60, 2)), pretraining=films)
    assert model.facts["n_pretraining"] == 240
    assert {"validation_accuracy_ngrams", "validation_accuracy_pretraining_ngrams"} <= set(model.facts)
    test = mixed_reviews(100, 3)
    for asked in (test, of_places(test)):
        assert (model.predict(asked.texts).argmax(axis=1) == asked.labels).mean() >= 0.85


def test_equal_texts_are_learned_from_once_where_they_are_of_one_class():
    train = Corpus(["good", "bad", "Good", "good", "bad"], np.array([1, 0, 1, 0, 0], dtype=np.int32), ("neg", "pos"))
    model = TextClassifier(small(distinct=True, epochs=1)).fit(train, mixed_reviews(5, 1))
    assert (model.facts["n_train"], model.facts["n_learned"]) == (5, 3)


def test_what_is_refitted_learns_from_the_validation_part_too():
    train, validation = mixed_reviews(120, 0), mixed_reviews(80, 1)
    told = [
        f"{text} {'qualle' if label else 'zweig'}"
        for text, label in zip(validation.texts, validation.labels, strict=True)
    ]
    films = Corpus(["qualle zweig"] * 40, np.arange(40, dtype=np.int32) % 2, train.classes)  # puts both words in
    validation = Corpus(told, validation.labels, validation.classes)
    settings = {"epochs": 2, "ngrams": 1, "n_buckets": 1024, "distinct": True}
    without, refitted = (
        TextClassifier(small(refit=refit, **settings)).fit(train, validation, pretraining=films)
        for refit in (False, True)
    )
    chances = [model.predict(["qualle", "zweig"])[:, 1] for model in (without, refitted)]
    assert chances[1][0] - chances[1][1] > chances[0][0] - chances[0][1] + 0.1
    assert refitted.facts["n_refitted"] == len(
        {*zip(train.texts, train.labels, strict=True), *zip(told, validation.labels, strict=True)}
    )
    assert "n_refitted" not in without.facts
    shared = without.facts.keys() - {"fit_seconds"}
    assert {name: refitted.facts[name] for name in shared} == {name: without.facts[name] for name in shared}


def test_given_vectors_start_the_embedding_and_frozen_stay():
    matrix = np.eye(8, dtype=np.float32)[:2]
    vectors = WordVectors(["good", "bad"], matrix, "by hand")
    config = small(vectors="train", freeze=True, epochs=1)
    model = TextClassifier(config).fit(mixed_reviews(60, 0), mixed_reviews(20, 1), vectors=vectors)
    table = model._network.get_layer("text").get_layer("word_embedding").get_weights()[0]
    rows = {word: table[code] for code, word in enumerate(model._tokens.vocabulary, start=2)}
    assert (rows["good"] == matrix[0]).all()
    assert (rows["bad"] == matrix[1]).all()
    assert (table[0] == 0).all()
    assert model.facts["vectors"] == "by hand"


class TestBadInput:
    def test_one_class(self):
        one = Corpus(["good", "great"], np.zeros(2, dtype=np.int32), ("neg", "pos"))
        with pytest.raises(InputError, match=r"holds one class only \('neg'\)"):
            TextClassifier(small()).fit(one, mixed_reviews(5, 0))

    def test_no_text(self):
        none = mixed_reviews(5, 0).select([])
        with pytest.raises(InputError, match="training part holds no text"):
            TextClassifier(small()).fit(none, mixed_reviews(5, 0))
        with pytest.raises(InputError, match="validation part holds no text"):
            TextClassifier(small()).fit(mixed_reviews(5, 0), none)

    def test_other_classes_in_validation(self):
        other = Corpus(["a", "b"], np.array([0, 1], dtype=np.int32), ("no", "yes"))
        with pytest.raises(InputError, match="validation part has the classes no, yes"):
            TextClassifier(small()).fit(mixed_reviews(5, 0), other)

    def test_one_sigmoid_for_three_classes(self):
        three = Corpus(["a", "b", "c"], np.arange(3, dtype=np.int32), ("x", "y", "z"))
        with pytest.raises(ConfigError, match="tells two classes apart, got 3"):
            TextClassifier(small(output="sigmoid")).fit(three, three)

    def test_vectors_of_another_width(self):
        vectors = WordVectors(["good"], np.ones((1, 5), dtype=np.float32), "by hand")
        with pytest.raises(InputError, match="have 5 numbers, the embedding 8"):
            TextClassifier(small()).fit(mixed_reviews(20, 0), mixed_reviews(5, 1), vectors=vectors)

    def test_vectors_of_another_language(self):
        vectors = WordVectors(["bon"], np.ones((1, 8), dtype=np.float32), "by hand")
        with pytest.raises(InputError, match="know no word of these texts"):
            TextClassifier(small()).fit(mixed_reviews(20, 0), mixed_reviews(5, 1), vectors=vectors)

    @pytest.mark.parametrize("ask", [lambda model: model.predict(["x"]), lambda model: model.save("nowhere")])
    def test_untrained(self, ask):
        with pytest.raises(InputError, match="not trained yet"):
            ask(TextClassifier(small()))

    def test_no_folder_and_another_kind_of_folder(self, tmp_path):
        with pytest.raises(ArtifactError, match="not a text model folder"):
            TextClassifier.load(tmp_path / "none")
        (tmp_path / "manifest.json").write_text(json.dumps({"kind": "recsys-model"}))
        with pytest.raises(ArtifactError, match="is a model folder, but a text model folder is needed"):
            TextClassifier.load(tmp_path)


def test_asking_imports_no_tensorflow(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    script = (
        "import sys; from recsys.text.classifier import TextClassifier; "
        f"TextClassifier.load({str(tmp_path / 'model')!r}).predict(['good film']); "
        "print([name for name in ('tensorflow', 'keras', 'polars', 'pandas', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]"
