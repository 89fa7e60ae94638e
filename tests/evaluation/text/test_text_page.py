from __future__ import annotations

import itertools

import numpy as np
import pytest

from evaluation.text.judge import judge
from evaluation.text.page import figures, shorten, write_report
from evaluation.text.plots import confusion_figure, learning_figure
from recsys.errors import ArtifactError
from tests.evaluation.test_page import NASTY, outline
from tests.evaluation.text.judged_texts import Answers, corpus, sure

LABELS = np.arange(40) % 2


@pytest.fixture
def judged():
    texts = corpus(LABELS)
    texts.texts[1] = f"{NASTY} {'very ' * 200}bad"
    given = np.where(np.arange(40) < 4, 1 - LABELS, LABELS)
    probabilities = sure(given)
    probabilities[1] = [0.99, 0.01]  # the surest mistake
    return Answers(probabilities), texts, judge(probabilities, texts)


def texts_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_folder_gets_the_page_and_the_pictures(judged, tmp_path):
    paths = write_report(*judged, tmp_path / "report", data="reviews")
    assert paths[0] == tmp_path / "report" / "report.html"
    names = sorted(path.name for path in (tmp_path / "report").iterdir())
    assert names == ["confusion.png", "confusion.svg", "learning.png", "learning.svg", "report.html"]
    assert sorted(path.name for path in paths) == names
    assert (tmp_path / "report" / "learning.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ArtifactError, match=r"report\.html exists already"):
        write_report(*judged, tmp_path / "report")
    assert write_report(*judged, tmp_path / "report", overwrite=True) == paths


def test_an_html_file_is_the_page_alone(judged, tmp_path):
    assert write_report(*judged, tmp_path / "new" / "page.html") == [tmp_path / "new" / "page.html"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]


def test_the_page_says_it_all_and_escapes_it(judged, tmp_path):
    [path] = write_report(*judged, tmp_path / "page.html", data="reviews <1>")
    html = path.read_text(encoding="utf-8")
    found = outline(html)
    seen = " ".join(found.texts)
    assert "imdb-lstm on reviews <1>" in seen
    assert "Epoch 2 of 3 is kept: validation accuracy 0.7500." in html
    assert "Most often confused: neg as pos: 2; pos as neg: 2." in html
    assert "0.9000" in seen  # the accuracy
    assert "<script>alert" not in html
    assert "alert('x')" in seen
    assert "[…]" in seen
    assert found.tags.count("svg") == 2
    assert "4 of 4 mistakes" in seen
    rows = html.split("most confident mistakes</h2>")[1]
    assert rows.index("0.990") < rows.index("0.900")  # the surest mistake is first
    assert not [value for _, name, value in found.attributes if name in ("src", "href") and value.startswith("http")]


def test_without_mistakes_and_without_epochs(tmp_path):
    texts = corpus(LABELS)
    answers = Answers(sure(LABELS), epochs=[], facts={})
    paths = write_report(answers, texts, judge(sure(LABELS), texts), tmp_path)
    assert [path.name for path in paths] == ["report.html", "confusion.png", "confusion.svg"]
    html = paths[0].read_text(encoding="utf-8")
    assert "There is none." in html
    assert "Nothing is confused." in html


def test_what_cannot_be_written_is_said_before(judged, tmp_path):
    (tmp_path / "learning.png").mkdir()
    with pytest.raises(ArtifactError, match="is a folder"):
        write_report(*judged, tmp_path, overwrite=True)
    assert not (tmp_path / "report.html").exists()


def test_figures_of_a_judgement(judged):
    classifier, _, judgement = judged
    assert list(figures(classifier, judgement)) == ["learning", "confusion"]
    classifier.epochs = []
    assert list(figures(classifier, judgement)) == ["confusion"]


@pytest.mark.parametrize("n_epochs", [1, 3])
def test_learning_curves_are_named_at_their_ends(n_epochs):
    figure = learning_figure(Answers(None).epochs[:n_epochs], title="Training")
    loss, accuracy = figure.axes
    last = Answers(None).epochs[n_epochs - 1]
    assert {text.get_text() for text in loss.texts} >= {f"training  {last['loss']:.3f}"}
    assert {text.get_text() for text in accuracy.texts} >= {f"validation  {last['val_accuracy']:.3f}"}
    dots = [line for line in accuracy.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    assert min(2, n_epochs) in {int(line.get_xdata()[0]) for line in dots}  # validation chose the second


@pytest.mark.parametrize("n", [2, 5, 20])
def test_a_matrix_has_its_counts_in_its_cells_and_none_outside(n):
    confusion = np.arange(n * n).reshape(n, n)
    figure = confusion_figure(confusion, [f"a class of number {i}" for i in range(n)], title="Matrix")
    figure.draw_without_rendering()
    written = texts_of(figure)
    assert any(text.startswith(f"{n * n - 1:,}") for text in written)
    assert ("1" in written) == (n == 20)  # without shares where there are many
    [axes] = figure.axes
    frame = figure.bbox
    for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        box = label.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= frame.x1
    sideways = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(sideways))


def test_a_class_without_texts_is_an_empty_row():
    figure = confusion_figure(np.array([[3, 1], [0, 0]]), ["a", "b"], title="Matrix")
    assert "0\n0 %" in texts_of(figure)


def test_long_texts_keep_beginning_and_end():
    assert shorten("a" * 50 + "b" * 50, 25) == "a" * 10 + " […] " + "b" * 10
    assert shorten(" two \n lines ") == "two lines"
