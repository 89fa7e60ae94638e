"""Result files of texts: their form, their comparison, their table; and that rankings and texts never mix."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from evaluation.contenders import read_contenders
from evaluation.report import read_tables, render
from evaluation.result_files import FIELDS, LATER, read_folder, read_results, result_path
from evaluation.text.compare import UNCLEAR, accuracy_gap, read_judged
from evaluation.text.compare import main as compare_main
from evaluation.text.judge import judge
from evaluation.text.results import make_text_result, predictions_frame, read_predictions, write_text_result
from evaluation.text.table import text_markdown
from recsys.errors import InputError
from tests.evaluation.text.judged_texts import corpus, sure

N = 400


def flipped(labels, places):
    """Return the labels with the first `places` of them wrong."""
    return np.where(np.arange(len(labels)) < places, 1 - labels, labels)


@pytest.fixture(scope="module")
def texts():
    return corpus(np.arange(N) % 2)


def write(folder, texts, predictions, *, model="imdb-lstm", data="imdb"):
    seeds = list(range(len(predictions)))
    judgements = [judge(sure(one, len(texts.classes)), texts) for one in predictions]
    result = make_text_result(
        judgements,
        texts,
        data=data,
        data_title="Reviews",
        split="the file's own",
        n_repeats=3,
        model=model,
        config={"units": [100]},
        seeds=seeds,
        command=f"python -m evaluation.text.run --data {data} --recipe {model}",
        train_seconds=[60.0 for _ in seeds],
        serve_seconds=[1.0 for _ in seeds],
        peak_memory_mb=None,
        training=[{"epoch": 1, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.4, "val_accuracy": 0.85}],
    )
    return write_text_result(result, predictions_frame(judgements, texts, seeds), folder)


def test_a_result_has_the_recommenders_form(tmp_path, texts):
    path = write(tmp_path, texts, [flipped(texts.labels, 40), flipped(texts.labels, 80)])
    assert path.name == "imdb--imdb-lstm.json"
    result = json.loads(path.read_text())
    assert tuple(result) == (*FIELDS, *LATER)
    assert result["protocol"] == {
        "task": "text classification",
        "split": "the file's own",
        "part": "test",
        "n_texts": N,
        "n_classes": 2,
        "n_groups": None,
        "n_repeats": 3,
    }
    assert result["split_sha256"] == texts.sha256
    assert result["metrics"]["accuracy"]["value"] == pytest.approx(0.85)
    assert result["seed_values"]["accuracy"] == [0.9, 0.8]
    assert "scikit-learn" in result["versions"]
    assert "implicit" not in result["versions"]


def test_predictions_stand_beside_it(tmp_path, texts):
    path = write(tmp_path, texts, [texts.labels, flipped(texts.labels, 1)])
    result, frame = read_predictions(path)
    assert frame.columns == ["seed", "row", "truth", "predicted", "confidence"]
    assert frame.height == 2 * N
    assert frame.filter(pl.col("truth") != pl.col("predicted")).select("seed", "row").rows() == [(1, 0)]
    assert frame["confidence"].unique().to_list() == pytest.approx([0.9])
    judged = read_judged(path)
    assert judged.correct[:2].tolist() == [0.5, 1.0]
    assert result["model"] == judged.label == "imdb-lstm"


def test_groups_and_subsets_are_kept(tmp_path):
    phrases = corpus([0, 1, 1, 0], groups=np.array([0, 0, 1, 1]), subset=np.array([True, False, True, False]))
    path = write(tmp_path, phrases, [[0, 1, 1, 1]])
    _, frame = read_predictions(path)
    assert frame["group"].to_list() == [0, 0, 1, 1]
    assert frame["subset"].sum() == 2
    assert json.loads(path.read_text())["protocol"]["n_groups"] == 2


def test_files_that_do_not_belong_together_are_refused(tmp_path, texts):
    path = write(tmp_path, texts, [texts.labels])
    result = json.loads(path.read_text())
    result["metrics"]["accuracy"]["value"] = 0.5
    path.write_text(json.dumps(result))
    with pytest.raises(InputError, match=r"says accuracy 0\.5.*its predictions give 1\.0"):
        read_predictions(path)
    (tmp_path / "predictions" / "imdb--imdb-lstm.parquet").write_bytes(b"no table")
    with pytest.raises(InputError, match="cannot be read"):
        read_predictions(path)
    (tmp_path / "predictions" / "imdb--imdb-lstm.parquet").unlink()
    with pytest.raises(InputError, match="has no predictions"):
        read_predictions(path)


def test_readers_of_rankings_leave_texts_aside(tmp_path, texts):
    path = write(tmp_path, texts, [texts.labels])
    assert read_results(tmp_path) == []
    assert [one for _, one in read_folder(tmp_path, "text classification")] == [path]
    with pytest.raises(InputError, match="holds no result files"):
        read_tables(tmp_path)
    other = write(tmp_path, texts, [texts.labels], model="other")
    with pytest.raises(InputError, match=r"a result of text classification.*evaluation\.text\.compare"):
        read_contenders([path, other])


def test_readers_of_texts_refuse_rankings(tmp_path, texts):
    path = write(tmp_path, texts, [texts.labels])
    result = json.loads(path.read_text())
    del result["protocol"]["task"]
    ranking = result_path(result | {"model": "als"}, tmp_path)
    ranking.write_text(json.dumps(result))
    with pytest.raises(InputError, match="a result of ranking"):
        read_predictions(ranking)


# -- comparison --------------------------------------------------------------------------------------------------------


def test_a_difference_by_hand(tmp_path, texts):
    one = read_judged(write(tmp_path, texts, [flipped(texts.labels, 40)]))
    other = read_judged(write(tmp_path, texts, [flipped(texts.labels, 100)], model="tfidf-logistic"))
    gap = accuracy_gap(one, other)
    assert (gap.wins, gap.losses) == (60, 0)
    assert gap.value == pytest.approx(60 / N)
    # of 60 in 400 texts: 0.15 ± 1.96 √(0.15 · 0.85 / 400)
    assert (gap.low, gap.high) == pytest.approx((0.115, 0.185), abs=0.008)
    assert gap.verdict == "imdb-lstm is better"
    assert accuracy_gap(other, one).verdict == "imdb-lstm is better"
    assert accuracy_gap(one, one).verdict == UNCLEAR


def test_phrases_of_one_sentence_are_drawn_together(tmp_path):
    def gap(groups):
        texts = corpus(np.arange(N) % 2, groups=groups)
        wrong = np.where(np.arange(N) < 40, 1 - texts.labels, texts.labels)
        one = read_judged(write(tmp_path, texts, [texts.labels]))
        return accuracy_gap(one, read_judged(write(tmp_path, texts, [wrong], model="other")))

    alone, together = gap(np.arange(N)), gap(np.arange(N) // 20)
    assert alone.value == together.value == pytest.approx(0.1)
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_other_texts_are_not_compared(tmp_path, texts):
    one = read_judged(write(tmp_path, texts, [texts.labels]))
    other = corpus(texts.labels, sha256="1" * 64)
    with pytest.raises(InputError, match="judged on different texts"):
        accuracy_gap(one, read_judged(write(tmp_path, other, [texts.labels], model="other")))


def test_the_command_compares_the_first_with_the_others(tmp_path, texts, capsys):
    write(tmp_path, texts, [flipped(texts.labels, 40)])
    write(tmp_path, texts, [flipped(texts.labels, 100)], model="tfidf-logistic")
    assert compare_main(["imdb--imdb-lstm", "imdb--tfidf-logistic", "--results", str(tmp_path)]) == 0
    assert "imdb-lstm is better" in capsys.readouterr().out
    assert compare_main(["imdb--imdb-lstm", "--results", str(tmp_path)]) == 2
    assert compare_main(["imdb--imdb-lstm", "imdb--zzz", "--results", str(tmp_path)]) == 2
    assert "There is no result 'imdb--zzz'" in capsys.readouterr().err


# -- table -------------------------------------------------------------------------------------------------------------


def test_the_table(tmp_path, texts):
    write(tmp_path, texts, [flipped(texts.labels, 44), flipped(texts.labels, 40)])
    write(tmp_path, texts, [flipped(texts.labels, 100)], model="tfidf-logistic")
    write(tmp_path, texts, [flipped(texts.labels, 98)], model="imdb-cnn-lstm")
    head, _, lstm, cnn, *rest = text_markdown(tmp_path).splitlines()
    assert head == "| recipe | data | published there | accuracy | macro F1 | TF-IDF beside | training |"
    assert lstm.startswith(
        "| [imdb-lstm](evaluation/results/imdb--imdb-lstm.json) | `imdb` | 86.79 % | **89.50** <sub>8"
    )
    assert "±0.71</sub>" in lstm
    assert lstm.endswith("| 89.50 | [75.00](evaluation/results/imdb--tfidf-logistic.json) | 1.0 min |")
    assert "| 86.36 % | 75.50 <sub>" in cnn  # half a point above is no clear difference
    assert rest[0] == ""


def test_a_baseline_stands_alone_until_there_is_a_recipe(tmp_path, texts):
    assert text_markdown(tmp_path) == "No results yet."
    write(tmp_path, texts, [texts.labels], model="tfidf-logistic")
    assert "| [tfidf-logistic](" in text_markdown(tmp_path)


def test_rows_of_different_tests_cannot_stand_in_one_table(tmp_path, texts):
    write(tmp_path, texts, [texts.labels])
    write(tmp_path, corpus(texts.labels, sha256="1" * 64), [texts.labels], model="tfidf-logistic")
    with pytest.raises(InputError, match="different test texts"):
        text_markdown(tmp_path)


def test_whole_sentences_have_a_column_of_their_own(tmp_path):
    phrases = corpus([0, 1] * 20, groups=np.arange(40) // 4, subset=np.arange(40) % 4 == 0)
    write(tmp_path, phrases, [phrases.labels], model="phrases-5", data="sst")
    assert "| whole sentences |" in text_markdown(tmp_path).splitlines()[0]


def test_the_readme_gets_the_table_where_it_has_the_markers(tmp_path, texts):
    write(tmp_path, texts, [texts.labels])
    made = render("before\n<!-- text-results:begin -->\nold\n<!-- text-results:end -->\nafter", tmp_path)
    assert made.startswith("before\n<!-- text-results:begin -->\n| recipe |")
    assert made.endswith("\n<!-- text-results:end -->\nafter")
    assert render(made, tmp_path) == made
    assert render("no place for it", tmp_path) == "no place for it"
