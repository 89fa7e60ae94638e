"""`recsys text train`: train a recipe on labelled texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys.cli.screen import note

if TYPE_CHECKING:
    from recsys.text.classifier import TextClassifier
    from recsys.text.columns import Columns
    from recsys.text.config import TextConfig
    from recsys.text.corpus import Corpus
    from recsys.text.holdout import Source
    from recsys.text.vectors import WordVectors

LOG = "log.csv"
"""The epochs of a training, in the folder beside the model."""

MOST_NAMED = 8
"""The most classes that a line names."""


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="One that `recsys text recipes` lists.")],
    data: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Labelled texts: .parquet, .csv, .tsv, .jsonl (also .gz).", show_default=False
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="MODEL", help="Model folder to write.", show_default=False)
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting, on top of the recipe's; repeatable."),
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings as a TOML file.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The same as --set seed=N.")] = None,
    vectors: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Word vectors in GloVe's or word2vec's text format.")
    ] = None,
    more_texts: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="More texts, without labels, to train word vectors from; repeatable."),
    ] = None,
    pretraining: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Labelled texts to learn from first: text, label, as many classes in the same order."
        ),
    ] = None,
    text_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column of the texts.")] = None,
    label_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column of the labels.")] = None,
    split_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column that says train, validation or test.")
    ] = None,
    group_column: Annotated[
        str | None, typer.Option(metavar="NAME", help="Column whose equal values stay in one part.")
    ] = None,
    classes: Annotated[
        str, typer.Option(metavar="NAMES", help="The labels, in place of the recipe's: bad,good.", show_default=False)
    ] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier model and training.")] = False,
) -> None:
    """Train a recipe on the training part of labelled texts; the validation part chooses the epoch.

    recsys text train imdb-lstm --data imdb50k.parquet --out models/imdb

    The test part is held out: the file's own where its split column names one, else a fifth of the rows. Columns and
    classes are the recipe's unless they are named.
    """
    from recsys.artifact import refuse_file, refuse_folder
    from recsys.errors import InputError
    from recsys.text.classifier import KIND, TextClassifier
    from recsys.text.config import TextConfig
    from recsys.text.holdout import FACT, read_source
    from recsys.text.recipes import recipe as find_recipe

    chosen = find_recipe(recipe)
    settings = _settings(TextConfig, dict(chosen.config), config, set_ or [], seed)
    refuse_folder(out, kind=KIND, overwrite=overwrite)
    training = _training_of(out)
    refuse_file(training / LOG, overwrite=overwrite)
    wanted = {"text": text_column, "label": label_column, "split": split_column, "group": group_column}
    named = {role: name for role, name in wanted.items() if name is not None}
    if more_texts and (vectors is not None or settings.vectors != "train"):
        raise InputError("--more-texts are for word vectors, and none are trained.", "Add --set vectors=train.")
    columns, labels = _columns(chosen.columns, chosen.classes, named, classes)
    source = read_source(data, columns, classes=labels, named=tuple(named.values()))
    _say_parts(source)
    if chosen.more_texts and settings.vectors == "train" and vectors is None and not more_texts:
        note(f"Its published row trains word vectors on {' and '.join(chosen.more_texts)} too: --more-texts FILE.")
    if chosen.pretraining and pretraining is None:
        note(f"Its published row learns from {chosen.pretraining} first: --pretraining FILE.")
    first = None if pretraining is None else _read_pretraining(pretraining, source.parts.train)
    classifier = TextClassifier(settings, recipe=recipe)
    classifier.fit(
        source.parts.train,
        source.parts.validation,
        vectors=_read_vectors(vectors, settings.dim),
        more_texts=_read_more(more_texts or [], text_column),
        pretraining=first,
        progress=True,
    )
    classifier.facts[FACT] = source.fact
    classifier.save(out, overwrite=overwrite)
    _save_training(classifier, training)
    _say_result(classifier, data, out, training)


def _settings(
    cls: type[TextConfig], base: dict[str, Any], file: Path | None, flags: list[str], seed: int | None
) -> TextConfig:
    from recsys.config import read_toml

    merged = {**base, **({} if file is None else read_toml(file))}
    return cls.from_flags([*flags, *([] if seed is None else [f"seed={seed}"])], merged)


def _columns(
    columns: Columns, classes: tuple[str, ...], named: dict[str, Any], own: str
) -> tuple[Columns, tuple[str, ...]]:
    """Put a person's columns and classes in place of the recipe's; who names classes has no bound between two."""
    columns = replace(columns, **named)
    if not own:
        return columns, classes
    from recsys.errors import ConfigError

    classes = tuple(filter(None, (name.strip() for name in own.split(","))))
    if len(classes) < 2 or len(set(classes)) < len(classes):
        rule = f"Classes must be two or more different names, got '{own}'."
        raise ConfigError(rule, "For example: negative,positive.")
    return replace(columns, above=None), classes


def _read_vectors(path: Path | None, dim: int) -> WordVectors | None:
    from recsys.text.vectors import read_vectors

    return None if path is None else read_vectors(path, dim=dim)


def _read_more(paths: list[Path], column: str | None) -> list[str]:
    """Read texts for word vectors; of a file with a split of its own only the training part."""
    from recsys.text.embed import SPLIT, read_part
    from recsys.text.files import TEXT_SUFFIX, read_columns

    texts: list[str] = []
    for path in paths:
        plain = path.name.lower().removesuffix(".gz").endswith(TEXT_SUFFIX)
        part = None if plain or SPLIT not in read_columns(path) else "train"
        texts += read_part(path, [*filter(None, [column]), "text", "phrase", "Phrase"], part)
    return texts


def _read_pretraining(path: Path, train: Corpus) -> Corpus:
    """Read what the network learns from first; of a file with a split of its own only the training part."""
    from recsys.errors import InputError
    from recsys.text.columns import TRAIN, Columns
    from recsys.text.corpus import read_corpus
    from recsys.text.files import read_columns

    split = "split" if "split" in read_columns(path) else None
    table = read_corpus(path, Columns("text", "label", split=split), exact=True)
    first = table.corpus if split is None else table.part(TRAIN)
    if len(first.classes) != len(train.classes):
        raise InputError(
            f"{path.name} has {len(first.classes)} classes, the texts to train on {len(train.classes)}.",
            "Give a file with as many classes, in the same order.",
        )
    pairs = zip(first.classes, train.classes, strict=True)
    told = ", ".join(one if one == other else f"{one} as {other}" for one, other in pairs)
    typer.echo(f"{path.name}: {len(first):,} to learn from first; classes {told}.")
    return first


def _say_parts(source: Source) -> None:
    parts = source.parts
    counts = (
        f"{len(parts.train):,} train, {len(parts.validation):,} validation, {len(parts.test):,} held out for the test"
    )
    names = parts.train.classes
    classes = ", ".join(names) if len(names) <= MOST_NAMED else f"{names[0]} … {names[-1]} ({len(names)})"
    typer.echo(f"{source.path.name}: {counts}; classes {classes}.")
    for role, name in source.left_aside.items():
        note(f"It has no column '{name}', which the recipe's own data has: {_WITHOUT[role]}.")


_WITHOUT = {
    "split": "the test part is drawn from its rows",
    "group": "rows that belong together may stand in several parts",
    "subset": "no rows are counted apart",
}


def _training_of(out: Path) -> Path:
    """Name the folder beside a model where its training's log and curves go, as `recsys fit` does."""
    named = out if out.name not in ("", "..") else out.resolve()
    return named.parent / f"{named.name}-training"


