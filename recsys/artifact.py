"""Folders that are written whole or not at all, and refused when they are not what they say.

A folder holds JSON, parquet, npz, `.keras` and `.onnx` files (never pickle) and a `manifest.json` with its kind, the
format version and the SHA-256 of every file.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recsys.errors import ArtifactError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


@contextmanager
def write_folder(folder: str | Path, *, kind: str, overwrite: bool = False, **facts: Any) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it gets its manifest and takes the final name.

    On any error, the full disk and Ctrl-C included, what stood there before still stands and nothing else is left.
    """
    final = Path(folder)
    if final.exists():
        _refuse_foreign(final, kind, overwrite)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    except OSError as error:
        raise _cannot_write(final, error) from error
    try:
        beside.chmod(0o755)
        yield beside
        manifest = {"kind": kind, "format": FORMAT_VERSION, **facts, "files": _checksums(beside)}
        (beside / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True), encoding="utf-8")
        _swap(beside, final)
    except OSError as error:
        raise _cannot_write(final, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def read_manifest(folder: str | Path, *, kind: str) -> dict[str, Any]:
    """Check a folder's kind, format version and checksums and return its manifest."""
    folder = Path(folder)
    path = folder / MANIFEST
    noun = {"recsys-data": "prepared data folder", "recsys-model": "model folder"}.get(kind, kind)
    if not path.is_file():
        what = "does not exist" if not folder.exists() else f"has no {MANIFEST}"
        remedy = "Make one with `recsys prepare`." if kind == "recsys-data" else "Make one with `recsys fit`."
        raise ArtifactError(f"{folder} is not a {noun}: it {what}.", remedy)
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version, found = int(manifest["format"]), str(manifest["kind"])
        files: dict[str, str] = dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}).", "Copy the folder again or make it anew.") from error
    if found != kind:
        raise ArtifactError(f"{folder} holds a '{found}', but a {noun} is needed.", "Give the other folder.")
    if version > FORMAT_VERSION:
        raise ArtifactError(
            f"{folder} has format {version}; this recsys reads up to {FORMAT_VERSION}.", "Upgrade recsys."
        )
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise ArtifactError(f"{folder} lacks {name}.", "Copy the folder again or make it anew.")
        if _sha256(folder / name) != expected:
            raise ArtifactError(
                f"{folder / name} is not the file that was saved (its checksum differs).",
                "Copy the folder again or make it anew.",
            )
    return manifest


def _refuse_foreign(final: Path, kind: str, overwrite: bool) -> None:
    if not overwrite:
        raise ArtifactError(f"{final} exists already.", "Choose another name, or pass --overwrite (overwrite=True).")
    if not final.is_dir():
        raise ArtifactError(f"{final} is a file; a folder is to be written there.", "Choose another name.")
    if any(final.iterdir()):
        try:
            found = json.loads((final / MANIFEST).read_text(encoding="utf-8")).get("kind")
        except (OSError, ValueError, AttributeError):
            found = None
        if found != kind:
            raise ArtifactError(f"{final} is not a folder of recsys ({kind}); it stays.", "Choose another name.")


def _swap(beside: Path, final: Path) -> None:
    """Put the new folder in place; the old one moves aside first because a folder cannot replace a full one."""
    if not final.exists():
        beside.rename(final)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{final.name}.old.", dir=final.parent))
    final.rename(aside / "old")
    try:
        beside.rename(final)
    except OSError:
        (aside / "old").rename(final)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _cannot_write(final: Path, error: OSError) -> ArtifactError:
    reason = error.strerror or str(error)
    return ArtifactError(f"{final} cannot be written: {reason}.", "Check the permissions and the free space there.")


def _checksums(folder: Path) -> dict[str, str]:
    return {path.name: _sha256(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
