"""The road to other libraries and back, with a peer of our own that needs nothing but numpy."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from evaluation.benchmarks.peers import environments, registry, run
from evaluation.benchmarks.peers.__main__ import main
from evaluation.benchmarks.peers.environments import (
    DONE,
    cache_folder,
    environment_names,
    install,
    interpreter,
    python_of,
    requirements_of,
)
from evaluation.benchmarks.peers.exchange import DEPTH, read_answer, write_task
from evaluation.benchmarks.peers.registry import PEERS, Peer, peer_of
from evaluation.benchmarks.peers.run import command_of
from evaluation.benchmarks.peers.scripts.road import Events, Task, Training, ndcg
from evaluation.recipes import RECIPES, Recipe
from evaluation.result_files import read_ranks, read_result
from recsys.dataset.histories import Histories
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.split import Holdout, Split, split_dataset
from recsys.errors import ConfigError, InputError, RecsysError

FAKE = '''
"""Ranks by how often a title stands in the train part."""
import json, sys
from pathlib import Path
import numpy as np

folder = Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text())
split = np.load(folder / "split.npz")
if task["settings"]["crash"]:
    print("epoch 1", flush=True)
    raise SystemExit("out of luck")
order = np.argsort(-np.bincount(split["train_items"], minlength=task["n_codes"]), kind="stable")
lists = np.zeros((len(split["test_users"]), task["depth"]), dtype=np.int32)
for row, (low, high) in enumerate(zip(split["test_offsets"], split["test_offsets"][1:])):
    unseen = order[~np.isin(order, split["test_items"][low:high]) & (order >= 2)][: task["depth"]]
    lists[row, : len(unseen)] = unseen
if task["settings"]["seen"]:
    lists[:, 0] = split["test_items"][split["test_offsets"][:-1]]
np.save(folder / "lists.npy", lists)
facts = {"train_seconds": 0.5, "serve_seconds": 0.25, "peak_memory_mb": 33.0, "versions": {"fake": "1.0"}}
facts |= {"epochs": 3, "best_epoch": 2, "stopped_by": "patience", "training": [{"epoch": 1, "loss": 2.0}]}
(folder / "facts.json").write_text(json.dumps(facts))
'''


@pytest.fixture
def fake(small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Enter a peer 'fake' and a data set 'toy'; returns the folder of the environments."""
    root = tmp_path / "scripts"
    root.mkdir()
    (root / "fake_peer.py").write_text(FAKE, encoding="utf-8")
    peer = Peer("implicit", "fake_peer", {"crash": False, "seen": False, "epochs": 9}, root=root)
    monkeypatch.setitem(PEERS, "fake", peer)
    monkeypatch.setattr(Recipe, "build", lambda self, name, folder: small)
    monkeypatch.setitem(RECIPES, "toy", Recipe("Toy", "the next title", "toy.csv"))
    monkeypatch.setattr(run, "python_of", lambda name, folder: Path(sys.executable))
    monkeypatch.setattr("evaluation.benchmarks.peers.__main__.python_of", lambda name, folder: Path(sys.executable))
    return tmp_path


def call(folder: Path, *words: str) -> int:
    """Run the command line on the toy data."""
    given = ["--data", "toy", "--peer", "fake", "--real", str(folder), "--out", str(folder / "out"), *words]
    return main(given)


def test_a_peers_lists_are_judged_and_written(fake, small, capfd):
    assert call(fake) == 0
    result = read_result(fake / "out" / "toy--fake.json")
    assert result["versions"] == {"fake": "1.0"}
    assert (result["train_seconds"], result["serve_seconds"], result["peak_memory_mb"]) == (0.5, 0.25, 33.0)
    assert result["training"] == [{"epoch": 1, "loss": 2.0}]
    assert result["config"]["stopped_by"] == "patience"
    assert result["config"]["epochs"] == 3
    assert result["config"]["minutes"] == 5.0
    assert result["data_title"] == "Toy"
    split = split_dataset(small)
    assert result["split_sha256"] == split.sha256
    order = np.argsort(-np.bincount(split.train.items, minlength=small.n_codes), kind="stable")
    unseen = [order[(order >= 2) & ~np.isin(order, split.test.inputs.of(row))] for row in range(split.test.n_users)]
    targets = split.test.targets.items
    gains = [1 / np.log2(2 + row.tolist().index(target)) for row, target in zip(unseen, targets, strict=True)]
    assert result["metrics"]["ndcg@10"]["value"] == pytest.approx(np.mean(gains))
    assert read_ranks(fake / "out" / "toy--fake.json").height == split.test.n_users
    assert "== toy · fake" in capfd.readouterr().err


