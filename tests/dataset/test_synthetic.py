import gzip
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys.dataset.synthetic import (
    CATALOGUE_FILE,
    INTERACTIONS_FILE,
    generate_watchers,
    main,
    markov_histories,
    to_gzip_csv,
)
from recsys.dataset.vocabulary import FIRST
from recsys.errors import InputError

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="module")
def catalogue() -> pl.DataFrame:
    return pl.read_csv(SAMPLE / CATALOGUE_FILE)


@pytest.fixture(scope="module")
def watched() -> pl.DataFrame:
    return pl.read_csv(SAMPLE / INTERACTIONS_FILE)


def test_catalogue_states_unique_complete_titles(catalogue: pl.DataFrame) -> None:
    assert catalogue.columns == ["anime_id", "name", "genre", "tags", "type", "episodes", "year", "sequel_of"]
    assert 300 <= len(catalogue) <= 420
    assert catalogue["anime_id"].is_unique().all()
    assert catalogue["name"].is_unique().all()
    assert catalogue.drop("episodes", "sequel_of").null_count().sum_horizontal().item() == 0
    assert set(catalogue["type"]) == {"TV", "Movie", "OVA", "ONA", "Special"}
    assert catalogue["year"].is_between(1979, 2024).all()
    assert catalogue["tags"].str.split(", ").list.len().is_between(1, 5).all()
    assert (catalogue["tags"] == catalogue["tags"].str.to_lowercase()).all()
    assert not catalogue["genre"].str.contains("Hentai|Erotica").any()


def test_sequels_exist_and_lead_back_to_a_first_part(catalogue: pl.DataFrame) -> None:
    rows = {anime_id: (year, before) for anime_id, year, before in catalogue["anime_id", "year", "sequel_of"].rows()}
    assert sum(before is not None for _, before in rows.values()) > 150
    for year, before in rows.values():
        visited = set()
        while before is not None:
            assert before not in visited, f"{before} follows itself"
            visited.add(before)
            year_before, before = rows[before]
            assert year_before <= year


def test_sample_is_small() -> None:
    assert sum(file.stat().st_size for file in SAMPLE.iterdir()) <= 2_000_000
    assert (SAMPLE / INTERACTIONS_FILE).stat().st_size < 1_200_000


def test_committed_interactions_are_what_the_generator_makes(catalogue: pl.DataFrame) -> None:
    # Compared unpacked: another zlib may pack the same rows into other bytes.
    committed = gzip.decompress((SAMPLE / INTERACTIONS_FILE).read_bytes()).decode()
    assert generate_watchers(catalogue).write_csv() == committed, (
        "regenerate: python -m recsys.dataset.synthetic --out data/sample"
    )


