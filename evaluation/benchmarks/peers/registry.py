"""The peers: which script runs in which environment, with which settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsys.errors import ConfigError, InputError


@dataclass(frozen=True)
class Peer:
    """Describe one peer: `module` is run in `environment` with `root` on its path.

    `settings` are the defaults, which `on_data` overrides for a data set by its short name. `fixed` names the settings
    that make the peer what it is. `trained` tells a peer with epochs, which a budget of minutes means something to.
    """

    environment: str
    module: str
    settings: Mapping[str, Any]
    on_data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fixed: tuple[str, ...] = ("model",)
    trained: bool = True
    root: Path = Path(__file__).parent

    def settings_for(self, data: str, flags: Sequence[str] = ()) -> dict[str, Any]:
        """Return the settings for a data set, with `name=value` flags on top; raises ConfigError for a wrong one."""
        settings = {**self.settings, **self.on_data.get(data, {})}
        for flag in flags:
            name, equals, text = flag.partition("=")
            known = [key for key in settings if key not in self.fixed]
            if not equals or name not in known:
                raise ConfigError(f"There is no setting '{name}' in '{flag}'.", f"Known: {', '.join(known)}.")
            settings[name] = _value(name, text, settings[name])
        return settings


def _value(name: str, text: str, default: Any) -> Any:
    """Read a setting's value as what its default is."""
    if isinstance(default, str):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        example = json.dumps(default)
        raise ConfigError(f"{name} must be a {type(default).__name__}, got '{text}'.", f"For example: {name}={example}")
    return value


STOPPING = {"epochs": 200, "patience": 10, "validation_users": 2048, "threads": 2}
TRANSFORMER = {
    "n_blocks": 2,
    "n_heads": 2,
    "n_factors": 128,
    "dropout_rate": 0.2,
    "session_max_len": 100,
    "loss": "softmax",
    "lr": 0.001,
    "batch_size": 32,
    "precision": "32-true",
    **STOPPING,
}
"""RecTools' defaults but for half the width and a quarter of the batch: more steps in the minutes that a CPU gives."""
LENGTHS = {"ml1m": {"session_max_len": 200}, "annict": {"session_max_len": 50}, "beauty": {"session_max_len": 30}}
"""As long as the histories of the data are worth; the published ML-1M numbers have 200."""
PEERS = {
    "rectools-sasrec": Peer("rectools", "scripts.rectools_peer", {"model": "sasrec", **TRANSFORMER}, LENGTHS),
    "rectools-bert4rec": Peer(
        "rectools", "scripts.rectools_peer", {"model": "bert4rec", **TRANSFORMER, "mask_prob": 0.15}, LENGTHS
    ),
    "cornac-gru4rec": Peer(
        "cornac",
        "scripts.cornac_peer",
        {
            "layers": [128],
            "loss": "cross-entropy",
            "batch_size": 64,
            "learning_rate": 0.05,
            "momentum": 0.0,
            "n_sample": 2048,
            "sample_alpha": 0.5,
            "logq": 1.0,
            "dropout_p_embed": 0.0,
            "dropout_p_hidden": 0.2,
            **STOPPING,
        },
        {"ml1m": {"batch_size": 256}},
        fixed=(),
    ),
    "implicit-als": Peer(
        "implicit",
        "scripts.implicit_peer",
        {
            "model": "als",
            "factors": 64,
            "regularization": 0.05,
            "alpha": 2.0,
            "iterations": 15,
            "K1": 100.0,
            "B": 0.8,
        },
        trained=False,
    ),
    "implicit-item-knn": Peer(
        "implicit", "scripts.implicit_peer", {"model": "item-knn", "K": 20, "similarity": "cosine"}, trained=False
    ),
}
"""By the names that their rows have. The settings of ALS are those of implicit's tutorial."""


def peer_of(name: str) -> Peer:
    """Return a peer by its name."""
    if name not in PEERS:
        raise InputError(f"There is no peer '{name}'.", f"Known: {', '.join(PEERS)}.")
    return PEERS[name]
