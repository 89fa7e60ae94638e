"""The contract of every model: fit, recommend, similar titles, save, load; all from histories."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits

from recsys.artifact import read_manifest, reading_files, write_folder
from recsys.config import Settings
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, UserIds
from recsys.dataset.split import Holdout, Split
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError, RecsysError, UnknownIdError
from recsys.machine import usable_cores
from recsys.ranking.filters import Filters, split_names
from recsys.ranking.frames import recommendation_frame, similar_frame
from recsys.ranking.topk import TopK, top_k

KIND = "recsys-model"
BATCH, SCORES = 512, 2**23
"""How many people are scored at a time: fewer where titles are so many that their scores would be more."""

Scores = npt.NDArray[np.float32]

OnEpoch = Callable[[int, Mapping[str, float]], None]
"""Called after each epoch with its number, from 1, and its validation metrics; what it raises ends the fit."""


class Recommender(ABC):
    """Rank titles for people, given their histories.

    A subclass names its `Config`, and computes `_fit`, `_scores` and `_similar`, `_save` and `_load`; checks, ids,
    filters, top-k and folders are here. Private methods see codes only and check nothing.
    """

    name: ClassVar[str]
    Config: ClassVar[type[Settings]]
    supports_mood: ClassVar[bool] = False
    finds_epochs: ClassVar[bool] = False
    """Whether it trains in epochs, told to `on_epoch`, and validation finds the best one."""
    needs_validation: ClassVar[bool] = False
    """Whether `refit` needs what a fit with a validation part found: how long to train, or how to combine."""

    def __init__(self, config: Settings | None = None) -> None:
        self.config = self.Config() if config is None else config
        self._data: Dataset | None = None
        self.facts: dict[str, Any] = {}
        """What is worth knowing of the fit (protocol, seconds, epochs …), saved in the manifest."""

    # -- what a subclass computes ------------------------------------------------------------------------------

    @abstractmethod
    def _fit(self, data: Dataset, validation: Holdout | None, progress: bool) -> None:
        """Learn from `data.histories` (the training part)."""

    @abstractmethod
    def _scores(self, histories: Histories, mood: Sequence[str] = ()) -> Scores:
        """Return a new array (n_users, n_codes) of scores; any finite value counts as a candidate."""

    @abstractmethod
    def _similar(self, codes: npt.NDArray[np.int32]) -> Scores:
        """Return a new array (len(codes), n_codes): how close each title is to those of `codes`."""

    @abstractmethod
    def _save(self, folder: Path) -> None:
        """Write the fitted state into the folder: JSON, parquet, npz, .keras or .onnx."""

    @abstractmethod
    def _load(self, folder: Path) -> None:
        """Read what `_save` wrote; `self.data` is there already."""

    # -- the contract --------------------------------------------------------------------------------------------

    @property
    def reads_request_times(self) -> bool:
        """Tell whether it matters to this fitted model when somebody asks (`Histories.asked`)."""
        return False

    @property
    def ranks_seen(self) -> bool:
        """Tell whether the scores of titles that a person has seen can be compared with those of others."""
        return True

    @property
    def data(self) -> Dataset:
        """Give the data set whose users and titles this model serves."""
        if self._data is None:
            raise RecsysError(f"This {self.name} model has not been fitted.", "Call fit first, or load a saved one.")
        return self._data

    def fit(self, dataset: Dataset, split: Split | None = None, *, progress: bool = False) -> Self:
        """Learn from the whole data set, or from a split's training part with its validation part to judge by.

        The model then serves everybody in `dataset` with their whole histories. Where fitting fails, it serves nobody:
        what it had learned before is of other data.
        """
        train = dataset.histories if split is None else split.train
        if train.n_events == 0:
            raise InputError("A model needs at least one event to learn from, got none.", "Loosen the filters.")
        self._data = dataset
        self.facts = {
            "fitted_on": "everything" if split is None else f"train part of {split.protocol}",
            "test_sha256": None if split is None else split.sha256,
            "n_events": train.n_events,
            "latest_event": None if train.times is None else int(train.times.max()),
        }
        began = time.perf_counter()
        try:
            self._fit(dataset.with_histories(train), None if split is None else split.validation, progress)
        except BaseException:
            self._data = None
            raise
        self.facts["fit_seconds"] = round(time.perf_counter() - began, 2)
        return self

    def refit(self, *, progress: bool = False) -> Self:
        """Return a model fitted anew on everything, validation and test rows included: to ship it."""
        return type(self)(self.config).fit(self.data, progress=progress)

    def scores(self, histories: Histories, mood: Sequence[str] | str = ()) -> Scores:
        """Return the score of every item code for every user, (n_users, n_codes); seen titles are not excluded.

        Codes 0 (padding) and 1 (unknown) score -inf.
        """
        mood = split_names(mood)
        if mood and not self.supports_mood:
            raise InputError(f"A {self.name} model cannot follow a mood.", "Use --include-genre, or an lstm model.")
        items = histories.items
        if histories.n_events and not 0 <= items.min() <= items.max() < self.data.n_codes:
            raise InputError(
                f"Item codes must be 0 to {self.data.n_codes - 1}, got {items.min()} to {items.max()}.",
                "`model.data.items.encode` gives the codes of ids.",
            )
        scores = self._scores(histories, mood)
        scores[:, :FIRST] = -np.inf
        return scores

    def top_k(
        self, histories: Histories, k: int = 10, filters: Filters | None = None, mood: Sequence[str] | str = ()
    ) -> Iterator[TopK]:
        """Yield the best k codes of each user, in batches of users, in bounded memory; a core ranks a batch."""
        filters = _checked(filters)
        _check_count(k)
        if filters.keep_seen and not self.ranks_seen:
            raise InputError(
                f"This {self.name} model has learned to order unseen titles only.",
                "Leave seen titles out, or ask one of its members.",
            )
        forbidden = np.flatnonzero(~filters.allowed(self.data.catalogue, self.data.items))

        def rank(batch: Histories) -> TopK:
            scores = self.scores(batch, mood)
            scores[:, forbidden] = -np.inf
            if not filters.keep_seen:
                scores[batch.rows, batch.items] = -np.inf
            return top_k(scores, k)

        size = batch_size(self.data.n_codes)
        if histories.n_users <= size:
            yield rank(histories)
            return
        n_cores = usable_cores()
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_cores) as pool:
            running: deque[Future[TopK]] = deque()
            for batch in histories.batches(size):
                running.append(pool.submit(rank, batch))
                if len(running) > n_cores:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()

    def recommend(
        self,
        users: UserIds = None,
        k: int = 10,
        *,
        histories: Histories | None = None,
        filters: Filters | None = None,
        mood: Sequence[str] | str = (),
    ) -> pl.DataFrame:
        """Return the frame `user_id, rank, anime_id, score, title` for known users or for given histories.

        `users` are external ids of the data that the model serves (None: all of them); `histories` serves anybody
        else, and their `user_id` is then null unless the histories name known users.
        """
        histories = self.histories_of(users) if histories is None else histories
        ranked = list(self.top_k(histories, k, filters, mood))
        return recommendation_frame(self.data, histories, ranked)

    def similar(self, anime_id: Any, k: int = 10, filters: Filters | None = None) -> pl.DataFrame:
        """Return the frame `rank, anime_id, score, title` of the titles most like this one."""
        filters = _checked(filters)
        code = self.data.items.encode([anime_id])
        if code[0] < FIRST:
            raise UnknownIdError(f"There is no title {anime_id!r} in this model.", "Find its id with `recsys.similar`.")
        _check_count(k)
        scores = self._similar(code)
        scores[:, ~filters.allowed(self.data.catalogue, self.data.items)] = -np.inf
        scores[:, :FIRST] = -np.inf
        scores[0, code] = -np.inf
        return similar_frame(self.data, top_k(scores, k))

    def histories_of(self, users: UserIds = None) -> Histories:
        """Return the served histories of known users, in the order asked for."""
        return self.data.histories_of(users)

    def findings(self) -> list[str]:
        """Say in lines for people what validation found; of a final fit, before it. Nothing where none was needed."""
        return []

    # -- the folder ----------------------------------------------------------------------------------------------

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model folder: settings, served data, fitted state, checksums; whole or not at all."""
        data = self.data
        with write_folder(folder, kind=KIND, overwrite=overwrite, model=self.name, facts=self.facts) as target:
            (target / "config.json").write_text(json.dumps(self.config.to_mapping(), indent=2), encoding="utf-8")
            data.write_files(target)
            self._save(target)
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a folder that `save` wrote; refuses anything altered, incomplete or newer.

        `recsys.load_model` finds the class by itself.
        """
        folder = Path(folder)
        manifest = read_manifest(folder, kind=KIND)
        if manifest["model"] != cls.name:
            raise InputError(f"{folder} holds a {manifest['model']} model, not {cls.name}.", "Use recsys.load_model.")
        with reading_files(folder):
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            model = cls(cls.Config.from_mapping(config))
            model._data = Dataset.read_files(folder)
            model.facts = manifest.get("facts", {})
            model._load(folder)
            found, needed = model._scores(Histories.from_lists([[]])).shape, (1, model.data.n_codes)
            if found != needed:
                raise ValueError(f"scores must be {needed} (users, item codes), got {found}")
        return model


def batch_size(n_codes: int) -> int:
    """Return how many people are scored at a time."""
    return max(1, min(BATCH, SCORES // n_codes))


def _checked(filters: Filters | None) -> Filters:
    if not isinstance(filters, Filters | None):
        raise InputError(
            f"Filters must be recsys.Filters, got {type(filters).__name__}.", "recsys.Filters(include_genres='Drama')."
        )
    return filters or Filters()


def _check_count(k: object) -> None:
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise InputError(f"k must be a whole number, got {k!r}.", "Ask for one title or more.")
    if k < 1:
        raise InputError(f"k must be at least 1, got {k}.", "Ask for one title or more.")
