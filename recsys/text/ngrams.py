"""The wide part: n-grams hashed into buckets and weighed by a regression (NB-SVM: Wang & Manning, ACL 2012, eq. 1)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from recsys.errors import ConfigError
from recsys.text.codes import Codes
from recsys.text.config import TextConfig

MULTIPLIER = 40_503
"""Odd, near 2**16 divided by the golden ratio (Knuth, TAOCP 6.4): spreads n-grams evenly over the buckets."""


def distinct_buckets(codes: npt.NDArray[np.int32], config: TextConfig) -> npt.NDArray[np.int32]:
    """Return the buckets of each text's distinct 1- to n-grams, (B, M), ascending but for the zeros of what is padding
    or a repetition; the arithmetic wraps at 32 bits as the network's own does.
    """
    found, ngram = [], codes
    with np.errstate(over="ignore"):
        for n in range(1, config.ngrams + 1):
            if n > 1:
                following = np.zeros_like(codes)
                following[:, : 1 - n] = codes[:, n - 1 :]
                longer = ngram * np.int32(MULTIPLIER) + following * np.int32(2 * n + 1)
                ngram = np.where(following == 0, np.int32(0), longer)
            found.append(np.where(ngram == 0, 0, 1 + np.mod(ngram, np.int32(config.n_buckets - 1))))
    buckets = np.sort(np.concatenate(found, axis=1).astype(np.int32), axis=1)
    buckets[:, 1:][buckets[:, 1:] == buckets[:, :-1]] = 0
    return buckets


def fit_wide(
    codes: Codes, labels: npt.NDArray[np.int32], config: TextConfig, n_classes: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Fit logistic regressions on n-grams that are scaled by their log-count ratios, one class against the rest.

    Returns the weight of each bucket, (n_buckets, n_outputs), and the intercepts (n_outputs,); a sigmoid has one
    output, for the second class.
    """
    return _regression(_features(codes, config), labels, config, n_classes)


def balance(
    parts: Sequence[npt.NDArray[np.floating]], labels: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return a factor, at least 0, for the logits of each part, and intercepts (n_outputs,), that suit validation texts
    best.

    The logits of a part are (n, n_outputs); the cross-entropy of their weighted sum is minimised, with one text's worth
    of L2 on the intercepts. So few numbers are all that is learned here: the LSTM has seen the training texts too often
    to be weighed on them, and a regression's own intercept leans to the larger class.
    """
    from scipy.optimize import minimize

    n_parts, n_outputs = len(parts), parts[0].shape[1]

    def loss(numbers: npt.NDArray[np.float64]) -> float:
        logits = sum(factor * part for factor, part in zip(numbers, parts, strict=False)) + numbers[n_parts:]
        if n_outputs == 1:
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        highest = logits.max(axis=1)
        total = np.log(np.exp(logits - highest[:, None]).sum(axis=1)) + highest
        surprise = total - logits[np.arange(len(labels)), labels]
        return float(surprise.mean() + 0.5 * (numbers[n_parts:] ** 2).sum() / len(labels))

    start = [*(1 / max(float(part.std()), 1e-6) for part in parts), *([0.0] * n_outputs)]
    bounds = [(0, None)] * n_parts + [(None, None)] * n_outputs
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x.astype(np.float32)
    return found[:n_parts], found[n_parts:]


def wide_logits(
    codes: Codes, weights: npt.NDArray[np.float32], intercepts: npt.NDArray[np.float32], config: TextConfig
) -> npt.NDArray[np.float32]:
    """Return what the wide part says of other texts, (n, n_outputs)."""
    logits: npt.NDArray[np.float32] = _features(codes, config) @ weights + intercepts
    return logits


def _features(codes: Codes, config: TextConfig) -> Any:
    """Return which buckets each text has, a sparse (n, n_buckets) of ones."""
    from scipy.sparse import csr_array

    columns, counts = [], []
    for start in range(0, len(codes), 1024):
        buckets = distinct_buckets(codes.padded(np.arange(start, min(start + 1024, len(codes)))), config)
        columns.append(buckets[buckets != 0])
        counts.append((buckets != 0).sum(axis=1))
    ends = np.cumsum(np.concatenate([[0], *counts])).astype(np.int32)  # liblinear takes no 64-bit places
    ones = np.ones(int(ends[-1]), dtype=np.float32)
    return csr_array((ones, np.concatenate(columns), ends), shape=(len(codes), config.n_buckets))


def _regression(
    features: Any, labels: npt.NDArray[np.int32], config: TextConfig, n_classes: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise ConfigError(
            "A wide part (ngrams) needs the package scikit-learn.", "Install it: pip install 'recsys[text]'."
        ) from None

    weights = np.zeros((features.shape[1], n_classes), dtype=np.float32)
    intercepts = np.zeros(n_classes, dtype=np.float32)
    for label in range(1, n_classes) if config.output == "sigmoid" else range(n_classes):
        inside = labels == label
        counts = [np.asarray(features[rows].sum(axis=0)).ravel() + 1.0 for rows in (inside, ~inside)]
        ratios = np.log(counts[0] / counts[0].sum()) - np.log(counts[1] / counts[1].sum())
        ratios[counts[0] + counts[1] == 2] = 0  # no training text has it
        scaled = features.multiply(ratios.astype(np.float32)).tocsr()
        regression = LogisticRegression(
            C=config.ngram_strength, solver="liblinear", dual=True, tol=0.01, max_iter=100, random_state=0
        )
        with warnings.catch_warnings():  # nearly there is near enough: what is left is far below the noise
            warnings.simplefilter("ignore", ConvergenceWarning)
            regression.fit(scaled, inside)
        weights[:, label] = ratios * regression.coef_[0]
        intercepts[label] = regression.intercept_[0]
    first = int(config.output == "sigmoid")
    return weights[:, first:], intercepts[first:]
