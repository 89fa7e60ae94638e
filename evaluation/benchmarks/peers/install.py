"""Install the peers' libraries, each in a virtual environment of its own.

    python -m evaluation.benchmarks.peers.install rectools cornac implicit

Where torch should come without CUDA: --index https://download.pytorch.org/whl/cpu
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from evaluation.benchmarks.peers.environments import VARIABLE, cache_folder, environment_names, install
from recsys.errors import RecsysError, refuse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="+", choices=environment_names(), help="what to install")
    parser.add_argument("--folder", help=f"where to (default: ${VARIABLE}, or ~/.cache/recsys-peers)")
    parser.add_argument("--index", help="a further package index")
    options = parser.parse_args(arguments)
    try:
        for name in options.names:
            print(f"{name} → {install(name, cache_folder(options.folder), index=options.index)}")
    except RecsysError as error:
        return refuse(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
