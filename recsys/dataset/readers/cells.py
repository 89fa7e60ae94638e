"""Turn cells into clean values: lists of names, numbers, times, texts."""

from __future__ import annotations

import html
from typing import Any

import polars as pl

from recsys.dataset.schema import LAST_TIME, UNREADABLE

SOURCE_NAMES = ("mal", "myanimelist", "anilist", "anidb", "kitsu", "annict", "anime")
TYPES = {"tv": "TV", "movie": "Movie", "ova": "OVA", "ona": "ONA", "special": "Special", "music": "Music"}
NO_GENRES = "(no genres listed)"
ISO_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")

DATES = (19_000_101, 21_001_231)
"""Between these, numbers may be dates without hyphens."""


def unescaped(column: pl.Expr) -> pl.Expr:
    """Replace HTML entities (`&#039;`) by what they stand for, and trim."""
    texts = column.cast(pl.String)
    return texts.map_batches(_unescape, return_dtype=pl.String).str.strip_chars()


def names(column: pl.Expr, separator: str) -> pl.Expr:
    """Split a text into its distinct names, trimmed, in their order; a missing text has none."""
    parts = column.cast(pl.String).fill_null("").str.split(separator.strip() or separator)
    trimmed = parts.list.eval(pl.element().str.strip_chars())
    return trimmed.list.eval(pl.element().filter(~pl.element().is_in(["", NO_GENRES]))).list.unique(maintain_order=True)


def tidy_tags(tags: pl.Expr, genres: pl.Expr, type: pl.Expr | None = None) -> pl.Expr:
    """Lower the tags' case and drop what is no tag: names of sources, the title's type, its genres, repetitions."""
    lower = tags.list.eval(pl.element().str.to_lowercase()).list.unique(maintain_order=True)
    noise = [genres.list.eval(pl.element().str.to_lowercase()), pl.lit(list(SOURCE_NAMES), dtype=pl.List(pl.String))]
    if type is not None:
        noise.append(pl.concat_list(type.str.to_lowercase().fill_null("")))
    return lower.list.set_difference(pl.concat_list(noise)).list.sort()


def type_among(tags: pl.Expr) -> pl.Expr:
    """Return the type (TV, Movie …) that is named among the tags; 'music', also a theme, counts as type only alone."""
    lower = tags.list.eval(pl.element().str.to_lowercase())
    return pl.coalesce(pl.when(lower.list.contains(key)).then(pl.lit(shown)) for key, shown in TYPES.items())


def whole_number(column: pl.Expr) -> pl.Expr:
    """Read a whole number; 'Unknown' and the like become missing."""
    return column.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)


def ids(column: str, dtype: Any, text: bool) -> pl.Expr:
    """Read ids as whole numbers or as texts; NaN, numbers with a fraction and blank texts become missing."""
    cell = pl.col(column)
    if dtype.is_float() and not text:
        return pl.when(cell.is_finite() & (cell == cell.floor())).then(cell).cast(pl.Int64)
    if dtype.is_integer() and not text:
        return cell.cast(pl.Int64)
    trimmed = cell.cast(pl.String).str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def ratings(column: str, numbers: dict[str, float], unrated: float | None = None) -> pl.Expr:
    """Read ratings as numbers, and words by their numbers; a word without one becomes NaN, so that it is reported."""
    cell = pl.col(column)
    if numbers:
        words = cell.cast(pl.String).str.strip_chars()
        figures = words.cast(pl.Float32, strict=False).fill_null(float("nan"))
        mapped = words.replace_strict(numbers, default=figures, return_dtype=pl.Float32)
        cell = pl.when(words.is_not_null() & (words != "")).then(mapped)
    cell = cell.cast(pl.Float32)
    return cell if unrated is None else pl.when(cell != unrated).then(cell)


