"""The rules of a judgement: a frozen description that is saved with every result."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from recsys.dataset.split import Holdout, Split
from recsys.errors import InputError

Seen = Literal["excluded", "ranked"]
Ties = Literal["behind", "ahead"]
RequestTimes = Literal["hidden", "told"]

ALL_TITLES = "all titles"
ALL_TARGETS = "all"
HIDDEN: RequestTimes = "hidden"


@dataclass(frozen=True)
class Protocol:
    """Describe how a model was judged.

    `split` names the split with its settings, `part` what was judged on. `n_titles` counts the catalogue. `candidates`
    are "all titles", or a declared set that is named by its size and hash. Titles in the user's input are "excluded"
    from the ranking or "ranked" with the others. A tied target ranks "behind" the other titles, so that a model that
    scores everything alike gets nothing, or "ahead". `targets` are "all" held-out events, or those "rated 8 or more".
    `request_times`, when each user asks, are "hidden" from the model or "told": two tracks that are never mixed.
    """

    split: str
    part: str
    n_users: int
    n_titles: int
    candidates: str = ALL_TITLES
    seen: Seen = "excluded"
    ties: Ties = "behind"
    targets: str = ALL_TARGETS
    request_times: RequestTimes = HIDDEN

    def to_mapping(self) -> dict[str, Any]:
        """Return plain names and values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Rules:
    """Set what a judgement leaves open: `candidates` (item codes; None: all), the others as in `Protocol`.

    Request times are those of each user's first target; no other attribute of a target is ever told. With `liked`,
    only held-out events that were rated so high are to be found: whether the lists hold what people like, not just
    what they watch. Users who have none of these are not judged.

    Raises InputError for a rule that does not exist, before anything is scored.
    """

    candidates: npt.NDArray[np.integer] | None = None
    seen: Seen = "excluded"
    ties: Ties = "behind"
    liked: float | None = None
    request_times: RequestTimes = HIDDEN

    def __post_init__(self) -> None:
        if self.seen not in ("excluded", "ranked"):
            raise InputError(f"Seen titles can be excluded or ranked, got '{self.seen}'.", "The default is excluded.")
        if self.ties not in ("behind", "ahead"):
            raise InputError(f"A tied target can rank behind or ahead, got '{self.ties}'.", "The default is behind.")
        if self.request_times not in ("hidden", "told"):
            raise InputError(
                f"Request times can be hidden or told, got '{self.request_times}'.", "The default is hidden."
            )

    def named(self) -> dict[str, str]:
        """Name the rules as `Protocol` does, ready for JSON."""
        return {
            "candidates": self.named_candidates,
            "seen": self.seen,
            "ties": self.ties,
            "targets": self.named_targets,
            "request_times": self.request_times,
        }

    @property
    def named_targets(self) -> str:
        """Name the held-out events that are judged.

        >>> Rules().named_targets, Rules(liked=8.0).named_targets
        ('all', 'rated 8 or more')
        """
        return ALL_TARGETS if self.liked is None else f"rated {self.liked:g} or more"

    def targets_of(self, holdout: Holdout) -> Holdout:
        """Keep the events that are judged, and the users who have any; tell the times of requests, if that is the rule.

        Raises InputError where the data has no ratings, or none so high, or no times.
        """
        if self.request_times == "told":
            if holdout.targets.times is None:
                raise InputError("This data has no times, so no request tells one.", "Judge with request times hidden.")
            holdout = holdout.with_request_times()
        if self.liked is None:
            return holdout
        ratings = holdout.targets.ratings
        if ratings is None:
            raise InputError("Only data with ratings tells which titles were liked.", "Judge all held-out titles.")
        targets = holdout.targets.keep_events(ratings >= self.liked)  # a missing rating is NaN
        users = np.flatnonzero(targets.lengths)
        if len(users) == 0:
            highest = np.max(ratings[~np.isnan(ratings)], initial=-np.inf)
            raise InputError(
                f"No held-out title is rated {self.liked:g} or more (the highest rating: {highest:g}).",
                "Set a lower rating.",
            )
        return Holdout(holdout.inputs.select(users), targets.select(users))

    @property
    def named_candidates(self) -> str:
        """Name the candidate set by its size and the hash of its sorted codes.

        >>> Rules().named_candidates, Rules(np.array([5, 3])).named_candidates
        ('all titles', '2 titles, sha256 a9928084ac1e')
        """
        if self.candidates is None:
            return ALL_TITLES
        codes = np.unique(self.candidates).astype("<i8")
        return f"{len(codes):,} titles, sha256 {hashlib.sha256(codes.tobytes()).hexdigest()[:12]}"


def exceptions(rules: Mapping[str, Any]) -> str:
    """Say which rules are not the usual ones, each behind a comma; candidates are for the caller to name.

    >>> exceptions({**Rules().named(), "ties": "ahead", "request_times": "told"})
    ', tied targets ahead, request times told'
    """
    usual = Rules().named()
    words = {
        "seen": "seen ones too",
        "ties": "tied targets ahead",
        "targets": f"targets {rules.get('targets')}",
        "request_times": "request times told",
    }
    return "".join(f", {said}" for name, said in words.items() if rules.get(name, usual[name]) != usual[name])


def refuse_leak(model: object, split: Split | object, part: str = "test") -> None:
    """Refuse a model whose facts say that it has learned from the events that it would be judged on.

    What a model does not tell cannot be checked: an object without `facts` passes.
    """
    facts = getattr(model, "facts", None) or {}
    if not facts:
        return
    if facts.get("test_sha256") is None:
        raise InputError(
            f"This model was fitted on {facts.get('fitted_on', 'unknown data')}, so it has seen the answers that it "
            "would be judged by.",
            "Judge a model that was fitted on the training part of the same split; ship the one fitted on everything.",
        )
    if part == "validation" and facts.get("learned_from_validation"):
        raise InputError(
            "This model has learned from the validation part, so it has seen the answers that it would be judged by.",
            "Judge it on the test part. Its facts have what it is worth on validation, cross-fitted (recsys describe).",
        )
    if not isinstance(split, Split) or facts["test_sha256"] == split.sha256:
        return
    latest = facts.get("latest_event")
    if split.test_from is not None and latest is not None and latest >= split.test_from:
        raise InputError(
            f"This model was fitted on events up to {_day(latest)}, and the test period begins on "
            f"{_day(split.test_from)}: it has learned from the time that it would have to predict.",
            "Fit it on the training part of this split.",
        )
    raise InputError(
        f"This model was fitted for another test set ({facts['test_sha256'][:12]}… instead of "
        f"{split.sha256[:12]}…), so it may have seen the answers that it would be judged by.",
        "Fit it on this data and with this split and seed, or evaluate it on the split that it was fitted for.",
    )


def _day(moment: int) -> str:
    return str(np.datetime64(moment, "s").astype("datetime64[D]"))
