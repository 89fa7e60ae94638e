"""The judge of text classifiers: `judge(probabilities, corpus)`, pictures, pages and the published table."""

from evaluation.text.judge import Judgement as Judgement
from evaluation.text.judge import judge as judge
