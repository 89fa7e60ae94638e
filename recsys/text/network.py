"""The network of a text pipeline: embed, read by LSTMs over (samples, timesteps, features), pool, decide.

Shapes: B samples, T timesteps, C classes. Texts are padded with code 0 at their end, and no padding changes a result.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from recsys.text.config import TextConfig
from recsys.text.ngrams import MULTIPLIER

if TYPE_CHECKING:
    import keras

    from recsys.text.memory import Memory


def build(config: TextConfig, n_codes: int, n_classes: int) -> keras.Model:
    """Build the functional model from named, built-in layers only.

    Input: `codes` (B, T) int32, T at least 1. Output: probabilities (B, C), or (B, 1) of the second class for
    `output = "sigmoid"`.
    """
    import keras
    from keras import layers, ops

    numbers = itertools.count(1000 * config.seed)

    def seed() -> int:
        """Return another number for each place where chance has a part."""
        return next(numbers) % 2**31

    codes = keras.Input((None,), dtype="int32", name="codes")
    lengths = ops.maximum(ops.sum(ops.cast(ops.not_equal(codes, 0), "int32"), axis=1), 1)  # (B,)

    # -- embed
    x = layers.Embedding(
        n_codes,
        config.dim,
        embeddings_initializer=keras.initializers.RandomUniform(-0.05, 0.05, seed=seed()),
        trainable=not config.freeze,
        name="word_embedding",
    )(codes)
    if config.word_dropout:
        x = layers.Dropout(config.word_dropout, noise_shape=(None, None, 1), seed=seed(), name="word_dropout")(x)
    if config.embedding_dropout:
        x = layers.SpatialDropout1D(config.embedding_dropout, seed=seed(), name="embedding_dropout")(x)
    if config.dropout:
        x = layers.Dropout(config.dropout, seed=seed(), name="dropout_0")(x)

    # -- convolve; padding is zero before and after, as a filter at the end must not see where the batch ends
    if config.conv_filters:
        x = x * _mask(x, lengths)
        x = layers.Conv1D(
            config.conv_filters,
            config.conv_width,
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed()),
            name="convolution",
        )(x)
        x = x * _mask(x, lengths)
        x = layers.MaxPooling1D(config.conv_pool, padding="same", name="pool")(x)
        lengths = (lengths + config.conv_pool - 1) // config.conv_pool

    # -- read
    def lstm(x: Any, units: int, name: str) -> Any:
        return layers.LSTM(
            units,
            return_sequences=True,
            dropout=config.input_dropout,
            recurrent_dropout=config.recurrent_dropout,
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed()),
            recurrent_initializer=keras.initializers.Orthogonal(seed=seed()),
            seed=seed(),
            name=name,
        )(x)

    for number, units in enumerate(config.units, 1):
        forward = lstm(x, units, f"lstm_{number}")
        if config.bidirectional:
            backward = _reverse(lstm(_reverse(x, lengths), units, f"lstm_{number}_backward"), lengths)
        if number < len(config.units):
            x = ops.concatenate([forward, backward], axis=-1) if config.bidirectional else forward
            if config.dropout:
                x = layers.Dropout(config.dropout, seed=seed(), name=f"dropout_{number}")(x)

    # -- pool over timesteps
    if config.pooling == "last":
        last = ops.expand_dims(lengths - 1, (1, 2))
        x = ops.squeeze(ops.take_along_axis(forward, last, axis=1), axis=1)
        if config.bidirectional:
            x = ops.concatenate([x, backward[:, 0]], axis=-1)
    else:
        states = ops.concatenate([forward, backward], axis=-1) if config.bidirectional else forward
        mask = _mask(states, lengths)
        mean = ops.sum(states * mask, axis=1) / ops.expand_dims(ops.cast(lengths, "float32"), 1)
        highest = ops.max(states * mask - 2.0 * (1.0 - mask), axis=1)  # a state is never below -1
        x = ops.concatenate([highest, mean], axis=-1)
    if config.dropout:
        x = layers.Dropout(config.dropout, seed=seed(), name="dropout_states")(x)

    # -- decide
    glorot = keras.initializers.GlorotUniform
    if config.dense:
        x = layers.Dense(config.dense, activation="relu", kernel_initializer=glorot(seed=seed()), name="dense")(x)
        if config.dropout:
            x = layers.Dropout(config.dropout, seed=seed(), name="dropout_dense")(x)
    n_outputs = 1 if config.output == "sigmoid" else n_classes
    logits = layers.Dense(n_outputs, kernel_initializer=glorot(seed=seed()), name="logits")(x)
    if config.ngrams:
        logits = logits + _wide(codes, config, n_outputs)
    out = layers.Activation(config.output, name="probabilities")(logits)
    return keras.Model(codes, out, name="text")


def without_wide(network: keras.Model) -> keras.Model:
    """Leave the wide part aside and share every other layer: the LSTM learns by itself."""
    import keras

    out = network.get_layer("probabilities")(network.get_layer("logits").output)
    return keras.Model(network.input, out, name="text_without_wide")


def _mask(x: Any, lengths: Any) -> Any:
    """Return 1 for the timesteps of a text and 0 for its padding, (B, T, 1)."""
    from keras import ops

    return ops.expand_dims(ops.cast(_steps(x[:, :, 0]) < ops.expand_dims(lengths, 1), "float32"), 2)


def _steps(rows: Any) -> Any:
    """Number the timesteps of (B, T) from 0; their count is known only when the network runs."""
    from keras import ops

    return ops.cumsum(ops.ones_like(rows, dtype="int32"), axis=1) - 1


def _reverse(x: Any, lengths: Any) -> Any:
    """Turn each text's own timesteps around; its padding stays where it is."""
    from keras import ops

    steps, ends = _steps(x[:, :, 0]), ops.expand_dims(lengths, 1)
    order = ops.where(steps < ends, ends - 1 - steps, steps)
    return ops.take_along_axis(x, ops.expand_dims(order, 2), axis=1)


