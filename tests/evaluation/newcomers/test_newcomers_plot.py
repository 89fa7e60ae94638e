from __future__ import annotations

from evaluation.certainty import Interval
from evaluation.plots import Slice, newcomers_figure

KNOWN = [1, 10]
BINS = [Slice("0", 5), Slice("20+", 1500)]
LINES = {"lstm": [Interval(0.1, 0.05, 0.2), Interval(0.3, 0.2, 0.4)], "popularity": [Interval(0.05, 0.0, 0.1)] * 2}
BARS = {"lstm": [Interval(0.0, 0.0, 0.5), Interval(0.3, 0.2, 0.4)], "ease": [Interval(0.1, 0.0, 0.2)] * 2}


def test_a_model_keeps_its_colour_in_both_halves():
    figure = newcomers_figure(KNOWN, LINES, BINS, BARS, title="Toy")
    above, below = figure.axes
    assert [text.get_text() for text in above.get_xticklabels()] == ["1", "10"]
    assert [text.get_text() for text in below.get_xticklabels()] == ["0\n5 targets,\ntoo few", "20+\n1,500 targets"]
    named = {text.get_text(): text for text in above.texts}
    assert "lstm  0.300" in named
    assert "popularity  0.050" in named
    handles, labels = below.get_legend_handles_labels()
    assert labels == ["lstm", "ease"]
    line = next(one for one in above.lines if one.get_linestyle() == "-" and list(one.get_ydata()) == [0.1, 0.3])
    bar = handles[0].patches[0].get_facecolor()
    assert "#{:02X}{:02X}{:02X}".format(*(round(255 * part) for part in bar[:3])) == line.get_color()


def test_bars_are_as_high_as_the_values_and_pale_where_few():
    figure = newcomers_figure([], {}, BINS, BARS, title="Toy")
    [axes] = figure.axes
    bars = [one for one in axes.patches if one.get_width()]
    assert [one.get_height() for one in bars] == [0.0, 0.3, 0.1, 0.1]
    alphas = [one.get_alpha() for one in bars]
    assert alphas[0] == alphas[2] < alphas[1] == alphas[3]


def test_either_half_may_be_missing():
    assert len(newcomers_figure(KNOWN, LINES, [], {}, title="Toy").axes) == 1
    assert len(newcomers_figure([], {}, BINS, BARS, title="Toy").axes) == 1
