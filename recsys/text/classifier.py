"""A text pipeline that can be trained, asked, saved and loaded; asking it needs neither TensorFlow nor Keras."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from recsys.artifact import checksum_of, copy_file, read_manifest, reading_files, write_folder
from recsys.errors import ConfigError, InputError
from recsys.text.clean import clean, tokenize
from recsys.text.codes import Codes
from recsys.text.config import TextConfig
from recsys.text.encoder import Encoder, to_onnx
from recsys.text.memory import Memory
from recsys.text.tokens import UNKNOWN, Tokens

if TYPE_CHECKING:
    import keras

    from recsys.text.corpus import Corpus
    from recsys.text.training import Texts
    from recsys.text.vectors import WordVectors

Wide = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""The weights of n-grams, (n_buckets, n_outputs), and intercepts, (n_outputs,)."""
Balance = tuple[dict[str, float], npt.NDArray[np.float32]]
"""The factor of each part's logits, and intercepts (n_outputs,)."""
KIND = "recsys-text"
PART = 256
"""How many texts are tokenized while the network works on those before."""
CONFIG, WORDS, EPOCHS, MEMORY = "config.json", "words.json", "epochs.json", "memory.json"
NETWORK, ENCODER = "network.keras", "network.onnx"


class TextClassifier:
    """Tell the class of a text by an LSTM that reads its words.

    `network.keras` in a saved folder takes cleaned texts, its vectorizer inside; `network.onnx` is what answers here.
    """

    def __init__(self, config: TextConfig | None = None, *, recipe: str = "custom") -> None:
        self.config = config or TextConfig()
        self.recipe = recipe
        self.labels: tuple[str, ...] = ()
        """The classes, in the order of the probabilities' columns."""
        self.facts: dict[str, Any] = {}
        """What it was trained on and how that went."""
        self.epochs: list[dict[str, Any]] = []
        """One row an epoch: loss, accuracy, val_loss, val_accuracy, seconds."""
        self.vectors: WordVectors | None = None
        """The word vectors that the embedding started from; a saved folder does not keep them."""
        self._tokens = Tokens(())
        self._memory: Memory | None = None
        self._graph = b""
        self._encoder: Encoder | None = None
        self._network: keras.Model | None = None
        self._folder: Path | None = None
        self._checksum = ""

    # -- training --------------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Corpus,
        validation: Corpus,
        *,
        vectors: WordVectors | None = None,
        more_texts: Sequence[str] = (),
        pretraining: Corpus | None = None,
        progress: bool = False,
    ) -> Self:
        """Learn from labelled texts and keep the epoch that does best on the validation part.

        `vectors` start the word embedding; without them `config.vectors` decides, and trained ones are trained on the
        training texts (of phrases, on the whole sentences among them, which `subset` marks) and on `more_texts`, which
        need no label. The network first learns from a `pretraining` corpus, other texts with as many classes in the
        same order (reviews of films, before reviews of places); the vocabulary is that of both. With `config.refit` all
        is learned once more, from training and validation texts together, for as many epochs and with such weights of
        the parts as validation found; the vocabulary and the vectors stay. Raises InputError for
        empty parts, other classes or a single one, and vectors of another width.
        """
        self._check(train, validation, vectors, pretraining)
        from recsys.backend import load_keras

        backend = load_keras()
        from recsys.text.network import build, with_words, without_wide
        from recsys.text.training import Texts, run

        config, began = self.config, time.perf_counter()
        self.labels = train.classes
        cleaned = [clean(text, config.clean) for text in train.texts]
        others = [] if pretraining is None else [clean(text, config.clean) for text in pretraining.texts]
        self._tokens = Tokens.learn([*cleaned, *others], config.n_words)
        if vectors is None and config.vectors == "train":
            whole = range(len(cleaned)) if train.subset is None else np.flatnonzero(train.subset)
            read = [*(cleaned[row] for row in whole), *(clean(text, config.clean) for text in more_texts)]
            vectors = self._train_vectors(read, progress)
        backend.utils.set_random_seed(config.seed)
        network = build(config, self._tokens.n_codes, len(self.labels))
        self.vectors = vectors
        if vectors is not None:
            self._take_vectors(network, vectors)
        learned = self._to_learn(cleaned, train.labels)
        judged = Texts(self._codes(validation.texts), validation.labels)
        trained = without_wide(network) if config.ngrams else network
        before = None if pretraining is None else Texts(self._cut(others), pretraining.labels)
        if before is not None:
            plan = replace(config, epochs=config.pretraining_epochs, patience=config.pretraining_epochs)
            run(trained, before, judged, plan, len(self.labels), progress=progress)
        start = trained.get_weights() if config.refit else None
        epochs = run(trained, learned, judged, config, len(self.labels), progress=progress)
        self.epochs = epochs.rows
        best = self.epochs[epochs.best_epoch - 1]
        self.facts = {
            "n_train": len(train),
            "n_learned": len(learned.labels),
            "n_validation": len(validation),
            "train_sha256": train.sha256,
            "n_pretraining": 0 if pretraining is None else len(pretraining),
            "n_words": len(self._tokens),
            "vectors": "none" if vectors is None else vectors.origin,
            "best_epoch": epochs.best_epoch,
            "validation_accuracy": best["val_accuracy"],
        }
        wide = self._learn_beside(cleaned, train.labels, learned, before)
        balance = self._balance(network, judged, validation.texts, wide) if config.ngrams or config.memory else None
        self._put_together(network, wide, balance)
        if start is not None:
            cleaned += [clean(text, config.clean) for text in validation.texts]
            labels = np.concatenate([train.labels, validation.labels])
            learned = self._to_learn(cleaned, labels)
            trained.set_weights(start)
            run(trained, learned, None, config, len(self.labels), until=epochs.best_epoch, progress=progress)
            self._put_together(network, self._learn_beside(cleaned, labels, learned, before), balance)
            self.facts["n_refitted"] = len(learned.labels)
        self._network = with_words(network, self._tokens.layer(), config, self._memory or None)
        self.facts["fit_seconds"] = round(time.perf_counter() - began, 2)
        return self

    def _check(
        self, train: Corpus, validation: Corpus, vectors: WordVectors | None, pretraining: Corpus | None
    ) -> None:
        for name, part in (("training", train), ("validation", validation)):
            if len(part) == 0:
                raise InputError(f"The {name} part holds no text.", "Give more texts.")
        if validation.classes != train.classes:
            raise InputError(
                f"The validation part has the classes {', '.join(validation.classes)}, "
                f"the training part {', '.join(train.classes)}.",
                "Read both with the same classes.",
            )
        if len(np.unique(train.labels)) < 2:
            only = train.classes[train.labels[0]]
            raise InputError(f"The training part holds one class only ('{only}').", "Give texts of at least two.")
        if self.config.output == "sigmoid" and len(train.classes) != 2:
            raise ConfigError(f"One sigmoid tells two classes apart, got {len(train.classes)}.", "Set output=softmax.")
        if pretraining is not None and len(pretraining.classes) != len(train.classes):
            raise InputError(
                f"The corpus of pre-training has {len(pretraining.classes)} classes, this one {len(train.classes)}.",
                "Give one with as many classes, in the same order.",
            )
        if vectors is not None and vectors.dim != self.config.dim:
            raise InputError(
                f"The word vectors have {vectors.dim} numbers, the embedding {self.config.dim}.",
                f"Set dim={vectors.dim}, or give other vectors.",
            )

    def _train_vectors(self, cleaned: list[str], progress: bool) -> WordVectors:
        from recsys.text.vectors import train_vectors

        config = self.config
        return train_vectors(
            cleaned,
            config.dim,
            window=config.vectors_window,
            epochs=config.vectors_epochs,
            seed=config.seed,
            progress=progress,
        )

    def _take_vectors(self, network: keras.Model, vectors: WordVectors) -> None:
        """Start the embedding with the vectors; words without one keep their random start, of the vectors' scale."""
        layer = network.get_layer("word_embedding")
        rows, found = vectors.rows_for(self._tokens.vocabulary)
        if not found.any():
            raise InputError("The word vectors know no word of these texts.", "Give vectors of the same language.")
        table = np.random.default_rng(self.config.seed).normal(0, rows[found].std(), layer.get_weights()[0].shape)
        table[0] = 0
        table[UNKNOWN + 1 :][found] = rows[found]
        layer.set_weights([table.astype(np.float32)])

    def _serve(self, network: keras.Model) -> None:
        self._graph = to_onnx(network, self.config, network.output.shape[1])
        self._encoder = Encoder(self._graph, self.config)

    def _to_learn(self, cleaned: Sequence[str], labels: npt.NDArray[np.int32]) -> Texts:
        """Return what network and n-grams learn from: each text once with each of its classes if `config.distinct`."""
        from recsys.text.training import Texts

        rows = _first_of_equals(cleaned, labels) if self.config.distinct else np.arange(len(labels))
        return Texts(self._cut([cleaned[row] for row in rows]), labels[rows])

    def _learn_beside(
        self, cleaned: Sequence[str], labels: npt.NDArray[np.int32], learned: Texts, before: Texts | None
    ) -> dict[str, Wide]:
        """Fill the memory, and fit the n-grams' weights, those of pre-training by themselves, where there are such."""
        from recsys.text.ngrams import fit_wide

        if self.config.memory:
            self._memory = Memory.learn(cleaned, labels, len(self.labels), self.config.memory)
            self.facts["n_remembered"] = len(self._memory)
        corpora = {"ngrams": learned, "pretraining_ngrams": before} if self.config.ngrams else {}
        return {
            name: fit_wide(texts.codes, texts.labels, self.config, len(self.labels))
            for name, texts in corpora.items()
            if texts is not None
        }

    def _balance(
        self, network: keras.Model, validation: Texts, texts: Sequence[str], wide: Mapping[str, Wide]
    ) -> Balance:
        """Let the validation part, whose texts these are, weigh the LSTM, the n-grams and the memory."""
        from recsys.text.ngrams import balance, wide_logits

        self._serve(network)
        assert self._encoder is not None
        config = self.config
        chances = np.clip(self._encoder.probabilities([validation.codes]).astype(np.float64), 1e-7, 1 - 1e-7)
        parts = {"lstm": np.log(chances / (1 - chances)) if config.output == "sigmoid" else np.log(chances)}
        parts |= {name: wide_logits(validation.codes, *fitted, config) for name, fitted in wide.items()}
        if self._memory is not None:
            parts["memory"] = self._memory.logits([clean(text, config.clean) for text in texts])
        factors, shift = balance(list(parts.values()), validation.labels)
        factor = dict(zip(parts, map(float, factors), strict=True))
        together = sum(factor[name] * logits for name, logits in parts.items()) + shift
        for name, logits in {"": together, **{f"_{name}": logits for name, logits in parts.items()}}.items():
            accuracy = float((_decided(logits) == validation.labels).mean())
            self.facts[f"validation_accuracy{name}"] = round(accuracy, 5)
        return factor, shift

    def _put_together(self, network: keras.Model, wide: Mapping[str, Wide], balance: Balance | None) -> None:
        """Make one network of the LSTM, the n-grams and the memory, each with its weight, and serve it."""
        if balance is None:
            self._serve(network)
            return
        factor, shift = balance
        decision = network.get_layer("logits")
        kernel, bias = decision.get_weights()
        intercepts = shift + sum(factor[name] * intercepts for name, (_, intercepts) in wide.items())
        decision.set_weights([factor["lstm"] * kernel, factor["lstm"] * bias + intercepts])
        if wide:
            weights = sum(factor[name] * weights for name, (weights, _) in wide.items())
            network.get_layer("ngram_weights").set_weights([weights])
        if self._memory is not None:
            self._memory.factor = factor["memory"]
        self._serve(network)

    # -- asking ------------------------------------------------------------------------------------------------------

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the probability of each class, (n_texts, n_classes); any text is answered, an empty one too."""
        if self._encoder is None:
            raise InputError("The text model is not trained yet.", "Call fit first, or load a saved one.")
        parts = (self._codes(texts[start : start + PART]) for start in range(0, len(texts), PART))
        found = self._encoder.probabilities(parts)
        if self._memory is not None:
            return self._memory.recall([clean(text, self.config.clean) for text in texts], found)
        return np.concatenate([1 - found, found], axis=1) if self.config.output == "sigmoid" else found

    def _codes(self, texts: Sequence[str]) -> Codes:
        rows = (tokenize(text, self.config.clean) for text in texts)
        return Codes.cut(*self._tokens.encode_words(rows), self.config.n_tokens, self.config.keep)

    def _cut(self, cleaned: Sequence[str]) -> Codes:
        return Codes.cut(*self._tokens.encode(cleaned), self.config.n_tokens, self.config.keep)

    # -- the folder --------------------------------------------------------------------------------------------------

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model folder, whole or not at all."""
        if self._encoder is None:
            raise InputError("The text model is not trained yet.", "Call fit first.")
        content = {
            "recipe": self.recipe,
            "labels": list(self.labels),
            "config": self.config.to_mapping(),
            "facts": self.facts,
        }
        with write_folder(folder, kind=KIND, overwrite=overwrite, recipe=self.recipe) as inside:
            if self._network is None:
                assert self._folder is not None
                copy_file(self._folder / NETWORK, inside / NETWORK, self._checksum)
            else:
                self._network.save(inside / NETWORK, include_optimizer=False)
            (inside / ENCODER).write_bytes(self._graph)
            files: dict[str, Any] = {CONFIG: content, WORDS: self._tokens.vocabulary, EPOCHS: self.epochs}
            if self._memory is not None:
                files[MEMORY] = self._memory.to_mapping()
            for name, value in files.items():
                (inside / name).write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model folder; raises ArtifactError where it is none, incomplete or altered."""
        folder = Path(folder)
        read_manifest(folder, kind=KIND)
        with reading_files(folder):
            content, words, epochs = (
                json.loads((folder / name).read_text(encoding="utf-8")) for name in (CONFIG, WORDS, EPOCHS)
            )
            model = cls(TextConfig.from_mapping(content["config"]), recipe=content["recipe"])
            model.labels, model.facts, model.epochs = tuple(content["labels"]), content["facts"], epochs
            model._tokens = Tokens(words)
            if model.config.memory:
                model._memory = Memory.from_mapping(json.loads((folder / MEMORY).read_text(encoding="utf-8")))
            model._graph = (folder / ENCODER).read_bytes()
            model._encoder = Encoder(model._graph, model.config)
            model._folder, model._checksum = folder, checksum_of(folder / NETWORK)
        return model


def _first_of_equals(cleaned: Sequence[str], labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return the row where each text first appears with each of its classes, ascending."""
    firsts: dict[tuple[str, int], int] = {}
    for row, pair in enumerate(zip(cleaned, labels.tolist(), strict=True)):
        firsts.setdefault(pair, row)
    return np.fromiter(firsts.values(), dtype=np.int64)


def _decided(logits: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return the class that each row of logits is for."""
    return (logits[:, 0] > 0).astype(np.int64) if logits.shape[1] == 1 else logits.argmax(axis=1)