def times(column: str, dtype: Any) -> pl.Expr:
    """Read times as epoch seconds: numbers in seconds or finer by their size, dates and ISO 8601 texts (UTC).

    Where every number of the column reads as a date, 20200131, they are dates.
    """
    cell = pl.col(column)
    if dtype.is_temporal():
        return cell.dt.epoch("s")
    if dtype.is_float():
        whole = pl.coalesce(cell.cast(pl.Int64, strict=False), UNREADABLE)  # NaN and the like are reported
        return _moments(pl.when(cell.is_not_null()).then(whole))
    if dtype.is_numeric():
        return _moments(cell.cast(pl.Int64))
    words = cell.cast(pl.String).str.strip_chars()
    parsed = [moment.dt.epoch("s") for moment in _iso(words)]
    readings = pl.coalesce(*parsed, _moments(words.cast(pl.Int64, strict=False)), UNREADABLE)
    return pl.when(words.is_not_null() & (words != "")).then(readings)


def microseconds(column: str, dtype: Any) -> pl.Expr:
    """Read the part of a second that `times` leaves out, in microseconds; 0 where the cell has none or is no time."""
    cell = pl.col(column)
    if dtype == pl.Date:
        found = pl.lit(0)
    elif dtype.is_temporal():
        found = cell.dt.microsecond()
    elif dtype.is_float():
        whole = cell.cast(pl.Int64, strict=False)
        found = pl.when(whole > LAST_TIME * 10).then(_below_seconds(whole)).otherwise((cell - whole) * 10**6)
    elif dtype.is_numeric():
        found = _below_seconds(cell.cast(pl.Int64))
    else:
        words = cell.cast(pl.String).str.strip_chars()
        found = pl.coalesce(
            *(moment.dt.microsecond() for moment in _iso(words)), _below_seconds(words.cast(pl.Int64, strict=False))
        )
    return found.cast(pl.Int32, strict=False).fill_null(0)


def positions(column: str, dtype: Any) -> pl.Expr:
    """Read places in an order, whole numbers; a number with a fraction is reported."""
    cell = pl.col(column)
    if not dtype.is_float():
        return cell.cast(pl.Int64)
    whole = pl.coalesce(pl.when(cell == cell.floor()).then(cell).cast(pl.Int64, strict=False), UNREADABLE)
    return pl.when(cell.is_not_nan()).then(whole)


def _iso(words: pl.Expr) -> list[pl.Expr]:
    """Read texts as ISO 8601 in each of its forms; missing where it is not that one."""
    iso = words.str.replace_all("/", "-", literal=True).str.replace(" ", "T", literal=True).str.replace(r"\s*UTC$", "Z")
    return [iso.str.to_datetime(form, strict=False, time_unit="us") for form in ISO_FORMATS]


def _moments(number: pl.Expr) -> pl.Expr:
    """Take a column of numbers for dates where all of them may be some, else for seconds or what is finer."""
    dates = pl.when(number.is_between(*DATES)).then(number.cast(pl.String).str.to_date("%Y%m%d", strict=False))
    all_are = (dates.is_not_null() | number.is_null()).all()
    return pl.when(all_are).then(dates.dt.epoch("s")).otherwise(_seconds(number))


def _seconds(number: pl.Expr) -> pl.Expr:
    """Bring milli-, micro- and nanoseconds to seconds; a number's size tells its unit."""
    return number // _unit(number)


def _below_seconds(number: pl.Expr) -> pl.Expr:
    """Give what is left of such a number beside its seconds, in microseconds."""
    unit = _unit(number)
    return (number % unit) * 10**6 // unit


def _unit(number: pl.Expr) -> pl.Expr:
    unit = pl.when(number > LAST_TIME * 10**7).then(10**9).when(number > LAST_TIME * 10**4).then(10**6)
    return unit.when(number > LAST_TIME * 10).then(10**3).otherwise(1)


def _unescape(texts: pl.Series) -> pl.Series:
    return pl.Series(texts.name, [text and html.unescape(text) for text in texts], dtype=pl.String)
