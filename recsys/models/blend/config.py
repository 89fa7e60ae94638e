"""The blend's settings."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.config import setting, show
from recsys.errors import ConfigError
from recsys.models.blend.scales import SCALES
from recsys.models.composite.config import CompositeConfig

AUTO = "auto"


@dataclass(frozen=True)
class BlendConfig(CompositeConfig):
    """Name the members and say how they are weighed.

    >>> config = BlendConfig.from_flags(["members=ease item-knn", "ease.regularization=50"])
    >>> config.members, config.member_settings, config.of("ease").regularization
    (('ease', 'item-knn'), ('ease.regularization=50',), 50.0)
    """

    scale: str = setting(
        "log-odds",
        "how scores of different models are made comparable; auto: what is best on validation, of all",
        choices=(AUTO, *SCALES),
    )
    weights: tuple[float, ...] = setting((), "weight of each member, in their order (none: chosen on validation)")
    cutoff: int = setting(10, "the weights maximise NDCG at this cutoff on the validation part", low=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights and (
            len(self.weights) != len(self.members)
            or not all(0 <= one < float("inf") for one in self.weights)
            or sum(self.weights) == 0
        ):
            raise ConfigError(
                f"'weights' must be {len(self.members)} numbers, one a member, none below 0 and not all 0, "
                f"got {show(self.weights)}.",
                "Leave them out, and validation chooses them.",
            )
