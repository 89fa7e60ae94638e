"""Pictures of results, drawn without a display: every model keeps its colour, and is named beside what it drew."""

from evaluation.plots.curves import curve_figure as curve_figure
from evaluation.plots.curves import recall_figure as recall_figure
from evaluation.plots.curves import training_figure as training_figure
from evaluation.plots.newcomers import newcomers_figure as newcomers_figure
from evaluation.plots.slices import Slice as Slice
from evaluation.plots.slices import slice_figure as slice_figure
from evaluation.plots.style import COLOURS as COLOURS
from evaluation.plots.style import save_figure as save_figure
from evaluation.plots.style import styles_of as styles_of
from evaluation.plots.tradeoff import Point as Point
from evaluation.plots.tradeoff import tradeoff_figure as tradeoff_figure
