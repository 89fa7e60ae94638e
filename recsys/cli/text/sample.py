"""`recsys text sample`: invented reviews, to try the other verbs on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recsys.cli.text.options import Overwrite


def sample(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="CSV file to write.")] = Path("reviews.csv"),
    reviews: Annotated[int, typer.Option(metavar="N", help="How many reviews.")] = 3000,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of everything invented.")] = 7,
    overwrite: Overwrite = False,
) -> None:
    """Write invented reviews of the sample's titles: review_id, anime_id, text, stars, label (neg, pos).

    The titles are real; nobody wrote the reviews. They show that the road works, not how good a model is.
    """
    from recsys.artifact import refuse_file, write_file
    from recsys.cli.screen import note
    from recsys.dataset.sample import sample_folder
    from recsys.text.files import read_table
    from recsys.text.stream import numbered
    from recsys.text.synthetic import generate_reviews

    refuse_file(out, overwrite=overwrite)
    titles = read_table(sample_folder() / "anime.csv")
    frame = generate_reviews(titles.with_columns(numbered(titles["anime_id"])), n_reviews=reviews, seed=seed).frame
    with write_file(out, overwrite=overwrite) as beside:
        frame.write_csv(beside)
    note("Synthetic data: the reviews are invented.")
    typer.echo(f"Wrote {out} ({len(frame):,} reviews of {frame['anime_id'].n_unique()} titles). Try:")
    typer.echo(f"  recsys text train imdb-lstm --data {out} --out sentiment --set pooling=max-mean learning_rate=0.005")
    typer.echo(f"  recsys text score-reviews {out} --model sentiment --out titles.csv")
