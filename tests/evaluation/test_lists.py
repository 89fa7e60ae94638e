from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from evaluation.lists import Lists
from evaluation.metrics import CATALOGUE_METRICS, USER_LIST_METRICS, available, diversity, miscalibration, sequel_breaks
from recsys.dataset.catalogue import Catalogue
from recsys.dataset.histories import Histories
from recsys.dataset.split import Holdout
from recsys.errors import InputError

HOLDOUT = Holdout(Histories.from_lists([[2], [3, 4]]), Histories.from_lists([[3], [2]]))
TRAIN = Histories.from_lists([[2, 2, 1], [3, 4], [], [2]])
CODES = np.array([[4, 3], [2, 0]])


def catalogue(**columns):
    return Catalogue(pl.DataFrame({"anime_id": [10, 20, 30], **columns}))


def lists_of(about=None):
    return Lists.of(CODES, HOLDOUT, n_titles=3, train=TRAIN, catalogue=about)


def test_watchers_are_people_with_a_history_each_counted_once():
    lists = lists_of()
    assert lists.watchers.tolist() == [0, 0, 2, 1, 1]  # the unknown title is none
    assert lists.n_people == 3
    assert (lists.n_users, lists.n_codes, lists.codes.dtype) == (2, 5, np.int32)


def test_genres_and_tags_describe_titles():
    lists = lists_of(catalogue(genres=[["Action"], ["Drama"], []], tags=[["war"], [], ["Sci-Fi"]]))
    assert lists.features is not None
    assert lists.genres is not None
    assert lists.features.sum(axis=1).tolist() == [0, 0, 2, 1, 1]
    assert lists.genres.sum(axis=1).tolist() == [0, 0, 1, 1, 0]
    assert lists.genres.shape == (5, 2)


def test_relations_become_codes():
    lists = lists_of(catalogue(sequel_of=[None, 10, 20]))
    assert lists.prequels is not None
    assert lists.prequels.tolist() == [0, 0, 0, 2, 3]
    assert sequel_breaks(lists, 2).tolist() == [0.5, 0]
    # what is not in the catalogue, or the title itself, comes before nothing
    assert lists_of(catalogue(sequel_of=[99, 20, None])).prequels is None


def test_what_the_data_does_not_know_is_said():
    bare = lists_of(catalogue())
    for metric, message in [
        (diversity, "The data knows no genre or tag of any title"),
        (miscalibration, "The data knows no genre of any title"),
        (sequel_breaks, "The data knows no title that continues another, .*column 'sequel_of'"),
    ]:
        with pytest.raises(InputError, match=message):
            metric(bare, 2)


def test_available_metrics_are_those_with_a_ground():
    everything = [*USER_LIST_METRICS, *CATALOGUE_METRICS]
    without = {"diversity", "miscalibration", "sequel_breaks"}
    assert available(None) == [name for name in everything if name not in without]
    assert {"diversity"} == without & set(available(catalogue(tags=[["war"], [], []])))
    about = catalogue(genres=[["Action"], [], []], sequel_of=[None, 10, None])
    assert available(about) == everything


def test_another_datas_catalogue_is_refused():
    with pytest.raises(InputError, match="The catalogue must describe the 3 titles that were ranked, got 1"):
        lists_of(Catalogue(pl.DataFrame({"anime_id": [10]})))
