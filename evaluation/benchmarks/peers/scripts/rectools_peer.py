"""RecTools' SASRec and BERT4Rec: fitted on the train part, served with the histories of the test users.

Source: https://rectools.readthedocs.io/en/stable/examples/tutorials/transformers_tutorial.html
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .road import TOP, Events, Training, begin, finish, ndcg, timed


def main() -> None:
    """Fit, rank, write."""
    # every batch has another number of targets, and oneDNN keeps the code of 1,024 shapes: gigabytes in bfloat16
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8")
    import torch
    from pytorch_lightning import Trainer, seed_everything
    from rectools.models import BERT4RecModel, SASRecModel

    task, versions = begin(["rectools", "torch", "pytorch-lightning", "numpy"])
    settings = task.settings
    torch.set_num_threads(settings["threads"])
    seed_everything(task.seed, verbose=False)

    def trainer() -> Any:
        quiet = ("enable_progress_bar", "enable_model_summary", "enable_checkpointing", "logger")
        return Trainer(max_epochs=1, accelerator="cpu", precision=settings["precision"], **dict.fromkeys(quiet, False))

    names = ("n_blocks", "n_heads", "n_factors", "dropout_rate", "session_max_len", "loss", "lr", "batch_size")
    chosen = {name: settings[name] for name in (*names, "mask_prob") if name in settings}
    model = (SASRecModel if settings["model"] == "sasrec" else BERT4RecModel)(
        **chosen,
        get_trainer_func=trainer,
        lightning_module_type=narrow_softmax(),
    )
    train = dataset_of(task.train)
    inputs, targets = task.validation_sample(settings["validation_users"])
    validation = dataset_of(inputs)

    training = Training(
        task,
        lambda: ndcg(rank(model, validation, inputs, TOP), targets),
        lambda: model.torch_model.state_dict(),
    )
    ended = False
    while not ended:
        model.fit_partial(train, min_epochs=1, max_epochs=1)
        ended = training.ends_after(float(model.fit_trainer.callback_metrics["train_loss"]))
    model.torch_model.load_state_dict(training.best_weights)
    test = dataset_of(task.test)
    _, seconds = timed(lambda: rank(model, test, task.test, TOP))
    finish(
        task,
        rank(model, test, task.test, task.depth),
        {**training.facts(), "serve_seconds": seconds, "versions": versions},
    )


def narrow_softmax() -> Any:
    """Return RecTools' training module with its softmax loss taken only where there is a target.

    RecTools scores all titles at every place, padding and (BERT4Rec) unmasked places too, and gives those no weight.
    The loss is the same; on a CPU an epoch takes half the time, so the peer gets more epochs a minute.
    """
    from rectools.models.nn.transformers.lightning import TransformerLightningModule
    from torch.nn.functional import cross_entropy

    class NarrowSoftmax(TransformerLightningModule):  # type: ignore[misc]  # RecTools is not where types are checked
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if self.loss != "softmax":
                return super().training_step(batch, batch_idx)
            wanted = batch["y"] != 0  # (batch, session_max_len)
            items = self.torch_model.item_model.get_all_embeddings()
            states = self.torch_model.encode_sessions(batch, items)[wanted]  # (targets, n_factors)
            logits = self.torch_model.similarity_module(states, items) / self.logits_t
            losses = cross_entropy(logits, batch["y"][wanted], reduction="none") * batch["yw"][wanted]
            loss = losses.sum() / (losses > 0).to(losses.dtype).sum()
            self.log(self.train_loss_name, loss, on_step=False, on_epoch=True)
            return loss

    return NarrowSoftmax


def dataset_of(events: Events) -> Any:
    """Make a RecTools data set; places in the history stand for times, so that no tie can be reordered."""
    import pandas as pd
    from rectools.dataset import Dataset

    frame = pd.DataFrame(
        {
            "user_id": events.rows,
            "item_id": events.items,
            "weight": 1.0,
            "datetime": pd.to_datetime(events.positions, unit="s"),
        }
    )
    return Dataset.construct(frame)


def rank(model: Any, dataset: Any, events: Events, k: int) -> Any:
    """Return the top k unseen item codes of each row (n_users, k), padded with 0."""
    users = np.flatnonzero(events.lengths > 0)
    found = model.recommend(users=users, dataset=dataset, k=k, filter_viewed=True, on_unsupported_targets="ignore")
    codes = np.zeros((events.n_users, k), dtype=np.int32)
    codes[found["user_id"].to_numpy(), found["rank"].to_numpy() - 1] = found["item_id"].to_numpy()
    return codes


if __name__ == "__main__":
    main()
