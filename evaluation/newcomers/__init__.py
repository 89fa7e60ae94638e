"""Judge what is hard for a recommender: titles that few have watched yet, and people of whom little is known."""

from evaluation.newcomers.people import KNOWN as KNOWN
from evaluation.newcomers.people import Newcomers as Newcomers
from evaluation.newcomers.people import meet_newcomers as meet_newcomers
from evaluation.newcomers.people import people_result as people_result
from evaluation.newcomers.people import rank_newcomers as rank_newcomers
from evaluation.newcomers.titles import BINS as BINS
from evaluation.newcomers.titles import titles_result as titles_result
