from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from recsys.cli import verbs
from recsys.cli.app import PIPE_CLOSED, VERBS
from recsys.cli.arguments import gather_values
from recsys.errors import InputError

HEAVY = ("tensorflow", "keras", "implicit", "matplotlib", "polars", "numpy", "pandas", "onnxruntime", "scipy")


def run_process(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "recsys", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload]


def modules_after(code: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split("modules:")[1].split())


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom recsys.cli.app import main\nsys.argv = ['recsys', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\nprint('modules:', *sys.modules)"
    )
    assert not modules_after(code) & set(HEAVY)


def test_import_recsys_imports_nothing_heavy() -> None:
    assert not modules_after("import sys, recsys\nprint('modules:', *sys.modules)") & set(HEAVY)


def test_help_lists_every_verb(recsys) -> None:
    listed = recsys("--help")
    assert listed.code == 0
    for verb in VERBS:
        assert verb in listed.out
        shown = recsys(verb, "--help")
        assert shown.code == 0, verb
        assert "Usage" in shown.out


def test_version(recsys) -> None:
    import recsys as package

    assert recsys("--version").out.strip() == f"recsys {package.__version__}"


def test_unknown_verb_suggests(recsys) -> None:
    wrong = recsys("recomend")
    assert wrong.code == 2
    assert "recommend" in wrong.err


# -- failures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let `recsys models` fail with an error."""

    def install(error: BaseException) -> None:
        def models() -> None:
            raise error

        single = typer.Typer()
        single.command("models")(models)
        monkeypatch.setattr(verbs, "load_verb", lambda name, place: typer.main.get_command(single))

    return install


@pytest.mark.parametrize(
    "error, code, texts",
    [
        (InputError("The rule, got 3.", "The remedy."), 2, ["The rule, got 3.", "The remedy."]),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), 2, ["/x/y: No space left", "Free some space"]),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 2, ["/x/y: Permission denied", "permissions"]),
        (OSError("the disk is odd"), 2, ["the disk is odd"]),
        (MemoryError(), 2, ["memory"]),
        (KeyboardInterrupt(), 130, ["Interrupted."]),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, []),
    ],
)
def test_failures_end_with_a_message(recsys, failing, error, code, texts) -> None:
    failing(error)
    failed = recsys("models")
    assert failed.code == code
    assert failed.out == ""
    assert all(text in failed.err for text in texts)
    assert len(failed.err.splitlines()) <= 2
    assert "Traceback" not in failed.err


@pytest.mark.parametrize("arguments", [["--debug", "models"], ["models", "--debug"]])
def test_debug_lets_the_error_through(recsys, failing, arguments) -> None:
    failing(InputError("The rule."))
    with pytest.raises(InputError):
        recsys(*arguments)


def test_debug_from_the_environment(recsys, failing, monkeypatch) -> None:
    failing(InputError("The rule."))
    monkeypatch.setenv("RECSYS_DEBUG", "1")
    with pytest.raises(InputError):
        recsys("models")


def test_bugs_are_not_hidden(recsys, failing) -> None:
    failing(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        recsys("models")


def test_process_ends_with_two_and_no_traceback(tmp_path: Path) -> None:
    failed = run_process("recommend", tmp_path / "nowhere", "--user", 1)
    assert failed.returncode == 2
    assert failed.stderr.startswith("Error: ")
    assert "Traceback" not in failed.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_behind_stdout() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "recsys", "--version"]
        failed = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert failed.returncode == 2
    assert "No space left" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert "Exception ignored" not in failed.stderr


def test_closed_pipe_is_quiet(popular: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "recsys", "recommend", str(popular), "--user", "101", "-k", "2"]
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    finally:
        os.close(writing)
    assert done.returncode == PIPE_CLOSED
    assert done.stderr == ""


def test_results_are_written_though_nobody_reads_stdout(prepared: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    page = tmp_path / "audit.html"
    command = [sys.executable, "-m", "recsys", "audit", str(prepared), "--no-lstm", "--html", str(page)]
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    finally:
        os.close(writing)
    assert done.returncode == PIPE_CLOSED
    assert "Traceback" not in done.stderr
    assert page.is_file()


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix closes the output")
def test_stdout_that_was_closed_is_no_error() -> None:
    command = f"{shlex.quote(sys.executable)} -m recsys models >&-"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


# -- several values in a row ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def params() -> list:
    """Give parameters like those of recommend: a required MODEL, repeatable --titles and --type, -k and a flag."""

    def verb(
        model: str, titles: list[str] | None = None, type: list[str] | None = None, k: int = 10, adult: bool = False
    ) -> None: ...

    single = typer.Typer()
    single.command()(verb)
    return typer.main.get_command(single).params


@pytest.mark.parametrize(
    "given, expected",
    [
        ("M --titles A B", "M --titles A --titles B"),
        ("M --titles A --titles B", "M --titles A --titles B"),
        ("M --titles A B --type TV Movie --k 3", "M --titles A --titles B --type TV --type Movie --k 3"),
        ("M --titles A B --adult", "M --titles A --titles B --adult"),
        ("--k 3 M --titles A B", "--k 3 M --titles A --titles B"),
        ("--titles A B --k 3 M", "--titles A --titles B --k 3 M"),
        ("--titles A --adult M", "--titles A --adult M"),
        ("--titles A M", "--titles A M"),  # MODEL is required: it takes the row's last value
        ("--titles A B M", "--titles A --titles B M"),
        ("--titles A B -- M", "--titles A --titles B -- M"),
        ("M --titles=A B", "M --titles=A B"),  # the form with "=" takes one value
        ("M --titles", "M --titles"),
        ("M --titles --k 3", "M --titles --k 3"),
        ("--titles A", "--titles A"),
        ("", ""),
    ],
)
def test_rows_of_values(params, given: str, expected: str) -> None:
    assert gather_values(given.split(), params) == expected.split()


def test_titles_of_any_script_get_through_a_pipe() -> None:
    code = "from recsys.cli import app\napp.app = lambda **_: print('カウボーイビバップ')\napp.main()"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True, env=environment)
    assert done.stdout.decode("utf-8").strip() == "カウボーイビバップ"
