"""Describe a split in one line of text, and carry it out."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

from recsys.config import Settings, setting
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split.leave_out import leave_last_out, random_holdout
from recsys.dataset.split.parts import Split
from recsys.dataset.split.people import unseen_users
from recsys.dataset.split.time import TARGETS, global_time
from recsys.errors import ConfigError, InputError

AUTO = "auto"
BELONGS = {
    AUTO: ("n_targets", "seed"),
    "leave-last-out": ("n_targets",),
    "random": ("n_targets", "seed"),
    "time": ("at", "targets", "seed"),
    "unseen-users": ("share", "n_targets", "seed"),
}
"""The kinds of splits, and the settings that each one has."""


@dataclass(frozen=True)
class SplitPlan(Settings):
    """Say how a data set is split.

    >>> SplitPlan.parse("time,at=2015-06-01,targets=first")
    SplitPlan(kind='time', n_targets=1, at='2015-06-01', targets='first', share=0.1, seed=0)
    """

    kind: str = setting(AUTO, "auto: by the data's order, leave-last-out or random", choices=tuple(BELONGS))
    n_targets: int = setting(1, "events held out of each user's history", low=1)
    at: str = setting("0.9", "time: an ISO date, or the share of events before it")
    targets: str = setting("last", "time: which of a user's later events", choices=TARGETS)
    share: float = setting(0.1, "unseen-users: the share of users absent from training", low=0.0, high=0.5)
    seed: int = setting(0, "decides what is drawn at random", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for item in fields(self):
            if item.name not in ("kind", *BELONGS[self.kind]) and getattr(self, item.name) != item.default:
                raise ConfigError(
                    f"A split of the kind '{self.kind}' has no setting '{item.name}'.",
                    f"It has: {', '.join(BELONGS[self.kind])}.",
                )

    @classmethod
    def parse(cls, text: str, *, seed: int | None = None) -> Self:
        """Read a text such as "time,at=0.9,targets=first"; a seed that the text does not name is the one given."""
        kind, *flags = (part.strip() for part in text.split(","))
        seeded = seed is not None and "seed" in BELONGS.get(kind, ())
        base: dict[str, Any] = {"kind": kind} | ({"seed": seed} if seeded else {})
        return cls.from_flags(flags, base)


def split_dataset(dataset: Dataset, plan: SplitPlan | str | None = None, **settings: Any) -> Split:
    """Split a data set by a plan, by its text, or by its settings alone (`n_targets`, `seed` …).

    Without a plan, each user's last event is held out when the data has an order, and a random one when it has none.
    Users who have too few events for that stay whole in the training part.
    """
    if isinstance(plan, str):
        plan = SplitPlan.parse(plan)
    plan = SplitPlan.from_mapping(settings) if plan is None else replace(plan, **settings)
    histories, ordered = dataset.histories, dataset.order is not Order.NONE
    if plan.kind == "unseen-users":
        return unseen_users(histories, plan.share, n_targets=plan.n_targets, ordered=ordered, seed=plan.seed)
    if plan.kind == "time":
        if dataset.order is not Order.TIME:
            raise InputError(
                f"A split by time needs data that is ordered by time; {dataset.name} has the order '{dataset.order}'.",
                "Prepare it with timestamps and --order time, or use leave-last-out or random.",
            )
        return global_time(histories, plan.at, targets=plan.targets, seed=plan.seed)
    if plan.kind == "leave-last-out" and not ordered:
        raise InputError(
            f"{dataset.name} has no order, so its last events are not the latest ones.", "Use a random split."
        )
    if plan.kind == "random" or not ordered:
        return random_holdout(histories, n_targets=plan.n_targets, seed=plan.seed)
    return leave_last_out(histories, n_targets=plan.n_targets)
