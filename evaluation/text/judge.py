"""Judge a classifier's probabilities: accuracy and its kin with intervals, class by class, and how honest they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from evaluation.certainty import LEVEL, Interval
from evaluation.text.sampling import bounds, draw_sums, sum_by_unit, units_of
from recsys.errors import InputError, RecsysError

if TYPE_CHECKING:
    from recsys.text.corpus import Corpus

BINS = 15
SUM_TOLERANCE = 1e-3
"""How far a row of probabilities may be from 1: single precision, and room for what a text file rounds."""


class ClassScore(NamedTuple):
    """Hold what became of one class; `support` counts its texts."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, eq=False)
class Judgement:
    """Hold what came out of one model on one corpus.

    `confusion` is (true class, predicted class), in texts. `predicted` and `confidence`, the probability of the
    predicted class, are (n_texts,) in the order of the corpus. `draws` holds what resampled texts gave for each metric
    that has an interval: the same draws for every model judged on this corpus with the same seed.
    """

    classes: tuple[str, ...]
    metrics: dict[str, Interval]
    per_class: tuple[ClassScore, ...]
    confusion: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float32]
    draws: dict[str, npt.NDArray[np.float64]]

    @property
    def accuracy(self) -> Interval:
        return self.metrics["accuracy"]

    def frame(self) -> pl.DataFrame:
        """Return the table `metric, value, low, high`."""
        rows = [(name, *interval) for name, interval in self.metrics.items()]
        return pl.DataFrame(rows, schema=["metric", "value", "low", "high"], orient="row", strict=False)

    def class_frame(self) -> pl.DataFrame:
        """Return the table `class, precision, recall, f1, support`."""
        return pl.DataFrame(self.per_class, schema=["class", "precision", "recall", "f1", "support"], orient="row")


def judge(probabilities: npt.NDArray[Any], corpus: Corpus, *, seed: int = 0) -> Judgement:
    """Compare probabilities (n_texts, n_classes) with a corpus's labels.

    Metrics: accuracy; macro_f1 over the classes that occur; log_loss (natural); calibration_error, the expected one of
    `BINS` equal bins; and, where the corpus marks a subset (whole sentences among phrases), sentence_accuracy. The
    interval of an accuracy of independent texts is Wilson's; all others, and those of grouped texts, are percentile
    bootstraps over texts or over whole groups. The calibration error, which resampling only ever raises, has none. The
    seed is that of the draws.

    Raises InputError for an empty corpus, a wrong shape and rows that are no probabilities.
    """
    probabilities = _checked(probabilities, corpus)
    truth, n_classes = corpus.labels, len(corpus.classes)
    predicted = probabilities.argmax(axis=1).astype(np.int32)
    confidence = probabilities.max(axis=1)
    correct = predicted == truth
    metrics = load_sklearn().metrics
    present = np.union1d(truth, predicted)
    values = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "macro_f1": metrics.f1_score(truth, predicted, labels=present, average="macro", zero_division=0),
        "log_loss": metrics.log_loss(truth, probabilities, labels=np.arange(n_classes)),
        "calibration_error": calibration_error(confidence, correct),
    }
    if corpus.subset is not None and corpus.subset.any():
        values["sentence_accuracy"] = metrics.accuracy_score(truth[corpus.subset], predicted[corpus.subset])
    draws = _draws(probabilities, predicted, corpus, seed)
    intervals = {
        name: Interval(float(value), *(bounds(draws[name]) if name in draws else (None, None)))
        for name, value in values.items()
    }
    if corpus.groups is None:
        intervals["accuracy"] = wilson(int(correct.sum()), len(correct))
    columns = metrics.precision_recall_fscore_support(truth, predicted, labels=np.arange(n_classes), zero_division=0)
    scores = zip(corpus.classes, *(column.tolist() for column in columns), strict=True)
    return Judgement(
        classes=tuple(corpus.classes),
        metrics=intervals,
        per_class=tuple(ClassScore(*score) for score in scores),
        confusion=metrics.confusion_matrix(truth, predicted, labels=np.arange(n_classes)),
        predicted=predicted,
        confidence=confidence.astype(np.float32),
        draws=draws,
    )


def mean_over_seeds(judgements: Sequence[Judgement]) -> dict[str, Interval]:
    """Average the metrics of one recipe trained under several seeds; intervals are of the texts, not of the seeds."""
    first = judgements[0]
    if len(judgements) == 1:
        return dict(first.metrics)
    found = {}
    for name in first.metrics:
        value = float(np.mean([one.metrics[name].value for one in judgements]))
        drawn = [one.draws[name] for one in judgements if name in one.draws]
        found[name] = Interval(value, *(bounds(np.mean(drawn, axis=0)) if drawn else (None, None)))
    return found


