from __future__ import annotations

import math

import numpy as np
import pytest

from evaluation.text.baselines import BASELINES, TfidfClassifier, TfidfConfig, best_sharpness, softmax
from recsys.text.corpus import Corpus

TONES = (("dull", "weak", "bad"), ("fine", "great", "good"), ("long", "short", "blue"))


def reviews(n=60, n_classes=2, seed=0):
    """Write texts that a word of their class gives away, among words that tell nothing."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % n_classes).astype(np.int32)
    texts = [" ".join([*rng.choice(["the", "film", "was"], 5), rng.choice(TONES[label])]) for label in labels]
    return Corpus(texts, labels, tuple(f"class {place}" for place in range(n_classes)))


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_baseline_learns_what_words_tell(name, n_classes):
    model = TfidfClassifier(recipe=name).fit(reviews(n_classes=n_classes), reviews(30, n_classes, seed=1))
    test = reviews(30, n_classes, seed=2)
    found = model.predict([*test.texts, "", "日本"])
    assert found.shape == (32, n_classes)
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(1.0)
    assert (found[:30].argmax(axis=1) == test.labels).all()
    assert model.labels == test.classes
    assert model.recipe == name
    assert (model.facts["n_train"], model.facts["n_validation"]) == (60, 30)
    assert model.facts["strength"] in model.config.strengths
    assert model.epochs == []


def test_validation_chooses_the_smallest_of_the_best_strengths():
    model = TfidfClassifier(TfidfConfig(strengths=(30.0, 1.0, 1e-6))).fit(reviews(61), reviews(30, seed=1))
    tried = model.facts["validation_accuracy"]
    assert list(tried) == ["1e-06", "1", "30"]
    best = max(tried.values())
    assert model.facts["strength"] == min(float(name) for name, value in tried.items() if value == best) == 1.0


def test_the_chosen_one_is_fitted_on_validation_too():
    validation = Corpus(
        ["zzz zzz"] * 4 + ["the film"] * 4, np.repeat([0, 1], 4).astype(np.int32), ("class 0", "class 1")
    )
    both = TfidfClassifier().fit(reviews(), validation)
    train = TfidfClassifier(TfidfConfig(refit=False)).fit(reviews(), validation)
    assert both.predict(["zzz"])[0, 0] > 0.6
    assert train.predict(["zzz"])[0, 0] == pytest.approx(train.predict([""])[0, 0])


def test_the_same_texts_give_the_same_probabilities():
    one, other = (TfidfClassifier(recipe="tfidf-svm").fit(reviews(), reviews(30, seed=1)) for _ in range(2))
    assert np.array_equal(one.predict(reviews(9).texts), other.predict(reviews(9).texts))


def test_a_class_that_training_never_saw_gets_nothing():
    two = reviews()
    train = Corpus(two.texts, two.labels * 2, ("class 0", "never", "class 2"))
    found = TfidfClassifier().fit(train, train).predict(two.texts)
    assert found.shape == (60, 3)
    assert (found[:, 1] == 0).all()


def test_the_sharpness_of_margins_is_that_of_the_truth():
    rng = np.random.default_rng(0)
    margins = rng.normal(size=(20_000, 3))
    labels = np.array([rng.choice(3, p=row) for row in softmax(2.5 * margins)])
    assert best_sharpness(margins, labels) == pytest.approx(2.5, rel=0.05)
    assert math.isfinite(best_sharpness(margins[:5], margins[:5].argmax(axis=1)))
