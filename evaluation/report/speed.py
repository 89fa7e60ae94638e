"""The table of the speed benchmarks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evaluation.report.markdown import markdown_line


def speed_markdown(benchmarks: Mapping[str, Mapping[str, Any]]) -> str:
    """Render one row a benchmark: its ratios, what was measured, its command; and the machines."""
    if not benchmarks:
        return "No results yet."
    lines = [markdown_line(["what", "ratios", "measured", "command"]), markdown_line(["---"] * 4)]
    machines: dict[str, list[str]] = {}
    for name, result in benchmarks.items():
        ratios = "<br>".join(f"{label}: **{value:.3g}**" for label, value in result["ratios"].items()) or "–"
        measured = "<br>".join(f"{label}: {value}" for label, value in _leaves(result["measures"]))
        link = f"[{name}](evaluation/results/benchmarks/{name}.json)"
        lines.append(markdown_line([link, ratios, measured, f"`{result['command']}`"]))
        machine = result["machine"]
        about = f"{machine.get('processor')}, {machine.get('cores')} cores, {machine.get('memory_gb')} GB"
        machines.setdefault(f"{about}, Python {machine.get('python')}", []).append(name)
    notes = [f"{', '.join(names)}: {about}." for about, names in machines.items()]
    return "\n".join(lines) + "\n\nMeasured on — " + " ".join(notes)


def _leaves(measures: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """List the numbers and texts of nested measures under joined names; lists, the single runs, are left out."""
    for name, value in measures.items():
        label = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{label}, ")
        elif isinstance(value, float):
            yield label, f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        elif isinstance(value, int):
            yield label, f"{value:,}"
        elif isinstance(value, str):
            yield label, value


def read_benchmarks(folder: Path) -> dict[str, dict[str, Any]]:
    """Read every benchmark's result file by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
