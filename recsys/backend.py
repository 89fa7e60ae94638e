"""The one place where Keras is imported for training."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

BATCH_THREADS = 2
"""How many threads make batches for `Model.fit`.

With one, tf.data tunes itself in a thread that sometimes sleeps through the end of an epoch: it is then waited for, by
as much as the epoch took, 60 s at most. With several, Keras does without that thread; the batches keep their order.
"""


@cache
def load_keras() -> Any:
    """Import Keras and start its backend, without TensorFlow's notes on GPUs that nobody asked for.

    TensorFlow multiplies matrices by oneDNN of its own accord only where the CPU has instructions for neural networks;
    the small products in a loop over timesteps gain everywhere (`evaluation.text.benchmarks.beside_torch`).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _native_stderr_hushed():
        import keras

        keras.ops.zeros(1) + 1  # the first operation looks for devices, and talks about it
    logging.getLogger("tensorflow").addFilter(_tells_more_than_retracing)
    return keras


def fit_verbosity(progress: bool) -> int:
    """Return `verbose` of `Model.fit`: a bar where somebody reads along, a line an epoch in a log, or nothing."""
    if not progress:
        return 0
    return 1 if sys.stdout.isatty() else 2


def _tells_more_than_retracing(record: logging.LogRecord) -> bool:
    """Drop a warning that several networks in one process cause: each is traced once, all by one function of Keras."""
    return "triggered tf.function retracing" not in record.getMessage()


@contextmanager
def _native_stderr_hushed() -> Iterator[None]:
    """Send what C++ writes to file descriptor 2 nowhere; Python's exceptions are unaffected."""
    sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
