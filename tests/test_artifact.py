from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recsys.artifact import (
    FORMAT_VERSION,
    MANIFEST,
    _own_sha256,
    read_manifest,
    refuse_file,
    refuse_folder,
    write_file,
    write_folder,
)
from recsys.errors import ArtifactError

KIND = "recsys-model"


def make(folder: Path, text: str = "old", *, failure: BaseException | None = None, **options: Any) -> Path:
    with write_folder(folder, kind=KIND, **options) as target:
        (target / "a.txt").write_bytes(text.encode())
        if failure is not None:
            raise failure
    return folder


def make_file(path: Path, text: str, *, failure: BaseException | None = None, **options: Any) -> None:
    with write_file(path, **options) as beside:
        beside.write_text(text)
        if failure is not None:
            raise failure


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rewrite(folder: Path, *, signed: bool = True, **changes: Any) -> None:
    """Change the manifest's entries, and its own checksum with them unless told."""
    manifest = {**json.loads((folder / MANIFEST).read_text()), **changes}
    if signed:
        manifest["sha256"] = _own_sha256(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def full_disk(*args: Any, **kwargs: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


# -- writing a folder --------------------------------------------------------------------------------------------------


def test_a_folder_holds_its_files_and_a_manifest_that_vouches_for_them(tmp_path):
    folder = make(tmp_path / "new" / "m", model="popularity", facts={"seconds": 1.5, "shape": (1, 2), 3: None})
    manifest = read_manifest(folder, kind=KIND)
    assert names(folder) == ["a.txt", MANIFEST]
    assert manifest["files"] == {"a.txt": hashlib.sha256(b"old").hexdigest()}
    assert manifest["facts"] == {"seconds": 1.5, "shape": [1, 2], "3": None}
    assert names(tmp_path / "new") == ["m"]


def test_a_folder_is_readable_as_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        folder = make(tmp_path / "m")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o750


def test_an_existing_folder_stays_unless_overwritten(tmp_path):
    folder = make(tmp_path / "m")
    with pytest.raises(ArtifactError, match=r"m exists already\. Choose another name, or pass --overwrite"):
        make(folder, "new")
    assert (folder / "a.txt").read_text() == "old"
    make(folder, "new", overwrite=True)
    assert (folder / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["m"]


@pytest.mark.parametrize("name", ["m", "\u9032" * 82])  # the second is 246 bytes long, of 255
def test_an_empty_folder_may_be_filled(tmp_path, name):
    (tmp_path / name).mkdir()
    read_manifest(make(tmp_path / name), kind=KIND)


def test_a_link_stays_a_link_and_what_it_points_to_is_replaced(tmp_path):
    make(tmp_path / "real" / "m")
    (tmp_path / "latest").symlink_to(tmp_path / "real" / "m")
    make(tmp_path / "latest", "new", overwrite=True)
    assert (tmp_path / "latest").is_symlink()
    assert (tmp_path / "real" / "m" / "a.txt").read_text() == "new"


@pytest.mark.parametrize("manifest", [None, "not JSON", "[]", "{}", '{"kind": "recsys-data"}'])
def test_a_foreign_folder_is_never_replaced(tmp_path, manifest):
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("precious")
    if manifest is not None:
        (folder / MANIFEST).write_text(manifest)
    with pytest.raises(ArtifactError, match="is not a folder of recsys"):
        make(folder, overwrite=True)
    assert (folder / "chapter1.tex").read_text() == "precious"
    assert names(tmp_path) == ["thesis"]


def test_a_file_is_not_replaced_by_a_folder(tmp_path):
    (tmp_path / "m").write_text("precious")
    with pytest.raises(ArtifactError, match="m is a file; a folder is to be written there"):
        make(tmp_path / "m", overwrite=True)
    assert (tmp_path / "m").read_text() == "precious"


def test_a_folder_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ArtifactError, match=r"file/m cannot be written: (Not a directory|File exists)\."):
        make(tmp_path / "file" / "m")


@pytest.mark.parametrize("failure", [ValueError("bug"), KeyboardInterrupt(), SystemExit(1), ArtifactError("mine")])
def test_a_failing_write_leaves_the_old_folder_and_nothing_else(tmp_path, failure):
    folder = make(tmp_path / "m")
    with pytest.raises(type(failure)):
        make(folder, "half", failure=failure, overwrite=True)
    assert (folder / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["m"]


def test_a_failing_write_removes_the_parents_that_it_made(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "new" / "deep" / "m", failure=KeyboardInterrupt())
    assert names(tmp_path) == []


def test_sigterm_leaves_the_old_folder_and_nothing_else(tmp_path):
    folder = make(tmp_path / "m")
    with pytest.raises(SystemExit) as ended, write_folder(folder, kind=KIND, overwrite=True):
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == 128 + signal.SIGTERM
    assert (folder / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["m"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_program_that_handles_sigterm_keeps_its_handler(tmp_path):
    seen = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with write_folder(tmp_path / "m", kind=KIND):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert seen == [signal.SIGTERM]
    read_manifest(tmp_path / "m", kind=KIND)


@pytest.mark.parametrize("step", ["mkdir", "write_text", "rename"])
def test_a_full_disk_leaves_the_old_folder(tmp_path, monkeypatch, step):
    folder = make(tmp_path / "m")
    monkeypatch.setattr(Path, step, full_disk)
    with pytest.raises(ArtifactError, match=r"m cannot be written: No space left on device\. Check .* free space"):
        make(folder, "new", overwrite=True)
    assert (folder / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["m"]


def test_a_full_disk_that_polars_meets_is_named_too(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with (
        pytest.raises(ArtifactError, match="cannot be written: No space left on device"),
        write_folder(tmp_path / "m", kind=KIND),
    ):
        pl.DataFrame({"a": range(100_000)}).write_parquet("/dev/full")
    assert names(tmp_path) == []


def test_no_permission_is_named(tmp_path, monkeypatch):
    def denied(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(ArtifactError, match=r"cannot be written: Permission denied\. Check the permissions"):
        make(tmp_path / "m")


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("failure", [OSError(errno.EIO, "I/O error"), KeyboardInterrupt()])
def test_an_interrupt_between_the_two_renames_brings_the_old_folder_back(tmp_path, monkeypatch, failing, failure):
    folder = make(tmp_path / "m")
    rename, calls = Path.rename, []

    def rename_some(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == failing:
            raise failure
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", rename_some)
    with pytest.raises((ArtifactError, KeyboardInterrupt)):
        make(folder, "new", overwrite=True)
    assert (folder / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["m"]


def test_a_folder_that_somebody_else_wrote_meanwhile_stays(tmp_path):
    with pytest.raises(ArtifactError, match="exists already"), write_folder(tmp_path / "m", kind=KIND):
        make(tmp_path / "m", "quicker")
    assert (tmp_path / "m" / "a.txt").read_text() == "quicker"
    assert names(tmp_path) == ["m"]


def test_what_could_not_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    folder = make(tmp_path / "m")
    with pytest.raises(ArtifactError, match="exists already"):
        refuse_folder(folder, kind=KIND)
    refuse_folder(folder, kind=KIND, overwrite=True)
    refuse_folder(tmp_path / "new" / "deep" / "m", kind=KIND)
    assert names(tmp_path) == ["m"]
    monkeypatch.setattr(Path, "mkdir", full_disk)
    with pytest.raises(ArtifactError, match="cannot be written: No space left on device"):
        refuse_folder(tmp_path / "new", kind=KIND)


def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "precious").touch()
    with pytest.raises(ArtifactError, match="it stays"):
        make(Path(), overwrite=True)


# -- writing a file ----------------------------------------------------------------------------------------------------


def test_a_file_appears_under_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "out.csv"
    with write_file(path) as beside:
        beside.write_text("a\n")
        assert not path.exists()
        assert beside.parent == path.parent
    assert path.read_text() == "a\n"
    assert names(path.parent) == ["out.csv"]


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (ValueError("bug"), ValueError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(errno.ENOSPC, "No space left on device"), ArtifactError),
    ],
)
def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, failure, error):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(error):
        make_file(path, "half", failure=failure, overwrite=True)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_disk_that_is_full_at_the_end_leaves_the_old_file(tmp_path, monkeypatch, step):
    path = tmp_path / "out.csv"
    path.write_text("old")
    monkeypatch.setattr(step, full_disk)
    with pytest.raises(ArtifactError, match="No space left"):
        make_file(path, "new", overwrite=True)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


def test_a_file_is_not_written_over_anything_else(tmp_path):
    (tmp_path / "out.csv").write_text("old")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtifactError, match="exists already"):
        refuse_file(tmp_path / "out.csv")
    with pytest.raises(ArtifactError, match="is a folder; a file is to be written there"):
        refuse_file(tmp_path, overwrite=True)
    for special in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(ArtifactError, match="is not an ordinary file; it stays"):
            make_file(special, "new", overwrite=True)
    refuse_file(tmp_path / "out.csv", overwrite=True)


def test_a_file_that_somebody_else_wrote_meanwhile_stays(tmp_path):
    path = tmp_path / "out.csv"

    def write_slowly() -> None:
        with write_file(path) as beside:
            beside.write_text("slower")
            path.write_text("quicker")

    with pytest.raises(ArtifactError, match="exists already"):
        write_slowly()
    assert path.read_text() == "quicker"


# -- reading -----------------------------------------------------------------------------------------------------------


def test_what_is_no_folder_of_recsys_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name, reason in [("gone", "does not exist"), ("file", "is a file"), ("empty", "has no manifest.json")]:
        with pytest.raises(ArtifactError, match=rf"{name} is not a model folder: it {reason}\. Make .* `recsys fit`"):
            read_manifest(tmp_path / name, kind=KIND)


def test_a_folder_of_another_kind_is_refused(tmp_path):
    folder = make(tmp_path / "m")
    with pytest.raises(ArtifactError, match="is a model folder, but a prepared data folder is needed"):
        read_manifest(folder, kind="recsys-data")


def test_a_newer_format_is_refused_even_when_nothing_else_is_understood(tmp_path):
    folder = make(tmp_path / "m")
    rewrite(folder, signed=False, format=FORMAT_VERSION + 1, files="something new")
    with pytest.raises(ArtifactError, match=r"has format 2; this recsys reads up to 1\. Upgrade recsys\."):
        read_manifest(folder, kind=KIND)


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", "null", "{}", "\ud800", '"kind"', "[" * 100_000])
def test_a_manifest_that_is_none_is_refused(tmp_path, text):
    folder = make(tmp_path / "m")
    (folder / MANIFEST).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ArtifactError, match=r"manifest\.json (cannot be read|is not a manifest)"):
        read_manifest(folder, kind=KIND)


@pytest.mark.parametrize("changes", [{"files": {}}, {"format": "1"}, {"facts": {"test_sha256": "another"}}])
def test_an_altered_manifest_is_refused(tmp_path, changes):
    folder = make(tmp_path / "m")
    rewrite(folder, signed=False, **changes)
    with pytest.raises(ArtifactError, match=r"manifest\.json is not the file that was saved"):
        read_manifest(folder, kind=KIND)


def test_a_manifest_laid_out_anew_is_the_same_manifest(tmp_path):
    folder = make(tmp_path / "m")
    rewrite(folder, signed=False)
    read_manifest(folder, kind=KIND)


def test_missing_truncated_and_altered_files_are_refused(tmp_path):
    folder = make(tmp_path / "m")
    for text in ("", "ol", "OLD"):
        (folder / "a.txt").write_text(text)
        with pytest.raises(ArtifactError, match=r"a\.txt is not the file that was saved \(its checksum differs\)"):
            read_manifest(folder, kind=KIND)
    (folder / "a.txt").unlink()
    with pytest.raises(ArtifactError, match=r"m lacks a\.txt\. Copy the folder again"):
        read_manifest(folder, kind=KIND)


def test_files_that_the_manifest_does_not_name_are_left_alone(tmp_path):
    folder = make(tmp_path / "m")
    (folder / "notes.md").write_text("mine")
    read_manifest(folder, kind=KIND)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "..", "sub/a.txt", "..\\secret", "C:secret"])
def test_a_manifest_that_points_outside_is_not_followed(tmp_path, monkeypatch, name):
    folder = make(tmp_path / "m")
    rewrite(folder, files={name: "0" * 64})
    monkeypatch.setattr("recsys.artifact._sha256", lambda path: pytest.fail(f"{path} was opened"))
    with pytest.raises(ArtifactError, match="outside of its folder"):
        read_manifest(folder, kind=KIND)


@pytest.mark.parametrize("files", [None, [], "a.txt", 3])
def test_a_manifest_that_lists_no_files_is_refused(tmp_path, files):
    folder = make(tmp_path / "m")
    rewrite(folder, files=files)
    with pytest.raises(ArtifactError, match="lists no files"):
        read_manifest(folder, kind=KIND)


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    folder = make(tmp_path / "m")

    def denied(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ArtifactError, match=r"m cannot be read: Permission denied\. Check its permissions\."):
        read_manifest(folder, kind=KIND)
