"""Metrics: plain functions, one value a user, chosen by texts such as "ndcg@10".

`RANK_METRICS` are functions of the targets' `Ranks` and k, `USER_LIST_METRICS` and `CATALOGUE_METRICS` of the
recommended `Lists` and k; the catalogue's give one number for all users.
"""

from evaluation.metrics.accuracy import PerUser as PerUser
from evaluation.metrics.accuracy import average_precision as average_precision
from evaluation.metrics.accuracy import hit_rate as hit_rate
from evaluation.metrics.accuracy import mrr as mrr
from evaluation.metrics.accuracy import ndcg as ndcg
from evaluation.metrics.accuracy import precision as precision
from evaluation.metrics.accuracy import recall as recall
from evaluation.metrics.catalogue import coverage as coverage
from evaluation.metrics.catalogue import gini as gini
from evaluation.metrics.content import diversity as diversity
from evaluation.metrics.content import miscalibration as miscalibration
from evaluation.metrics.content import sequel_breaks as sequel_breaks
from evaluation.metrics.names import CATALOGUE_METRICS as CATALOGUE_METRICS
from evaluation.metrics.names import DEFAULT_CUTOFFS as DEFAULT_CUTOFFS
from evaluation.metrics.names import DEFAULT_METRICS as DEFAULT_METRICS
from evaluation.metrics.names import NEEDS as NEEDS
from evaluation.metrics.names import RANK_METRICS as RANK_METRICS
from evaluation.metrics.names import USER_LIST_METRICS as USER_LIST_METRICS
from evaluation.metrics.names import WITHOUT_CUTOFF as WITHOUT_CUTOFF
from evaluation.metrics.names import Metric as Metric
from evaluation.metrics.names import available as available
from evaluation.metrics.names import compute as compute
from evaluation.metrics.names import metrics_at as metrics_at
from evaluation.metrics.names import parse_cutoff as parse_cutoff
from evaluation.metrics.names import parse_cutoffs as parse_cutoffs
from evaluation.metrics.names import parse_metric as parse_metric
from evaluation.metrics.names import require_ground as require_ground
from evaluation.metrics.popularity import novelty as novelty
from evaluation.metrics.popularity import popularity as popularity
from evaluation.metrics.popularity import popularity_lift as popularity_lift
from evaluation.metrics.popularity import serendipity as serendipity
