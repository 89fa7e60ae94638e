"""Run a command as a process of its own, measure its seconds and peak memory, and write the result file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from recsys.errors import RecsysError

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
PACKAGES = ("recsys", "polars", "numpy", "keras", "tensorflow", "onnxruntime", "implicit")

# A process's peak memory as the kernel counts it starts at that of the process that started it. So that a large
# benchmark does not colour what it measures, a bare interpreter of about 10 MB stands between the two.
LAUNCHER = """
import os, sys, time
start = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
seconds = time.perf_counter() - start
with open(sys.argv[1], "w") as report:
    print(os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss, file=report)
"""


@dataclass(frozen=True)
class Measure:
    """Hold what one run of a command took: wall seconds, peak resident memory in MB (10^6 bytes), and its output."""

    seconds: float
    peak_memory_mb: float
    stdout: str


def run_child(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Measure:
    """Run a command to its end and measure it; `env` is laid over this process's environment.

    Raises RecsysError when the command ends with anything but 0.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, str(report), *argv],
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if not report.is_file():
            raise RecsysError(f"{argv[0]} could not be started: {done.stderr[-500:]}", "Check the command.")
        code, seconds, peak = report.read_text(encoding="utf-8").split()
    if int(code) != 0:
        remedy = (done.stderr or done.stdout)[-2000:].strip()
        raise RecsysError(f"{' '.join(argv)} ended with {code}.", remedy)
    kilobytes = float(peak) / (1024 if sys.platform == "darwin" else 1)
    return Measure(float(seconds), kilobytes * 1024 / 1e6, done.stdout)


def machine() -> dict[str, Any]:
    """Describe what a measurement ran on: processor, cores, memory, Python and package versions; no names."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": cores,
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def write_benchmark(
    name: str, command: str, measures: Mapping[str, Any], ratios: Mapping[str, float], folder: Path = RESULTS
) -> Path:
    """Write `<name>.json` with the command, the machine, what was measured and the ratios that a bar is set on."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    result = {"command": command, "machine": machine(), "measures": measures, "ratios": ratios}
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path


def _processor() -> str:
    """Name the processor's model."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
