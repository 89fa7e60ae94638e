"""Compute the case's metrics by RecTools, one value a user, and write `rectools.json`.

RecTools 0.19 needs NumPy 1 and pandas 2 on Python 3.11, so it has an environment of its own:

    python -m venv /tmp/rectools && /tmp/rectools/bin/pip install RecTools==0.19.0 polars
    PYTHONPATH=. /tmp/rectools/bin/python tests/evaluation/metrics/rectools_values.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_name("rectools.json")


def main() -> None:
    """Write the file."""
    import pandas as pd
    from rectools import metrics

    from tests.evaluation.metrics.cases import CUTOFFS, N_TITLES, make_case

    class Cosine(metrics.PairwiseDistanceCalculator):
        """1 - cosine: RecTools comes with Hamming distances only."""

        def _get_distances_for_item_pairs(self, items_0, items_1):
            a, b = case.features[items_0].astype(float), case.features[items_1].astype(float)
            return 1 - (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))

    case = make_case()
    users, places = np.nonzero(case.lists)
    reco = pd.DataFrame({"user_id": users, "item_id": case.lists[users, places], "rank": places + 1})
    truth = pd.DataFrame({"user_id": case.targets.rows, "item_id": case.targets.items})
    before = pd.DataFrame({"user_id": case.train.rows, "item_id": case.train.items})
    catalogue = list(range(2, N_TITLES + 2))
    history = pd.DataFrame({"user_id": case.inputs.rows, "item_id": case.inputs.items, "rank": 1})
    values = {"watchers_of_history": metrics.AvgRecPopularity(1).calc_per_user(history, before)}
    for k in CUTOFFS:
        accuracy = {
            "recall": metrics.Recall(k),
            "precision": metrics.Precision(k),
            "hit_rate": metrics.HitRate(k),
            "ndcg": metrics.NDCG(k, divide_by_achievable=True),
            "mrr": metrics.MRR(k),
            "map_by_k": metrics.MAP(k, divide_by_k=True),
            "map_by_targets": metrics.MAP(k),
        }
        for name, metric in accuracy.items():
            values[f"{name}@{k}"] = metric.calc_per_user(reco, truth)
        values[f"novelty@{k}"] = metrics.MeanInvUserFreq(k).calc_per_user(reco, before)
        values[f"watchers@{k}"] = metrics.AvgRecPopularity(k).calc_per_user(reco, before)
        values[f"serendipity@{k}"] = metrics.Serendipity(k).calc_per_user(reco, truth, before, catalogue)
        values[f"coverage@{k}"] = metrics.CatalogCoverage(k, normalize=True).calc(reco, catalogue)
        if k <= 10:
            values[f"diversity@{k}"] = metrics.IntraListDiversity(k, Cosine()).calc_per_user(reco)
    rounded = {name: np.round(found, 9).sort_index().tolist() for name, found in values.items() if np.ndim(found)}
    rounded |= {name: round(found, 9) for name, found in values.items() if not np.ndim(found)}
    lines = [f'  "{name}": {json.dumps(found)}' for name, found in rounded.items()]
    about = json.dumps(f"RecTools {version('RecTools')}, one value a user of cases.make_case()")
    PATH.write_text("{\n" + ",\n".join([f'  "about": {about}', *lines]) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
