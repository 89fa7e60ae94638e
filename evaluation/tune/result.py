"""What a search may spend, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evaluation.tune.study import Tried
from recsys.errors import InputError


@dataclass(frozen=True)
class Budget:
    """Limit a search by trials, by minutes, or by whichever is spent first; what was resumed counts."""

    trials: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.trials is None and self.minutes is None:
            raise InputError("A search needs a budget, got none.", "For example: --trials 30, or --minutes 10.")
        if self.trials is not None and self.trials < 1:
            raise InputError(f"A search needs at least 1 trial, got {self.trials}.", "For example: --trials 30.")
        if self.minutes is not None and not self.minutes > 0:
            raise InputError(f"A search needs more than 0 minutes, got {self.minutes:g}.", "For example: --minutes 10.")

    def __str__(self) -> str:
        parts = [(self.trials, "trial"), (self.minutes, "minute")]
        return " or ".join(f"{n:g} {noun}{'' if n == 1 else 's'}" for n, noun in parts if n is not None)

    def out_of_time(self, seconds: float) -> bool:
        """Say whether the minutes are over."""
        return self.minutes is not None and seconds >= 60 * self.minutes

    def spent(self, trials: int, seconds: float) -> bool:
        """Say whether no further trial may begin."""
        return (self.trials is not None and trials >= self.trials) or self.out_of_time(seconds)


@dataclass(frozen=True)
class Tuned:
    """Hold what a search found: the best settings where they differ from the model's defaults, and what they gave.

    `fixed` are those of them that were not searched.
    `value` and `default_value` (None: the defaults failed) are means of the metric over the validation part; `value`
    is the best of many, so a little too good. `interrupted` says that the search was stopped before its budget was.
    """

    model: str
    metric: str
    budget: Budget
    settings: dict[str, Any]
    fixed: dict[str, Any]
    value: float
    default_value: float | None
    trials: tuple[Tried, ...]
    seconds: float
    interrupted: bool = False

    @property
    def gain(self) -> float | None:
        """Give the improvement over the defaults, as a share of their value."""
        return self.value / self.default_value - 1 if self.default_value else None

    def facts(self) -> dict[str, Any]:
        """Return how the settings were found, for the `[tuning]` table of a row."""
        count = {outcome: sum(one.outcome == outcome for one in self.trials) for outcome in ("pruned", "failed")}
        known = {} if self.default_value is None else {"default_value": round(self.default_value, 6)}
        return {
            "budget": str(self.budget),
            "trials": len(self.trials),
            **{name: number for name, number in count.items() if number},
            "seconds": round(self.seconds, 1),
            "metric": f"{self.metric} on the validation part",
            "value": round(self.value, 6),
            **known,
        }

    def to_toml(self) -> str:
        """Write the settings as a TOML file for `recsys fit --config`, with how they were found as comments."""
        import tomli_w

        title = f"Settings of the model {self.model}, where they are not its defaults; found by recsys tune."
        facts = [f"{name.replace('_', ' ')}: {value}" for name, value in self.facts().items()]
        return "".join(f"# {line}\n" for line in [title, *facts]) + tomli_w.dumps(self.settings)
