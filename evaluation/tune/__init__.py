"""Search any model's settings on the validation part, within a budget of trials or minutes."""

from evaluation.tune.result import Budget, Tuned
from evaluation.tune.search import METRIC, tune

__all__ = ["METRIC", "Budget", "Tuned", "tune"]