def _save_training(classifier: TextClassifier, folder: Path) -> None:
    import polars as pl

    from evaluation.plots.style import save_figure
    from evaluation.text.plots import learning_figure
    from recsys.artifact import write_file

    figure = learning_figure(
        classifier.epochs, title=f"Training of {classifier.recipe}", about="a dot marks the epoch that is kept"
    )
    with write_file(folder / LOG, overwrite=True) as beside:
        pl.DataFrame(classifier.epochs).write_csv(beside)
    save_figure(figure, folder / "curves.png")


def _say_result(classifier: TextClassifier, data: Path, out: Path, training: Path) -> None:
    facts = classifier.facts
    about = f"epoch {facts['best_epoch']} of {len(classifier.epochs)}"
    typer.echo(
        f"Trained {classifier.recipe} on {facts['n_train']:,} texts: accuracy {facts['validation_accuracy']:.4f} on "
        f"{facts['n_validation']:,} validation texts ({about})."
    )
    if "n_refitted" in facts:
        typer.echo(
            f"Then learned once more from {facts['n_refitted']:,} texts, the validation part among them (refit)."
        )
    if facts["vectors"] != "none":
        typer.echo(f"Word vectors: {facts['vectors']}.")
    typer.echo(f"Log and curves of the training: {training}.")
    typer.echo(f"Saved {out}. Try:")
    typer.echo(f"  recsys text evaluate {out} --data {data}")
    typer.echo(f'  recsys text predict {out} "some text"')
