"""The judge: metrics, full-ranking evaluation, results and reports; importable on its own."""

from evaluation.certainty import Interval as Interval
from evaluation.judge import Evaluation as Evaluation
from evaluation.judge import evaluate as evaluate
from evaluation.judge import evaluate_lists as evaluate_lists
from evaluation.protocol import Protocol as Protocol
from evaluation.protocol import Rules as Rules
