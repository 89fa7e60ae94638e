"""What a network must beat: word counts and a linear model, by scikit-learn, tuned on validation alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from evaluation.text.judge import load_sklearn
from recsys.config import Settings, setting
from recsys.text.corpus import Corpus


@dataclass(frozen=True)
class TfidfConfig(Settings):
    """Describe a bag of n-grams and the linear model on it."""

    head: str = setting("logistic", "the linear model", choices=("logistic", "svm"))
    ngrams: int = setting(2, "words that the longest n-gram has", low=1, high=5)
    min_texts: int = setting(2, "in how many training texts an n-gram must occur", low=1)
    sublinear: bool = setting(True, "count 1 + log(n) for an n-gram that occurs n times in a text")
    strengths: tuple[float, ...] = setting(
        (1.0, 3.0, 10.0, 30.0, 100.0),
        "inverse strengths C of the regularisation that validation chooses from",
        low=1e-6,
    )
    refit: bool = setting(True, "fit the chosen one again on train and validation together")
    seed: int = setting(0, "the seed of the solver, where it has one", low=0, high=2**31 - 1)


BASELINES: dict[str, dict[str, Any]] = {
    "tfidf-logistic": {"head": "logistic"},
    "tfidf-svm": {"head": "svm", "strengths": (0.1, 0.3, 1.0, 3.0, 10.0)},
}
"""The baselines by the names that their rows have, with the settings that make them what they are."""
MAX_ITERATIONS = 1000


class TfidfClassifier:
    """Weigh 1- to n-grams by TF-IDF and tell classes apart by a linear model; has the face of `TextClassifier`.

    The C with the best validation accuracy is taken, the smallest of equals. A support vector machine knows margins
    only: its probabilities are a softmax of them, scaled by the one factor that fits the validation part best, which
    changes no decision. Sources: Joachims, Text categorization with support vector machines, ECML 1998; Guo et al., On
    calibration of modern neural networks, ICML 2017 (temperature scaling).
    """

    def __init__(self, config: TfidfConfig | None = None, recipe: str = "tfidf-logistic") -> None:
        self.config = config or TfidfConfig.from_mapping(BASELINES[recipe])
        self.recipe = recipe
        self.labels: tuple[str, ...] = ()
        self.facts: dict[str, Any] = {}
        self.epochs: list[dict[str, Any]] = []  # it has none
        self._words: Any = None
        self._model: Any = None
        self._sharpness = 1.0

    def fit(self, train: Corpus, validation: Corpus, *, progress: bool = False) -> Self:
        """Choose C on the validation part; fit."""
        load_sklearn()
        began = time.perf_counter()
        words = self._vectorizer()
        table, judged = words.fit_transform(train.texts), words.transform(validation.texts)
        best = -1.0
        tried, chosen = {}, 0.0
        for strength in sorted(self.config.strengths):
            model = self._linear(strength).fit(table, train.labels)
            tried[strength] = float((model.predict(judged) == validation.labels).mean())
            if progress:
                print(f"C {strength:g}: validation accuracy {tried[strength]:.4f}", flush=True)
            if tried[strength] > best:
                best, chosen, self._model = tried[strength], strength, model
        self._words, self.labels = words, train.classes
        if self.config.head == "svm":
            self._sharpness = best_sharpness(self._margins(validation.texts), validation.labels)
        if self.config.refit:
            self._words = self._vectorizer()
            table = self._words.fit_transform([*train.texts, *validation.texts])
            self._model = self._linear(chosen).fit(table, np.concatenate([train.labels, validation.labels]))
        self.facts = {
            "n_train": len(train),
            "n_validation": len(validation),
            "train_sha256": train.sha256,
            "n_features": table.shape[1],
            "strength": chosen,
            "validation_accuracy": {f"{strength:g}": round(value, 5) for strength, value in tried.items()},
            "fit_seconds": round(time.perf_counter() - began, 2),
        }
        return self

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the classes' probabilities, (n_texts, n_classes)."""
        assert self._model is not None, "fitted first"
        return softmax(self._sharpness * self._margins(texts)).astype(np.float32)

    def _margins(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return scores whose softmax are probabilities, (n_texts, n_classes)."""
        scores: npt.NDArray[np.float64] = self._model.decision_function(self._words.transform(texts))
        scores = np.stack([np.zeros(len(scores)), scores], axis=1) if scores.ndim == 1 else scores
        found = np.full((len(scores), len(self.labels)), -np.inf)
        found[:, self._model.classes_] = scores  # a class that training never saw has no score
        return found

    def _vectorizer(self) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        config = self.config
        return TfidfVectorizer(
            ngram_range=(1, config.ngrams),
            min_df=config.min_texts,
            sublinear_tf=config.sublinear,
            token_pattern=r"(?u)\b\w+\b",
            dtype=np.float32,
        )

    def _linear(self, strength: float) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        if self.config.head == "svm":
            return LinearSVC(C=strength, random_state=self.config.seed)
        return LogisticRegression(C=strength, max_iter=MAX_ITERATIONS, random_state=self.config.seed)


def softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn scores into probabilities, row by row.

    >>> softmax(np.array([[0.0, 0.0], [1000.0, -np.inf]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def best_sharpness(margins: npt.NDArray[np.float64], labels: npt.NDArray[np.integer]) -> float:
    """Return the factor by which margins give the least log loss (one over the temperature)."""
    from scipy.optimize import minimize_scalar

    def loss(log_factor: float) -> float:
        probabilities = softmax(np.exp(log_factor) * margins)[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(probabilities, np.finfo(np.float64).tiny)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x))
