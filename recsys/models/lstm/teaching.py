"""What teachers say of each training event: networks of other seeds, from whose mean a network learns, too.

Source: Hinton, Vinyals and Dean, Distilling the knowledge in a neural network, 2015, section 2, with an ensemble as the
teacher and temperature 1. Only each event's most probable titles are kept: 256 bytes an event, of up to 65,536 titles.
A Markov chain and SLIM may teach beside the networks (`Counsel`): what they count, they know better.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import Holdout
from recsys.models.base import Recommender
from recsys.models.lstm.inputs import Encoding, Events, gather_windows
from recsys.models.lstm.wide import FOLDS, as_logits, deal_folds, fit_slim
from recsys.models.markov import MarkovRecommender
from recsys.models.slim import SLIMConfig

if TYPE_CHECKING:
    import keras

    from recsys.models.lstm.config import LSTMConfig
    from recsys.models.lstm.recommender import LSTMRecommender

TITLES = 64
"""How many titles are kept for an event; on ML-1M they have three quarters of the events that follow."""

BATCH, SCORES = 32, 2**27
"""Windows that are asked for at a time: fewer where their scores, of every title at every timestep, would be more."""

RARE = np.float32(1e-6)
"""The least probability that a Markov chain gives a title."""


@dataclass(frozen=True, eq=False)
class Counsel:
    """Hold models that count, with their weights, each fitted once without each fold of people.

    Counts of a person's own titles would tell what this person watched next, so each person's counsel comes from fits
    without them: `folds` (n_users,) says which of `models` that is.
    """

    folds: npt.NDArray[np.int64]
    models: list[list[tuple[float, Recommender]]]

    @classmethod
    def fit(cls, data: Dataset, config: LSTMConfig) -> Counsel | None:
        """Fit the models that have a weight, to the users of a data set; None where none has."""
        slim = SLIMConfig(max_titles=config.wide_titles)
        fits: list[tuple[float, Callable[[Dataset], Recommender]]] = [
            (config.teacher_markov, lambda others: MarkovRecommender().fit(others)),
            (config.teacher_slim, lambda others: fit_slim(slim, others)),
        ]
        fits = [(weight, fit) for weight, fit in fits if weight]
        if not fits:
            return None
        folds = deal_folds(data.histories.n_users, config.seed)
        models: list[list[tuple[float, Recommender]]] = []
        for fold in range(FOLDS):
            others = data.with_histories(data.histories.select(np.flatnonzero(folds != fold)))
            models.append([(weight, fit(others)) for weight, fit in fits if others.histories.n_events])
        return cls(folds, models)

    def scores(
        self, histories: Histories, events: npt.NDArray[np.int64], codes: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """Return what is added to the networks' scores of some titles after each of some events, (events, codes)."""
        found = np.zeros((len(events), len(codes)), dtype=np.float32)
        users = np.searchsorted(histories.offsets, events, side="right") - 1
        prefixes = _prefixes(histories, users, events)
        for fold, models in enumerate(self.models):
            rows = np.flatnonzero(self.folds[users] == fold)
            for weight, model in models if len(rows) else ():
                scores = model._scores(prefixes.select(rows))[:, codes]
                found[rows] += np.float32(weight) * _log_odds(model, scores)
        return found


