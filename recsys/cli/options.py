"""The options that several verbs share, and what they mean together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from recsys.dataset.prepared import Dataset
    from recsys.ranking.filters import Filters

ModelFolder = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Model folder that `recsys fit` wrote.", show_default=False)
]
Count = Annotated[int, typer.Option("-k", "--k", metavar="K", help="How many titles.")]
IncludeGenre = Annotated[
    list[str] | None,
    typer.Option(metavar="NAMES", help='Only titles with one of these genres or tags: "Sci-Fi, Space".'),
]
ExcludeGenre = Annotated[list[str] | None, typer.Option(metavar="NAMES", help="No title with one of these.")]
Type = Annotated[list[str] | None, typer.Option(metavar="NAMES", help="Only these types, such as TV or Movie.")]
Candidates = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Only these titles: one id or title a line, or CSV with a column anime_id."),
]
Adult = Annotated[bool, typer.Option("--adult", help="Show adult titles (genres Hentai, Erotica; rating Rx) too.")]
At = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="When it is asked: a date, epoch seconds or now. For models that read it (lstm.wait_dim).",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")]


def make_filters(
    data: Dataset,
    include_genre: Sequence[str] | None,
    exclude_genre: Sequence[str] | None,
    type: Sequence[str] | None,
    candidates: Path | None,
    *,
    keep_seen: bool = False,
    adult: bool = False,
) -> Filters:
    """Turn the options into filters; each name may be a list with commas."""
    from recsys.models.requests import read_candidates
    from recsys.ranking.filters import Filters

    return Filters(
        include_genres=", ".join(include_genre or ()),
        exclude_genres=", ".join(exclude_genre or ()),
        types=", ".join(type or ()),
        candidates=None if candidates is None else read_candidates(candidates, data),
        keep_seen=keep_seen,
        adult=adult,
    )


def candidate_codes(path: Path, data: Dataset) -> npt.NDArray[np.integer]:
    """Read a candidate file and return the item codes that it names; adult titles are titles like others here."""
    import numpy as np

    from recsys.models.requests import read_candidates
    from recsys.ranking.filters import Filters

    filters = Filters(candidates=read_candidates(path, data), adult=True)
    return np.flatnonzero(filters.allowed(data.catalogue, data.items))