def test_the_files_hold_no_test_target(small, tmp_path):
    split = split_dataset(small)
    marked = Histories(
        split.test.targets.offsets,
        np.full(split.test.targets.n_events, 7777, dtype=np.int32),
        users=split.test.targets.users,
    )
    write_task(
        tmp_path,
        small,
        Split(split.protocol, split.train, split.validation, Holdout(split.test.inputs, marked)),
        {},
        minutes=1,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["split.npz", "task.json"]
    with np.load(tmp_path / "split.npz") as arrays:
        assert not any((arrays[name] == 7777).any() for name in arrays.files)
        assert {name.partition("_")[0] for name in arrays.files} == {"train", "validation", "targets", "test"}
        assert arrays["test_items"].tolist() == split.test.inputs.items.tolist()
        assert arrays["train_offsets"].tolist() == split.train.offsets.tolist()
    assert "7777" not in (tmp_path / "task.json").read_text(encoding="utf-8")


def test_data_without_order_is_shuffled_inside_every_user(small, tmp_path):
    rows = [list(range(2, 12)), list(range(3, 11))]
    data = Dataset(
        **{
            **{item: getattr(small, item) for item in small.__dataclass_fields__},
            "histories": Histories.from_lists(rows),
            "order": Order.NONE,
        }
    )
    split = split_dataset(data)
    for seed in (0, 0, 1):
        write_task(tmp_path / str(seed), data, split, {}, minutes=1, seed=seed)
    parts = [Task.read(tmp_path / seed).test for seed in ("0", "1")]
    for part in parts:
        assert [sorted(part.of(row)) for row in range(2)] == [sorted(split.test.inputs.of(row)) for row in range(2)]
        assert part.items.tolist() != split.test.inputs.items.tolist()
    assert parts[0].items.tolist() != parts[1].items.tolist()


def test_a_crash_shows_the_last_lines_and_writes_nothing(fake, capfd):
    assert call(fake) == 0
    before = (fake / "out" / "toy--fake.json").read_bytes()
    capfd.readouterr()
    assert call(fake, "--set", "fake.crash=true") == 2
    said = capfd.readouterr().err
    assert "fake_peer ended with 1 in the environment 'implicit'." in said
    assert "Its last lines:\nepoch 1\nout of luck" in said
    assert (fake / "out" / "toy--fake.json").read_bytes() == before


def test_lists_that_break_the_rules_are_refused(fake, capfd):
    assert call(fake, "--set", "fake.seen=true") == 2
    assert "among those that their user has seen" in capfd.readouterr().err
    assert not (fake / "out").exists()


@pytest.mark.parametrize(
    "words, message",
    [
        (["--set", "fake.depth=3"], "There is no setting 'depth' in 'depth=3'."),
        (["--set", "fake.epochs=x"], "epochs must be a int, got 'x'."),
        (["--set", "other.epochs=1"], "'other.epochs=1' sets a model that is not evaluated."),
        (["--peer", "recbole"], "There is no peer 'recbole'."),
        (["--data", "ml2m"], "There is no data set 'ml2m'."),
        (["--minutes", "0"], "The budget must be more than 0 minutes, got 0."),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(fake, words, message, capfd):
    assert call(fake, *words) == 2
    assert message in capfd.readouterr().err
    assert not (fake / "out").exists()


def test_an_environment_that_is_missing_names_its_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RECSYS_PEERS", str(tmp_path))
    assert main(["--data", "annict", "--peer", "rectools-sasrec"]) == 2
    said = capsys.readouterr().err
    assert f"The environment 'rectools' is not installed in {tmp_path}." in said
    assert "Install it: python -m evaluation.benchmarks.peers.install rectools" in said
    (tmp_path / "rectools").mkdir()
    (tmp_path / "rectools" / DONE).write_text("rectools==0.1\n", encoding="utf-8")
    with pytest.raises(InputError, match="has other versions than asked"):
        python_of("rectools", cache_folder())
    (tmp_path / "rectools" / DONE).write_text(requirements_of("rectools"), encoding="utf-8")
    assert python_of("rectools", cache_folder()) == interpreter(tmp_path / "rectools")


def test_a_failed_installation_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(environments.venv, "create", lambda place, with_pip: place.mkdir(parents=True, exist_ok=True))
    results = iter([0, 1])
    monkeypatch.setattr(
        environments.subprocess,
        "run",
        lambda words, check: type("Done", (), {"returncode": next(results)}),
    )
    assert install("implicit", tmp_path) == interpreter(tmp_path / "implicit")
    assert python_of("implicit", tmp_path)
    with pytest.raises(RecsysError, match="pip could not install 'implicit'"):
        install("implicit", tmp_path)
    with pytest.raises(InputError, match="is not installed"):
        python_of("implicit", tmp_path)
    with pytest.raises(InputError, match="There is no environment 'recbole'"):
        install("recbole", tmp_path)


@pytest.mark.parametrize("name", environment_names())
def test_requirements_are_pinned(name):
    lines = [line for line in requirements_of(name).splitlines() if line and not line.startswith("#")]
    for line in lines:
        package, equals, version = line.partition("==")
        assert equals, f"{line} is not pinned"
        assert package.strip()
        assert version.replace(".", "").isdigit()


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_has_a_script_and_an_environment(name):
    peer = peer_of(name)
    assert peer.environment in environment_names()
    assert (peer.root / (peer.module.replace(".", "/") + ".py")).is_file()
    assert peer.settings_for("ml1m").keys() == dict(peer.settings).keys()
    with pytest.raises(ConfigError, match="There is no setting"):
        peer.settings_for("ml1m", ["model=other"])


def test_settings_are_read_as_their_defaults_are():
    peer = PEERS["cornac-gru4rec"]
    found = peer.settings_for("annict", ["layers=[64, 64]", "logq=0", "loss=bpr-max"])
    assert (found["layers"], found["logq"], found["loss"]) == ([64, 64], 0.0, "bpr-max")
    assert registry.PEERS["rectools-sasrec"].settings_for("ml1m")["session_max_len"] == 200


def test_the_command_gives_the_row_again():
    assert command_of("annict", "implicit-als", 5.0, [], 0) == (
        "python -m evaluation.benchmarks.peers --data annict --peer implicit-als"
    )
    assert command_of("ml1m", "rectools-sasrec", 25, ["lr=0.01"], 3) == (
        "python -m evaluation.benchmarks.peers --data ml1m --peer rectools-sasrec --minutes 25 "
        "--set rectools-sasrec.lr=0.01 --seed 3"
    )


def test_answers_that_are_not_as_asked_are_refused(tmp_path):
    with pytest.raises(RecsysError, match="left no readable answer"):
        read_answer(tmp_path, 2)
    np.save(tmp_path / "lists.npy", np.zeros((2, DEPTH), dtype=np.int32))
    (tmp_path / "facts.json").write_text(json.dumps({"train_seconds": 1.0}), encoding="utf-8")
    with pytest.raises(RecsysError, match="lacks serve_seconds, peak_memory_mb, versions"):
        read_answer(tmp_path, 2)
    facts = {"train_seconds": 1.0, "serve_seconds": 1.0, "peak_memory_mb": 1.0, "versions": {}}
    (tmp_path / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    assert read_answer(tmp_path, 2)[1] == facts
    with pytest.raises(RecsysError, match=r"must be int32 of shape \(3, 100\), got int32 of \(2, 100\)"):
        read_answer(tmp_path, 3)


def make_task(minutes: float = 1e6, **settings: int) -> Task:
    nothing = Events(np.zeros(0, dtype=int), np.zeros(1, dtype=int), np.zeros(0, dtype=int))
    return Task(Path(), nothing, nothing, nothing, nothing, 5, 10, minutes, 0, {"epochs": 9, "patience": 3, **settings})


def test_training_keeps_what_validated_best_and_ends_in_time():
    values, weights = iter([0.1, 0.3, 0.2, 0.2, 0.1, 0.9]), {"w": 0}
    training = Training(make_task(), lambda: next(values), lambda: weights)
    ended = False
    while not ended:
        weights["w"] += 1
        ended = training.ends_after(1.0)
    assert training.best_weights == {"w": 2}
    facts = training.facts()
    assert (facts["epochs"], facts["best_epoch"], facts["stopped_by"]) == (5, 2, "patience")
    for settings, reason in (({"minutes": 1e-9}, "minutes"), ({"epochs": 1}, "epochs")):
        training = Training(make_task(**settings), lambda: 0.5, dict)
        assert training.ends_after(1.0)
        assert training.facts()["stopped_by"] == reason


def test_the_road_knows_histories_and_ndcg():
    events = Events(np.array([4, 9]), np.array([0, 3, 5]), np.array([2, 3, 4, 7, 8]))
    assert events.positions.tolist() == [0, 1, 2, 0, 1]
    assert events.rows.tolist() == [0, 0, 0, 1, 1]
    back = events.select(np.array([1, 0]))
    assert (back.users.tolist(), back.of(0).tolist(), back.of(1).tolist()) == ([9, 4], [7, 8], [2, 3, 4])
    targets = Events(np.array([0, 1]), np.array([0, 1, 2]), np.array([5, 6]))
    assert ndcg(np.array([[5, 9], [9, 6]]), targets) == pytest.approx((1 + 1 / np.log2(3)) / 2)
