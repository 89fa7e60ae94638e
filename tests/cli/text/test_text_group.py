from __future__ import annotations

import json

import pytest

from recsys.cli.text import TextVerbs
from recsys.errors import ArtifactError
from recsys.text.recipes import RECIPES
from tests.cli.test_app import HEAVY, modules_after


def test_help_lists_every_verb(recsys) -> None:
    listed = recsys("text", "--help")
    assert listed.code == 0
    for verb in TextVerbs.verbs:
        assert verb in listed.out
        shown = recsys("text", verb, "--help")
        assert shown.code == 0, verb
        assert f"text {verb}" in shown.out


def test_unknown_verb_suggests(recsys) -> None:
    wrong = recsys("text", "predit")
    assert wrong.code == 2
    assert "predict" in wrong.err


def test_debug_may_stand_at_the_end(recsys, tmp_path) -> None:
    with pytest.raises(ArtifactError):
        recsys("text", "predict", tmp_path / "nowhere", "x", "--debug")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom recsys.cli.app import main\nsys.argv = ['recsys', 'text', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\nprint('modules:', *sys.modules)"
    )
    assert not modules_after(code) & set(HEAVY)


def test_recipes_are_listed(recsys) -> None:
    listed = recsys("text", "recipes")
    assert listed.code == 0
    for recipe in RECIPES.values():
        assert recipe.name in listed.out
        assert recipe.published in listed.out


def test_recipes_as_json(recsys) -> None:
    rows = json.loads(recsys("text", "recipes", "--json").out)
    assert [row["name"] for row in rows] == list(RECIPES)
    by_name = {row["name"]: row for row in rows}
    assert by_name["imdb-lstm"]["network"] == "5,000 words, 500 tokens, embedding 32, LSTM 100, sigmoid"
    assert by_name["imdb-cnn-lstm"]["network"].endswith("Conv1D 32 x 3, max-pool 2, LSTM 100, sigmoid")
    assert by_name["imdb-lstm"]["config"]["n_words"] == 5000
    assert by_name["yelp-stars"]["columns"] == {"text": "text", "label": "stars", "above": 3}


def test_every_setting_of_a_recipe_is_told(recsys) -> None:
    shown = recsys("text", "recipes", "phrases-5")
    recipe = RECIPES["phrases-5"]
    assert shown.code == 0
    for name in recipe.settings().to_mapping():
        assert name in shown.out
    line = next(line for line in shown.out.splitlines() if line.startswith("n_words "))
    assert line.split()[1] == str(recipe.settings().n_words)
    assert json.loads(recsys("text", "recipes", "phrases-5", "--json").out)["classes"] == ["0", "1", "2", "3", "4"]


def test_an_unknown_recipe_is_refused(recsys) -> None:
    refused = recsys("text", "recipes", "imdb-lstn")
    assert refused.code == 2
    assert "Did you mean 'imdb-lstm'?" in refused.err
