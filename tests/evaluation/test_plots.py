from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluation import evaluate
from evaluation.certainty import Interval
from evaluation.plots import (
    COLOURS,
    Point,
    Slice,
    curve_figure,
    recall_figure,
    save_figure,
    slice_figure,
    styles_of,
    tradeoff_figure,
    training_figure,
)
from evaluation.plots.limits import FOLDER, limits_figure
from evaluation.plots.style import spread
from recsys.dataset.split import split_dataset
from recsys.errors import ArtifactError
from recsys.models.popularity import PopularityRecommender

QUALITY = {
    **{"lstm": 0.2, "ease": 0.19, "als": 0.188, "bpr": 0.1, "lmf": 0.09, "item-knn": 0.095, "popularity": 0.02},
    **{"recent": 0.025, "$mark$ov": 0.08, "sasrec-rectools": 0.205, "bert4rec-rectools": 0.186, "gru4rec": 0.193},
}
MODELS = list(QUALITY)


@pytest.fixture
def evaluation(small):
    split = split_dataset(small)
    return evaluate(PopularityRecommender().fit(small, split), split)


def around(value):
    return Interval(value, value - 0.008, value + 0.008)


def curves(models):
    figure = curve_figure({model: [around(QUALITY[model] * k) for k in (1, 1.5, 2)] for model in models}, title="t")
    return figure, models


def coverage(models):
    points = [Point(model, 0.7 - 0.01 * place, around(QUALITY[model])) for place, model in enumerate(models)]
    return tradeoff_figure(points, scale="share", title="t", x_label="x", y_label="y"), models


def serving(models):
    points = [Point(model, 900 + 40 * place**3, around(QUALITY[model])) for place, model in enumerate(models)]
    return tradeoff_figure(points, scale="rate", title="t", x_label="x", y_label="y"), models


def training_seconds(models):
    points = [Point(model, 0.01 + place**4, around(QUALITY[model])) for place, model in enumerate(models)]
    return tradeoff_figure(points, scale="seconds", title="t", x_label="x", y_label="y"), models


def slices(models):
    groups = [Slice("1–9", 10), Slice("10–20", 12)]
    values = {model: [around(QUALITY[model]), around(QUALITY[model] / 2)] for model in models}
    return slice_figure(groups, values, title="t", x_label="x", y_label="y"), models


def training(models):
    logs = {
        model: [{"epoch": epoch, "loss": 5 / epoch, "val_ndcg@10": QUALITY[model] * epoch} for epoch in range(1, 4)]
        for model in models
    }
    return training_figure(logs, title="t", about="a"), models


FIGURES = [curves, coverage, serving, training_seconds, slices, training]


@pytest.mark.parametrize("draw", FIGURES)
@pytest.mark.parametrize("n_models", [1, 2, 12])
def test_every_model_is_named_once_and_no_name_covers_another(draw, n_models):
    figure, models = draw(MODELS[:n_models])
    figure.draw_without_rendering()
    for axes in figure.axes:
        labels = [text for text in axes.texts if text.get_text().split("  ")[0] in models]
        assert sorted(text.get_text().split("  ")[0] for text in labels) == sorted(models)
        boxes = [text.get_window_extent() for text in labels]
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
        for one, other in itertools.combinations(boxes, 2):
            height = min(one.y1, other.y1) - max(one.y0, other.y0)
            width = min(one.x1, other.x1) - max(one.x0, other.x0)
            assert height <= 0.15 * one.height or width <= 1, "letters may not touch; their boxes have some air"


def test_points_in_one_place_are_told_apart():
    models = MODELS[:6]
    points = [Point(model, 0.5, around(0.1)) for model in models]
    figure = tradeoff_figure(points, scale="share", title="t", x_label="x", y_label="y")
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text() in models]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_nothing_at_all_is_a_picture_too():
    zero = Interval(0.0, 0.0, 0.0)
    for figure in (
        curve_figure({"a": [zero, zero]}, title="t"),
        tradeoff_figure([Point("a", 0.0, Interval(0.0, None, None))], scale="share", title="t", x_label="", y_label=""),
        slice_figure([Slice("1", 1)], {"a": [zero]}, title="t", x_label="", y_label=""),
        training_figure({"a": [{"epoch": 1, "loss": 0.5}]}, title="t"),
    ):
        figure.draw_without_rendering()


def test_a_log_without_validation_still_shows_its_loss():
    logs = {
        "a": [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}],
        "b": [{"epoch": 1, "val_recall@5": 0.1, "val_ndcg@5": 0.2}, {"epoch": 2, "val_ndcg@5": 0.1}],
    }
    loss, quality = training_figure(logs, title="t").axes
    assert (loss.get_ylabel(), quality.get_ylabel()) == ("loss, training", "NDCG@5, validation")
    assert loss.lines[0].get_ydata().tolist() == [2.0, 1.0]
    assert quality.lines[0].get_ydata().tolist() == [0.2, 0.1]
    assert quality.lines[1].get_xdata() == [1.0]  # the best epoch


def test_no_two_models_look_alike():
    styles = styles_of([f"model {place}" for place in range(3 * len(COLOURS))])
    assert len(set(styles.values())) == 3 * len(COLOURS)
    assert styles_of(["a", "b", "a"]) == styles_of(["a", "b"])


def test_every_model_has_a_line_a_band_and_a_name(evaluation):
    figure = recall_figure([evaluation, replace(evaluation, model="other")], data="small", depth=8)
    [axes] = figure.axes
    assert len(axes.lines) == 2
    assert len(axes.collections) == 2
    names = [text.get_text().split()[0] for text in axes.texts if text.get_text()]
    assert {"popularity", "other"} <= set(names)
    value = evaluation.curve("recall", 8)[-1].value
    assert axes.lines[0].get_ydata()[-1] == value


def test_what_was_tried_has_a_ring_and_where_it_was_judged_a_dot():
    tried = pl.read_csv(FOLDER / "ml1m.csv")
    [axes] = limits_figure(tried).axes
    rings, dots = axes.collections[:2]
    for points, column in ((rings, "val_recall"), (dots, "test_recall")):
        known = tried[column].drop_nulls().to_list()
        assert [x for x in np.ma.getdata(points.get_offsets())[:, 0] if np.isfinite(x)] == known
    texts = [text.get_text() for text in axes.texts]
    assert all(any(name in text for text in texts) for name in tried["system"])


def test_labels_keep_their_distance():
    heights = spread([0.5, 0.5, 0.49, 0.001, 0.0], gap=0.1)
    assert (np.diff(heights) <= -0.1 + 1e-9).all()
    assert heights[-1] >= 0
    assert heights[:3].mean() == pytest.approx(np.mean([0.5, 0.5, 0.49]))
    assert spread([0.9, 0.2], gap=0.1) == pytest.approx([0.9, 0.2])
    assert spread([1.0, 1.0, 1.0], gap=0.9, high=1.0) == pytest.approx([1.0, 0.5, 0.0])


def test_a_picture_is_saved_whole(evaluation, tmp_path):
    path = save_figure(recall_figure([evaluation], data="small"), tmp_path / "new" / "recall.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in path.parent.iterdir()] == ["recall.png"]
    with pytest.raises(ArtifactError, match="cannot be written"):
        save_figure(recall_figure([evaluation], data="small"), path / "below.png")
