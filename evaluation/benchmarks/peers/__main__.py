"""Fit other libraries' models on our split files, judge their lists and write their rows.

    python -m evaluation.benchmarks.peers --data ml1m --peer rectools-sasrec implicit-als --minutes 25

Training ends with the epoch in which the minutes are used up, or when validation has stopped rising. Several pairs
run one after the other, each in a process of its own. Install the libraries first:

    python -m evaluation.benchmarks.peers.install rectools cornac implicit
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.benchmarks.peers.environments import VARIABLE, cache_folder, python_of
from evaluation.benchmarks.peers.registry import PEERS, peer_of
from evaluation.benchmarks.peers.run import MINUTES, run_peer
from evaluation.result_files import FOLDER, require_writable
from evaluation.run import real_folder, settings_by_model
from recsys.errors import REFUSED, InputError, RecsysError, refuse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 2 where a pair was refused or failed."""
    options = _parser().parse_args(arguments)
    environments = cache_folder(options.environments)
    failed = False
    try:
        flags = settings_by_model(options.set, options.peer)
        for name in options.peer:  # what is wrong with any pair is said before the first runs
            peer = peer_of(name)
            python_of(peer.environment, environments)
            for data in options.data:
                peer.settings_for(data, flags[name])
        _require_known(options.data)
        real = real_folder(options.real)
        require_writable(Path(options.out))
    except RecsysError as error:
        return refuse(error)
    for data in options.data:
        for name in options.peer:
            print(f"== {data} · {name}", file=sys.stderr, flush=True)
            try:
                path = run_peer(
                    data,
                    name,
                    real=real,
                    environments=environments,
                    minutes=options.minutes,
                    flags=flags[name],
                    seed=options.seed,
                    out=Path(options.out),
                )
            except RecsysError as error:
                failed = bool(refuse(error))
            else:
                _show(path)
    return REFUSED if failed else 0


def _require_known(names: Sequence[str]) -> None:
    from evaluation.recipes import RECIPES

    for name in names:
        if name not in RECIPES:
            raise InputError(f"There is no data set '{name}'.", f"Known: {', '.join(RECIPES)}.")


def _show(path: Path) -> None:
    result = json.loads(path.read_text(encoding="utf-8"))
    row = "  ".join(f"{name} {value['value']:.4f}" for name, value in result["metrics"].items() if name.endswith("@10"))
    print(f"{row}\ntrained in {result['train_seconds']} s, peak {result['peak_memory_mb']} MB → {path}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.benchmarks.peers", description=__doc__, allow_abbrev=False
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", action="extend", nargs="+", required=True, help="data sets: ml1m, annict, kaggle5k …")
    parser.add_argument("--peer", action="extend", nargs="+", required=True, help=f"peers: {', '.join(PEERS)}")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"of training (default {MINUTES:g})")
    parser.add_argument("--set", action="extend", nargs="+", default=[], help="settings, as peer.name=value")
    parser.add_argument("--seed", type=int, default=0, help="of the peer and the intervals (default 0)")
    parser.add_argument("--real", help="folder of the original files (default: $RECSYS_REALDATA)")
    parser.add_argument("--out", default=str(FOLDER), help="where result files go (default: evaluation/results)")
    parser.add_argument("--environments", help=f"folder of the environments (default: ${VARIABLE})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
