"""Training batches: windows cut from histories, shuffled anew every epoch."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from recsys.backend import BATCH_THREADS
from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import FIRST
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.inputs import HIDDEN_WAITS, Encoding, Events, gather_windows
from recsys.models.lstm.teaching import SoftTargets
from recsys.models.lstm.wide import CrossFitted, first_mentions, prefix_scores

EARLIER = 400
"""How many events before a window still count as seen in the loss; the network does not read them."""


class TrainingWindows(keras.utils.PyDataset):
    """Yield `(inputs, nothing, weights)` for `Model.fit`: the targets are inputs of the network with its loss.

    Every history is cut into windows of `window + 1` events that overlap by one, with a random first cut each epoch;
    the last event of a window is only a target. Windows of like length share a batch. Everything random derives from
    (seed, epoch), so a resumed run goes on exactly where it stopped. `shuffled` histories (order `none`) are permuted
    anew each epoch.
    """

    def __init__(
        self,
        histories: Histories,
        encoding: Encoding,
        config: LSTMConfig,
        item_tags: npt.NDArray[np.float32],
        *,
        wide: CrossFitted | None = None,
        taught: SoftTargets | None = None,
        shuffled: bool = False,
        epoch: int = 0,
    ) -> None:
        # a batch's linear scores take as much memory as its logits
        super().__init__(workers=BATCH_THREADS, max_queue_size=10 if wide is None else BATCH_THREADS)
        kept = np.flatnonzero(histories.lengths >= 2)
        self._histories = histories.select(kept)
        self._wide = None if wide is None else wide.select(kept)
        self._taught = None if taught is None else taught.select(histories, kept)
        self._encoding = encoding
        self._config = config
        self._tags = item_tags
        self._shuffled = shuffled
        counts = np.bincount(histories.items, minlength=encoding.n_codes).astype(np.float64)
        counts[:FIRST] = 0
        self._watched = np.flatnonzero(counts).astype(np.int32)
        self._share = counts[self._watched] / counts.sum()
        self._draw = counts[self._watched] ** 0.75
        self._draw /= self._draw.sum()
        self._full = config.full_softmax(len(self._watched))
        self._wide_of_all = self._wide.of_columns(self._watched) if self._wide and self._full else None
        self._column = np.zeros(encoding.n_codes, dtype=np.int32)
        self._column[self._watched] = np.arange(len(self._watched))
        self._n_batches = self._count_batches()
        self._start_epoch(epoch)

    def __len__(self) -> int:
        return self._n_batches

    def on_epoch_end(self) -> None:
        """Cut and shuffle for the next epoch."""
        self._start_epoch(self._epoch + 1)

    def _count_batches(self) -> int:
        """Divide an epoch's expected windows into batches; little data still gets `least_steps` where it can."""
        n_inputs, window = self._histories.lengths - 1, self._config.window
        whole = np.ceil(n_inputs / window)  # a random first cut adds half a window to what is longer than one
        n_windows = int(np.where(n_inputs <= window, 1, np.ceil(n_inputs / window + 0.5)).sum())
        smallest = min(16, self._config.batch_size)
        size = min(self._config.batch_size, max(smallest, n_windows // self._config.least_steps))
        return min(math.ceil(n_windows / size), int(whole.sum()))

    def _start_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        rng = np.random.default_rng((self._config.seed, epoch))
        histories = self._histories
        if self._shuffled:
            histories = histories.reorder_events(np.lexsort((rng.random(histories.n_events), histories.rows)))
        self._events = Events.of(histories, self._encoding)
        if self._wide:
            self._counted = first_mentions(histories)
        users, starts, lengths = _cut(histories, self._config.window, rng)
        order = rng.permutation(len(users))
        order = order[np.argsort(lengths[order], kind="stable")]
        batches = np.array_split(order, self._n_batches)
        self._batches = [batches[index] for index in rng.permutation(self._n_batches)]
        self._users, self._starts, self._lengths = users, starts, lengths
        self._n_before = np.minimum(starts - histories.offsets[users], EARLIER)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], Any, Any]:
        rng = np.random.default_rng((self._config.seed, self._epoch, index))
        batch = self._batches[index]
        users, starts, lengths = self._users[batch], self._starts[batch], self._lengths[batch]
        width = self._width(index)
        events = self._events
        inputs: dict[str, Any] = {"items": gather_windows(events.histories.items, starts, lengths, width)}
        following = gather_windows(events.histories.items, starts + 1, lengths, width)
        if events.ratings is not None:
            inputs["ratings"] = gather_windows(events.ratings, starts, lengths, width)
        if events.gaps is not None:
            inputs["gaps"] = gather_windows(events.gaps, starts, lengths, width)
        if events.waits is not None:
            waits = gather_windows(events.waits, starts, lengths, width)
            inputs["waits"] = np.where(rng.random(waits.shape) < HIDDEN_WAITS, 0, waits)
        if events.counts is not None:
            inputs["counts"] = gather_windows(events.counts, starts, lengths, width)
        if self._encoding.n_users:
            hidden = rng.random(len(users)) < self._config.user_dropout
            inputs["users"] = np.where(hidden, 1, events.users[users]).astype(np.int32)
        if self._encoding.tokens:
            inputs["wishes"] = self._wishes(following, rng)
        weights = (following >= FIRST).astype(np.float32)
        if self._config.disliked_weight < 1 and events.histories.ratings is not None:
            given = gather_windows(events.histories.ratings, starts + 1, lengths, width)
            weights[(following >= FIRST) & (given < self._config.liked_from)] = self._config.disliked_weight
        if self._shuffled and self._config.late_weight:
            whole = self._histories.lengths[users] - 1
            before = starts[:, None] - self._histories.offsets[users][:, None] + np.arange(1, width + 1)
            weights *= np.minimum(before / whole[:, None], 1) ** self._config.late_weight
        candidates, inputs["log_q"] = self._candidates(following, rng)
        inputs["candidates"] = candidates
        inputs["targets"] = np.maximum(_places(following, candidates), 0)
        if self._wide:
            inputs["wide"] = self._wide_scores(batch, width, candidates)
        if self._taught:
            codes, shares = self._taught.gather(starts, lengths, width)
            places = self._column[codes] if self._full else _places(codes, candidates)
            inputs["taught"] = np.maximum(places, 0)
            shares *= places >= 0
            shares /= np.maximum(shares.sum(axis=2, keepdims=True), 1e-6)
            if "wishes" in inputs:  # the teachers were asked without a wish: where there is one, they are silent
                shares *= inputs["wishes"][..., :1] == 1
            inputs["taught_shares"] = shares
        inputs["seen"] = _once(_places(np.hstack([self._earlier(index), inputs["items"]]), candidates))
        return inputs, np.zeros_like(weights), weights

    def _width(self, index: int) -> int:
        """Return the timesteps of a batch: those of its longest window.

        Keras fixes an axis that is the same in the first two batches, so these are made to differ, and a lone batch
        always has the full width.
        """
        if self._n_batches == 1:
            return min(self._config.window, int(self._histories.lengths.max()) - 1)
        width = int(self._lengths[self._batches[index]].max())
        return width + 1 if index == 0 and width == self._width(1) else width

    def _earlier(self, index: int) -> npt.NDArray[np.int32]:
        """Return what was watched before each window began, the last `EARLIER` events of it, (samples, any)."""
        batch = self._batches[index]
        counts = self._n_before[batch]
        events = self._events.histories.items
        return gather_windows(events, self._starts[batch] - counts, counts, self._earlier_width(index))

    def _earlier_width(self, index: int) -> int:
        """Return the width of `_earlier`; what it is joined to must differ between the first two batches, too."""
        if self._n_batches == 1:
            return min(EARLIER, int(self._histories.lengths.max()))
        width = int(self._n_before[self._batches[index]].max())
        if index == 0 and width + self._width(0) == self._earlier_width(1) + self._width(1):
            width += 1
        return width

    def _wishes(self, following: npt.NDArray[np.int32], rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """Wish for some of the next anime's own tags, in a few samples and there at half of the timesteps."""
        wishes = np.zeros((*following.shape, self._config.wish_tokens), dtype=np.int32)
        wishes[..., 0] = 1  # token column 0, "no wish"
        rows = np.flatnonzero(rng.random(len(following)) < self._config.wish_rate)
        if len(rows) == 0:
            return wishes
        tags = self._tags[following[rows]] > 0  # (rows, T, token columns)
        wanted = (rng.random(tags.shape[:2]) < 0.5) & tags.any(axis=2)
        ranks = np.where(tags, rng.random(tags.shape), -1.0)
        n_best = min(self._config.wish_tokens, tags.shape[2])
        best = np.argsort(-ranks, axis=2)[..., :n_best]
        there = np.take_along_axis(tags, best, axis=2)
        there &= np.arange(n_best) < rng.integers(1, n_best + 1, tags.shape[:2])[..., None]
        chosen = np.zeros((len(rows), following.shape[1], self._config.wish_tokens), dtype=np.int32)
        chosen[..., :n_best] = np.where(there, best + 1, 0)
        wishes[rows] = np.where(wanted[..., None], chosen, wishes[rows])
        return wishes

    def _wide_scores(
        self, batch: npt.NDArray[np.int64], width: int, candidates: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """Return the linear model's scores (samples, T, C) after each event, by a fit without the person."""
        assert self._wide is not None
        users, starts = self._users[batch], self._starts[batch]
        spans = np.stack([self._events.histories.offsets[users], starts, starts + self._lengths[batch]], axis=1)
        weights = self._wide_of_all or self._wide.of_columns(candidates)
        scores = np.empty((len(batch), width, len(candidates)), dtype=np.float32)
        for fold, of_fold in enumerate(weights):
            rows = self._wide.folds[users] == fold
            if rows.any():
                items = self._events.histories.items
                scores[rows] = prefix_scores(of_fold, items, self._counted, spans[rows], width)
        return scores

    def _candidates(self, following: npt.NDArray[np.int32], rng: np.random.Generator) -> tuple[Any, Any]:
        """Return the titles to score, ascending, and the log of their probability to be there."""
        if self._full:
            return self._watched, np.zeros(len(self._watched), dtype=np.float32)
        drawn = rng.choice(self._watched, size=self._config.negatives, p=self._draw)
        candidates = np.union1d(drawn, following[following >= FIRST]).astype(np.int32)
        # a title is there by being drawn, or by being somebody's target; logQ correction of Yi et al. 2019, eq. 5
        columns, n_targets = self._column[candidates], (following >= FIRST).sum()
        expected = self._draw[columns] * self._config.negatives + self._share[columns] * n_targets
        return candidates, np.log(-np.expm1(-expected)).astype(np.float32)


def _places(codes: npt.NDArray[np.int32], candidates: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return where each code stands among the ascending candidates, -1 where it does not."""
    places = np.minimum(np.searchsorted(candidates, codes), len(candidates) - 1)
    return np.where(candidates[places] == codes, places, -1).astype(np.int32)


def _once(places: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Keep each row's first mention of a place, -1 for later ones: a title has its probability only once."""
    order = np.argsort(places, axis=1, kind="stable")
    ordered = np.take_along_axis(places, order, axis=1)
    ordered[:, 1:][np.diff(ordered, axis=1) == 0] = -1
    once = np.empty_like(places)
    np.put_along_axis(once, order, ordered, axis=1)
    return once


def _cut(histories: Histories, window: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Return user index, first event and number of input events of each window."""
    n_inputs = histories.lengths - 1
    first = rng.integers(1, window + 1, histories.n_users)
    first = np.where(n_inputs <= window, n_inputs, np.minimum(first, n_inputs))
    counts = 1 + np.ceil((n_inputs - first) / window).astype(np.int64)
    users = np.repeat(np.arange(histories.n_users), counts)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    begin = np.where(number == 0, 0, first[users] + (number - 1) * window)
    end = np.minimum(first[users] + number * window, n_inputs[users])
    return users, histories.offsets[users] + begin, end - begin
