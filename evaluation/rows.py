"""The settings behind each published row: one TOML a data set and model in `evaluation/configs/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from evaluation.result_files import file_stem
from recsys.artifact import write_file
from recsys.config import read_toml
from recsys.errors import ConfigError
from recsys.models import model_class

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class Row:
    """Say how one row of a published table is made.

    `settings` are the model's, where they differ from its defaults; `tuning` records how they were found (budget,
    trials, seconds, the validation metric and its values), for people to read.
    """

    data: str
    model: str
    seeds: tuple[int, ...] = (0,)
    settings: Mapping[str, Any] = field(default_factory=dict)
    tuning: Mapping[str, Any] = field(default_factory=dict)


def row_path(data: str, model: str, folder: Path = CONFIGS) -> Path:
    """Name the TOML of a data set and model."""
    return folder / f"{file_stem(data)}--{file_stem(model)}.toml"


def read_row(path: str | Path) -> Row:
    """Read a row's TOML; an unknown key, a missing one or a setting that the model refuses is a ConfigError."""
    content = read_toml(path)
    known = [item.name for item in fields(Row)]
    for name in content:
        if name not in known:
            raise ConfigError(f"{path} has an unknown key '{name}'.", f"Known: {', '.join(known)}.")
    for name, kind in (("data", str), ("model", str), ("seeds", list), ("settings", dict), ("tuning", dict)):
        if name in ("data", "model") and name not in content:
            raise ConfigError(f"{path} lacks '{name}'.", f'For example: {name} = "ml1m".')
        if name in content and not isinstance(content[name], kind):
            raise ConfigError(f"'{name}' in {path} must be a {kind.__name__}, got {content[name]!r}.", "Correct it.")
    seeds = content.pop("seeds", [0])
    if not seeds or not all(isinstance(seed, int) and seed >= 0 for seed in seeds):
        raise ConfigError(f"'seeds' in {path} must be whole numbers from 0, got {seeds}.", "For example: [0, 1, 2].")
    row = Row(seeds=tuple(seeds), **content)
    model_class(row.model).Config.from_mapping(row.settings)
    return row


def find_row(data: str, model: str, folder: Path = CONFIGS) -> Row:
    """Return the committed row of a data set and model; the model's defaults where there is none."""
    path = row_path(data, model, folder)
    return read_row(path) if path.exists() else Row(data, model)


def untaught(row: Row) -> dict[str, Any]:
    """Return the settings of one network of an LSTM's row that learns by itself: those of a teacher, without a seed."""
    from recsys.models.lstm.config import LSTMConfig

    alone = LSTMConfig.from_mapping(row.settings).teacher(0).to_mapping()
    return {name: value for name, value in alone.items() if name != "seed"}


def write_row(row: Row, folder: Path = CONFIGS) -> Path:
    """Write a row's TOML, whole or not at all; an earlier one is replaced."""
    import tomli_w

    path = row_path(row.data, row.model, folder)
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {"data": row.data, "model": row.model, "seeds": list(row.seeds)}
    content |= {name: dict(table) for name, table in (("settings", row.settings), ("tuning", row.tuning)) if table}
    with write_file(path, overwrite=True) as beside:
        beside.write_text(tomli_w.dumps(content), encoding="utf-8")
    return path
