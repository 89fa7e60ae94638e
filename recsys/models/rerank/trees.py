"""The second stage's ranker: boosted trees by LightGBM, which maximise NDCG over each person's candidates.

LambdaMART: Burges, From RankNet to LambdaRank to LambdaMART: an overview, Microsoft Research MSR-TR-2010-82 (2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from recsys.errors import ConfigError
from recsys.machine import usable_cores
from recsys.models.rerank.candidates import Floats
from recsys.models.rerank.config import RerankConfig

if TYPE_CHECKING:
    import lightgbm


@dataclass(frozen=True, eq=False)
class Lists:
    """Hold many people's candidates, one person after the other.

    `rows, codes, wanted (n,)`: whose, which title, and whether it was held out; `features (n, columns)`.
    """

    rows: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]
    wanted: npt.NDArray[np.bool_]
    features: Floats

    def of(self, users: npt.NDArray[np.bool_]) -> Lists:
        """Keep these people's candidates; `users` is (n_users,)."""
        return self._keep(users[self.rows])

    def telling(self) -> Lists:
        """Keep the people one of whose candidates is wanted: the others teach nothing."""
        return self._keep(np.isin(self.rows, self.rows[self.wanted]))

    def _keep(self, kept: npt.NDArray[np.bool_]) -> Lists:
        return Lists(self.rows[kept], self.codes[kept], self.wanted[kept], self.features[kept])

    @property
    def n_users(self) -> int:
        """Count the people who have candidates."""
        return len(np.unique(self.rows))

    @classmethod
    def joined(cls, parts: Sequence[Lists]) -> Lists:
        """Put the lists of other people one after the other; a single part stays as it is."""
        if len(parts) == 1:
            return parts[0]
        starts = np.cumsum([0, *(part.rows.max(initial=-1) + 1 for part in parts[:-1])])
        return cls(
            np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=True)]),
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("codes", "wanted", "features")),
        )


@dataclass(frozen=True)
class Trees:
    """Hold grown trees as text, as LightGBM writes them: nothing in it can run."""

    text: str

    @classmethod
    def grow(cls, lists: Lists, config: RerankConfig, names: list[str]) -> Self:
        """Grow trees that put the wanted title of each person first.

        People none of whose candidates is wanted say nothing and are left out; there must be others.
        """
        library = _library()
        lists = lists.telling()
        sizes = np.unique(lists.rows, return_counts=True)[1]
        data = library.Dataset(lists.features, lists.wanted.astype(np.int32), group=sizes, feature_name=_plain(names))
        settings = {
            "objective": "lambdarank",
            "lambdarank_truncation_level": 2 * config.cutoff,
            "learning_rate": config.learning_rate,
            "num_leaves": config.leaves,
            "min_data_in_leaf": max(5, min(config.least_rows, len(lists.rows) // 50)),
            "feature_fraction": config.feature_share,
            "bagging_fraction": config.user_share,
            "bagging_freq": 2,  # with 1, LightGBM 4.7 adds up other scores for whole people than its trees give
            "bagging_by_query": True,
            "lambda_l2": config.l2,
            "seed": config.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": usable_cores(),
            "verbosity": -1,
        }
        grown = library.train(settings, data, num_boost_round=config.trees)
        return cls(str(grown.model_to_string()))

    def score(self, features: Floats) -> npt.NDArray[np.float32]:
        """Return a score for each row of features, (n,)."""
        if not len(features):
            return np.zeros(0, dtype=np.float32)
        scores: npt.NDArray[np.float32] = self._booster.predict(features, num_threads=1).astype(np.float32)
        return scores

    def gains(self) -> npt.NDArray[np.float64]:
        """Return each feature's share of all that splits gained, (columns,)."""
        gains = np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)
        return gains / max(float(gains.sum()), 1e-12)

    def check(self, names: list[str]) -> None:
        """Refuse other features than the trees were grown on."""
        if self._booster.feature_name() != _plain(names):
            raise ValueError("its trees were grown on other features than this version has")

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        library = _library()
        try:
            return library.Booster(model_str=self.text)
        except library.basic.LightGBMError as error:
            raise ValueError(f"trees that LightGBM does not read ({error})") from None


def _library() -> Any:
    try:
        import lightgbm
    except ImportError:
        raise ConfigError(
            "A second stage needs the package lightgbm.", "Install it: pip install 'recsys[rerank]'."
        ) from None
    return lightgbm


def _plain(names: list[str]) -> list[str]:
    """Spell names as LightGBM's text format takes them."""
    return ["".join(letter if letter.isalnum() else "_" for letter in name) for name in names]
