"""Clean a text: markup, headers and quotations out, contractions expanded, then lower-case tokens and single spaces.

Every pattern runs in time proportional to the text, whatever the text: possessive quantifiers and anchors, no nesting.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache
from string import ascii_lowercase, digits

from recsys.errors import ConfigError

STEPS = ("headers", "quotes", "html", "contractions")
"""The steps that may be asked for, in the order in which they run, however they are listed."""

_SENDER = re.compile(r"^(?:From|Subject):", re.MULTILINE | re.IGNORECASE)
_QUOTATION = re.compile(r"writes in|writes:|wrote:|says:|said:|^In article|^Quoted from|^\||^>")

_TAG = re.compile(r"<[/!?]?[A-Za-z][^<>]*>|<!--[^<>]*>")
_ENDLESS_REFERENCE = re.compile(r"&#[0-9]{9,}+;?")

_DOUBLE_QUOTE = re.compile(r"'{2,}|`{2,}")
_SPACES = re.compile(r"\s+")
# no group is possessive (gh-106052: before Python 3.11.5 they lose their place)
_CONTRACTION = re.compile(r"(?:\b(\w++)|^)((?: ?'(?:s|re|ve|ll|d|m)\b|'t\b| n't\b)+)")
_ENDING = re.compile(r"( ?)(n?'\w+)")
_VERBS = {"'re": "are", "'ve": "have", "'ll": "will", "'d": "would", "'m": "am"}
_NEGATED = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}
"""What is left of a verb before n't, where that is not the verb itself."""
_SUBJECTS = {
    *("he", "she", "it", "that", "this", "there", "here", "everything", "everyone", "something", "nothing"),
    *("what", "who", "where", "when", "why", "how"),
}
"""Words after which 's is short for is; after others it marks whose something is."""

_MARKS = '.,!?;:()"'
_PUNCTUATION = f"[{_MARKS}]"
_PARTING = bytes(code if chr(code) in f"{ascii_lowercase}{digits}'{_MARKS}" else 0x20 for code in range(256))
"""What parts ASCII tokens becomes a space."""
_ASCII_TOKEN = re.compile(rf"[a-z0-9]++(?:'[a-z0-9]++)*|{_PUNCTUATION}")
_LATIN_TOKEN = re.compile(rf"[^\W_]++(?:'[^\W_]++)*|{_PUNCTUATION}")
_BEYOND_LATIN = re.compile("[\u0300-\U0010ffff]")
"""From the first combining mark on; looking for one is much faster than a pattern that allows for them."""
_CJK = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\x91\x92‘’‚‛ʼʹˈ´′＇`", "'"),
        **dict.fromkeys("\x93\x94“”„‟″«»〝〞「」『』", '"'),
        **dict.fromkeys("。｡", "."),
        **dict.fromkeys("、､،", ","),
        "؟": "?",
        "\x85": "...",
        **dict.fromkeys("\u00ad\u200c\u200d\u2060\ufeff", ""),  # invisible inside words
    }
)
_MOST_MARKS = 30
"""How many combining marks one letter keeps (Unicode's stream-safe limit): sorting a run of them takes its square."""


def clean(text: str, steps: tuple[str, ...] = ()) -> str:
    """Return the text's tokens, joined by single spaces; see `tokenize`."""
    return " ".join(tokenize(text, steps))


def tokenize(text: str, steps: tuple[str, ...] = ()) -> list[str]:
    """Return the text's tokens.

    Always last: Unicode lower case (NFKC), then the tokens are words (letters, digits, inner apostrophes), each of
    . , ! ? ; : ( ) " and each Chinese or Japanese character; everything else parts tokens. Before that, where `steps`
    name them (an unknown name is a ConfigError):

    - "headers" drops a newsgroup message's header block. The words of its Subject line tell much about the topic:
      what is reached with them is not comparable with what is reached without.
    - "quotes" drops lines that quote (`>`, `|`) or introduce a quotation ("X writes:").
    - "html" replaces tags by spaces and entities by their characters.
    - "contractions" writes out can't, won't, n't, 're, 've, 'll, 'd, 'm, it's, let's, also where a treebank has
      detached them (`ca n't`).

    >>> tokenize("It&#39;s <b>great</b>,<br />isn’t it?", ("html", "contractions"))
    ['it', 'is', 'great', ',', 'is', 'not', 'it', '?']
    """
    chosen = _checked(steps)
    if "headers" in chosen:
        text = _without_headers(text)
    if "quotes" in chosen:
        text = "\n".join(line for line in text.split("\n") if not _QUOTATION.search(line))
    if "html" in chosen:
        text = _without_markup(text)
    text = _plain(text)
    if "contractions" in chosen and "'" in text:
        text = _expanded(text)
    if text.isascii():
        return _ascii_words(text)
    return (_token() if _BEYOND_LATIN.search(text) else _LATIN_TOKEN).findall(text)


@cache
def _checked(steps: tuple[str, ...]) -> frozenset[str]:
    for step in steps:
        if step not in STEPS:
            raise ConfigError(f"There is no cleaning step '{step}'.", f"Known: {', '.join(STEPS)}.")
    return frozenset(steps)


def _without_headers(text: str) -> str:
    """Drop everything before the first blank line (as scikit-learn's `remove` does) of what begins like a message."""
    head, blank, body = text.replace("\r\n", "\n").partition("\n\n")
    return body if blank and _SENDER.search(head) else text


def _without_markup(text: str) -> str:
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "&" in text:
        text = html.unescape(_ENDLESS_REFERENCE.sub(" ", text))  # int() refuses thousands of digits
    return text


def _plain(text: str) -> str:
    """Lower the case and write characters that look or mean alike in one way."""
    if not text.isascii():
        text = text.translate(_ALIKE)
        if _BEYOND_LATIN.search(text):
            text = _long_runs().sub(r"\1", text)
        text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).lower())
        text = _CJK.sub(r" \g<0> ", text)
    text = text.lower().replace("_", " ")
    if "`" in text or "''" in text:
        text = _DOUBLE_QUOTE.sub('"', text).replace("`", "'")  # LaTeX and the treebanks write ``so''
    if "-lrb-" in text or "-rrb-" in text:
        text = text.replace("-lrb-", "(").replace("-rrb-", ")")
    return text


