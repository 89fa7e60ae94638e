"""Folders and files that are written whole or not at all, and refused when they are not what they say.

A folder is flat and holds JSON, parquet, npz, `.keras` and `.onnx` files (never pickle) beside a `manifest.json` with
its kind, the format version, the SHA-256 of every file, and its own.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from recsys.errors import ArtifactError, RecsysError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"

NOUNS = {"recsys-data": "prepared data folder", "recsys-model": "model folder", "recsys-text": "text model folder"}
MAKERS = {
    "recsys-data": "Make one with `recsys prepare`.",
    "recsys-model": "Make one with `recsys fit`.",
    "recsys-text": "Make one with `recsys text train`.",
}
COPY_AGAIN = "Copy the folder again or make it anew."


# -- writing -----------------------------------------------------------------------------------------------------------


@contextmanager
def write_folder(folder: str | Path, *, kind: str, overwrite: bool = False, **facts: Any) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it gets its manifest and takes the final name.

    On any error, the full disk, Ctrl-C and SIGTERM included, what stood there before still stands and nothing else is
    left. Only an empty folder or one of the same `kind` is ever replaced.
    """
    final = _target(folder)
    with _errors_named(final):
        _refuse_folder(final, kind, overwrite)
    with _beside(final) as beside:
        beside.mkdir()
        yield beside
        manifest = {"kind": kind, "format": FORMAT_VERSION, **facts, "files": _checksums(beside)}
        manifest = json.loads(json.dumps(manifest))  # as it will be read: keys are texts, tuples are lists
        manifest["sha256"] = _own_sha256(manifest)
        (beside / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True), encoding="utf-8")
        for path in beside.iterdir():
            _sync(path)
        _refuse_folder(final, kind, overwrite)  # again: somebody else may have been quicker
        _swap(beside, final)


