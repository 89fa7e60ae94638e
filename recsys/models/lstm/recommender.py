"""The stacked LSTM behind the contract: fit, recommend, similar titles, save, load."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from recsys.artifact import checksum_of, copy_file
from recsys.backend import load_keras
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout
from recsys.errors import InputError
from recsys.models.base import OnEpoch, Recommender, Scores, batch_size
from recsys.models.lstm.account import FOUND, findings, save_curves
from recsys.models.lstm.config import LSTMConfig
from recsys.models.lstm.encoder import Encoder, item_vectors, to_onnx
from recsys.models.lstm.inputs import Encoding, settled_shuffle

if TYPE_CHECKING:
    import keras

    from recsys.models.lstm.chain import Chain
    from recsys.models.lstm.names import Names
    from recsys.models.lstm.wide import CrossFitted, Wide

NETWORK, ENCODER, ITEMS, FITTED = "network.keras", "encoder.onnx", "items.npz", "lstm.json"
WIDE = "wide.npz"


class LSTMRecommender(Recommender):
    """Predict the next anime with a stack of LSTM layers over the features of each event.

    Fitting needs Keras; everything else runs on the exported ONNX encoder and numpy, so that a cold process answers
    without importing TensorFlow. `workdir` is where checkpoint, CSV log and curves go; with `resume`, an interrupted
    fit goes on from there. `on_epoch` is told of each epoch's validation, and may end the fit by raising an error.
    """

    name = "lstm"
    Config = LSTMConfig
    supports_mood = True
    finds_epochs = True
    needs_validation = True
    config: LSTMConfig

    def __init__(
        self,
        config: LSTMConfig | None = None,
        *,
        workdir: str | Path | None = None,
        resume: bool = False,
        tensorboard: str | Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> None:
        super().__init__(config)
        self.workdir = None if workdir is None else Path(workdir)
        self.resume = resume
        self.tensorboard = None if tensorboard is None else Path(tensorboard)
        self.on_epoch = on_epoch
        self.epochs: list[dict[str, Any]] = []
        """One row an epoch: loss, validation metrics, seconds."""
        self._wide: Wide | None = None
        self._names: Names | None = None
        self._chain: Chain | None = None
        self._greets_users = True
        """Whether known users are served with their own vectors; validation may find that they are better without."""

    @property
    def reads_request_times(self) -> bool:
        return self._encoding.has_waits

    # -- training ----------------------------------------------------------------------------------------------

    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        backend = load_keras()

        from recsys.models.lstm import training
        from recsys.models.lstm.network import build, layer_table, scoring_network, with_loss
        from recsys.models.lstm.teaching import be_taught
        from recsys.models.lstm.windows import TrainingWindows

        self._encoding = self._encoding_of(data)
        if self._encoding.has_waits and validation is not None:
            validation = validation.with_request_times()  # judged as it is going to be asked
        self._greets_users, self._names, self._chain = True, None, None
        tags = self._encoding.item_tags(data.catalogue)
        taught = be_taught(self, data, validation, progress) if self.config.teachers else None
        is_taught = taught is not None
        config = dataclasses.replace(self.config, seed=self.config.seed + self.config.teachers)
        backend.utils.set_random_seed(config.seed)
        state: dict[str, Any] = {"epochs": [], "best": -1.0, "best_epoch": 0}
        identity = {"config": self.config.to_mapping(), "data": training.fingerprint(data, tags)}
        resumed = training.read_checkpoint(self.workdir, identity) if self.resume and self.workdir else None
        if self.resume and resumed is None and progress:
            print(f"No checkpoint in {self.workdir}: training begins anew.", file=sys.stderr)
        network, state = resumed or (
            with_loss(build(config, self._encoding, tags), config, taught=is_taught),
            state,
        )
        windows = TrainingWindows(
            data.histories,
            self._encoding,
            config,
            tags,
            taught=taught,
            wide=self._fit_wide(data),
            shuffled=data.order is Order.NONE,
            epoch=len(state["epochs"]),
        )
        del taught  # the windows have their own part of it
        if resumed is None:
            training.compile_for_training(network, config, len(windows))
        epochs_taught = sum(teacher["epochs"] for teacher in self.facts.get("teachers", []))
        judge = training.RankingValidation(
            lambda model: self._scorer(model, tags, data, validation),
            validation,
            self.config,
            state,
            training.counting_on(self.on_epoch, epochs_taught),
            batch=batch_size(data.n_codes),
        )
        training.run(
            network,
            windows,
            judge,
            self.config,
            workdir=self.workdir,
            identity=identity,
            progress=progress,
            tensorboard=self.tensorboard,
        )
        self.epochs = judge.state["epochs"]
        network = scoring_network(network)
        self._layers = layer_table(network)
        self._network: keras.Model | None = network
        self._scorer(network, tags, data, validation)
        if validation is not None and self._encoding.n_users:
            self._greets_users = self._users_are_worth_it(validation)
        if not self._unordered and self.config.adds_wide:
            self._add_wide(data, validation)
        if self.config.names_odds != 0:
            self._add_names(data, validation)
        if self.config.chain_share != 0:
            self._add_chain(data, validation)
        self.facts |= {
            "epochs": len(self.epochs),
            "best_epoch": judge.state["best_epoch"],
            "monitor": self.config.monitor,
            "best_validation": judge.state["best"] if validation is not None else None,
        }
        if self.workdir is not None:
            with suppress(OSError):  # a picture is no reason to lose what was learned
                save_curves(self.epochs, judge.state["best_epoch"], self.workdir / "curves.png")

    def _encoding_of(self, data: Dataset) -> Encoding:
        """Say how the data is read; InputError for what cannot be learned from, before anything is trained."""
        if not (data.histories.lengths >= 2).any():
            raise InputError("The LSTM needs a history of at least 2 events, got none.", "Loosen the filters.")
        if self.tensorboard is not None and importlib.util.find_spec("tensorboard") is None:
            raise InputError("TensorBoard is not installed.", 'Install it: pip install "recsys[tensorboard]".')
        encoding = Encoding.of(data, self.config)
        if self.config.wait_dim and not encoding.has_waits:
            raise InputError("This data has no times, so wait_dim tells nothing.", "Fit with wait_dim=0.")
        if self.config.teachers and data.order is Order.NONE:
            raise InputError("Teachers tell what comes next, and this data has no order.", "Fit with teachers=0.")
        return encoding

    def _fit_wide(self, data: Dataset) -> CrossFitted | None:
        """Fit the linear model: for serving on everybody, and for training without each fold of people."""
        self._wide = None
        if not self._encoding.has_wide:
            return None
        from recsys.models.lstm.wide import CrossFitted, Wide, fit_weights

        self._wide = Wide(fit_weights(data, self.config), np.zeros(self.config.dim + 1, dtype=np.float32))
        return CrossFitted.fit(data, self.config)

    def _add_wide(self, data: Dataset, validation: Holdout | None) -> None:
        """Fit the linear model beside the trained network; validation says what it counts, unless the settings do."""
        from recsys.models.lstm.wide import SHARES, USUAL_SHARE, Wide

        given = self.config.wide_share
        wide, best = Wide.beside(data, self.config, share=1.0), USUAL_SHARE if given is None else given
        if validation is not None:
            shares = SHARES if given is None else (given,)
            at, found = self._best_mix(wide, validation, [(1.0, share) for share in shares])
            best, self.facts["validation_with_the_linear_model"] = shares[at], found
        self.facts["wide_share"] = best
        self._wide = wide.counting(best) if best else None

    def _best_mix(
        self, wide: Wide, validation: Holdout, mixes: Sequence[tuple[float, float]]
    ) -> tuple[int, dict[str, float]]:
        """Judge what the network's own and the linear scores may count; the first of the best, and its quality."""
        from recsys.models.lstm.judging import best_mix

        def parts(histories: Histories) -> tuple[Scores, Scores]:
            histories, states = self._read(histories)
            return self._deep(states), wide.scores(histories, states).toarray()

        return best_mix(parts, validation, mixes, self.config, self.data.n_codes)

    def _add_names(self, data: Dataset, validation: Holdout | None) -> None:
        """Compare the names of titles that few have watched; validation says what they add, unless the settings do."""
        from recsys.models.lstm.names import Names

        names = Names.of(data, self.config.names_odds)
        if not names.weights.nnz:
            return
        if self.config.names_odds is None and validation is not None:
            names, self.facts["validation_with_names"] = names.choose(self._scores, validation, self.config)
        self.facts["names_odds"] = names.odds
        self._names = names if names.odds else None

    def _add_chain(self, data: Dataset, validation: Holdout | None) -> None:
        """Fit the chain for people who are known by few titles; where it counts nothing, it is left out."""
        from recsys.models.lstm.chain import Chain

        chain = Chain.fit(data, self.config, self._scores, validation)
        chain.model._data = self._data  # the training part would be held twice
        self.facts["chain_shares"] = list(chain.shares)
        self._chain = chain if any(chain.shares) else None

    def refit(self, *, progress: bool = False) -> Self:
        """Fit anew on everything, validation and test rows included, for the epochs that validation found best."""
        workdir = None if self.workdir is None else self.workdir / "final"
        final = type(self)(self.config.without_validation(self.facts), workdir=workdir, resume=self.resume)
        final.fit(self.data, progress=progress)
        final._greets_users = self._greets_users
        if self._wide is not None and final._wide is not None:
            final._wide = dataclasses.replace(final._wide, deep_share=self._wide.deep_share)
        if self._chain is not None and final._chain is not None:
            final._chain = dataclasses.replace(final._chain, shares=self._chain.shares)
            final.facts["chain_shares"] = list(self._chain.shares)
        final.facts["validated"] = {name: self.facts[name] for name in ("fitted_on", *FOUND) if name in self.facts}
        return final

    def _users_are_worth_it(self, validation: Holdout) -> bool:
        """Say whether known users are ranked better with their own vectors than as unknown ones."""
        from recsys.models.lstm.judging import ranking_quality

        strangers = Holdout(validation.inputs.without_users(), validation.targets)
        known, unknown = (
            ranking_quality(self._scores, part, self.config.cutoff, batch=batch_size(self.data.n_codes))
            for part in (validation, strangers)
        )
        self.facts |= {"validation_of_known_users": known, "validation_of_the_same_as_unknown": unknown}
        return known[self.config.monitor] > unknown[self.config.monitor]

    def _scorer(
        self, network: keras.Model, tags: npt.NDArray[np.float32], data: Dataset, validation: Holdout | None
    ) -> Any:
        """Score with the very engine that serves, built from the network's present weights."""
        if self._encoding.n_users:
            from recsys.models.lstm.network import hide_untrained_users

            hide_untrained_users(network, data.histories)
        self._serve(to_onnx(network, self.config, self._encoding, tags), *item_vectors(network, tags), data)
        if self._wide is not None:
            from recsys.models.lstm.wide import DEEP_SHARES, gate_of

            self._wide = dataclasses.replace(self._wide, gate=gate_of(network))
            if validation is not None:
                best, _ = self._best_mix(self._wide, validation, [(share, 1.0) for share in DEEP_SHARES])
                self._wide = dataclasses.replace(self._wide, deep_share=DEEP_SHARES[best])
                self.facts["deep_share"] = DEEP_SHARES[best]
        return self._scores

    def _serve(
        self, graph: bytes, vectors: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], data: Dataset
    ) -> None:
        """Take up trained parameters; a title without training events gets the bias of the rarest ones."""
        self._graph = graph
        self._encoder = Encoder(graph, self.config, self._encoding)
        self._unordered = data.order is Order.NONE
        counts = np.bincount(data.histories.items, minlength=len(bias))
        watched = np.flatnonzero(counts)
        rarest = watched[counts[watched] <= np.quantile(counts[watched], 0.05)]
        self._vectors = vectors
        self._bias = np.where(counts > 0, bias, bias[rarest].mean()).astype(np.float32)

    # -- serving -------------------------------------------------------------------------------------------------

    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        asked = histories
        histories, states = self._read(asked, mood)
        scores = self._deep(states)
        told = np.zeros(histories.n_users, dtype=np.float32)
        if self._wide is not None:
            scores *= np.float32(self._wide.deep_share)
            scores += self._wide.scores(histories, states).toarray()  # several times faster than adding at its places
            told += np.float32(1.0 if self._unordered else self._wide.share / 2)
        wish = self._wish(mood)
        has = self.data.catalogue.token_matrix(wish).mean(axis=1).astype(np.float32) if wish else None
        if self._names is not None:
            self._names.add_to(scores, asked, None if has is None else has > 0)
        if self._chain is not None:
            told += self._chain.add_to(scores, asked)
        if has is not None and told.any():  # what counts cannot read it, and would outweigh the network
            scores += np.float32(self.config.wish_odds) * told[:, None] * has
        return scores

    def _read(self, histories: Histories, mood: Sequence[str] = ()) -> tuple[Histories, npt.NDArray[np.float32]]:
        """Return the histories as the network reads them, and its state after each."""
        if self._unordered:
            histories = settled_shuffle(histories)
        if not self._greets_users:
            histories = histories.without_users()
        return histories, self._encoder.encode(histories, self._wish(mood))

    def _deep(self, states: npt.NDArray[np.float32]) -> Scores:
        """Return the network's own scores (n_users, n_codes)."""
        scores: Scores = states @ self._vectors.T
        scores += self._bias
        return scores

    def _wish(self, mood: Sequence[str]) -> list[str]:
        if not mood:
            return []
        tokens = self.data.catalogue.resolve_tokens(mood)
        self._encoding.refuse_unknown_tokens(tokens, mood)
        return tokens

    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        """Compare output vectors by cosine: titles that come next for the same people."""
        unit = self._vectors / np.maximum(np.linalg.norm(self._vectors, axis=1, keepdims=True), 1e-9)
        scores: Scores = unit[codes] @ unit.T
        return scores

    def findings(self) -> list[str]:
        return findings(self.facts.get("validated", self.facts))

    def describe(self) -> pl.DataFrame:
        """List every layer that holds weights: `layer, output_shape, parameters, role`."""
        return pl.DataFrame(self._layers)

    # -- the folder ----------------------------------------------------------------------------------------------

    def _save(self, folder: Path) -> None:
        if self._network is None:
            copy_file(self._loaded, folder / NETWORK, self._checksum)  # it serves without it, and does not hold it
        else:
            self._network.save(folder / NETWORK, include_optimizer=False)
        (folder / ENCODER).write_bytes(self._graph)
        np.savez(folder / ITEMS, vectors=self._vectors, bias=self._bias)
        if self._wide is not None:
            np.savez(folder / WIDE, **self._wide.to_arrays())  # type: ignore[arg-type]  # no array is called allow_pickle
        if self._names is not None:
            self._names.save(folder)
        if self._chain is not None:
            self._chain.save(folder)
        fitted = {
            "encoding": self._encoding.to_mapping(),
            "epochs": self.epochs,
            "layers": self._layers,
            "greets_users": self._greets_users,
            "names": self._names is not None,
            "chain_shares": None if self._chain is None else self._chain.shares,
        }
        (folder / FITTED).write_text(json.dumps(fitted, indent=2), encoding="utf-8")

    def _load(self, folder: Path) -> None:
        fitted = json.loads((folder / FITTED).read_text(encoding="utf-8"))
        self._encoding = Encoding.from_mapping(fitted["encoding"])
        self.epochs, self._layers = fitted["epochs"], fitted["layers"]
        self._greets_users = bool(fitted["greets_users"])
        self._network, self._loaded = None, folder / NETWORK
        self._checksum = checksum_of(self._loaded)
        self._unordered = self.data.order is Order.NONE
        self._graph = (folder / ENCODER).read_bytes()
        self._encoder = Encoder(self._graph, self.config, self._encoding)
        with np.load(folder / ITEMS, allow_pickle=False) as arrays:
            self._vectors, self._bias = arrays["vectors"], arrays["bias"]
        if (folder / WIDE).is_file():
            from recsys.models.lstm.wide import Wide

            with np.load(folder / WIDE, allow_pickle=False) as arrays:
                self._wide = Wide.from_arrays(arrays, self.data.n_codes)
        if fitted.get("names"):
            from recsys.models.lstm.names import Names

            self._names = Names.load(folder)
        if shares := fitted.get("chain_shares"):
            from recsys.models.lstm.chain import Chain

            self._chain = Chain.load(folder, self.data, shares)