def _ascii_words(text: str) -> list[str]:
    """Find the tokens of a lower-case ASCII text by splitting it, several times as fast as by a pattern."""
    text = text.encode("ascii").translate(_PARTING).decode("ascii")
    for mark in _MARKS:
        if mark in text:
            text = text.replace(mark, f" {mark} ")
    found = text.split()
    if "'" not in text:
        return found
    return [token for piece in found for token in (_ASCII_TOKEN.findall(piece) if "'" in piece else (piece,))]


def _expanded(text: str) -> str:
    """Write out the contractions of a lower-case text, with any white space as one space."""
    return _CONTRACTION.sub(lambda match: _expansion(match[1] or "", match[2]), _SPACES.sub(" ", text))


def _expansion(word: str, endings: str) -> str:
    """Write out one word's endings, of which there may be several (couldn't've)."""
    parts = [word]
    for space, ending in _ENDING.findall(endings):
        last = parts[-1]
        if ending in _VERBS:
            parts.append(_VERBS[ending])
        elif ending == "n't" or (ending == "'t" and last.endswith("n")):
            verb = last if ending == "n't" else last[:-1]
            parts[-1:] = [_NEGATED.get(verb, verb), "not"]
        elif ending == "'s" and last in _SUBJECTS:
            parts.append("is")
        elif ending == "'s" and last == "let":
            parts.append("us")
        elif space:
            parts.append(ending)
        else:
            parts[-1] += ending
    return " ".join(parts)


@cache
def _marks() -> str:
    """List the combining marks, which belong to the letter before them but are no word characters to `re`."""
    spans = (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0))
    return "".join(re.escape(chr(code)) for code in spans if unicodedata.category(chr(code))[0] == "M")


@cache
def _long_runs() -> re.Pattern[str]:
    return re.compile(f"([{_marks()}]{{{_MOST_MARKS}}})[{_marks()}]++")


@cache
def _token() -> re.Pattern[str]:
    word = rf"[^\W_]++(?:[{_marks()}]++[^\W_]*+)*"
    return re.compile(rf"{word}(?:'{word})*|{_PUNCTUATION}")