def calibration_error(confidence: npt.NDArray[Any], correct: npt.NDArray[np.bool_], n_bins: int = BINS) -> float:
    """Compute the expected calibration error: the mean gap between confidence and accuracy in bins of confidence.

    The bins are of equal width on (0, 1] and weigh as many texts as they hold. Source: Guo et al., On calibration of
    modern neural networks, ICML 2017, equation 3.

    >>> calibration_error(np.array([0.9, 0.9, 0.6, 0.6]), np.array([True, False, True, True]), n_bins=2)
    0.0
    >>> round(calibration_error(np.array([0.9, 0.9, 0.4, 0.4]), np.array([True, False, True, True]), n_bins=2), 3)
    0.5
    """
    bins = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(confidence))


def wilson(n_correct: int, n_texts: int, level: float = LEVEL) -> Interval:
    """Return a share with Wilson's score interval, which stays inside 0 and 1 for few texts too.

    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    from scipy.stats import binomtest  # takes half a second

    low, high = binomtest(n_correct, n_texts).proportion_ci(confidence_level=level, method="wilson")
    return Interval(n_correct / n_texts, float(low), float(high))


def load_sklearn() -> ModuleType:
    """Import scikit-learn's metrics; without it, raise an error that says how to install it."""
    try:
        import sklearn.metrics
    except ImportError:
        raise RecsysError("scikit-learn is not installed.", 'Install it: pip install "recsys[text]".') from None
    return sklearn  # type: ignore[no-any-return]


def _checked(probabilities: npt.NDArray[Any], corpus: Corpus) -> npt.NDArray[np.float64]:
    """Return the probabilities in double precision, each row summing to 1."""
    if not len(corpus):
        raise InputError("There is nothing to judge: the corpus is empty.", "Give one with at least a text.")
    table = np.asarray(probabilities, dtype=np.float64)
    wanted = (len(corpus), len(corpus.classes))
    if table.shape != wanted:
        raise InputError(
            f"The probabilities must be of shape {wanted} (texts, classes), got {table.shape}.",
            "Judge a model of the same classes, on the texts that it predicted.",
        )
    if len(corpus.classes) < 2:
        raise InputError(f"At least 2 classes are needed, got {list(corpus.classes)}.", "Give labels of both kinds.")
    sums = table.sum(axis=1)
    wrong = ~(np.isfinite(sums) & (np.abs(sums - 1) <= SUM_TOLERANCE) & (table >= 0).all(axis=1))
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"Every row must hold probabilities that sum to 1; {int(wrong.sum())} of {len(table)} do not "
            f"(first: row {row}, {np.round(table[row], 4).tolist()}).",
            "Give the softmax of the scores.",
        )
    checked: npt.NDArray[np.float64] = table / sums[:, None]
    return checked


def _draws(
    probabilities: npt.NDArray[np.float64], predicted: npt.NDArray[np.int32], corpus: Corpus, seed: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Compute the metrics on resampled units, (samples,) each."""
    truth, n_classes, n_texts = corpus.labels, len(corpus.classes), len(corpus)
    units, n_units = units_of(corpus)
    correct = predicted == truth

    def count(classes: npt.NDArray[np.integer], counted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Count each unit's texts by class, (n_units, n_classes)."""
        cells = np.bincount((units * n_classes + classes)[counted], minlength=n_units * n_classes)
        return cells.reshape(n_units, n_classes).astype(np.float64)

    everything = np.ones(n_texts, dtype=bool)
    subset = np.zeros(n_texts, dtype=bool) if corpus.subset is None else corpus.subset
    of_truth = np.clip(probabilities[np.arange(n_texts), truth], np.finfo(np.float64).eps, None)
    singles = np.stack([-np.log(of_truth), everything, subset, subset & correct], axis=1)
    tables = [count(truth, everything), count(predicted, everything), count(truth, correct)]
    sums = draw_sums(np.concatenate([*tables, sum_by_unit(singles, units, n_units)], axis=1), seed=seed)
    true, given, right = np.split(sums[:, :-4], 3, axis=1)  # (samples, classes) each
    losses, n_drawn, n_subset, n_right = sums[:, -4:].T  # groups differ in size, so the number of texts varies
    f1 = np.divide(2 * right, true + given, out=np.zeros_like(right), where=true + given > 0)
    found = {
        "accuracy": right.sum(axis=1) / n_drawn,
        "macro_f1": f1.sum(axis=1) / (true + given > 0).sum(axis=1),
        "log_loss": losses / n_drawn,
    }
    if subset.any():
        found["sentence_accuracy"] = n_right / np.maximum(n_subset, 1)
    return found
