"""Read any interaction table: CSV, TSV, parquet, gzip or a frame, its columns named by options or by custom."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import fields

import polars as pl

from recsys.dataset.prepared import Order
from recsys.dataset.readers.interactions import scan_interactions
from recsys.dataset.readers.items import describe_items
from recsys.dataset.readers.options import ITEM_OPTIONS, ReadOptions
from recsys.dataset.readers.source import Source, Table, paths_of, require_columns, unreadable
from recsys.dataset.schema import ITEM, POSITION, RATING, TIME, USER, RawTables
from recsys.errors import InputError

USUAL = {
    USER: ("user_id", "userid", "user", "uid", "username", "reviewerid"),
    ITEM: ("anime_id", "animeid", "item_id", "itemid", "movie_id", "movieid", "work_id", "item", "iid", "asin"),
    RATING: ("rating", "user_rating", "score", "stars", "overall"),
    TIME: ("timestamp", "time", "date", "datetime", "created_at", "updated_at", "unixreviewtime"),
}
USUAL_ORDINALS = ("position", "pos", "order", "rank")
TITLE, GENRES, TAGS = ("title", "name"), ("genres", "genre"), ("tags", "themes")
INTERACTION_FILES, ITEM_FILES = (
    ("interactions", "ratings", "events"),
    ("items", "titles", "anime", "catalogue", "movies"),
)
OPTIONS = tuple(item.name for item in fields(ReadOptions))
SUFFIXES = (".csv", ".tsv", ".parquet", ".txt")


def detect(source: Source) -> bool:
    """Take what no other format claims."""
    return True


def read(source: Source, options: ReadOptions) -> RawTables:
    """Return the raw tables of a file, or of the interactions and items in a folder or archive."""
    table = source.one_table() if len(source.tables) == 1 else None
    if table is None or not (source.single or table.plain.endswith(SUFFIXES[:3])):
        table = source.require(*_names(INTERACTION_FILES))
    found = table.columns(options.separator)
    columns = _columns(table.name, found, options)
    interactions, text = scan_interactions(table, columns, options)
    titles = item_table(source, options, None if source.single else source.find(*_names(ITEM_FILES)))
    notes = []
    unused = next((name for name in found if name.lower() in USUAL_ORDINALS), None)
    if TIME not in columns and POSITION not in columns and unused is not None:
        notes.append(f"Column '{unused}' is not used; pass --position-column {unused} if it says the watch order.")
    return RawTables(
        interactions,
        items=None if titles is None else describe(titles, columns[ITEM], options),
        source="generic",
        declared_order=Order.LISTED if POSITION in columns else None,
        notes=tuple(notes),
        files=paths_of(table, titles),
        text=text,
        columns=columns,
        synthetic=source.synthetic,
    )


def item_table(source: Source, options: ReadOptions, found: Table | None) -> Table | None:
    """Return the table that describes the titles: the one that is named, else the one found at the source."""
    if options.items is None:
        if found is None and (given := [name for name in options.given if name in ITEM_OPTIONS]):
            flag = f"--{given[0].replace('_', '-')}"
            raise InputError(f"{flag} is given, but {source.name} comes with no item file.", "Name one with --items.")
        return found
    return Source.open(options.items).one_table()


def _columns(table: str, found: Sequence[str], options: ReadOptions) -> dict[str, str]:
    """Map the canonical columns that the table has to its own names; user and title are required."""
    given = {
        USER: options.user_column,
        ITEM: options.item_column,
        RATING: options.rating_column,
        TIME: options.time_column,
        POSITION: options.position_column,
    }
    columns = {}
    for canonical, own in given.items():
        flag = "--time-column" if canonical == TIME else f"--{_noun(canonical)}-column"
        if own is not None:
            require_columns(table, {own: f"Name one of them with {flag}."}, list(found))
            columns[canonical] = own
        elif usual := _first(USUAL.get(canonical, ()), found):
            columns[canonical] = usual
        elif canonical in (USER, ITEM):
            other = next((name for name in found if name not in columns.values()), "NAME")
            remedy = f"Rename it, or pass {flag} {shlex.quote(other)}."
            if len(found) == 1:
                remedy = "There is one column only: check --separator."
            raise InputError(f"{table} has no column '{canonical}' (found: {', '.join(found)}).", remedy)
    owners: dict[str, str] = {}
    for canonical, own in columns.items():
        if (other := owners.setdefault(own, canonical)) != canonical:
            raise InputError(f"Column '{own}' of {table} cannot be {other} and {canonical}.", "Name another for one.")
    return columns


def _names(stems: Sequence[str]) -> list[str]:
    return [stem + suffix for stem in stems for suffix in SUFFIXES]


def _noun(canonical: str) -> str:
    return {USER: "user", ITEM: "item"}.get(canonical, canonical)


def _first(usual: Sequence[str], found: Sequence[str]) -> str | None:
    """Return the table's column that goes by the first of the usual names, in any case."""
    by_name = {name.lower(): name for name in reversed(found)}
    return next((by_name[name] for name in usual if name in by_name), None)


def describe(table: Table, interaction_id: str, options: ReadOptions) -> pl.LazyFrame:
    """Return the titles of an item file whose columns are named by options or by custom."""
    found = table.columns()
    given = [options.item_id_column, options.title_column, options.genres_column, *options.tag_columns]
    remedy = "Name one of them with --item-id-column, --title-column, --genres-column or --tags-column."
    require_columns(table.name, {name: remedy for name in given if name is not None}, found)
    id = options.item_id_column or _first((interaction_id.lower(), *USUAL[ITEM]), found)
    if id is None:
        remedy = f"Rename it, or pass --item-id-column {found[0]}."
        raise InputError(f"{table.name} has no column '{interaction_id}' (found: {', '.join(found)}).", remedy)
    title = options.title_column or _first(TITLE, found)
    genres = options.genres_column or _first(GENRES, found)
    tags = options.tag_columns or [name for usual in TAGS if (name := _first((usual,), found))]
    as_spelled = table.frame is None and not table.is_parquet  # types guessed from the first rows may not be the last's
    try:
        return describe_items(table.scan(text=as_spelled), id, title, genres, tags, options.list_separator)
    except pl.exceptions.PolarsError as error:
        raise unreadable(table.name, error) from error
