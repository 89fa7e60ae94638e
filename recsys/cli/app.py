"""The `recsys` command: its verbs, and what a person sees when something goes wrong."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from recsys.cli.verbs import LazyVerbs
from recsys.errors import REFUSED, RecsysError

VERBS = {
    "demo": "recsys.cli.demo:demo",
    "prepare": "recsys.cli.prepare:prepare",
    "audit": "recsys.cli.audit:audit",
    "fit": "recsys.cli.fit:fit",
    "tune": "recsys.cli.tune:tune",
    "evaluate": "recsys.cli.evaluate:evaluate",
    "compare": "recsys.cli.compare:compare",
    "report": "recsys.cli.report:report",
    "recommend": "recsys.cli.recommend:recommend",
    "similar": "recsys.cli.similar:similar",
    "export": "recsys.cli.export:export",
    "describe": "recsys.cli.describe:describe",
    "models": "recsys.cli.models:models",
    "settings": "recsys.cli.settings:settings",
    "text": "recsys.cli.text:text",
}
"""Where each verb is; its module is imported when the verb, or the help, is asked for."""

INTERRUPTED = 130
PIPE_CLOSED = 141


class Verbs(LazyVerbs):
    """End every failure that a person can put right with one message and exit code 2."""

    verbs = VERBS

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _failures_told(debug="--debug" in args):
            # who has just seen an error adds --debug at the end of the line
            return super().parse_args(ctx, sorted(args, key=lambda text: text != "--debug"))

    def invoke(self, ctx: Any) -> Any:
        with _failures_told(debug=bool(ctx.params.get("debug"))):
            result = super().invoke(ctx)
            sys.stdout.flush()  # a full disk or a closed pipe must be met here
        return result


@contextmanager
def _failures_told(debug: bool) -> Iterator[None]:
    """End with a message and an exit code in place of an error that is no bug."""
    try:
        yield
    except KeyboardInterrupt:
        _say("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        _silence_stdout()
        raise typer.Exit(PIPE_CLOSED) from None
    except (RecsysError, OSError, MemoryError) as error:
        if debug:
            raise
        _report(error)
        raise typer.Exit(REFUSED) from None


app = typer.Typer(cls=Verbs, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        from recsys import __version__

        typer.echo(f"recsys {__version__}")
        raise typer.Exit


@app.callback()
def recsys(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="RECSYS_DEBUG", help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Recommend anime from watch histories: prepare data, fit a model, ask it, judge it, export its lists.

    Start with `recsys demo`, or with your own data: `recsys prepare --help`.
    """


def main() -> None:
    """Run the command line; the console script `recsys` calls this."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who called
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a pipe on Windows would take the titles of one code page only
            stream.reconfigure(encoding=stream.encoding if stream.isatty() else "utf-8", errors="backslashreplace")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow tells of GPUs that nobody has asked for
    app(prog_name="recsys")


def _report(error: RecsysError | OSError | MemoryError) -> None:
    if isinstance(error, RecsysError):
        _say(error.message, error.hint)
    elif isinstance(error, MemoryError):
        _say("The memory does not suffice for this.", "Close other programs, or ask for less at once.")
    else:
        if sys.stdout is not None and getattr(error, "filename", None) is None:
            _silence_stdout()  # it may be what failed, and would fail again when the process ends
        reason = error.strerror or str(error)
        place = f"{error.filename}: " if error.filename is not None else ""
        _say(f"{place}{reason}.", _REMEDIES.get(error.errno or 0, "Check the path."))


_REMEDIES = {
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "Free some space, or write to another disk.",
    errno.EACCES: "Check the permissions, or choose another place.",
    errno.EPERM: "Check the permissions, or choose another place.",
    errno.EROFS: "The disk is read-only: choose another place.",
}


def _say(message: str, hint: str = "") -> None:
    typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(message, err=True)
    if hint:
        typer.echo(hint, err=True)


def _silence_stdout() -> None:
    """Let what is still buffered for a broken output go nowhere, so that the interpreter ends quietly."""
    with suppress(OSError, ValueError, AttributeError):  # not a real file, e.g. under a test runner
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
