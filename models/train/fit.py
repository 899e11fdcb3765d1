"""The training loop."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import numpy as np

from data import Rows, batches
from labels import Array
from network import Adam, Network, Regularisation, gradients
from sampling import epoch, positive_weights
from support import Settings, Windows


@dataclass(frozen=True)
class Recipe:
    """Everything that was chosen."""

    settings: Settings = field(default_factory=lambda: Settings(bucket_bits=17))
    hidden: int = 31
    epochs: int = 6
    batch: int = 512
    rate: float = 3e-3
    regularisation: Regularisation = field(default_factory=Regularisation)
    seed: int = 7


def fit(recipe: Recipe, rows: Rows, windows: Windows, train: np.ndarray) -> Network:
    """Trains on the rows at `train`."""
    rng = np.random.default_rng(recipe.seed)
    network = Network.fresh(recipe.settings.constant, recipe.hidden, rng)
    adam = Adam([network.table, network.output, network.bias], recipe.regularisation.decay)
    sources = [rows.source[int(i)] for i in train]
    more = positive_weights(rows.target[train], rows.weight[train])
    for turn in range(recipe.epochs):
        chosen = train[epoch(sources, rng)]
        losses = []
        groups = list(batches(len(chosen), recipe.batch, rng))
        for number, group in enumerate(groups):
            at = chosen[group]
            matrix, starts = windows.pick(at)
            target = rows.target[at]
            weight: Array = rows.weight[at] * np.where(target > 0, more, 1).astype(np.float32)
            loss, gradient = gradients(
                network, matrix, starts, target, weight, recipe.regularisation, rng
            )
            left = 1 - (turn + number / len(groups)) / recipe.epochs
            adam.step(gradient, recipe.rate * left)
            losses.append(loss)
        print(f"epoch {turn + 1}: loss {np.mean(losses):.4f}", file=sys.stderr, flush=True)
    return network
