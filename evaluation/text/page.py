"""What one classifier does on one corpus: a page that needs no network, and its pictures as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from evaluation.certainty import Interval
from evaluation.page import Cell, Page
from evaluation.plots.style import save_figure
from evaluation.text.judge import BINS, Judgement
from evaluation.text.plots import best_epoch, confusion_figure, learning_figure
from recsys.artifact import refuse_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from recsys.text.corpus import Corpus

N_WRONG = 20
LONGEST = 400
"""Letters of a wrongly classified text that the page shows: its beginning and its end."""
NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "sentence_accuracy": "accuracy on the marked texts alone",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}
NOTES = (
    "Intervals: 95 %, what other texts of this kind might have given; of texts in groups (the phrases of a sentence) "
    "whole groups are drawn. Macro F1: the mean of the classes' F1, each class weighing the same. Log loss: 0 is "
    f"perfect. Calibration error: how far confidence and accuracy are apart, in {BINS} bins of confidence."
)


class Described(Protocol):
    """Say what a page tells of a fitted classifier."""

    recipe: str
    facts: dict[str, Any]
    epochs: list[dict[str, Any]]


def write_report(
    classifier: Described,
    corpus: Corpus,
    judgement: Judgement,
    target: str | Path,
    *,
    data: str = "",
    overwrite: bool = False,
) -> list[Path]:
    """Write the page of a judgement; returns what was written, the page first.

    A `target` that ends in .html is the page. Any other is a folder, which gets `report.html` and the pictures,
    `confusion` and, where the classifier has epochs, `learning`, as PNG and as SVG. Earlier ones are an error, or with
    `overwrite` replaced. `data` names the corpus to people.
    """
    target = Path(target)
    drawn = figures(classifier, judgement, data)
    page = page_path(target)
    alone = page == target
    pictures = {} if alone else {target / f"{name}.{kind}": name for name in drawn for kind in ("png", "svg")}
    for path in (page, *pictures):
        refuse_file(path, overwrite=overwrite)  # before anything is written
    page.parent.mkdir(parents=True, exist_ok=True)
    make_page(classifier, corpus, judgement, drawn, data).write(page)
    return [page, *(save_figure(drawn[name], path) for path, name in pictures.items())]


def page_path(target: Path) -> Path:
    """Name the page that `write_report` writes: the target where it ends in .html, else a file in that folder."""
    return target if target.suffix.lower() in (".html", ".htm") else target / "report.html"


def figures(classifier: Described, judgement: Judgement, data: str = "") -> dict[str, Figure]:
    """Draw the pictures of a judgement, by name."""
    drawn = {}
    if classifier.epochs:
        drawn["learning"] = learning_figure(
            classifier.epochs, title=f"Training of {classifier.recipe}", about="a dot marks the epoch that is kept"
        )
    about = ", ".join(filter(None, [data, f"{len(judgement.predicted):,} texts"]))
    drawn["confusion"] = confusion_figure(
        judgement.confusion, judgement.classes, title="Which class is taken for which", about=about
    )
    return drawn


def make_page(
    classifier: Described, corpus: Corpus, judgement: Judgement, drawn: dict[str, Figure], data: str = ""
) -> Page:
    """Lay out the page: results, classes, the most confident mistakes, the course of training."""
    on = f" on {data}" if data else ""
    page = Page(f"{classifier.recipe}{on}", f"{len(corpus):,} texts, {len(judgement.classes)} classes.")
    page.heading("Results")
    rows = [[NAMES.get(name, name), _cell(found)] for name, found in judgement.metrics.items()]
    page.table(["metric", "value"], rows)
    page.text(NOTES, note=True)
    page.heading("Classes")
    page.table(["class", "precision", "recall", "F1", "texts"], judgement.per_class)
    page.figure(drawn["confusion"], "Shaded by the share of the true class.", _told(judgement))
    page.heading("The most confident mistakes")
    _mistakes(page, corpus, judgement)
    if "learning" in drawn:
        page.heading("Training")
        best = classifier.epochs[best_epoch(classifier.epochs)]
        kept = f"Epoch {best['epoch']} of {len(classifier.epochs)} is kept: validation accuracy "
        page.figure(drawn["learning"], alt=f"{kept}{best['val_accuracy']:.4f}.")
    if classifier.facts:
        page.heading("How it was trained")
        page.table(
            ["fact", "value"], [[name.replace("_", " "), _fact(fact)] for name, fact in classifier.facts.items()]
        )
    return page


def _mistakes(page: Page, corpus: Corpus, judgement: Judgement) -> None:
    wrong = np.flatnonzero(judgement.predicted != corpus.labels)
    if not len(wrong):
        page.text("There is none.")
        return
    surest = wrong[np.argsort(-judgement.confidence[wrong], kind="stable")][:N_WRONG]
    rows = [
        [
            f"{judgement.confidence[row]:.3f}",
            judgement.classes[corpus.labels[row]],
            judgement.classes[judgement.predicted[row]],
            shorten(corpus.texts[row]),
        ]
        for row in surest.tolist()
    ]
    caption = f"{len(rows)} of {len(wrong):,} mistakes; some of them may be labels that are wrong."
    page.table(["confidence", "true", "predicted", "text"], rows, caption)


def shorten(text: str, longest: int = LONGEST) -> str:
    """Keep the beginning and the end of a long text, in one line.

    >>> shorten("It was good\\nuntil the very last minute, which was bad.", 28)
    'It was good […] ch was bad.'
    >>> shorten("")
    '(empty)'
    """
    text = " ".join(text.split())
    if len(text) <= longest:
        return text or "(empty)"
    kept = longest - 5
    return f"{text[: (kept + 1) // 2].rstrip()} […] {text[len(text) - kept // 2 :].lstrip()}"


def _cell(found: Interval) -> Cell:
    bounds = "" if found.low is None or found.high is None else f"{found.low:.4f}–{found.high:.4f}"
    return Cell(f"{found.value:.4f}", small=bounds, order=found.value)


def _fact(fact: Any) -> str:
    """Write a fact; of a mapping its parts."""
    if isinstance(fact, dict):
        return ", ".join(f"{name}: {_fact(value)}" for name, value in fact.items())
    return f"{fact:,}" if isinstance(fact, int) and not isinstance(fact, bool) else str(fact)


def _told(judgement: Judgement) -> str:
    """Say in words what the confusion matrix shows: the pairs that are confused most often."""
    counts = judgement.confusion.copy()
    np.fill_diagonal(counts, 0)
    n = len(judgement.classes)
    most = [place for place in np.argsort(-counts, axis=None, kind="stable")[:5].tolist() if counts.flat[place]]
    pairs = "; ".join(
        f"{judgement.classes[place // n]} as {judgement.classes[place % n]}: {counts.flat[place]}" for place in most
    )
    return f"Confusion matrix. {f'Most often confused: {pairs}.' if pairs else 'Nothing is confused.'}"
