"""Run every check on a data set and a split of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from evaluation.audit.content import check_content
from evaluation.audit.drift import check_drift
from evaluation.audit.findings import Audit, Finding, Severity
from evaluation.audit.order import check_order
from evaluation.audit.sequence import check_sequence
from evaluation.audit.split import check_split
from recsys.dataset.prepared import Dataset
from recsys.dataset.split import SplitPlan, split_dataset
from recsys.errors import InputError


def audit(
    data: Dataset,
    plan: SplitPlan | str | None = None,
    *,
    probes: Sequence[str] = ("markov", "lstm"),
    seed: int = 0,
    progress: bool = False,
) -> Audit:
    """Look at a data set before anyone trains: its order, its content, and what a split of it leaves and leaks.

    Without a plan the split is the one that `split_dataset` makes, and data that cannot be split so is a finding.
    `probes` are the models of the shuffle test ("markov", "lstm"); the LSTM takes up to a minute.

    Raises InputError for data without events, an unknown probe, and a given plan that cannot be carried out.
    """
    if data.histories.n_events == 0:
        raise InputError(f"{data.name} has no events.", "Prepare data with at least one event.")
    split = None
    try:
        split = split_dataset(data, SplitPlan(seed=seed) if plan is None else plan)
    except InputError as error:
        if plan is not None:
            raise
        refusal = Finding("split", "parts", Severity.WARNING, "cannot be split", error.message, error.hint)
    with _telling(progress) as tell:
        tell("Looking at the order")
        order, order_series, verdict = check_order(data, seed)
        sequence, sequence_series = check_sequence(data, verdict, probes, seed=seed, tell=tell)
        tell("Looking at the content")
        content, content_series = check_content(data)
        drift, drift_series = check_drift(data, seed)
        tell("Looking at the split")
        parts, split_series = ([refusal], {}) if split is None else check_split(data, split)
    return Audit(
        data=data.name,
        facts={
            "users": data.histories.n_users,
            "titles": len(data.items),
            "events": data.histories.n_events,
            "order": str(data.order),
            "synthetic": bool(data.card.get("synthetic", False)),
            "split_sha256": None if split is None else split.sha256,
        },
        split=None if split is None else split.protocol,
        seed=seed,
        findings=(*order, *sequence, *content, *drift, *parts),
        series={**order_series, **sequence_series, **content_series, **drift_series, **split_series},
    )


@contextmanager
def _telling(progress: bool) -> Iterator[Callable[[str], None]]:
    """Give a function that says on stderr what is being done, or that says nothing."""
    if not progress:
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda text: status.update(f"{text} …")