def test_same_seed_gives_same_bytes_and_another_seed_others(catalogue: pl.DataFrame) -> None:
    first, again, other = (to_gzip_csv(generate_watchers(catalogue, n_users=40, seed=seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_main_writes_beside_the_catalogue(tmp_path: Path, catalogue: pl.DataFrame) -> None:
    shutil.copy(SAMPLE / CATALOGUE_FILE, tmp_path)
    main(["--out", str(tmp_path), "--n-users", "20", "--seed", "5"])
    written = pl.read_csv(tmp_path / INTERACTIONS_FILE)
    assert written.equals(generate_watchers(catalogue, n_users=20, seed=5))


def test_interactions_have_the_documented_shape(watched: pl.DataFrame, catalogue: pl.DataFrame) -> None:
    fresh = generate_watchers(catalogue, n_users=5)
    assert fresh.schema == dict.fromkeys(("user_id", "anime_id", "rating", "timestamp"), pl.Int64)
    assert watched.schema == fresh.schema
    assert 40_000 <= len(watched) <= 50_000
    assert watched.equals(watched.sort("user_id", "timestamp"))
    assert not watched.select("user_id", "timestamp").is_duplicated().any()
    assert not watched.select("user_id", "anime_id").is_duplicated().any()
    lengths = watched.group_by("user_id").len()["len"]
    assert (lengths.min(), lengths.max()) == (6, 120)
    assert 25 <= lengths.median() <= 35


def test_ratings_average_and_gaps_are_as_documented(watched: pl.DataFrame) -> None:
    assert watched["rating"].drop_nulls().is_between(1, 10).all()
    assert 7.2 <= watched["rating"].mean() <= 7.8
    assert 0.10 <= watched["rating"].null_count() / len(watched) <= 0.20


def test_titles_are_watched_after_they_aired(watched: pl.DataFrame, catalogue: pl.DataFrame) -> None:
    dated = watched.join(catalogue.select("anime_id", "year"), on="anime_id", how="left")
    assert dated["year"].null_count() == 0
    assert (pl.from_epoch(dated["timestamp"]).dt.year() > dated["year"]).all()
    assert pl.from_epoch(watched["timestamp"]).dt.year().is_between(2010, 2025).all()


def test_sequels_come_after_their_predecessor(watched: pl.DataFrame, catalogue: pl.DataFrame) -> None:
    sequels = watched.join(catalogue.select("anime_id", "sequel_of").drop_nulls(), on="anime_id")
    before = watched.select("user_id", sequel_of="anime_id", seen="timestamp")
    both = sequels.join(before, on=["user_id", "sequel_of"])
    assert len(both) == len(sequels) > 10_000
    assert (both["seen"] < both["timestamp"]).all()


def test_catalogue_without_franchises_and_tags_is_enough() -> None:
    frame = pl.DataFrame(
        {
            "anime_id": [7, 8, 9],
            "genre": ["Action", None, "Drama, Action"],
            "tags": [None, "time travel", ""],
            "year": [1990, 2000, 2001],
            "sequel_of": pl.Series([None, None, None], dtype=pl.Int64),
        }
    )
    watched = generate_watchers(frame, n_users=4, seed=1)
    assert watched.group_by("user_id").len()["len"].to_list() == [3, 3, 3, 3]


def test_markov_chain_at_one_has_one_successor_for_each_item() -> None:
    histories = markov_histories(n_users=50, n_items=20, length=30, predictability=1.0, seed=3)
    assert histories.lengths.tolist() == [30] * 50
    items = histories.items.reshape(50, 30)
    pairs = {(int(a), int(b)) for row in items for a, b in pairwise(row)}
    assert len(pairs) == 20
    assert {a for a, _ in pairs} == {b for _, b in pairs} == set(range(FIRST, FIRST + 20))
    assert all(a != b for a, b in pairs)


def test_markov_chain_at_zero_is_uniform_noise() -> None:
    items = markov_histories(n_users=400, n_items=5, length=50, predictability=0.0, seed=3).items.reshape(400, 50)
    counts = np.zeros((5, 5))
    np.add.at(counts, (items[:, :-1] - FIRST, items[:, 1:] - FIRST), 1)
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), 0.2, atol=0.03)


def test_markov_chain_between_follows_as_often_as_asked() -> None:
    items = markov_histories(n_users=400, n_items=5, length=50, predictability=0.5, seed=3).items.reshape(400, 50)
    counts = np.zeros((5, 5))
    np.add.at(counts, (items[:, :-1] - FIRST, items[:, 1:] - FIRST), 1)
    np.testing.assert_allclose((counts / counts.sum(axis=1, keepdims=True)).max(axis=1), 0.5 + 0.5 / 5, atol=0.03)


def test_markov_chain_repeats_with_its_seed() -> None:
    one, again, other = (markov_histories(10, 8, 12, 0.7, seed=seed).items for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5, 5, 0.5), "n_users must be at least 1, got 0"),
        ((5, 1, 5, 0.5), "n_items must be at least 2, got 1"),
        ((5, 5, 0, 0.5), "length must be at least 1, got 0"),
        ((5, 5, 5, 1.5), "predictability must be between 0 and 1, got 1.5"),
    ],
)
def test_markov_chain_rejects_what_it_cannot_draw(arguments: tuple[int, int, int, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        markov_histories(*arguments, seed=1)


def test_watchers_need_at_least_one_user(catalogue: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="n_users must be at least 1, got 0"):
        generate_watchers(catalogue, n_users=0)
