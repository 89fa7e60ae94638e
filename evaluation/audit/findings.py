"""What an audit says: findings with their numbers, their meaning and a remedy; plain values, ready for JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from recsys.artifact import write_file


class Severity(StrEnum):
    """Say how much a finding matters."""

    INFO = "info"
    """A fact."""
    NOTICE = "notice"
    """Know it when you read results."""
    WARNING = "warning"
    """Results mean something else than they seem to unless it is heeded."""


@dataclass(frozen=True)
class Finding:
    """Hold one check's outcome: `shown` is its value in words, `values` its numbers, `action` what to do about it.

    `topic` is "order", "content" or "split".
    """

    topic: str
    name: str
    severity: Severity
    shown: str
    meaning: str
    action: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """Hold all findings about a data set and a split of it; `series` is what the figures draw.

    `split` is the protocol of the split in words, None where the data could not be split.
    """

    data: str
    facts: Mapping[str, Any]
    split: str | None
    seed: int
    findings: tuple[Finding, ...]
    series: Mapping[str, Any]

    def count(self, severity: Severity) -> int:
        """Count the findings of this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def find(self, name: str) -> Finding:
        """Return the finding of this name; raises KeyError where there is none."""
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(name)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain names and values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Read what `to_mapping` returned."""
        findings = (Finding(**{**one, "severity": Severity(one["severity"])}) for one in mapping["findings"])
        return cls(**{**mapping, "findings": tuple(findings)})

    def write_json(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the audit as JSON, whole or not at all; raises ArtifactError where a file stands already."""
        text = json.dumps(self.to_mapping(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        with write_file(path, overwrite=overwrite) as beside:
            beside.write_text(text, encoding="utf-8")
        return Path(path)


def rounded(value: float | np.floating[Any], digits: int = 4) -> float:
    """Return a plain number that JSON and people can read."""
    return round(float(value), digits)


def percent(share: float) -> str:
    """Write a share as people do: 0.1234 is "12.3%", and what is not quite all or nothing does not look so.

    >>> percent(0.1234), percent(1.0), percent(0.99999), percent(0.00001)
    ('12.3%', '100%', '>99.9%', '<0.1%')
    """
    if share in (0, 1):
        return f"{share:.0%}"
    if 0 < share < 0.0005:
        return "<0.1%"
    return ">99.9%" if 0.9995 <= share < 1 else f"{share:.1%}"


def counted(n: int, noun: str) -> str:
    """Write a number with its noun: "1 user", "2,000 users", "no users"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}" if n else f"no {noun}s"


def histogram(values: npt.NDArray[Any], edges: npt.NDArray[Any]) -> dict[str, list[float]]:
    """Count values between edges, ready for JSON; what lies outside is not counted."""
    counts, _ = np.histogram(values, edges)
    return {"edges": [rounded(edge, 6) for edge in edges], "counts": counts.tolist()}


def length_edges(longest: int) -> npt.NDArray[np.float64]:
    """Divide 1 … longest into bins that widen by a factor: each whole number lies inside one bin."""
    steps = np.unique(np.geomspace(1, max(longest, 1) + 1, 32).round())
    return np.append(steps, steps[-1] + 1) - 0.5 if len(steps) < 2 else steps - 0.5
