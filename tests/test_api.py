from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import recsys
from recsys.dataset.prepared import Dataset
from recsys.errors import InputError, RecsysError, UnknownIdError


def test_every_public_name_is_there() -> None:
    for name in recsys.__all__:
        assert getattr(recsys, name) is not None
        assert name in dir(recsys)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'recomend'"):
        _ = recsys.recomend  # type: ignore[attr-defined]


def test_a_dozen_lines(tmp_path: Path) -> None:
    rows = [f"{user},{title},{user + title}" for user in range(101, 107) for title in range(user % 3, 7)]
    (tmp_path / "log.csv").write_text("\n".join(["user_id,anime_id,timestamp", *rows]))
    dataset = recsys.prepare(tmp_path / "log.csv")
    split = recsys.split_dataset(dataset)
    model = recsys.make_model("popularity").fit(dataset, split)
    judged = recsys.evaluate(model, split, ["recall@5"])
    lists = model.recommend([101], k=1)
    folder = model.save(tmp_path / "model")
    path = recsys.export(model, tmp_path / "recs.parquet", k=1)
    assert "recall@5" in judged.metrics
    assert lists["anime_id"].to_list() == [1]  # the only one that 101 has not watched but 0, which fewer have
    assert pl.read_parquet(path).height == 4  # two people have watched everything
    assert recsys.load_model(folder).recommend([101], k=1).equals(lists)
    assert lists.to_pandas().shape == (1, 5)


def test_recommend_serves_users_titles_and_histories(small: Dataset, tmp_path: Path) -> None:
    model = recsys.make_model("popularity").fit(small)
    folder = model.save(tmp_path / "model")
    history = tmp_path / "my.csv"
    history.write_text("title\nCowboy Bebop\nTrigun\n")
    assert recsys.recommend(folder, [104], 2).equals(model.recommend([104], 2))
    by_titles = recsys.recommend(model, titles=["cowboy bebop", "trigun"], k=3)
    assert by_titles["anime_id"].to_list() == [12, 13, 21]
    assert recsys.recommend(model, titles="Trigun", k=1)["anime_id"].to_list() == [12]
    assert recsys.recommend(model, history=history, k=3).equals(by_titles)
    assert recsys.recommend(model, k=1)["user_id"].to_list() == [101, 102, 103, 104, 105, 106]
    filters = recsys.Filters(include_genres="Romance", types=["TV"])
    assert recsys.recommend(model, [101], k=9, filters=filters)["anime_id"].to_list() == [21, 22, 23, 20]


def test_recommend_refuses(small: Dataset) -> None:
    model = recsys.make_model("popularity").fit(small)
    with pytest.raises(InputError, match="exclude each other"):
        recsys.recommend(model, [101], titles=["Trigun"])
    with pytest.raises(UnknownIdError, match="no user 7"):
        recsys.recommend(model, [7])
    with pytest.raises(InputError, match="cannot follow a mood"):
        recsys.recommend(model, [101], mood="Drama")


def test_similar_takes_a_title_as_typed(small: Dataset) -> None:
    model = recsys.make_model("popularity").fit(small)
    assert recsys.similar(model, "trigunn", 4).equals(model.similar(11, 4))
    assert recsys.similar(model, "#11", 4, filters=recsys.Filters(types="Movie"))["anime_id"].to_list() == [30]


def test_export_is_a_package_and_a_function() -> None:
    import recsys.export.job as job
    from recsys import export

    assert export is recsys.export
    assert callable(export)
    assert job.export is export.export


def test_nobody_is_not_everybody(small: Dataset) -> None:
    model = recsys.make_model("popularity").fit(small)
    with pytest.raises(InputError, match="at least 1 title, got none"):
        recsys.recommend(model, titles=[])
    assert recsys.recommend(model, titles=[11], k=1).height == 1


def test_every_model_can_be_fitted_again_on_everything(small: Dataset) -> None:
    model = recsys.make_model("popularity").fit(small, recsys.split_dataset(small))
    assert model.refit().facts["fitted_on"] == "everything"


def test_arguments_of_a_wrong_kind_are_refused_in_words(small: Dataset, tmp_path: Path) -> None:
    split = recsys.split_dataset(small)
    folder = recsys.make_model("popularity").fit(small, split).save(tmp_path / "model")
    assert list(recsys.evaluate(folder, split, "ndcg@7").metrics) == ["ndcg@7"]
    with pytest.raises(InputError, match=r"Filters must be recsys\.Filters, got dict"):
        recsys.recommend(folder, [101], filters={"types": ["TV"]})  # type: ignore[arg-type]
    frame = pl.DataFrame({"user_id": [1], "anime_id": [1]})
    with pytest.raises(InputError, match="min_history must be a whole number from 1, got '2'"):
        recsys.prepare(frame, min_history="2")  # type: ignore[arg-type]
    with pytest.raises(RecsysError, match="'items' must be the path of a file, got a DataFrame"):
        recsys.prepare(frame, items=frame)
    with pytest.raises(InputError, match="cannot be user_id and anime_id"):
        recsys.prepare(frame, user_column="anime_id")