def _prefixes(histories: Histories, users: npt.NDArray[np.int64], events: npt.NDArray[np.int64]) -> Histories:
    """Return what each of some users had watched up to one of their events, that included."""
    begins = histories.offsets[users]
    lengths = events + 1 - begins
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(begins - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Histories(offsets, histories.items[places])


def _log_odds(model: Recommender, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if isinstance(model, MarkovRecommender):
        return np.log(np.maximum(scores, RARE))
    return as_logits(scores)


@dataclass(frozen=True, eq=False)
class SoftTargets:
    """Hold the titles that teachers expect after each event: `codes` and `shares` (n_events, k), shares adding to 1.

    Nothing is expected after a person's last event: shares of 0.
    """

    codes: npt.NDArray[np.uint16 | np.int32]
    shares: npt.NDArray[np.float16]

    @classmethod
    def of(
        cls,
        teachers: Sequence[keras.Model],
        histories: Histories,
        encoding: Encoding,
        config: LSTMConfig,
        counsel: Counsel | None = None,
    ) -> SoftTargets:
        """Ask the teachers, networks that score, what follows each event; watched titles are left out."""
        from keras import ops

        watched = np.unique(histories.items)
        k = min(TITLES, len(watched))
        codes = np.zeros((histories.n_events, k), dtype=np.uint16 if encoding.n_codes <= 2**16 else np.int32)
        shares = np.zeros((histories.n_events, k), dtype=np.float16)
        for teacher in teachers:
            teacher.jit_compile = False  # as in training: XLA is several times slower on CPU
        for events, feed, seen in _batches(histories, encoding, config, watched):
            scores = sum(teacher.predict_on_batch(feed) for teacher in teachers) / len(teachers)
            inside = events >= 0
            if counsel is not None:
                scores[inside] += counsel.scores(histories, events[inside], watched)
            scores = ops.where(seen, np.float32(-1e9), scores)
            best, places = ops.top_k(scores, k)
            codes[events[inside]] = watched[ops.convert_to_numpy(places)[inside]]
            shares[events[inside]] = ops.convert_to_numpy(ops.softmax(best, axis=-1))[inside]
        return cls(codes, shares)

    def select(self, histories: Histories, users: npt.NDArray[np.integer]) -> SoftTargets:
        """Keep the events of these users, given in ascending order."""
        if len(users) == histories.n_users:
            return self
        kept = np.isin(histories.rows, users)
        return SoftTargets(self.codes[kept], self.shares[kept])

    def gather(
        self, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], width: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return codes and shares of windows, (samples, width, k); padding expects nothing."""
        inside = np.arange(width) < lengths[:, None]
        events = np.where(inside, starts[:, None] + np.arange(width), 0)
        return self.codes[events].astype(np.int32), self.shares[events].astype(np.float32) * inside[..., None]


def be_taught(student: LSTMRecommender, data: Dataset, validation: Holdout | None, progress: bool) -> SoftTargets:
    """Fit the teachers of a network that is about to be fitted, and ask them what follows each event.

    The student's facts tell what became of them.
    """
    from recsys.models.lstm.training import counting_on

    teachers: list[LSTMRecommender] = []
    for number in range(student.config.teachers):
        if progress:
            print(f"Teacher {number + 1} of {student.config.teachers}", file=sys.stderr)
        teacher = type(student)(
            student.config.teacher(number),
            workdir=None if student.workdir is None else student.workdir / f"teacher-{number}",
            resume=student.resume,
            on_epoch=counting_on(student.on_epoch, sum(len(one.epochs) for one in teachers)),
        )
        teacher._data = student._data
        teacher._fit(data, validation, progress)
        teachers.append(teacher)
    student.facts["teachers"] = [
        {name: teacher.facts.get(name) for name in ("epochs", "best_epoch", "best_validation")} for teacher in teachers
    ]
    if progress:
        print(f"Asking the teachers what follows {data.histories.n_events:,} events, then teaching", file=sys.stderr)
    networks = [teacher._network for teacher in teachers if teacher._network is not None]
    asked = teachers[0]  # all read the same, which may not be what their student reads
    counsel = Counsel.fit(data, student.config)
    return SoftTargets.of(networks, data.histories, asked._encoding, asked.config, counsel)


def _batches(
    histories: Histories,
    encoding: Encoding,
    config: LSTMConfig,
    watched: npt.NDArray[np.int32],
) -> Iterator[tuple[npt.NDArray[np.int64], dict[str, Any], npt.NDArray[np.bool_]]]:
    """Yield the events (samples, T) that are asked for (-1: not), what the network reads, and the seen titles.

    Windows overlap by half, so that every event but a person's first ones has half a window before it, at least."""
    never = np.iinfo(np.int64).max
    first = np.full(encoding.n_codes, never)  # the place in a history where each title was watched first
    of_all = Events.of(histories, encoding)
    users, starts, lengths, fresh = _windows(histories, config.window)
    order = np.argsort(lengths, kind="stable")
    size = max(1, min(BATCH, SCORES // (config.window * len(watched) or 1)))
    for at in range(0, len(order), size):
        batch = order[at : at + size]
        width = int(lengths[batch].max())

        def cut(values: npt.NDArray[Any], batch: npt.NDArray[np.int64] = batch, width: int = width) -> npt.NDArray[Any]:
            return gather_windows(values, starts[batch], lengths[batch], width)

        feed: dict[str, Any] = {"items": cut(histories.items)}
        for name in ("ratings", "gaps", "waits", "counts"):
            if (values := getattr(of_all, name)) is not None:
                feed[name] = cut(values)
        if encoding.n_users:
            feed["users"] = of_all.users[users[batch]]
        if encoding.tokens:
            feed["wishes"] = np.zeros((len(batch), width, config.wish_tokens), dtype=np.int32)
            feed["wishes"][..., 0] = 1  # token column 0, "no wish"
        feed |= {"candidates": watched, "log_q": np.zeros(len(watched), dtype=np.float32)}
        steps = np.arange(width)
        events = starts[batch, None] + steps
        asked = (steps >= fresh[batch, None]) & (steps < lengths[batch, None])
        seen = np.empty((len(batch), width, len(watched)), dtype=bool)
        for row, window in enumerate(batch):
            begin = histories.offsets[users[window]]
            items = histories.items[begin : starts[window] + lengths[window]]
            first[items[::-1]] = np.arange(len(items))[::-1]
            seen[row] = first[watched] <= (events[row] - begin)[:, None]
            first[items] = never
        yield np.where(asked, events, -1), feed, seen


def _windows(histories: Histories, window: int) -> tuple[npt.NDArray[Any], ...]:
    """Return user, first event, length, and number of leading events that an earlier window has, of each window."""
    step = max(1, window // 2)
    n_inputs = np.maximum(histories.lengths - 1, 0)
    counts = np.where(n_inputs > 0, 1 + np.ceil(np.maximum(n_inputs - window, 0) / step), 0).astype(np.int64)
    users = np.repeat(np.arange(histories.n_users), counts)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    lengths = np.minimum(n_inputs[users] - number * step, window)
    fresh = np.where(number == 0, 0, window - step)
    return users, histories.offsets[users] + number * step, lengths, fresh
