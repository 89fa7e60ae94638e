"""Train an epoch of a recipe's network whenever a line asks for it: the PyTorch half of `beside_torch`.

Written as a user of PyTorch would write it, by `nn.LSTM` where that can do it. It is run by an interpreter of its own,
which needs PyTorch and NumPy and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class DroppingLSTM(nn.Module):  # type: ignore[misc]
    """Read a sequence with one dropout mask a text for the inputs and one for the state: `nn.LSTM` has neither.

    What enters the cells is multiplied for all timesteps at once; the state goes through a loop.
    """

    def __init__(self, n_inputs: int, n_units: int, input_dropout: float, recurrent_dropout: float) -> None:
        super().__init__()
        self.kernel = nn.Linear(n_inputs, 4 * n_units)
        self.recurrent = nn.Linear(n_units, 4 * n_units, bias=False)
        self.rates = (input_dropout, recurrent_dropout)
        self.n_units = n_units

    def forward(self, x: Any) -> tuple[Any, None]:
        n_texts, n_steps, n_inputs = x.shape
        of_input = functional.dropout(x.new_ones(n_texts, 1, n_inputs), self.rates[0], self.training)
        of_state = functional.dropout(x.new_ones(n_texts, self.n_units), self.rates[1], self.training)
        entering = self.kernel(x * of_input)
        state = memory = x.new_zeros(n_texts, self.n_units)
        states = []
        for step in range(n_steps):
            gates = entering[:, step] + self.recurrent(state * of_state)
            enter, forget, candidate, leave = gates.chunk(4, dim=1)
            memory = torch.sigmoid(forget) * memory + torch.sigmoid(enter) * torch.tanh(candidate)
            state = torch.sigmoid(leave) * torch.tanh(memory)
            states.append(state)
        return torch.stack(states, dim=1), None


class Network(nn.Module):  # type: ignore[misc]
    """Embed, perhaps convolve, read, pool and decide, as `recsys.text.network` does."""

    def __init__(self, config: dict[str, Any], n_codes: int, n_outputs: int) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(n_codes, config["dim"])
        self.embedding.weight.requires_grad = not config["freeze"]
        width = config["dim"]
        if config["conv_filters"]:
            self.convolution = nn.Conv1d(width, config["conv_filters"], config["conv_width"], padding="same")
            width = config["conv_filters"]
        readers: list[Any] = []
        rates = (config["input_dropout"], config["recurrent_dropout"])
        for units in config["units"]:
            if any(rates):
                if config["bidirectional"]:
                    sys.exit("A bidirectional cell with dropout inside is not written here.")
                readers.append(DroppingLSTM(width, units, *rates))
            else:
                readers.append(nn.LSTM(width, units, batch_first=True, bidirectional=config["bidirectional"]))
            width = units * (1 + config["bidirectional"])
        self.readers = nn.ModuleList(readers)
        width *= 2 if config["pooling"] == "max-mean" else 1
        self.dense = nn.Linear(width, config["dense"]) if config["dense"] else None
        self.logits = nn.Linear(config["dense"] or width, n_outputs)
        self.dropout = nn.Dropout(config["dropout"])

    def forward(self, codes: Any) -> Any:
        config = self.config
        lengths = (codes != 0).sum(dim=1).clamp(min=1)
        x = self.embedding(codes)
        if self.training and config["word_dropout"]:
            x = x * functional.dropout(x.new_ones(*x.shape[:2], 1), config["word_dropout"])
        if self.training and config["embedding_dropout"]:
            x = x * functional.dropout(x.new_ones(len(x), 1, x.shape[2]), config["embedding_dropout"])
        x = self.dropout(x)
        if config["conv_filters"]:
            x = torch.relu(self.convolution((x * inside(x, lengths)).transpose(1, 2)))
            x = functional.max_pool1d(x, config["conv_pool"], ceil_mode=True).transpose(1, 2)
            lengths = (lengths + config["conv_pool"] - 1) // config["conv_pool"]
        for number, reader in enumerate(self.readers):
            x = self.read(reader, x if number == 0 else self.dropout(x), lengths)
        x = self.dropout(self.pool(x, lengths))
        if self.dense is not None:
            x = self.dropout(torch.relu(self.dense(x)))
        return self.logits(x)

    def read(self, reader: Any, x: Any, lengths: Any) -> Any:
        """Return the states; reading backwards must begin at each text's own end, so that needs packing."""
        if not self.config["bidirectional"]:
            return reader(x)[0]
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(reader(packed)[0], batch_first=True)[0]

    def pool(self, states: Any, lengths: Any) -> Any:
        """Return the last state of each text (of the backward half its first), or maximum and mean of all."""
        if self.config["pooling"] == "max-mean":
            mask = inside(states, lengths)
            highest = (states * mask - 2 * (1 - mask)).amax(dim=1)
            return torch.cat([highest, (states * mask).sum(dim=1) / lengths[:, None]], dim=1)
        last = states[torch.arange(len(states)), lengths - 1]
        if not self.config["bidirectional"]:
            return last
        half = states.shape[2] // 2
        return torch.cat([last[:, :half], states[:, 0, half:]], dim=1)


def inside(x: Any, lengths: Any) -> Any:
    """Return 1 for a text's own timesteps and 0 for its padding, (texts, timesteps, 1)."""
    return (torch.arange(x.shape[1])[None, :, None] < lengths[:, None, None]).float()


def train_epoch(network: Network, optimizer: Any, batches: list[tuple[Any, Any]]) -> float:
    """Take one step a batch; returns the mean loss."""
    network.train()
    config, total = network.config, 0.0
    smoothing = config["label_smoothing"]
    for codes, targets in batches:
        logits = network(codes)
        if config["output"] == "sigmoid":
            loss = functional.binary_cross_entropy_with_logits(logits, targets * (1 - smoothing) + smoothing / 2)
        else:
            loss = functional.cross_entropy(logits, targets, label_smoothing=smoothing)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), config["clip_norm"])
        optimizer.step()
        total += loss.item()
    return total / len(batches)


def main(folder: Path) -> None:
    """Answer each line of standard input with a line of JSON."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_flush_denormal(True)  # as TensorFlow does: vanishing gradients cost PyTorch twice the time on Intel
    torch.manual_seed(0)
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    with np.load(folder / "batches.npz") as arrays:
        batches = [
            (torch.from_numpy(arrays[f"codes_{place}"]).long(), torch.from_numpy(arrays[f"labels_{place}"]))
            for place in range(task["n_batches"])
        ]
    n_outputs = 1 if task["config"]["output"] == "sigmoid" else task["n_classes"]
    network = Network(task["config"], task["n_codes"], n_outputs)
    optimizer = torch.optim.Adam(network.parameters(), lr=task["config"]["learning_rate"])
    for line in sys.stdin:
        if line.strip() == "version":
            answer: dict[str, Any] = {"version": f"PyTorch {torch.__version__}"}
        else:
            began = time.perf_counter()
            loss = train_epoch(network, optimizer, batches)
            answer = {"seconds": time.perf_counter() - began, "loss": loss}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
