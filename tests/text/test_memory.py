import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import ArtifactError, ConfigError
from recsys.text.classifier import TextClassifier
from recsys.text.config import TextConfig
from recsys.text.corpus import Corpus
from recsys.text.memory import Memory
from tests.text.reviews_data import mixed_reviews

TEXTS = st.lists(st.sampled_from(["a", "b", "a b", "b a", "a b c", ""]), max_size=20)


def test_it_counts_short_texts_by_class():
    memory = Memory.learn(["so", "so so", "so", "so so so", ""], np.array([1, 0, 0, 2, 1]), n_classes=3, n_words=2)
    assert memory.texts == ("so", "so so")
    assert memory.counts.tolist() == [[1, 1, 0], [1, 0, 0]]
    assert memory.logits(["unheard", "so so so", ""]).tolist() == [[0.0] * 3] * 3


@given(TEXTS, TEXTS, st.floats(0.1, 2))
def test_what_is_known_moves_and_what_is_not_stays(known, asked, factor):
    memory = Memory.learn(known, np.zeros(len(known), dtype=np.int32), n_classes=2, n_words=2)
    memory.factor = factor
    before = np.full((len(asked), 2), 0.5, dtype=np.float32)
    after = memory.recall(asked, before)
    for text, row in zip(asked, after.tolist(), strict=True):
        assert (row[0] > 0.5) if text in memory.texts else (row == [0.5, 0.5])
    again = Memory.from_mapping(memory.to_mapping())
    assert (again.recall(asked, before) == after).all()


@pytest.fixture(scope="module")
def fitted() -> TextClassifier:
    """Give a network that has learned that "dull" is bad and been told that "dull dull", alone, is good."""
    reviews = [mixed_reviews(n, seed) for n, seed in ((240, 0), (60, 1))]
    parts = [
        Corpus([*part.texts, *["dull dull"] * n], np.append(part.labels, [1] * n).astype(np.int32), part.classes)
        for part, n in zip(reviews, (8, 4), strict=True)
    ]
    config = TextConfig(n_words=50, dim=8, units=(8,), epochs=3, learning_rate=0.02, batch_size=16, memory=2)
    return TextClassifier(config).fit(*parts)


def test_a_text_that_training_gave_keeps_its_class(fitted):
    found = fitted.predict(["dull dull", "dull plot dull", "the dull cast and the dull plot"]).argmax(axis=1)
    assert found.tolist() == [1, 0, 0]
    assert fitted.facts["n_remembered"] == len(fitted._memory)
    assert fitted.facts["validation_accuracy"] >= fitted.facts["validation_accuracy_lstm"]


def test_texts_too_long_to_be_remembered_leave_nothing_to_know(tmp_path):
    config = TextConfig(n_words=50, dim=8, units=(8,), epochs=1, memory=1)
    model = TextClassifier(config).fit(mixed_reviews(40, 0), mixed_reviews(20, 1))
    assert model.facts["n_remembered"] == 0
    model.save(tmp_path / "model")
    asked = ["dull", "", "great plot"]
    assert (TextClassifier.load(tmp_path / "model").predict(asked) == model.predict(asked)).all()


def test_a_folder_without_its_memory_is_refused(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    (tmp_path / "model" / "memory.json").unlink()
    with pytest.raises(ArtifactError):
        TextClassifier.load(tmp_path / "model")


def test_a_sigmoid_has_no_memory():
    with pytest.raises(ConfigError, match="got output=sigmoid"):
        TextConfig(memory=2, output="sigmoid")
