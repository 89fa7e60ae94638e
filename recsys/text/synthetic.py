"""Invent reviews of a catalogue's titles: for the notebook, the tests and a first try of `recsys text`.

They are synthetic. What is learned from them says that the road works, nothing about anime or people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from recsys.errors import InputError

ZIPF_EXPONENT = 0.8
"""How a title's share of the reviews falls with its rank."""
APPEAL = (2.4, 1.8)
"""The Beta distribution of the share of a title's reviewers who liked it."""
STARS = {True: ((4, 0.5), (5, 0.5)), False: ((1, 0.35), (2, 0.4), (3, 0.25))}
"""How many stars they give who liked it, and who did not."""
KIND_SHARE = {1: 0.04, 2: 0.14, 3: 0.38, 4: 0.86, 5: 0.95}
"""The share of a review's opinions that are kind, by its stars; the rest are unkind."""
NEGATED, CONCEDED, VERDICT, FACT = 0.35, 0.35, 0.3, 0.5
"""How often an opinion is said by denying its opposite, is followed by a concession, and how often a review has a
verdict, or states a fact between two opinions."""

ASPECTS = (
    *("story", "animation", "soundtrack", "pacing", "cast", "ending", "voice acting", "artwork", "dialogue", "humour"),
    *("world", "last arc", "main character", "villain", "directing"),
)
GOOD = (
    *("gripping", "gorgeous", "moving", "clever", "charming", "memorable", "fresh", "brilliant", "warm", "sharp"),
    *("beautiful", "thoughtful", "funny", "wonderful"),
)
BAD = (
    *("dull", "lazy", "flat", "clumsy", "forgettable", "rushed", "stale", "shallow", "messy", "tedious"),
    *("bland", "predictable", "awkward", "annoying"),
)
PLAIN = (
    "the {aspect} is {same}", "I found the {aspect} {same}", "the {aspect} felt {same} to me",
    "the {aspect} is {same} from start to end", "there is something {same} about the {aspect}",
    "the {aspect} turns out {same} and not {other}", "I call the {aspect} {same} where others call it {other}",
)  # fmt: skip
DENIED = (
    "the {aspect} is not {other}", "the {aspect} is anything but {other}", "the {aspect} never feels {other}",
    "I can't call the {aspect} {other}", "nothing about the {aspect} is {other}", "the {aspect} isn't {other} at all",
)  # fmt: skip
CONCESSIONS = ("{main}, even if {aside}", "{main}, though {aside}", "although {aside}, {main}", "{aside}, but {main}")
VERDICTS = {
    True: (
        *("I could not stop watching", "I would watch it again tomorrow", "it stays with me", "don't miss it"),
        *("no complaints here", "it deserves more than it got", "I was wrong to put it off", "not a minute is wasted"),
    ),
    False: (
        *("I could not keep watching", "I would not watch it again", "I dropped it", "don't bother"),
        *("no idea what others see in it", "it got more than it deserves", "I was wrong to pick it up"),
        "not a minute was worth it",
    ),
}
FACTS = (
    "it came out in {year}", "I watched it with my {friend}", "there is {tag} in it, and {other_tag}",
    "the title says {name}", "it is one of those with {tag}", "my {friend} likes {genre} more than I do",
    "it is filed under {genre}", "it begins with {tag} and goes on to {other_tag}", "I saw the {type} {when}",
)  # fmt: skip
FRIENDS = ("sister", "brother", "flatmate", "father", "daughter", "best friend")
TIMES = ("last week", "years ago", "on a train", "over a weekend", "twice")


@dataclass(frozen=True, eq=False)
class Reviews:
    """Hold invented reviews and what they were drawn from."""

    frame: pl.DataFrame
    """`review_id, anime_id, text, stars, label`; the label is pos where there are more than 3 stars, else neg."""
    truth: pl.DataFrame
    """`anime_id, appeal`: for every title of the catalogue, the chance that a review of it is positive."""


