"""The wide part: SLIM's item-to-item weights, whose scores the network adds to its own.

After Wide & Deep (Cheng et al., DLRS 2016), with a closed-form linear model for the wide part. In data without an order
the network learns beside it, and with what weight. A linear model's scores of the people that it was fitted on are too
good, so in training everybody's come from a fit without them. In data with an order it is added to a network that
is trained already, with a weight that validation or the settings choose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset
from recsys.errors import ConfigError
from recsys.models.collaborative import interaction_matrix, to_dense
from recsys.models.lstm.config import LSTMConfig
from recsys.models.slim import SLIMConfig, SLIMRecommender

if TYPE_CHECKING:
    import keras

FOLDS = 5
DEEP_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
"""What the network's own scores may count beside the linear ones."""
SHARES = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""What the linear scores may count beside a network that learned without them."""
USUAL_SHARE = 0.2
"""What they count where nothing is held out to choose it by: the least that every data set gained from (LOG.md)."""
SMALL = np.float32(0.01)
"""The linear score from which on a score counts by its logarithm."""


def fit_weights(data: Dataset, config: LSTMConfig) -> Any:
    """Fit SLIM to a data set's histories; returns CSR (n_codes, n_codes), what a title says for others."""
    from scipy.sparse import csr_matrix

    shape = data.n_codes, data.n_codes
    if data.histories.n_events == 0:
        return csr_matrix(shape, dtype=np.float32)
    settings = SLIMConfig(
        neighbours=config.wide_neighbours, regularization=config.wide_regularization, max_titles=config.wide_titles
    )
    arrays = fit_slim(settings, data).arrays
    codes = arrays["codes"]
    lengths = np.zeros(data.n_codes, dtype=np.int64)
    lengths[codes] = np.diff(arrays["starts"])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return csr_matrix((arrays["values"], codes[arrays["columns"]], starts), shape=shape)


def fit_slim(settings: SLIMConfig, data: Dataset) -> SLIMRecommender:
    """Fit SLIM as a part of an LSTM; where memory does not suffice, the ConfigError names the LSTM's setting."""
    try:
        return SLIMRecommender(settings).fit(data)
    except ConfigError as error:
        raise ConfigError(error.message, error.hint.replace("max_titles", "wide_titles")) from None


def deal_folds(n_users: int, seed: int) -> npt.NDArray[np.int64]:
    """Deal users into folds by chance: the fold of each, (n_users,)."""
    return np.random.default_rng(seed).permutation(n_users) % FOLDS


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """Hold weights for training: `folds` (n_users,) says which of `weights` was fitted without a user."""

    folds: npt.NDArray[np.int64]
    weights: list[Any]

    @classmethod
    def fit(cls, data: Dataset, config: LSTMConfig) -> CrossFitted:
        """Deal the users of a data set into folds by chance, and fit weights without each."""
        folds = deal_folds(data.histories.n_users, config.seed)
        others = [np.flatnonzero(folds != fold) for fold in range(FOLDS)]
        return cls(folds, [fit_weights(data.with_histories(data.histories.select(rows)), config) for rows in others])

    def select(self, users: npt.NDArray[np.int64]) -> CrossFitted:
        """Return the weights of some of the users, in the order of these."""
        return CrossFitted(self.folds[users], self.weights)

    def of_columns(self, codes: npt.NDArray[np.int32]) -> list[Any]:
        """Return the weights for some titles only, each (n_codes, len(codes))."""
        return [weights[:, codes] for weights in self.weights]


def prefix_scores(
    weights: Any, items: npt.NDArray[np.int32], counted: npt.NDArray[np.bool_], spans: npt.NDArray[np.int64], width: int
) -> npt.NDArray[np.float32]:
    """Score candidates after each event of some windows, (len(spans), width, C), from all of a history up to it.

    `spans` (windows, 3) are each window's first event of the history, first event, and the event after its last, as
    places in `items`; an event that is not `counted` changes nothing. After the last event, scores stay as they are.
    """
    from scipy.sparse import csr_matrix

    begins, starts, stops = spans.T
    n_windows, sizes = len(spans), stops - begins
    places = np.repeat(begins - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) + np.arange(sizes.sum())
    n_steps = np.minimum(np.arange(1, width + 1), (stops - starts)[:, None])  # events of the window up to each step
    upto = (starts - begins)[:, None] + n_steps + np.concatenate([[0], np.cumsum(sizes)[:-1]])[:, None]
    rows = np.concatenate([[0], upto.ravel()])
    chosen = csr_matrix(
        (counted[places].astype(np.float32), items[places], rows), (n_windows * width, weights.shape[0])
    )
    scores = to_dense(chosen @ weights).reshape(n_windows, width, -1)
    return as_logits(np.cumsum(scores, axis=1, out=scores))


