"""The settings of the second stage."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.config import setting
from recsys.errors import ConfigError
from recsys.models.composite.config import CompositeConfig

MOST_CANDIDATES = 10_000
"""What LightGBM orders for one person."""


@dataclass(frozen=True)
class RerankConfig(CompositeConfig):
    """Name the members that find the candidates, and say how the trees that order them are grown.

    Nothing here is for `recsys tune`: the validation part, which it judges by, is what the trees are grown on.

    >>> RerankConfig.from_flags(["members=ease als", "als.factors=64"]).of("als").factors
    64
    """

    depth: int = setting(60, "how many titles each member puts up for the second stage", low=1)
    last_title: bool = setting(
        False, "describe candidates by the last title of a history too, where histories have an order"
    )
    earlier_targets: int = setting(
        0,
        "training events of each person that trees are grown on beside the held-out ones; fits the members twice",
        low=0,
        high=100,
    )
    trees: int = setting(200, "boosted trees", low=1)
    leaves: int = setting(8, "leaves of a tree", low=2, high=256)
    learning_rate: float = setting(0.05, "how much each tree adds", low=1e-4, high=1.0)
    least_rows: int = setting(300, "candidates that a leaf holds at least; fewer where there are few in all", low=1)
    feature_share: float = setting(0.6, "share of the features that a tree may use", low=0.01, high=1.0)
    user_share: float = setting(0.8, "share of the held-out people that a tree is grown on", low=0.01, high=1.0)
    l2: float = setting(10.0, "regularization of a leaf's value", low=0.0)
    cutoff: int = setting(10, "what the trees maximise is NDCG at this cutoff", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth * len(self.members) > MOST_CANDIDATES:
            raise ConfigError(
                f"A person has at most {MOST_CANDIDATES:,} candidates: 'depth' times the {len(self.members)} members, "
                f"got {self.depth} times {len(self.members)}.",
                f"Set depth to {MOST_CANDIDATES // len(self.members)} or less.",
            )
