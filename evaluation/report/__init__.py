"""Turn result files into tables for the README and into a page with pictures."""

from evaluation.report.html import report_page as report_page
from evaluation.report.markdown import results_markdown as results_markdown
from evaluation.report.markdown import tables_markdown as tables_markdown
from evaluation.report.newcomers import newcomers_markdown as newcomers_markdown
from evaluation.report.readme import GUIDE as GUIDE
from evaluation.report.readme import README as README
from evaluation.report.readme import has_markers as has_markers
from evaluation.report.readme import main as main
from evaluation.report.readme import render as render
from evaluation.report.speed import speed_markdown as speed_markdown
from evaluation.report.tables import ResultTable as ResultTable
from evaluation.report.tables import make_tables as make_tables
from evaluation.report.tables import read_tables as read_tables
from evaluation.report.words import verdict as verdict
