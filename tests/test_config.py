from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.config import Choice, Range, Settings, explain, given_settings, read_toml, search_space, setting, show
from recsys.errors import ConfigError, InputError
from recsys.models import REGISTRY, model_class


@dataclass(frozen=True)
class Example(Settings):
    """Have a field of every kind."""

    units: tuple[int, ...] = setting((128, 64), "widths", low=1)
    rate: float = setting(0.5, "a rate", low=0.0, high=1.0)
    epochs: int = setting(10, "how long", low=1)
    residual: bool = setting(True, "shortcuts")
    loss: str = setting("full", "what is minimised", choices=("full", "sampled"))
    limit: int | None = setting(None, "at most so many", low=1)


@pytest.mark.parametrize(
    "flag, expected",
    [
        ("units=32", {"units": (32,)}),
        ("units=32,16", {"units": (32, 16)}),
        ("units=32 16", {"units": (32, 16)}),
        ("rate=1", {"rate": 1.0}),
        ("rate=1e-3", {"rate": 0.001}),
        ("epochs=20", {"epochs": 20}),
        ("epochs = 2e1", {"epochs": 20}),
        ("residual=false", {"residual": False}),
        ("residual=Yes", {"residual": True}),
        ("loss=sampled", {"loss": "sampled"}),
        ("limit=5", {"limit": 5}),
        ("limit=none", {"limit": None}),
    ],
)
def test_flags(flag: str, expected: dict[str, Any]) -> None:
    assert Example.from_flags([flag]) == Example(**expected)


def test_flags_go_on_top_of_a_mapping() -> None:
    assert Example.from_flags(["epochs=3"], {"epochs": 2, "rate": 0.1}) == Example(epochs=3, rate=0.1)


@pytest.mark.parametrize(
    "flag, message, hint",
    [
        ("epoch=3", "There is no setting 'epoch'", "'epochs'"),
        ("zzzzz=3", "There is no setting 'zzzzz'", "Known: units, rate"),
        ("epochs", "name=value, got 'epochs'", "--set"),
        ("epochs=ten", "'epochs' must be a whole number, got 'ten'", ""),
        ("epochs=2.5", "'epochs' must be a whole number, got '2.5'", ""),
        ("epochs=inf", "'epochs' must be a whole number", ""),
        ("epochs=nan", "'epochs' must be a whole number", ""),
        ("epochs=0", "'epochs' must be at least 1, got 0", ""),
        ("rate=2", "'rate' must be at least 0.0 and at most 1.0, got 2.0", ""),
        ("rate=nan", "'rate' must be a finite number, got nan", ""),
        ("units=32,0", "'units' must be at least 1, got 0", ""),
        ("units=", "'units' must hold at least one number, got none", ""),
        ("units=a", "'units' must be a whole number, got 'a'", ""),
        ("residual=maybe", "'residual' must be true or false, got 'maybe'", ""),
        ("loss=half", "'loss' must be one of full, sampled, got half", ""),
        ("limit=0", "'limit' must be at least 1, got 0", ""),
    ],
)
def test_bad_flags(flag: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Example.from_flags([flag])
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_types_are_not_guessed() -> None:
    for name, value in [("epochs", True), ("rate", "x"), ("loss", 3), ("epochs", None), ("residual", 2)]:
        with pytest.raises(ConfigError, match=f"'{name}' must be"):
            Example.from_mapping({name: value})


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Example().epochs = 3  # type: ignore[misc]


def test_mapping_round_trip(tmp_path: Path) -> None:
    example = Example(units=(3,), limit=4, residual=False)
    assert Example.from_mapping(example.to_mapping()) == example
    file = tmp_path / "settings.toml"
    file.write_text("units = [3]\nlimit = 4\nresidual = false\n")
    assert Example.from_mapping(read_toml(file)) == example


@given(epochs=st.integers(1, 10**9), rate=st.floats(0, 1), units=st.lists(st.integers(1, 999), min_size=1, max_size=4))
def test_flags_say_the_same_as_values(epochs: int, rate: float, units: list[int]) -> None:
    flags = [f"epochs={epochs}", f"rate={rate!r}", f"units={','.join(map(str, units))}"]
    assert Example.from_flags(flags) == Example(epochs=epochs, rate=rate, units=tuple(units))


def test_toml_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml does not exist"):
        read_toml(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    for content in (b"epochs = ", b"\xff\xfe"):
        bad.write_bytes(content)
        with pytest.raises(ConfigError, match="not a readable TOML"):
            read_toml(bad)
    with pytest.raises(ConfigError, match="not a readable TOML"):
        read_toml(tmp_path)


def test_explain_lists_every_field() -> None:
    rows = explain(Example)
    assert rows[0] == ("units", (128, 64), "widths")
    assert [name for name, _, _ in rows] == list(Example().to_mapping())


def test_search_spaces_stand_beside_the_fields() -> None:
    @dataclass(frozen=True)
    class Searched(Settings):
        factors: int = setting(8, "numbers", low=1, search=Range(2, 64, log=True))
        kind: str = setting("a", "which", choices=("a", "b"), search=Choice("a", "b"))
        seed: int = setting(0, "seed")

    space = search_space(Searched)
    assert list(space) == ["factors", "kind"]
    assert [str(one) for one in space.values()] == ["2 – 64 (log)", "a, b"]
    assert search_space(Example) == {}
    assert str(Choice((64,), (128, 64), None)) == "64, 128 64, none"


@pytest.mark.parametrize("name", REGISTRY)
def test_every_models_space_holds_its_defaults_and_only_valid_values(name: str) -> None:
    config = model_class(name).Config
    space = search_space(config)
    for setting_name, search in space.items():
        default = getattr(config(), setting_name)
        ends = search.options if isinstance(search, Choice) else (search.low, search.high)
        assert default in ends if isinstance(search, Choice) else ends[0] <= default <= ends[1]
        for value in ends:
            assert config.from_flags([f"{setting_name}={show(value)}"]) == config.from_mapping({setting_name: value})
        if isinstance(search, Range):
            assert 0 <= search.low < search.high
            assert search.low > 0 or not search.log
        if search.when is not None:
            other, value = search.when
            condition = space[other]
            assert isinstance(condition, Choice)
            assert value in condition.options


def test_a_byte_order_mark_before_settings_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xef\xbb\xbfepochs = 3\n")
    assert read_toml(path) == {"epochs": 3}


@pytest.mark.parametrize("name", [name for name in REGISTRY if model_class(name).Config.has("seed")])
def test_no_seed_is_higher_than_tables_of_results_hold(name: str) -> None:
    config = model_class(name).Config
    with pytest.raises(ConfigError, match="seed"):
        config.from_mapping({"seed": 2**31})


def test_given_settings_name_the_list_of_a_dotted_one() -> None:
    lstm = model_class("lstm").Config
    assert given_settings(lstm, ["teachers=1", "teacher.dim=64"]) == {"teachers": 1, "teacher_settings": ("dim=64",)}
    assert given_settings(lstm, ["batch-size=8"]) == {"batch_size": 8}