def as_logits(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Turn a linear model's scores, which are near probabilities, into log odds from 0 upwards, in place.

    A softmax multiplies odds: twice the linear score is to count the same among rare titles as among popular ones.
    """
    np.maximum(scores, 0, out=scores)
    scores *= 1 / SMALL
    scores += 1
    return np.log(scores, out=scores)


def first_mentions(histories: Histories) -> npt.NDArray[np.bool_]:
    """Say of each event, (n_events,), whether it is the first of its title in its history."""
    pairs = np.stack([histories.rows, histories.items])
    order = np.lexsort((np.arange(histories.n_events), *pairs[::-1]))
    first = np.ones(histories.n_events, dtype=bool)
    first[order[1:]] = (np.diff(pairs[:, order], axis=1) != 0).any(axis=0)
    return first


@dataclass(frozen=True, eq=False)
class Wide:
    """Hold what serves: weights fitted on everybody, CSR (n_codes, n_codes), and the network's gate (dim + 1,).

    `deep_share` is what the network's own scores count beside the linear ones: training fits the odds of all titles,
    most of which nobody looks at, and validation finds how much of that is good for the first places.
    """

    weights: Any
    gate: npt.NDArray[np.float32]
    deep_share: float = 0.4  # what Kaggle's table asks for, where there is no validation part to ask

    @classmethod
    def beside(cls, data: Dataset, config: LSTMConfig, share: float) -> Wide:
        """Fit it for a network that is trained already: after every state its weight is `share`, above 0."""
        return cls(fit_weights(data, config), _gate_of_share(config.dim, share), deep_share=1.0)

    @property
    def share(self) -> float:
        """Give what the linear scores count after a state of 0: beside a trained network, after every state."""
        return float(np.exp(self.gate[-1]))

    def counting(self, share: float) -> Wide:
        """Give it another weight after every state."""
        return replace(self, gate=_gate_of_share(len(self.gate) - 1, share))

    def scores(self, histories: Histories, states: npt.NDArray[np.float32]) -> Any:
        """Return what is added to the network's scores, CSR (n_users, n_codes): most titles get nothing."""
        linear = interaction_matrix(histories, self.weights.shape[0]) @ self.weights
        gate = np.exp(states @ self.gate[:-1] + self.gate[-1])
        linear.data = as_logits(linear.data) * np.repeat(gate, np.diff(linear.indptr))
        return linear

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return arrays to save."""
        weights, share = self.weights, np.array(self.deep_share)
        parts = {"values": weights.data, "columns": weights.indices, "starts": weights.indptr}
        return {**parts, "gate": self.gate, "deep_share": share}

    @classmethod
    def from_arrays(cls, arrays: Any, n_codes: int) -> Wide:
        """Take up saved arrays."""
        from scipy.sparse import csr_matrix

        parts = arrays["values"], arrays["columns"], arrays["starts"]
        return cls(csr_matrix(parts, shape=(n_codes, n_codes)), arrays["gate"], float(arrays["deep_share"]))


def _gate_of_share(dim: int, share: float) -> npt.NDArray[np.float32]:
    return np.append(np.zeros(dim), np.log(share)).astype(np.float32)


def gate_of(model: keras.Model) -> npt.NDArray[np.float32]:
    """Return the weights (dim + 1,) of the network's gate, its bias last."""
    kernel, bias = (np.asarray(variable.numpy(), dtype=np.float32) for variable in model.get_layer("wide_gate").weights)
    return np.concatenate([kernel[:, 0], bias])
