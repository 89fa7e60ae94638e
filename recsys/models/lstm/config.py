"""The LSTM's settings: written once, here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from recsys.config import HIGHEST_SEED, Choice, Range, Settings, gather_tables, setting
from recsys.errors import ConfigError

TRAINING = BEST, STATE, LOG = "best.weights.h5", "state.json", "log.csv"
"""What lies in the folder of a training, beside its checkpoint: the best weights, how far it is, the epochs."""


@dataclass(frozen=True)
class LSTMConfig(Settings):
    """Describe the network, its inputs and its training."""

    units: tuple[int, ...] = setting(
        (128, 128),
        "width of each LSTM layer, first to last",
        low=1,
        search=Choice((64,), (128,), (256,), (64, 64), (128, 128), (256, 256)),
    )
    dim: int = setting(
        128, "width of anime and genre/tag embeddings (tied to the output)", low=1, search=Choice(64, 128, 256)
    )
    residual: bool = setting(True, "residual, LayerNorm and feed-forward around each LSTM; false: the plain stack")
    feed_forward: int = setting(2, "width of the feed-forward block, in multiples of its layer", low=1, high=16)
    dropout: float = setting(0.2, "dropout of features and of each block", low=0.0, high=0.9, search=Range(0.0, 0.6))
    user_dim: int = setting(32, "width of the user embedding (0: none)", low=0, search=Choice(0, 16, 32, 64))
    user_dropout: float = setting(0.5, "share of training samples whose user is hidden", low=0.0, high=1.0)
    rating_dim: int = setting(16, "width of the rating embedding (0: none)", low=0)
    time_dim: int = setting(16, "width of the embedding of the time since the event before (0: none)", low=0)
    wait_dim: int = setting(
        0, "width of the embedding of the time until the next anime, which a request's time tells (0: none)", low=0
    )
    count_dim: int = setting(
        16, "width of the embedding of how many events came before, in data without an order (0: none)", low=0
    )
    place_dim: int = setting(
        0, "sinusoids of a title's place in the order of ids, read and scored with (0: none)", low=0, high=1024
    )
    wide_neighbours: int = setting(
        50,
        "titles from which the linear model beside the network (SLIM) predicts each title (0: none)",
        low=0,
        high=1000,
    )
    wide_regularization: float = setting(100.0, "weight of the squared size of the linear model's weights", low=1e-3)
    wide_titles: int = setting(
        20_000, "how many of the most watched titles are in that linear model, and in the SLIM that teaches", low=1
    )
    wide_share: float | None = setting(
        None,
        "in data with an order, what the linear model's log odds count beside the trained network"
        " (none: chosen on validation, 0: not fitted); without one, both learn together",
        low=0.0,
        high=10.0,
    )
    chain_share: float | None = setting(
        None,
        "what a Markov chain's log odds count beside all else for a new person who is known by one title, less by more,"
        " from 20 on nothing (none: chosen on validation, by the number of titles, 0: not fitted)",
        low=0.0,
        high=10.0,
    )
    names_odds: float | None = setting(
        None,
        "log odds that a title gains whose name is like one of a history's: as many where nobody has watched it,"
        " a tenth where everybody has (none: chosen on validation, 0: names are not compared)",
        low=0.0,
        high=50.0,
    )
    max_tokens: int = setting(256, "how many genres and tags get an embedding, most frequent first (0: none)", low=0)
    wish_rate: float = setting(0.1, "share of training samples that wish for tags of the next anime", low=0.0, high=1.0)
    wish_tokens: int = setting(2, "how many tags a wish names at most in training", low=1, high=16)
    wish_odds: float = setting(
        3.0,
        "what a wished tag adds to the log odds of titles that have it, for the linear model cannot read it"
        " (with an order half of it, times wide_share)",
        low=0.0,
        high=20.0,
    )

    window: int = setting(100, "how many of the last events the network reads", low=2, search=Choice(50, 100, 200))
    batch_size: int = setting(128, "windows a training step, at most", low=1, search=Choice(32, 64, 128))
    least_steps: int = setting(
        100, "steps an epoch should have: small data gets smaller batches, down to 16 windows", low=1
    )
    epochs: int = setting(25, "epochs at most; the learning rate falls along them", low=1)
    patience: int = setting(5, "epochs without a better validation score before training stops", low=1)
    monitor: str = setting("ndcg@10", "what validation maximises, by full ranking: ndcg@k or recall@k, any k")
    optimizer: str = setting(
        "adam",
        "adam; or muon: orthogonal steps for matrices, Adam's for embeddings and biases",
        choices=("adam", "muon"),
    )
    muon_ratio: float = setting(
        3.0, "how many times as large muon's steps are as those of the embeddings beside them", low=1e-3, high=1e3
    )
    learning_rate: float = setting(
        2e-3, "the optimizer's largest step size", low=1e-7, high=1.0, search=Range(3e-4, 1e-2, log=True)
    )
    schedule: str = setting(
        "cosine",
        "course of the learning rate: cosine, after a first, rising epoch; or constant from the start",
        choices=("cosine", "constant"),
    )
    beta_2: float = setting(0.98, "Adam's second-moment decay", low=0.0, high=0.99999)
    clip_norm: float = setting(5.0, "largest global norm of a gradient", low=1e-6)
    loss: str = setting(
        "auto",
        "full softmax, or sampled (logQ-corrected); auto: full up to 30,000 titles",
        choices=("auto", "full", "sampled"),
    )
    mask_seen: bool = setting(True, "titles already watched leave the softmax, as they leave the ranking")
    liked_from: float = setting(8.0, "rating from which a watched title counts as liked")
    disliked_weight: float = setting(
        1.0,
        "what a next title that was rated lower counts in the loss: 1 as much as others, 0 nothing",
        low=0.0,
        high=1.0,
    )
    late_weight: float = setting(
        4.0,
        "in data without an order, a target counts as the share of the history before it, to this power",
        low=0.0,
        high=100.0,
    )
    teachers: int = setting(
        0,
        "networks that are fitted first, of the seeds from this one on, and learned from (data with an order; 0: none)",
        low=0,
        high=16,
    )
    teacher_settings: tuple[str, ...] = setting(
        (), "settings in which the teachers differ from the network: NAME=VALUE; simpler: teacher.NAME, in TOML a table"
    )
    teacher_share: float = setting(
        0.5, "what the titles that teachers expect count in the loss; the rest is for the next title", low=0.0, high=1.0
    )
    teacher_markov: float = setting(
        0.0, "what the log odds of a Markov chain count beside the mean of the networks that teach", low=0.0, high=10.0
    )
    teacher_slim: float = setting(0.0, "what those of SLIM count there", low=0.0, high=10.0)
    negatives: int = setting(4096, "titles drawn a step by the sampled loss, shared by the whole batch", low=1)
    seed: int = setting(0, "the seed of every random choice", low=0, high=HIGHEST_SEED)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"(ndcg|recall)@[1-9]\d*", self.monitor):
            raise ConfigError(f"'monitor' must be ndcg@k or recall@k, got {self.monitor}.", "For example: ndcg@10.")
        object.__setattr__(self, "teacher_settings", self._tidy_teacher_settings())
        if self.teacher_settings:
            self.teacher(0)
        of_teachers = ("teacher_settings", "teacher_markov", "teacher_slim")
        idle = [name for name in of_teachers if getattr(self, name)] if not self.teachers else []
        if idle:
            raise ConfigError(f"'{idle[0]}' is for teachers, got teachers=0.", "Add teachers=2, or leave it out.")
        if self.seed + self.teachers > HIGHEST_SEED:
            highest = HIGHEST_SEED - self.teachers
            raise ConfigError(f"'seed' must be at most {highest} with teachers, got {self.seed}.", "Change its value.")

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Build the settings from names and values; the teachers' may be a table, or dotted names (`teacher.dim`)."""
        return super().from_mapping(gather_tables(mapping, "teacher_settings", "teacher"))

    def to_flags(self) -> list[str]:
        own = [flag for flag in super().to_flags() if not flag.startswith("teacher_settings=")]
        return [*own, *(f"teacher.{one}" for one in self.teacher_settings)]

    def teacher(self, number: int) -> Self:
        """Return the settings of a teacher, counted from 0; ConfigError where its own ones are wrong."""
        alone: dict[str, Any] = {
            "teachers": 0,
            "teacher_settings": (),
            "teacher_markov": 0.0,
            "teacher_slim": 0.0,
            "wide_share": 0.0,
            "chain_share": 0.0,
            "names_odds": 0.0,
        }
        usual = {**self.to_mapping(), **alone, "seed": self.seed + number}
        try:
            return type(self).from_flags(self.teacher_settings, usual)
        except ConfigError as error:
            raise ConfigError(f"'teacher_settings': {error.message}", error.hint) from None

    def without_validation(self, facts: Mapping[str, Any]) -> Self:
        """Return the settings of a fit that has no validation part, from what an earlier one found (`facts`).

        Teachers have as many epochs as theirs had at best, on average.
        """
        settings = {**self.to_mapping(), "epochs": max(1, int(facts.get("best_epoch", 0)))}
        if taught := facts.get("teachers"):
            theirs = round(sum(teacher["best_epoch"] for teacher in taught) / len(taught))
            settings["teacher_settings"] = [*self.teacher_settings, f"epochs={max(1, theirs)}"]
        if "wide_share" in facts:
            settings["wide_share"] = facts["wide_share"]
        if "names_odds" in facts:
            settings["names_odds"] = facts["names_odds"]
        if not any(facts.get("chain_shares", [1])):
            settings["chain_share"] = 0.0
        return type(self).from_mapping(settings)

    def _tidy_teacher_settings(self) -> tuple[str, ...]:
        """Keep the last value of each setting; refuse what would make a teacher something else."""
        found: dict[str, str] = {}
        for text in self.teacher_settings:
            name, equals, value = (part.strip() for part in text.partition("="))
            name = name.removeprefix("teacher.").replace("-", "_")
            if not equals:
                raise ConfigError(f"A teacher's setting is given as NAME=VALUE, got '{text}'.", "For example: dim=64.")
            if name == "seed" or name.startswith("teacher"):
                raise ConfigError(
                    f"'teacher_settings' cannot set '{name}'.", "Teachers have the seeds from the network's own on."
                )
            found[name] = " ".join(value.replace(",", " ").split())
        return tuple(f"{name}={value}" for name, value in found.items())

    @property
    def adds_wide(self) -> bool:
        """Tell whether a linear model is fitted beside the trained network, in data with an order."""
        return self.wide_share != 0 and self.wide_neighbours > 0

    @property
    def cutoff(self) -> int:
        """Give the k that validation looks at."""
        return int(self.monitor.partition("@")[2])

    def full_softmax(self, n_titles: int) -> bool:
        """Tell whether the loss runs over all titles."""
        return self.loss == "full" or (self.loss == "auto" and n_titles <= 30_000)