@contextmanager
def write_file(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a hidden name in the same folder to write a file under; on success the file takes its final name.

    On any error, the full disk, Ctrl-C and SIGTERM included, an earlier file still stands and nothing else is left.
    """
    final = _target(path)
    refuse_file(final, overwrite=overwrite)
    with _beside(final) as beside:
        yield beside
        _sync(beside)
        refuse_file(final, overwrite=overwrite)
        beside.replace(final)


def refuse_file(path: str | Path, *, overwrite: bool = False) -> None:
    """Raise an error when `write_file` may not write there: before the work is done instead of after it."""
    final = Path(path)
    with _errors_named(final):
        if final.is_dir():
            raise ArtifactError(f"{final} is a folder; a file is to be written there.", "Choose another name.")
        if final.exists() and not final.is_file():
            raise ArtifactError(f"{final} is not an ordinary file; it stays.", "Choose another name.")
        if final.exists() and not overwrite:
            raise _exists_already(final)


def refuse_folder(folder: str | Path, *, kind: str, overwrite: bool = False) -> None:
    """Raise an error when `write_folder` may not write there: before the work is done instead of after it."""
    final = _target(folder)
    with _errors_named(final):
        _refuse_folder(final, kind, overwrite)
        there = next(parent for parent in final.absolute().parents if parent.exists())
        trial = there / f".{_short(final.name)}.{secrets.token_hex(4)}"
        trial.mkdir()  # asking for the permissions says nothing about a read-only disk
        trial.rmdir()


def _refuse_folder(final: Path, kind: str, overwrite: bool) -> None:
    if not final.exists():
        return
    if not final.is_dir():
        raise ArtifactError(f"{final} is a file; a folder is to be written there.", "Choose another name.")
    if not any(final.iterdir()):
        return
    if not overwrite:
        raise _exists_already(final)
    try:
        found = json.loads((final / MANIFEST).read_text(encoding="utf-8"))["kind"]
    except (OSError, ValueError, TypeError, KeyError):
        found = None
    if found != kind:
        raise ArtifactError(f"{final} is not a folder of recsys ({kind}); it stays.", "Choose another name.")


def _exists_already(final: Path) -> ArtifactError:
    return ArtifactError(f"{final} exists already.", "Choose another name, or pass --overwrite (overwrite=True).")


def _target(path: str | Path) -> Path:
    """Follow a link, so that what it points to is replaced and not the link; give "." its name."""
    path = Path(path)
    return path.resolve() if path.is_symlink() or path.name in ("", "..") else path


def _short(name: str) -> str:
    """Cut a name so that a hidden one made of it is not too long for a disk, which counts bytes."""
    return name.encode("utf-8", "surrogateescape")[:100].decode("utf-8", "ignore")


@contextmanager
def _beside(final: Path) -> Iterator[Path]:
    """Yield a free hidden name next to the final one; whatever is still there in the end goes, new parents too."""
    beside = final.parent / f".{_short(final.name)}.{secrets.token_hex(4)}"
    parents: list[Path] = []
    done = False
    with _errors_named(final), _terminated_as_exit():
        try:
            parents = [parent for parent in final.parents if not parent.exists()]
            final.parent.mkdir(parents=True, exist_ok=True)
            yield beside
            done = True
        finally:
            if beside.is_dir():
                shutil.rmtree(beside, ignore_errors=True)
            beside.unlink(missing_ok=True)
            for parent in () if done else parents:
                with suppress(OSError):
                    parent.rmdir()


def _sync(path: Path) -> None:
    """Have a file on the disk: one that only now finds itself full must say so before anything old goes."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _swap(beside: Path, final: Path) -> None:
    """Put the new folder in place; the old one moves aside first because a folder cannot replace a full one."""
    if not final.exists():
        beside.rename(final)
        return
    aside = final.parent / f"{beside.name}.old"
    try:
        final.rename(aside)
        beside.rename(final)
    finally:  # not `except`: an interrupt between the two lines must bring the old one back as well
        if not final.exists():
            aside.rename(final)
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _errors_named(final: Path) -> Iterator[None]:
    """Turn the system's errors into ours; polars wraps some of them in errors of its own."""
    try:
        yield
    except RecsysError:
        raise
    except Exception as error:
        wrapped = re.search(r"\(os error (\d+)\)", str(error))
        if wrapped is None and not isinstance(error, OSError):
            raise
        number = int(wrapped.group(1)) if wrapped else getattr(error, "errno", None)
        reason = os.strerror(number) if number else str(error)
        remedy = "Check the permissions and the free space there."
        raise ArtifactError(f"{final} cannot be written: {reason}.", remedy) from error


@contextmanager
def _terminated_as_exit() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does; otherwise it would end the process with no tidying up."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:  # somebody else looks after it
        yield
        return
    signal.signal(signal.SIGTERM, _exit_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit_once(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the tidying up
    raise SystemExit(128 + number)


# -- reading -----------------------------------------------------------------------------------------------------------


def read_manifest(folder: str | Path, *, kind: str, check_files: bool = True) -> dict[str, Any]:
    """Check a folder's kind, format version and (unless told not to) its files' checksums; return its manifest."""
    folder = Path(folder)
    noun = NOUNS.get(kind, kind)
    try:
        manifest = _parse_manifest(folder, kind, noun)
        for name, expected in manifest["files"].items() if check_files else ():
            _check_file(folder, name, expected)
    except OSError as error:
        reason = f"{folder} cannot be read: {error.strerror or error}."
        raise ArtifactError(reason, "Check its permissions.") from error
    return manifest


@contextmanager
def reading_files(folder: str | Path) -> Iterator[None]:
    """Refuse a folder whose files pass `read_manifest` but do not hold what they should: recsys did not write it."""
    try:
        yield
    except (RecsysError, ImportError, MemoryError):
        raise
    except Exception as error:  # whatever polars, numpy, json and ONNX Runtime say of bytes that are not theirs
        reason = (str(error).splitlines() or [""])[0]
        message = f"{folder} does not hold what recsys writes ({type(error).__name__}: {reason})."
        raise ArtifactError(message, COPY_AGAIN) from error


def _parse_manifest(folder: Path, kind: str, noun: str) -> dict[str, Any]:
    path = folder / MANIFEST
    if not folder.is_dir():
        what = "it is a file" if folder.exists() else "it does not exist"
        raise ArtifactError(f"{folder} is not a {noun}: {what}.", MAKERS.get(kind, ""))
    if not path.is_file():
        raise ArtifactError(f"{folder} is not a {noun}: it has no {MANIFEST}.", MAKERS.get(kind, ""))
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}).", COPY_AGAIN) from error
    if not isinstance(manifest, dict) or "kind" not in manifest:
        raise ArtifactError(f"{path} is not a manifest of recsys.", "Give another folder, or make this one anew.")
    if manifest["kind"] != kind:
        found = NOUNS.get(str(manifest["kind"]), f"'{manifest['kind']}'")
        raise ArtifactError(f"{folder} is a {found}, but a {noun} is needed.", "Give the other folder.")
    version = manifest.get("format")
    if type(version) is int and version > FORMAT_VERSION:
        raise ArtifactError(
            f"{folder} has format {version}; this recsys reads up to {FORMAT_VERSION}.", "Upgrade recsys."
        )
    if manifest.get("sha256") != _own_sha256(manifest):
        raise ArtifactError(f"{path} is not the file that was saved (its checksum differs).", COPY_AGAIN)
    if not isinstance(manifest.get("files"), dict):
        raise ArtifactError(f"{path} lists no files.", COPY_AGAIN)
    return manifest


def _check_file(folder: Path, name: str, expected: str) -> None:
    if name != Path(name).name or name == ".." or "\\" in name or ":" in name:
        raise ArtifactError(f"{folder / MANIFEST} names '{name}', which is outside of its folder.", COPY_AGAIN)
    if not (folder / name).is_file():
        raise ArtifactError(f"{folder} lacks {name}.", COPY_AGAIN)
    if _sha256(folder / name) != expected:
        raise ArtifactError(f"{folder / name} is not the file that was saved (its checksum differs).", COPY_AGAIN)


def copy_file(source: Path, target: Path, sha256: str) -> None:
    """Copy a file of a folder that was read before; ArtifactError where it is no longer what was read."""
    with suppress(FileNotFoundError):
        shutil.copyfile(source, target)
    if not target.is_file() or _sha256(target) != sha256:
        raise ArtifactError(f"{source} is no longer what was read from it.", "Load it again.")


def as_named(path: str | Path) -> str:
    """Spell a path for polars, so that it reads this very file: it takes `[`, `*` and `?` for patterns."""
    return glob.escape(str(path))


# -- checksums ---------------------------------------------------------------------------------------------------------


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a folder's file as the manifest beside it says."""
    return str(json.loads((path.parent / MANIFEST).read_text(encoding="utf-8"))["files"][path.name])


def _checksums(folder: Path) -> dict[str, str]:
    paths = sorted(folder.iterdir())
    assert all(path.is_file() for path in paths), "a folder of recsys is flat"
    return {path.name: _sha256(path) for path in paths}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _own_sha256(manifest: dict[str, Any]) -> str:
    """Hash a manifest without its own checksum, independent of layout."""
    rest = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
