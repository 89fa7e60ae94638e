"""The judge's own command line: `python -m evaluation compare ml1m--lstm ml1m--als`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from recsys.errors import InputError, refuse

VERBS = {
    "run": ("evaluation.run", "fit and judge models on the public data sets; one result file a row"),
    "compare": ("evaluation.compare", "say which results differ on the same users, and how sure that is"),
    "report": ("evaluation.report", "write the README's tables from the result files"),
}
"""Where each verb's `main(arguments) -> exit code` is, and what it does; its module is imported when it is called."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Call the verb that comes first with the arguments after it; returns the exit code."""
    verb, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if verb in ("-h", "--help"):
        print(_help())
        return 0
    if verb not in VERBS:
        return refuse(InputError(f"There is no verb '{verb}'.", f"Known: {', '.join(VERBS)}."))
    code: int = importlib.import_module(VERBS[verb][0]).main(rest)
    return code


def _help() -> str:
    lines = [f"  {name:<9}{about}" for name, (_, about) in VERBS.items()]
    return "\n".join(
        ["usage: python -m evaluation VERB ...", "", *lines, "", "python -m evaluation VERB --help says more."]
    )


if __name__ == "__main__":
    sys.exit(main())
