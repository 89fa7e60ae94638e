from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from evaluation.page import Cell, Page
from recsys.errors import ArtifactError

NASTY = "<script>alert('x')</script> & \"q\""
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """Collect what a browser would see, and demand that every tag is closed where it must be."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def outline(html):
    found = Outline()
    found.feed(html)
    found.close()
    assert not found.open
    return found


def picture(title="a picture"):
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot()
    axes.plot([1, 2], [1, 2], color="#0072B2")
    axes.set_title(title, parse_math=False)
    return figure


@pytest.fixture
def page():
    page = Page(NASTY, NASTY)
    page.heading(NASTY)
    page.text(NASTY)
    page.text(NASTY, note=True)
    page.code(NASTY)
    page.table([NASTY, "n"], [[NASTY, 1], [Cell(NASTY, NASTY, link='"onclick="x', order=2.0), None]], NASTY)
    page.figure(picture(NASTY), NASTY, NASTY)
    page.figure(picture(NASTY), NASTY)
    return page


def test_everything_is_escaped(page):
    found = outline(page.html())
    assert found.tags.count("script") == 1
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    assert sum(NASTY in text for text in found.texts) >= 10


def test_nothing_is_fetched(page):
    html = page.html()
    for tag, name, value in outline(html).attributes:
        if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            assert tag == "a" or (value or "").startswith("#"), (tag, name, value)
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", html))
    assert "@import" not in html
    assert set(re.findall(r"https?://[^/\"' ]+", html)) <= {"http://www.w3.org"}  # the names of SVG's namespaces


def test_ids_are_unique_and_references_are_met(page):
    attributes = outline(page.html()).attributes
    ids = [value for _, name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value[1:] for _, name, value in attributes if value and "href" in name and value.startswith("#")}
    assert targets <= set(ids)
    assert set(re.findall(r"url\(#([^)]*)\)", page.html())) <= set(ids)


def test_numbers_stand_right_and_sort_by_their_value():
    page = Page("t")
    page.table(["name", "n", "mixed"], [["a", 12_345, 1], ["b", None, "x"], ["c", float("nan"), True]])
    html = page.html()
    assert '<td class="number" data-order="12345.0">12,345</td>' in html
    assert html.count('<td class="number">–</td>') == 2
    assert html.count('<th scope="col" class="number">') == 1


def test_sections_are_listed_when_there_are_several():
    page = Page("t")
    for name in ("One", "Two"):
        page.heading(name)
    assert "<nav" not in page.html()
    page.heading("Two")
    html = page.html()
    assert re.findall(r'<a href="#([^"]*)">', html) == re.findall(r'<h2 id="([^"]*)">', html)


def test_figures_take_the_colours_of_the_page():
    page = Page("t")
    page.figure(picture(), alt="what it shows")
    html = page.html()
    assert "stroke: var(--blue)" in html
    assert 'role="img" aria-label="what it shows"' in html
    assert "<metadata" not in html
    assert html == page.html()


def test_raw_html_is_taken_as_it_is():
    page = Page("t")
    page.raw("<b>bold</b>")
    assert "<b>bold</b>" in page.html()


def test_a_page_is_written_whole(page, tmp_path):
    path = page.write(tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8") == page.html()
    assert "<h1>other</h1>" in Page("other").write(path).read_text(encoding="utf-8")
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]
    with pytest.raises(ArtifactError, match="is a folder"):
        page.write(tmp_path)
