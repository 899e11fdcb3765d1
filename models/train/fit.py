"""The training loop."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import numpy as np

from data import Rows, batches
from labels import Array
from network import Adam, Learnt, Network, Regularisation, gradients
from sampling import epoch, positive_weights
from support import Settings, Windows
from teacher import mixed


@dataclass(frozen=True)
class Recipe:
    """Everything that was chosen.

    `teach_known` and `teach_unknown` weigh the teacher beside a label of weight 1 and where there
    is no label: there it has most to add.
    """

    settings: Settings = field(default_factory=lambda: Settings(bucket_bits=17))
    hidden: int = 63
    epochs: int = 8
    batch: int = 512
    rate: float = 3e-3
    projection_pace: float = 3.0
    projection_decay: float = 0.01
    regularisation: Regularisation = field(default_factory=Regularisation)
    seed: int = 7
    teach_known: float = 0.5
    teach_unknown: float = 1.0


def fit(
    recipe: Recipe,
    rows: Rows,
    windows: Windows,
    vectors: Array,
    train: np.ndarray,
    taught: Array | None = None,
) -> Network:
    """Trains on the rows at `train`.

    `vectors` are those of the words of `windows`; `taught` has a teacher's probabilities of all
    rows.
    """
    rng = np.random.default_rng(recipe.seed)
    network = Network.fresh(recipe.settings.constant, vectors.shape[1], recipe.hidden, rng)
    decay = recipe.regularisation.decay
    adam = Adam(
        [
            Learnt(network.table, decay),
            Learnt(network.projection, recipe.projection_decay, recipe.projection_pace),
            Learnt(network.output, decay),
            Learnt(network.bias, decay),
        ]
    )
    meaning = windows.words @ vectors
    sources = [rows.source[int(i)] for i in train]
    more = positive_weights(rows.target[train], rows.weight[train])
    for turn in range(recipe.epochs):
        chosen = train[epoch(sources, rng)]
        losses = []
        groups = list(batches(len(chosen), recipe.batch, rng))
        for number, group in enumerate(groups):
            at = chosen[group]
            places, starts = windows.pick(at)
            target, weight = labelled(recipe, rows, at, more)
            if taught is not None:
                share = teaching(recipe, rows.weight[at])
                target, weight = mixed(target, weight, taught[at], share)
            loss, gradient = gradients(
                network,
                windows.grams[places],
                meaning[places],
                starts,
                target,
                weight,
                recipe.regularisation,
                rng,
            )
            left = 1 - (turn + number / len(groups)) / recipe.epochs
            adam.step(gradient, recipe.rate * left)
            losses.append(loss)
        print(f"epoch {turn + 1}: loss {np.mean(losses):.4f}", file=sys.stderr, flush=True)
    return network


def labelled(recipe: Recipe, rows: Rows, at: np.ndarray, more: Array) -> tuple[Array, Array]:
    """What labels say of the rows at `at`: smoothed targets, and weights with `more` for positives.

    Smoothed here, as only labels are: a teacher's probability says itself how sure it is.
    """
    smoothing = recipe.regularisation.label_smoothing
    target = rows.target[at]
    weight: Array = rows.weight[at] * np.where(target > 0, more, 1).astype(np.float32)
    return target * (1 - 2 * smoothing) + smoothing, weight


def teaching(recipe: Recipe, weight: Array) -> Array:
    """The teacher's weight by that of the label, 0 to 1; a weak label is between."""
    return recipe.teach_unknown + (recipe.teach_known - recipe.teach_unknown) * weight
