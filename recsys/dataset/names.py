"""Match names as people type them: case, punctuation and close spellings are forgiven."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import process

from recsys.errors import UnknownIdError


def name_key(name: str) -> str:
    """Normalise a genre, tag or type: "Sci-Fi", " sci_fi" and "SCI FI" are one."""
    return " ".join(name.lower().replace("-", " ").replace("_", " ").split())


def resolve_names(wanted: Sequence[str], known: Sequence[str], noun: str) -> list[str]:
    """Return the known spelling of each wanted name; an unknown one is an error that suggests close ones."""
    by_key = {name_key(name): name for name in known}
    found = []
    for name in wanted:
        key = name_key(name)
        if key not in by_key:
            close = [by_key[match] for match, _, _ in process.extract(key, list(by_key), limit=3, score_cutoff=60)]
            others = f"Known: {', '.join(list(known)[:12])} …" if known else f"This data has no {noun}: leave it out."
            remedy = f"Did you mean {' or '.join(close)}?" if close else others
            raise UnknownIdError(f"There is no {noun} '{name}'.", remedy)
        found.append(by_key[key])
    return found
