"""Turn raw files into a prepared data set: read, check, sort, clean, encode, and say on the card what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import polars.selectors as cs

from recsys.dataset.card import doubts_of, facts_of, fingerprint
from recsys.dataset.catalogue import Catalogue
from recsys.dataset.clean import (
    Events,
    collect_interactions,
    drop_incomplete,
    drop_repeated,
    encode_ids,
    k_core,
    refuse_mixed_ids,
)
from recsys.dataset.histories import Histories
from recsys.dataset.order import decide_order, find_ascent, parse_order, sort_events
from recsys.dataset.prepared import Dataset, Order
from recsys.dataset.readers import read_tables
from recsys.dataset.readers.items import RELATION
from recsys.dataset.readers.options import ReadOptions
from recsys.dataset.readers.source import unreadable
from recsys.dataset.schema import ITEM, MICROSECOND, POSITION, RATING, TIME, USER, RawTables
from recsys.dataset.vocabulary import FIRST, Vocabulary
from recsys.errors import InputError


def prepare(
    source: str | Path | Any,
    *,
    format: str = "auto",
    min_history: int = 1,
    min_count: int = 1,
    keep_unwatched: bool = False,
    order: Order | str | None = None,
    name: str | None = None,
    **options: Any,
) -> Dataset:
    """Read a file, folder, zip archive or frame and return the data set, its card included.

    `min_history` is the least number of titles a user must have, `min_count` the least number of users a title must
    have; `keep_unwatched` adds the item file's titles that nobody watched; `order` overrides what is detected.
    `options` are the fields of `ReadOptions`, for generic files: `prepare("log.csv", user_column="uid")`.

    Raises InputError for what is missing, malformed, empty, or empty once filtered.
    """
    for label, least in (("min_history", min_history), ("min_count", min_count)):
        if not isinstance(least, int) or least < 1:
            raise InputError(f"{label} must be a whole number from 1, got {least!r}.", "1 keeps everything.")
    wanted = None if order is None else parse_order(order)
    reading = ReadOptions.of(options)
    raw = read_tables(source, format, reading)

    frame = collect_interactions(raw)
    if not reading.text_ids:
        refuse_mixed_ids(raw, frame)
    n_rows = len(frame)
    frame, incomplete = drop_incomplete(frame)
    if frame.is_empty():
        rules = ", ".join(f"{rule['rows']:,} with {rule['rule']}" for rule in incomplete)
        raise InputError(f"None of the {n_rows:,} rows can be used: {rules}.", "Name other columns.")
    events, user_ids, item_ids = _encode(frame)
    del frame  # the memory is needed for sorting

    events, repeated = drop_repeated(sort_events(events, wanted))
    events, filtered = k_core(events, min_history, min_count)
    if not len(events):
        raise InputError(
            f"Nothing is left of {n_rows:,} rows with min_history={min_history} and min_count={min_count}.",
            "Lower --min-history or --min-count.",
        )
    ascent = find_ascent(events)
    chosen, reason = decide_order(wanted, raw.declared_order, events.times is not None, ascent)

    users, user_codes = _compact(user_ids, events.users)
    watched, item_codes = _compact(item_ids, events.items)
    described = _describe(raw, watched.dtype)
    items = watched
    if keep_unwatched and described is None:
        raise InputError("keep_unwatched needs titles that nobody watched, got no item file.", "Give one (--items).")
    if keep_unwatched and described is not None:
        items, item_codes = _add_unwatched(watched, item_codes, described)
    catalogue, n_described = _catalogue(items, described)
    histories = Histories(
        np.concatenate([[0], np.cumsum(np.bincount(user_codes, minlength=len(users)))]),
        item_codes + FIRST,
        events.ratings,
        events.times,
        np.arange(len(users), dtype=np.int32) + FIRST,
    )
    return Dataset(
        name or _name_of(source),
        histories,
        Vocabulary(users),
        Vocabulary(items),
        catalogue,
        chosen,
        {
            **({"synthetic": True} if raw.synthetic else {}),
            "order_reason": reason,
            "format": raw.source,
            "sources": [fingerprint(path) for path in raw.files],
            "settings": _settings(min_history, min_count, keep_unwatched, reading),
            "counts": {
                "rows": n_rows,
                "events": histories.n_events,
                "users": len(users),
                "titles": len(items),
                "titles_watched": len(watched),
                "titles_described": n_described,
            },
            **facts_of(histories),
            "ascending_users": {"users": ascent.users, "of": ascent.of},
            "dropped": [*incomplete, *repeated, *filtered],
            "notes": [*raw.notes, *doubts_of(histories, ascent, chosen)],
        },
    )


def _encode(frame: pl.DataFrame) -> tuple[Events, pl.Series, pl.Series]:
    """Return the events in codes, with the distinct users and titles that these count through."""
    user_ids, users = encode_ids(frame[USER])
    item_ids, items = encode_ids(frame[ITEM])
    rest = {
        name: frame[column].to_numpy()
        for name, column in (("times", TIME), ("positions", POSITION), ("microseconds", MICROSECOND))
        if column in frame.columns and (column != MICROSECOND or (frame[column] != 0).any())
    }
    ratings = frame[RATING].fill_null(float("nan")).to_numpy() if RATING in frame.columns else None
    return Events(users, items, ratings, **rest), user_ids, item_ids


def _compact(ids: pl.Series, codes: npt.NDArray[np.int32]) -> tuple[pl.Series, npt.NDArray[np.int32]]:
    """Leave out the ids that no event has any more."""
    present = np.bincount(codes, minlength=len(ids)) > 0
    if present.all():
        return ids, codes
    renumbered = np.cumsum(present, dtype=np.int32) - 1
    return ids.filter(pl.Series(present)), renumbered[codes]


def _describe(raw: RawTables, dtype: Any) -> pl.DataFrame | None:
    """Return the titles that the source describes, one row an id, with ids of the type that the interactions have."""
    if raw.items is None:
        return None
    ids = cs.by_name(ITEM, RELATION, require_all=False)
    try:
        spelled = ids.cast(pl.String).str.strip_chars()
        if dtype == pl.Int64:
            spelled = spelled.str.replace(r"\.0+$", "")  # a missing id makes pandas write 1.0
        keyed = raw.items.with_columns(spelled.cast(dtype, strict=False))
        items = keyed.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise unreadable(raw.files[-1].name if raw.files else "the item table", error) from error
    return items.drop_nulls(ITEM).unique(ITEM, keep="first", maintain_order=True)


def _add_unwatched(
    watched: pl.Series, codes: npt.NDArray[np.int32], described: pl.DataFrame
) -> tuple[pl.Series, npt.NDArray[np.int32]]:
    """Put the described titles that nobody watched among the watched ones, by id."""
    items = pl.concat([watched, described[ITEM].rename(watched.name)]).unique().sort()
    moved = items.search_sorted(watched).to_numpy().astype(np.int32)
    return items, moved[codes]


def _catalogue(items: pl.Series, described: pl.DataFrame | None) -> tuple[Catalogue, int]:
    """Return the catalogue in code order and how many of its titles the source describes."""
    frame = pl.DataFrame({ITEM: items})
    if described is None:
        return Catalogue(frame), 0
    n_described = int(items.is_in(described[ITEM].implode()).sum())
    if n_described == 0:
        such = ", ".join(map(str, described[ITEM].head(3)))
        ids = f"whose ids are such as {such}" if such else f"which has no ids such as {items[0]}"
        raise InputError(
            f"None of the {len(items):,} titles is in the item file, {ids}.",
            "Check --items and --item-id-column.",
        )
    return Catalogue(frame.join(described, on=ITEM, how="left", maintain_order="left")), n_described


def _settings(min_history: int, min_count: int, keep_unwatched: bool, reading: ReadOptions) -> dict[str, Any]:
    """List what shaped the data set; of an item file only the name."""
    given = reading.given
    if reading.items is not None:
        given["items"] = Path(reading.items).name
    return {"min_history": min_history, "min_count": min_count, "keep_unwatched": keep_unwatched, **given}


def _name_of(source: Any) -> str:
    """Name a data set after its file or folder."""
    return Path(source).resolve().name.partition(".")[0] if isinstance(source, str | Path) else "frame"
