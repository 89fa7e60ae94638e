"""Time the reader of word vectors on a file as large as GloVe's (400,000 words of 100 numbers, about 350 MB).

    python -m evaluation.text.benchmarks.read_vectors [--words 400000] [--dim 100]

The file is made up in a temporary folder. Each measure is a cold process on one thread, its imports included: all words
read, the file packed with gzip, a vocabulary of a twentieth of the words, and beside them gensim's reader of the same
file. The ratios are of processor seconds, which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmarks.measure import RESULTS, run_child, write_benchmark

READ = """
import sys, time
from recsys.text.vectors import read_vectors
words = [f"word{index}" for index in range(0, int(sys.argv[2]), 20)] if len(sys.argv) > 2 else None
read_vectors(sys.argv[1], words=words)
print(time.process_time())  # of this process alone, whatever else the machine does
"""
GENSIM = """
import sys, time
from gensim.models import KeyedVectors
KeyedVectors.load_word2vec_format(sys.argv[1], binary=False, no_header=True)
print(time.process_time())
"""
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
BLOCK = 10_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--words", type=int, default=400_000, help="lines of the file")
    parser.add_argument("--dim", type=int, default=100, help="numbers a line")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the result file goes")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.txt"
        write_file(path, options.words, options.dim)
        packed = Path(folder) / "vectors.txt.gz"
        with path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=1) as file:
            shutil.copyfileobj(plain, file)
        tasks = {
            "all": [READ, path],
            "gzip": [READ, packed],
            "vocabulary": [READ, path, options.words],
            "gensim": [GENSIM, path],
        }
        measures: dict[str, Any] = {"words": options.words, "dim": options.dim, "megabytes": path.stat().st_size / 1e6}
        for name, task in tasks.items():
            run = run_child([sys.executable, "-c", *map(str, task)], ONE_THREAD)
            measures[name] = {
                "seconds": round(run.seconds, 2),
                "processor_seconds": round(float(run.stdout), 2),
                "peak_memory_mb": round(run.peak_memory_mb),
            }
    command = f"python -m evaluation.text.benchmarks.read_vectors --words {options.words} --dim {options.dim}"
    ratio = measures["gensim"]["processor_seconds"] / measures["all"]["processor_seconds"]
    ratios = {"gensim / recsys": round(ratio, 2)}
    path = write_benchmark("read_vectors", command, measures, ratios, options.out)
    print(*(f"{name}: {value}" for name, value in (measures | ratios).items()), f"→ {path}", sep="\n")
    return 0


def write_file(path: Path, n_words: int, dim: int) -> None:
    """Write random vectors with five digits after the point, as GloVe's files have them."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, n_words, BLOCK):
            names = [f"word{index}" for index in range(start, min(start + BLOCK, n_words))]
            numbers = random.normal(0, 0.4, (dim, len(names)))
            columns = {"word": names, **{str(index): row for index, row in enumerate(numbers)}}
            pl.DataFrame(columns).write_csv(file, include_header=False, separator=" ", float_precision=5)


if __name__ == "__main__":
    raise SystemExit(main())
