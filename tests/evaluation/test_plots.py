from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation import evaluate
from evaluation.plots import _spread, recall_figure, save_figure
from recsys.dataset.split import split_dataset
from recsys.errors import InputError
from recsys.models.popularity import PopularityRecommender


@pytest.fixture
def evaluation(small):
    split = split_dataset(small)
    return evaluate(PopularityRecommender().fit(small, split), split)


def test_every_model_has_a_line_a_band_and_a_name(evaluation):
    figure = recall_figure([evaluation, replace(evaluation, model="other")], data="small", depth=8)
    [axes] = figure.axes
    assert len(axes.lines) == 2
    assert len(axes.collections) == 2
    names = [text.get_text().split()[0] for text in axes.texts]
    assert {"popularity", "other"} <= set(names)
    value = evaluation.curve("recall", 8)[-1].value
    assert axes.lines[0].get_ydata()[-1] == value


def test_labels_keep_their_distance():
    spread = _spread([0.5, 0.5, 0.49, 0.001, 0.0], gap=0.1)
    assert (np.diff(spread) <= -0.1 + 1e-9).all()
    assert spread[-1] >= 0
    assert _spread([0.9, 0.2], gap=0.1).tolist() == [0.9, 0.2]


def test_a_picture_is_saved_whole(evaluation, tmp_path):
    path = save_figure(recall_figure([evaluation], data="small"), tmp_path / "new" / "recall.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in path.parent.iterdir()] == ["recall.png"]
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(recall_figure([evaluation], data="small"), path / "below.png")