def generate_reviews(catalogue: pl.DataFrame, *, n_reviews: int = 3000, seed: int = 7) -> Reviews:
    """Invent reviews of the titles in a catalogue: a prepared one's frame, or the sample's anime.csv.

    A few titles get most reviews, as Zipf's law says, and many get none. Each title has an appeal, the chance that a
    reviewer likes it; that decides the stars, and the stars how many of a review's opinions are kind. Opinions are
    mixed, often said by denying the opposite ("the story is anything but dull"), conceded ("although ..., ..."), and
    stand between facts that say nothing. No word gives a review away: which ones are denied or conceded matters, and
    three stars are called negative although half of their opinions are kind.
    """
    if n_reviews < 1:
        raise InputError(f"There must be at least 1 review, got {n_reviews}.", "Ask for some.")
    if catalogue.is_empty():
        raise InputError("Reviews need titles, but the catalogue is empty.", "Give one with rows.")
    rng = np.random.default_rng(seed)
    titles = [_Title.of(row) for row in catalogue.iter_rows(named=True)]
    appeal = rng.beta(*APPEAL, len(titles))
    popularity = (1.0 + rng.permutation(len(titles))) ** -ZIPF_EXPONENT
    rows = rng.choice(len(titles), n_reviews, p=popularity / popularity.sum())
    stars = [_draw_stars(rng, liked) for liked in rng.random(n_reviews) < appeal[rows]]
    frame = pl.DataFrame(
        {
            "review_id": np.arange(1, n_reviews + 1),
            "anime_id": catalogue["anime_id"].gather(rows),
            "text": [_write(rng, titles[row], given) for row, given in zip(rows, stars, strict=True)],
            "stars": stars,
            "label": ["pos" if given > 3 else "neg" for given in stars],
        }
    )
    return Reviews(frame, catalogue.select("anime_id", appeal=pl.Series(appeal)))


@dataclass(frozen=True)
class _Title:
    """Hold what a review may mention of a title."""

    name: str
    year: str
    type: str
    genres: tuple[str, ...]
    tags: tuple[str, ...]

    @classmethod
    def of(cls, row: dict[str, Any]) -> _Title:
        genres = _names(row.get("genres") or row.get("genre")) or ("anime",)
        return cls(
            name=str(row.get("title") or row.get("name") or "nothing"),
            year=str(row.get("year") or "some year"),
            type=str(row.get("type") or "anime"),
            genres=genres,
            tags=_names(row.get("tags")) or genres,
        )


def _names(value: Any) -> tuple[str, ...]:
    """Take apart a text with commas, or a list."""
    names = value.split(", ") if isinstance(value, str) else value or ()
    return tuple(str(name).lower() for name in names)


def _draw_stars(rng: np.random.Generator, liked: bool) -> int:
    values, shares = zip(*STARS[bool(liked)], strict=True)
    return int(rng.choice(values, p=shares))


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[rng.integers(len(options))]


def _write(rng: np.random.Generator, title: _Title, stars: int) -> str:
    """Write a review of 2 to 5 opinions."""
    sentences = []
    for _ in range(rng.integers(2, 6)):
        kind = bool(rng.random() < KIND_SHARE[stars])
        opinion = _opinion(rng, kind)
        if rng.random() < CONCEDED and kind == (stars > 3):  # a concession to the other side leaves the main clause
            opinion = _pick(rng, CONCESSIONS).format(main=opinion, aside=_opinion(rng, not kind))
        sentences.append(opinion)
        if rng.random() < FACT:
            sentences.append(_fact(rng, title))
    if rng.random() < VERDICT:
        sentences.insert(int(rng.integers(len(sentences) + 1)), _pick(rng, VERDICTS[stars > 3]))
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}{_pick(rng, ('.', '.', '!'))}" for sentence in sentences)


def _opinion(rng: np.random.Generator, kind: bool) -> str:
    template = _pick(rng, DENIED if rng.random() < NEGATED else PLAIN)
    same, other = (GOOD, BAD) if kind else (BAD, GOOD)
    return template.format(aspect=_pick(rng, ASPECTS), same=_pick(rng, same), other=_pick(rng, other))


def _fact(rng: np.random.Generator, title: _Title) -> str:
    return _pick(rng, FACTS).format(
        name=title.name,
        year=title.year,
        type=title.type,
        genre=_pick(rng, title.genres),
        tag=_pick(rng, title.tags),
        other_tag=_pick(rng, title.tags),
        friend=_pick(rng, FRIENDS),
        when=_pick(rng, TIMES),
    )