def _wide(codes: Any, config: TextConfig, n_outputs: int) -> Any:
    """Sum the fixed weight of each distinct n-gram of a text, (B, n_outputs)."""
    from keras import layers, ops

    buckets = ngram_buckets(codes, config)
    table = layers.Embedding(
        config.n_buckets, n_outputs, trainable=False, embeddings_initializer="zeros", name="ngram_weights"
    )
    before = ops.concatenate([ops.full_like(buckets[:, :1], -1), buckets[:, :-1]], axis=1)
    distinct = ops.cast(ops.logical_and(ops.not_equal(buckets, before), ops.not_equal(buckets, 0)), "float32")
    return ops.sum(table(buckets) * ops.expand_dims(distinct, 2), axis=1)


def ngram_buckets(codes: Any, config: TextConfig) -> Any:
    """Return the buckets of all 1- to n-grams in ascending order, (B, n * T); bucket 0 is for those with padding."""
    from keras import ops

    found, ngram = [], codes
    for n in range(1, config.ngrams + 1):
        if n > 1:
            following = ops.pad(codes[:, n - 1 :], [[0, 0], [0, n - 1]])
            ngram = ops.where(ops.equal(following, 0), 0, ngram * MULTIPLIER + following * (2 * n + 1))
        found.append(ops.where(ops.equal(ngram, 0), 0, 1 + ops.mod(ngram, config.n_buckets - 1)))
    return ops.sort(ops.concatenate(found, axis=1), axis=1)


def with_words(
    network: keras.Model, words: keras.layers.Layer, config: TextConfig, memory: Memory | None = None
) -> keras.Model:
    """Put the vectorizer in front of a network, and a memory behind it: from cleaned texts (B, 1) to probabilities.

    A column of padding is added, so that a batch of empty texts is no batch of no timesteps.
    """
    import keras
    from keras import ops

    texts = keras.Input((1,), dtype="string", name="texts")
    codes = ops.pad(ops.cast(words(texts), "int32"), [[0, 0], [0, 1]])
    whole = ops.sum(ops.cast(ops.not_equal(codes, 0), "int32"), axis=1, keepdims=True)  # (B, 1)
    kept = ops.minimum(whole, config.n_tokens)
    steps = _steps(codes)
    places = steps + (whole - kept if config.keep == "last" else 0)
    chosen = ops.take_along_axis(codes, ops.minimum(places, ops.maximum(whole - 1, 0)), axis=1)
    read = ops.where(steps < kept, chosen, 0)[:, : config.n_tokens]
    out = network(read)
    return keras.Model(texts, out if memory is None else memory.layers(texts, out), name="text_pipeline")
