"""The network: a stacked LSTM over (samples, timesteps, features) that scores every anime at every timestep.

Shapes: B samples, T timesteps, C candidate titles, d = `config.dim`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from recsys.dataset.histories import Histories
from recsys.dataset.vocabulary import UNKNOWN
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.inputs import N_COUNTS, N_GAPS, Encoding, item_places

if TYPE_CHECKING:
    import keras


OF_THE_LOSS = ("targets", "seen", "taught", "taught_shares")
"""Inputs that only the network with its loss has."""


def build(config: LSTMConfig, encoding: Encoding, item_tags: npt.NDArray[np.float32]) -> keras.Model:
    """Build the functional model from named, built-in layers only.

    Inputs: `items`, `ratings`, `gaps`, `waits`, `counts` (B, T) codes, `users` (B,) codes, `wishes` (B, T, n) token
    columns + 1 (0 pads), `candidates` (C,) item codes to score, `log_q` (C,) correction of the sampled loss, `wide`
    (B, T, C) the linear model's scores of them. The inputs that data and settings have no use for are left out.
    Output: logits (B, T, C); at timestep t they score what comes at t + 1.
    """
    import keras
    from keras import layers, ops

    # -- layers that are used twice
    small = keras.initializers.TruncatedNormal(stddev=0.02, seed=config.seed)
    item_embedding = layers.Embedding(encoding.n_codes, config.dim, embeddings_initializer=small, name="item_embedding")
    inputs = {"items": keras.Input((None,), dtype="int32", name="items")}
    features = [item_embedding(inputs["items"])]

    # -- features of a timestep
    if encoding.tokens:
        tags_of = layers.Embedding(*item_tags.shape, embeddings_initializer="zeros", trainable=False, name="item_tags")
        token_embedding = layers.Dense(config.dim, use_bias=False, kernel_initializer=small, name="token_embedding")
        features.append(token_embedding(tags_of(inputs["items"])))
        inputs["wishes"] = keras.Input((None, config.wish_tokens), dtype="int32", name="wishes")
        wished = ops.sum(ops.one_hot(inputs["wishes"] - 1, encoding.n_token_columns), axis=2)
        wished = wished / ops.maximum(ops.sum(wished, axis=2, keepdims=True), 1.0)
        features.append(token_embedding(wished))
    if config.place_dim:
        places_of = layers.Embedding(
            encoding.n_codes, config.place_dim, embeddings_initializer="zeros", trainable=False, name="item_places"
        )
        place_embedding = layers.Dense(config.dim, use_bias=False, kernel_initializer=small, name="place_embedding")
        features.append(place_embedding(places_of(inputs["items"])))
    if encoding.rating_levels:
        inputs["ratings"] = keras.Input((None,), dtype="int32", name="ratings")
        levels = len(encoding.rating_levels) + 1
        features.append(layers.Embedding(levels, config.rating_dim, name="rating_embedding")(inputs["ratings"]))
    if encoding.has_times:
        inputs["gaps"] = keras.Input((None,), dtype="int32", name="gaps")
        features.append(layers.Embedding(N_GAPS, config.time_dim, name="gap_embedding")(inputs["gaps"]))
    if encoding.has_waits:
        inputs["waits"] = keras.Input((None,), dtype="int32", name="waits")
        features.append(layers.Embedding(N_GAPS, config.wait_dim, name="wait_embedding")(inputs["waits"]))
    if encoding.has_counts:
        inputs["counts"] = keras.Input((None,), dtype="int32", name="counts")
        features.append(layers.Embedding(N_COUNTS, config.count_dim, name="count_embedding")(inputs["counts"]))
    if encoding.n_users:
        inputs["users"] = keras.Input((), dtype="int32", name="users")
        user = layers.Embedding(encoding.n_users, config.user_dim, embeddings_initializer=small, name="user_embedding")(
            inputs["users"]
        )
        every_step = ops.zeros_like(features[0][:, :, :1]) + ops.expand_dims(user, 1)
        features.append(every_step)
    x = layers.Concatenate(name="features")(features) if len(features) > 1 else features[0]

    # -- the stack
    x = layers.Dense(config.units[0], name="projection")(x)
    x = layers.Dropout(config.dropout, seed=config.seed, name="features_dropout")(x)
    for number, units in enumerate(config.units, start=1):
        x = _block(x, units, number, config)
    if config.units[-1] != config.dim:
        x = layers.Dense(config.dim, name="to_item_space")(x)
    states = layers.Identity(name="states")(x)

    # -- scores of the candidates
    inputs["candidates"] = keras.Input((), dtype="int32", name="candidates")
    inputs["log_q"] = keras.Input((), dtype="float32", name="log_q")
    vectors = item_embedding(inputs["candidates"])
    if encoding.tokens:
        vectors = vectors + token_embedding(tags_of(inputs["candidates"]))
    if config.place_dim:
        vectors = vectors + place_embedding(places_of(inputs["candidates"]))
    vectors = layers.Identity(name="candidate_vectors")(vectors)
    bias = layers.Embedding(encoding.n_codes, 1, embeddings_initializer="zeros", name="item_bias")
    biases = layers.Identity(name="candidate_biases")(bias(inputs["candidates"])[:, 0] - inputs["log_q"])
    scores = ops.matmul(states, ops.transpose(vectors)) + biases
    if encoding.has_wide:
        inputs["wide"] = keras.Input((None, None), name="wide")
        log_gate = layers.Dense(1, kernel_initializer="zeros", name="wide_gate")(states)
        scores = scores + ops.exp(log_gate) * inputs["wide"]
    scores = layers.Identity(name="scores")(scores)
    model = keras.Model(inputs, scores, name="stacked_lstm")
    if encoding.tokens:
        tags_of.set_weights([item_tags])
    if config.place_dim:
        places_of.set_weights([item_places(encoding.n_codes, config.place_dim)])
    return model


def with_loss(network: keras.Model, config: LSTMConfig, *, taught: bool = False) -> keras.Model:
    """Extend the network by its loss: the negative log-likelihood (B, T) of each timestep's next anime.

    Further inputs: `targets` (B, T) and `seen` (B, S + T), the places among the candidates of the next anime, and of
    S anime watched before the window and those in it (-1: not among them). With `config.mask_seen` the softmax runs
    over the titles that were not watched up to t, for these leave the ranking too: the probability mass on seen ones
    is taken out of the cross-entropy over all candidates, -log(p / (1 - mass)). It costs a (T, S + T) product a
    sample, not a mask of (T, C).

    With `taught`, two more: `taught` and `taught_shares` (B, T, k), the places of titles that teachers expect and their
    probabilities. These get `config.teacher_share` of the cross-entropy, the next anime the rest.
    """
    import keras
    from keras import ops

    targets = keras.Input((None,), dtype="int32", name="targets")
    seen = keras.Input((None,), dtype="int32", name="seen")
    scores = network.get_layer("scores").output
    nll = ops.sparse_categorical_crossentropy(targets, scores, from_logits=True)
    if config.mask_seen:
        states, vectors, biases = (
            network.get_layer(name).output for name in ("states", "candidate_vectors", "candidate_biases")
        )
        target_scores = ops.sum(states * ops.take(vectors, targets, axis=0), axis=-1) + ops.take(biases, targets)
        places = ops.maximum(seen, 0)
        seen_scores = ops.matmul(states, ops.transpose(ops.take(vectors, places, axis=0), (0, 2, 1)))  # (B, t, s)
        seen_scores = seen_scores + ops.expand_dims(ops.take(biases, places), 1)
        for wide in (tensor for tensor in network.inputs if tensor.name == "wide"):
            gate = ops.exp(network.get_layer("wide_gate").output)
            of_target = ops.take_along_axis(wide, ops.expand_dims(targets, 2), axis=2)
            target_scores = target_scores + ops.squeeze(gate * of_target, -1)
            at_every_step = ops.zeros_like(seen_scores, dtype="int32") + ops.expand_dims(places, 1)
            seen_scores = seen_scores + gate * ops.take_along_axis(wide, at_every_step, axis=2)
        backwards = [ops.flip(ops.cumsum(ops.ones_like(codes), axis=1), axis=1) for codes in (seen, targets)]
        watched = ops.expand_dims(backwards[0], 1) >= ops.expand_dims(backwards[1], 2)  # both end at the same event
        watched = ops.logical_and(watched, ops.expand_dims(seen, 1) >= 0)
        watched = ops.logical_and(watched, ops.expand_dims(seen, 1) != ops.expand_dims(targets, 2))
        log_seen = ops.logsumexp(ops.where(watched, seen_scores, -1e9), axis=-1)
        log_all = nll + target_scores
        log_mass = ops.minimum(log_seen - log_all, -1e-3)  # rounding must not leave less than nothing
        nll = nll + ops.log1p(-ops.exp(log_mass))
    lessons = {}
    if taught:
        expected = keras.Input((None, None), dtype="int32", name="taught")
        shares = keras.Input((None, None), name="taught_shares")
        some = ops.cast(ops.sum(shares, axis=2) > 0, "float32")
        both = ops.concatenate([ops.expand_dims(targets, 2), expected], axis=2)
        weights = ops.concatenate([ops.expand_dims(some, 2), -shares], axis=2)
        of_both = ops.take_along_axis(scores, both, axis=2)
        nll = nll + config.teacher_share * ops.sum(weights * of_both, axis=2)
        lessons = {"taught": expected, "taught_shares": shares}
    named = {tensor.name: tensor for tensor in network.inputs}
    inputs = {**named, **lessons, "targets": targets, "seen": seen}
    return keras.Model(inputs, nll, name="stacked_lstm_with_loss")


def scoring_network(model: keras.Model) -> keras.Model:
    """Cut the network that scores out of the one with the loss, or of itself."""
    import keras

    inputs = {tensor.name: tensor for tensor in model.inputs if tensor.name not in OF_THE_LOSS}
    return keras.Model(inputs, model.get_layer("scores").output, name="stacked_lstm")


def hide_untrained_users(network: keras.Model, histories: Histories) -> None:
    """Give users who had nothing to learn from the vector of the unknown user, not their random first one."""
    layer = network.get_layer("user_embedding")
    table = np.array(layer.get_weights()[0])
    untrained = np.ones(len(table), dtype=bool)
    untrained[histories.users[histories.lengths >= 2]] = False
    table[untrained] = table[UNKNOWN]
    layer.set_weights([table])


def _block(x: Any, units: int, number: int, config: LSTMConfig) -> Any:
    """Add one LSTM layer; with `residual`, LayerNorm and a feed-forward block as in LRURec (Yue et al. 2024)."""
    from keras import layers

    shortcut = x
    x = layers.LSTM(units, return_sequences=True, seed=config.seed + number, name=f"lstm_{number}")(x)
    x = layers.Dropout(config.dropout, seed=config.seed + 100 + number, name=f"lstm_{number}_dropout")(x)
    if not config.residual:
        return x
    if shortcut.shape[-1] != units:
        shortcut = layers.Dense(units, use_bias=False, name=f"shortcut_{number}")(shortcut)
    x = layers.LayerNormalization(epsilon=1e-6, name=f"lstm_{number}_norm")(shortcut + x)
    y = layers.Dense(config.feed_forward * units, activation="relu", name=f"feed_forward_{number}_in")(x)
    y = layers.Dropout(config.dropout, seed=config.seed + 200 + number, name=f"feed_forward_{number}_dropout_in")(y)
    y = layers.Dense(units, name=f"feed_forward_{number}_out")(y)
    y = layers.Dropout(config.dropout, seed=config.seed + 300 + number, name=f"feed_forward_{number}_dropout")(y)
    return layers.LayerNormalization(epsilon=1e-6, name=f"feed_forward_{number}_norm")(x + y)


def layer_table(model: keras.Model) -> list[dict[str, Any]]:
    """List the inputs and every named layer in order: name, output shape, parameter count and its role in words."""
    rows = []
    for layer in model.layers:
        role = _role(layer.name)
        if role is None:
            continue
        first = "titles" if layer.name in ("candidates", "log_q", "item_bias") else "samples"
        names = [first, "timesteps"]
        shape = [names[at] if size is None and at < 2 else str(size) for at, size in enumerate(layer.output.shape)]
        row = {"layer": layer.name, "output_shape": " x ".join(shape), "parameters": layer.count_params(), "role": role}
        rows.append(row)
    return rows


_ROLES = {
    "items": "input: the anime watched at t",
    "wishes": 'input: tags wished for next, or "no wish"',
    "ratings": "input: the rating given at t",
    "gaps": "input: the time since the event before",
    "waits": "input: the time until the event after, or until the request",
    "counts": "input: how many anime were watched before",
    "users": 'input: who watches, or "unknown"',
    "candidates": "input: the titles to score",
    "features": "the feature vector of every timestep",
    "states": "what is known after t: scored against every title",
    "item_embedding": "anime embedding, in (watched at t) and out (tied: what comes next)",
    "item_tags": "which genres and tags each anime has (fixed)",
    "token_embedding": "genre/tag embeddings, averaged: of the anime at t, of the wish, and in the output",
    "item_places": "sinusoids of each anime's place in the order of ids (fixed)",
    "place_embedding": "place in the order of ids: of the anime at t, and in the output",
    "rating_embedding": "rating given at t; missing has its own vector",
    "gap_embedding": "log time since the event before",
    "wait_embedding": "log time until the event after, or until the request; unknown has its own vector",
    "count_embedding": "log number of anime watched before",
    "user_embedding": "user; the unknown user has its own vector",
    "projection": "feature vector of a timestep, to the stack's width",
    "wide": "input: the linear model's scores of the titles, from all anime up to t",
    "wide_gate": "log of the weight that the linear model's scores have after t",
    "item_bias": "popularity of each anime in the output",
    "to_item_space": "state, to the anime embedding's width",
}


def _role(name: str) -> str | None:
    """Say what a layer is for; None for dropout and arithmetic."""
    if name in _ROLES:
        return _ROLES[name]
    kind, _, rest = name.partition("_")
    if "dropout" in name or kind not in ("lstm", "feed", "shortcut"):
        return None
    if kind == "lstm":
        return "LSTM layer over timesteps" if rest.isdigit() else "LayerNorm after the residual of the LSTM"
    if kind == "shortcut":
        return "residual, to the width of the next layer"
    return "LayerNorm after the feed-forward" if name.endswith("norm") else "feed-forward block"
