"""The settings of a text pipeline: read, clean, tokenize and pad, embed, network, training."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.config import Settings, setting
from recsys.errors import ConfigError
from recsys.text.clean import STEPS


@dataclass(frozen=True)
class TextConfig(Settings):
    """Describe one pipeline from the raw text to the probabilities of the classes, and its training."""

    clean: tuple[str, ...] = setting((), f"what cleaning takes out before tokens are cut: {', '.join(STEPS)}")
    n_words: int = setting(20_000, "size of the vocabulary, the most frequent words first", low=3)
    n_tokens: int = setting(500, "how many tokens of a text the network reads at most", low=1)
    keep: str = setting("last", "which end of a longer text is read", choices=("first", "last"))

    dim: int = setting(100, "width of the word embedding", low=1)
    vectors: str = setting(
        "none",
        "where word vectors come from: none (random), or train (from the training texts and those given beside them)",
        choices=("none", "train"),
    )
    vectors_window: int = setting(5, "words on each side that a trained vector predicts", low=1)
    vectors_epochs: int = setting(5, "passes over the texts for trained vectors", low=1)
    freeze: bool = setting(False, "the word embedding stays as the vectors are")
    embedding_dropout: float = setting(0.0, "dropout of whole embedding channels of a text", low=0.0, high=0.95)
    word_dropout: float = setting(0.0, "share of tokens hidden in training", low=0.0, high=0.95)

    conv_filters: int = setting(0, "filters of a convolution before the LSTM (0: none)", low=0)
    conv_width: int = setting(3, "tokens that a filter sees", low=1)
    conv_pool: int = setting(2, "timesteps that max-pooling puts together after the convolution", low=1)
    units: tuple[int, ...] = setting((100,), "width of each LSTM layer, first to last", low=1)
    bidirectional: bool = setting(False, "read forwards and backwards")
    pooling: str = setting(
        "last",
        "what stands for the text: the last state, or maximum and mean of all states",
        choices=("last", "max-mean"),
    )
    dropout: float = setting(0.0, "dropout between layers", low=0.0, high=0.95)
    input_dropout: float = setting(0.0, "dropout of what enters the LSTM's cell", low=0.0, high=0.95)
    recurrent_dropout: float = setting(0.0, "dropout of the state inside the LSTM's cell", low=0.0, high=0.95)
    dense: int = setting(0, "width of a dense layer before the output (0: none)", low=0)
    ngrams: int = setting(0, "longest n-gram of a wide part beside the LSTM (0: no wide part)", low=0, high=3)
    n_buckets: int = setting(2**20, "buckets that the n-grams are hashed into", low=2)
    ngram_strength: float = setting(
        1.0, "how far the wide part's regression may go: inverse of its L2 regularization", low=1e-6
    )
    memory: int = setting(
        0, "longest text, in words, that is remembered with the classes that it had in training (0: none)", low=0
    )
    distinct: bool = setting(False, "network and n-grams learn once from equal training texts with equal classes")
    output: str = setting("softmax", "softmax over the classes, or one sigmoid for two", choices=("softmax", "sigmoid"))

    batch_size: int = setting(64, "texts a training step", low=1)
    epochs: int = setting(10, "epochs at most; validation chooses the best", low=1)
    pretraining_epochs: int = setting(2, "epochs on a corpus of pre-training, where one is given", low=1)
    refit: bool = setting(
        False, "learn again from training and validation texts together, for the epochs that validation chose"
    )
    patience: int = setting(2, "epochs without a better validation accuracy before training stops", low=1)
    learning_rate: float = setting(1e-3, "Adam's step size", low=1e-7, high=1.0)
    schedule: str = setting("constant", "course of the learning rate", choices=("constant", "cosine"))
    clip_norm: float = setting(1.0, "largest global norm of a gradient", low=1e-6)
    label_smoothing: float = setting(0.0, "share of the target spread over all classes", low=0.0, high=0.5)
    seed: int = setting(0, "the seed of every random choice", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        for step in self.clean:
            if step not in STEPS:
                raise ConfigError(f"'clean' must be of {', '.join(STEPS)}, got {step}.", "Change its value.")
        if not self.units:
            raise ConfigError("'units' must hold at least one number, got none.", "For example: units=100.")
        if self.memory and self.output == "sigmoid":
            raise ConfigError(
                "'memory' works beside a softmax, got output=sigmoid.", "Set output=softmax, or memory=0."
            )
        if self.freeze and self.vectors == "none":
            remedy = "Set vectors=train; a file of vectors then takes their place."
            raise ConfigError("'freeze' needs word vectors, got vectors=none.", remedy)
