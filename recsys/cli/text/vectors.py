"""`recsys text vectors`: word vectors trained from texts, in the format of GloVe's files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys.cli.screen import note

LOOKED_AT = 8
"""How many neighbours of a word are shown."""


def vectors(
    corpora: Annotated[
        list[Path],
        typer.Argument(
            metavar="CORPUS...", help="Tables of texts (parquet, csv, tsv, jsonl), or .txt with one a line."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the vectors go.", show_default=False)],
    dim: Annotated[int, typer.Option(help="Numbers a word.")] = 100,
    window: Annotated[int, typer.Option(help="Words on each side that a word is trained to go with.")] = 5,
    epochs: Annotated[int, typer.Option(help="Passes over the texts.")] = 5,
    algorithm: Annotated[str, typer.Option(metavar="NAME", help="skip-gram, cbow or fasttext.")] = "skip-gram",
    min_count: Annotated[int, typer.Option(help="How often a word must be seen to get a vector.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    workers: Annotated[
        int, typer.Option(help="Threads; with more than one it is faster, and no two runs are the same.")
    ] = 1,
    text_column: Annotated[
        str, typer.Option(metavar="NAMES", help="Column of the texts; of several (text,phrase) the first there is.")
    ] = "text",
    split: Annotated[
        str, typer.Option(metavar="PART", help="Only rows whose column split names this part, such as train.")
    ] = "",
    clean: Annotated[
        str, typer.Option(metavar="STEPS", help="What to take out first: headers, quotes, html, contractions.")
    ] = "html",
    neighbours: Annotated[
        str, typer.Option(metavar="WORDS", help="Show the words nearest to these: good,awful.", show_default=False)
    ] = "",
    header: Annotated[bool, typer.Option(help="Write word2vec's first line (words, numbers a word).")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
) -> None:
    """Train word vectors from texts.

    recsys text vectors imdb.parquet yelp.csv --split train --out vectors.txt --neighbours good,awful
    """
    from recsys.artifact import refuse_file
    from recsys.text.clean import clean as clean_text
    from recsys.text.embed import Training, read_part
    from recsys.text.vectors import train_vectors, write_vectors

    refuse_file(out, overwrite=overwrite)
    Training(dim, window, epochs, seed, algorithm, min_count, workers)  # refuses before the texts are read
    if workers > 1:
        note(f"With {workers} workers the vectors differ a little from run to run.")
    steps = _names(clean)
    texts = [
        clean_text(text, steps) for path in corpora for text in read_part(path, _names(text_column), split or None)
    ]
    found = train_vectors(
        texts,
        dim,
        window=window,
        epochs=epochs,
        seed=seed,
        algorithm=algorithm,
        min_count=min_count,
        workers=workers,
        progress=True,
    )
    write_vectors(found, out, header=header, overwrite=overwrite)
    typer.echo(f"{len(found):,} words of {dim} numbers → {out}\n{found.origin}")
    for word in _names(neighbours):
        if word in found:
            near = "  ".join(f"{name} {cosine:.2f}" for name, cosine in found.neighbours(word, LOOKED_AT))
        typer.echo(f"{word}: {near if word in found else 'has no vector'}")


def _names(texts: str) -> tuple[str, ...]:
    """Divide a list with commas."""
    return tuple(name for name in (part.strip() for part in texts.split(",")) if name)
