"""A self-contained HTML page: text, sortable tables and inline figures; everything escaped, nothing fetched."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys.artifact import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATE = "page.html"
EMPTY = "–"
_THEMED = {
    "#ffffff": "paper",
    "#000000": "ink",
    "#555555": "soft",
    "#999999": "rule",
    "#eeeeee": "line",
    "#0072b2": "blue",
    "#d55e00": "vermilion",
    "#009e73": "green",
    "#cc79a7": "purple",
    "#56b4e9": "sky",
    "#e69f00": "orange",
    "#a8527f": "purple",
    "#2478b0": "sky",
    "#9c6a00": "orange",
}
"""Colours of figures that follow the page's light or dark theme, by the name of the style sheet's variable."""


@dataclass(frozen=True)
class Cell:
    """Hold a table's cell: its text, a small second line, and what to sort by where that is not the text."""

    text: str
    small: str = ""
    strong: bool = False
    link: str = ""
    order: float | None = None


class Page:
    """Collect the parts of a page in reading order; `write` makes one file of them that needs no network."""

    def __init__(self, title: str, about: str = "") -> None:
        self.title = title
        self.about = about
        self._parts: list[dict[str, Any]] = []

    def heading(self, text: str, level: int = 2) -> None:
        """Begin a section; those of level 2 are listed at the top when there are more than two."""
        assert 2 <= level <= 6, "level 1 is the page's title"
        slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"
        taken = {part.get("anchor") for part in self._parts}
        anchor = slug if slug not in taken else f"{slug}-{len(self._parts)}"
        self._parts.append({"kind": "heading", "text": text, "level": level, "anchor": anchor})

    def text(self, text: str, *, note: bool = False) -> None:
        """Add a paragraph; a note is smaller and softer."""
        self._parts.append({"kind": "text", "text": text, "note": note})

    def code(self, text: str) -> None:
        """Add a command or a file's lines as they are."""
        self._parts.append({"kind": "code", "text": text})

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> None:
        """Add a table that a click on a column's name sorts; None and NaN are shown as a dash.

        Columns of numbers, and of cells with an `order`, stand to the right.
        """
        assert all(len(row) == len(columns) for row in rows), "a table's rows are as long as its head"
        cells = [[_cell(value) for value in row] for row in rows]
        columns_of_cells = [[row[place] for row in cells] for place in range(len(columns))]
        numeric = [
            any(cell.order is not None for cell in column)
            and all(cell.order is not None or cell.text == EMPTY for cell in column)
            for column in columns_of_cells
        ]
        self._parts.append(
            {"kind": "table", "columns": list(columns), "rows": cells, "numeric": numeric, "caption": caption}
        )

    def figure(self, figure: Figure, caption: str = "", alt: str = "") -> None:
        """Add a matplotlib figure as inline SVG; `alt` says in words what it shows."""
        from markupsafe import Markup

        number = sum(part["kind"] == "figure" for part in self._parts) + 1
        svg = Markup(_svg(figure, f"f{number}-", alt or caption))
        self._parts.append({"kind": "figure", "svg": svg, "caption": caption})

    def raw(self, html: str) -> None:
        """Add HTML as it is: the caller answers for its escaping."""
        from markupsafe import Markup

        self._parts.append({"kind": "raw", "html": Markup(html)})

    def html(self) -> str:
        """Return the whole page."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
        )
        contents = [
            (part["anchor"], part["text"]) for part in self._parts if part["kind"] == "heading" and part["level"] == 2
        ]
        template = environment.get_template(TEMPLATE)
        return template.render(title=self.title, about=self.about, parts=self._parts, contents=contents)

    def write(self, path: str | Path) -> Path:
        """Write the page, whole or not at all; an older file is replaced, and an ArtifactError raised if it cannot."""
        content = self.html().encode()
        with write_file(path, overwrite=True) as beside:
            beside.write_bytes(content)
        return Path(path)


def _cell(value: object) -> Cell:
    if isinstance(value, Cell):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Cell(EMPTY)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Cell(str(value))
    return Cell(f"{value:,}" if isinstance(value, int) else f"{value:,.4g}", order=float(value))


def _svg(figure: Figure, prefix: str, alt: str) -> str:
    """Draw a figure as an SVG element: named for those who cannot see it, coloured by the page, ids of its own."""
    from html import escape

    import matplotlib as mpl

    drawn = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "recsys"}):  # text stays text; same figure, same ids
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :]  # without the XML prologue
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}", svg)
    svg = re.sub(r"(?<=: )#[0-9a-f]{6}\b", _themed, svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt, quote=True)}" ', 1)


def _themed(match: re.Match[str]) -> str:
    name = _THEMED.get(match.group())
    return f"var(--{name})" if name else match.group()
