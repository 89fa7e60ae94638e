"""Let a peer fit and rank in its own environment, judge its lists and write its result file."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmarks.peers.environments import python_of
from evaluation.benchmarks.peers.exchange import read_answer, shuffled, write_task
from evaluation.benchmarks.peers.registry import Peer, peer_of
from evaluation.judge import evaluate_lists
from evaluation.metrics import WITHOUT_CUTOFF
from evaluation.result_files import FOLDER, make_result, ranks_frame, write_result
from evaluation.run import metrics_of
from recsys.errors import InputError, RecsysError

MINUTES = 5.0
TAIL = 12
"""How many of a crashed peer's last lines its error shows."""


def run_peer(
    data_name: str,
    peer_name: str,
    *,
    real: Path,
    environments: Path,
    minutes: float = MINUTES,
    flags: Sequence[str] = (),
    seed: int = 0,
    out: Path = FOLDER,
) -> Path:
    """Write the split's files, let the peer answer, judge its lists on the test part; returns the result file.

    Raises RecsysError for what is wrong before anything runs, for a peer that crashes and for lists that break the
    judge's rules; nothing is written then.
    """
    from evaluation.recipes import RECIPES, load

    if not 0 < minutes < float("inf"):
        raise InputError(f"The budget must be more than 0 minutes, got {minutes:g}.", f"For example: {MINUTES:g}.")
    peer = peer_of(peer_name)
    settings = peer.settings_for(data_name, flags)
    python = python_of(peer.environment, environments)
    data, split = load(data_name, real)
    with tempfile.TemporaryDirectory(prefix="recsys-peer-") as place:
        folder = Path(place)
        write_task(folder, data, split, settings, minutes=minutes, seed=seed)
        run_script(peer, python, folder)
        codes, facts = read_answer(folder, split.test.n_users)
    metrics = [name for name in metrics_of(data) if name not in WITHOUT_CUTOFF]
    evaluation = evaluate_lists(codes, split, metrics, data=data, model=peer_name, seed=seed)
    config: dict[str, Any] = {**settings}
    if peer.trained:
        config |= {"minutes": minutes, **{name: facts[name] for name in ("epochs", "best_epoch", "stopped_by")}}
        config["epochs_at_most"] = settings["epochs"]
    if shuffled(data):
        config["histories"] = "shuffled: the data has no order"
    result = make_result(
        [evaluation],
        data=data_name,
        config=config,
        seeds=[seed],
        command=command_of(data_name, peer_name, minutes if peer.trained else MINUTES, flags, seed),
        train_seconds=facts["train_seconds"],
        peak_memory_mb=facts["peak_memory_mb"],
        serve_seconds=facts["serve_seconds"],
        training=facts.get("training", []),
        data_title=RECIPES[data_name].title,
        installed=facts["versions"],
    )
    return write_result(result, out, ranks=ranks_frame([evaluation], [seed]))


def run_script(peer: Peer, python: Path, folder: Path) -> None:
    """Run a peer's script to its end, its output passed on line by line; raises RecsysError where it fails."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env |= {"PYTHONPATH": str(peer.root), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"}
    tail: deque[str] = deque(maxlen=TAIL)
    words = [str(python), "-m", peer.module, str(folder)]
    with subprocess.Popen(
        words, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                tail.append(line)
                print(line, end="", file=sys.stderr, flush=True)
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        raise RecsysError(
            f"{peer.module} ended with {child.returncode} in the environment '{peer.environment}'.",
            "Its last lines:\n" + "".join(tail).rstrip(),
        )


def command_of(data: str, peer: str, minutes: float, flags: Sequence[str], seed: int) -> str:
    """Write the command that gives this row again (where RECSYS_REALDATA names the folder of original files)."""
    words = ["python", "-m", "evaluation.benchmarks.peers", "--data", data, "--peer", peer]
    words += ["--minutes", f"{minutes:g}"] if minutes != MINUTES else []
    words += [word for flag in flags for word in ("--set", f"{peer}.{flag}")]
    return shlex.join([*words, *(["--seed", str(seed)] if seed else [])])
