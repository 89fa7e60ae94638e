"""Hold out events for validation and test: by the last, at random, at one point in time, or by person."""

from recsys.dataset.split.leave_out import hold_out_earlier, leave_last_out, random_holdout
from recsys.dataset.split.parts import Holdout, Split
from recsys.dataset.split.people import unseen_users
from recsys.dataset.split.plan import SplitPlan, split_dataset
from recsys.dataset.split.time import global_time

__all__ = [
    "Holdout",
    "Split",
    "SplitPlan",
    "global_time",
    "hold_out_earlier",
    "leave_last_out",
    "random_holdout",
    "split_dataset",
    "unseen_users",
]
