"""The network: a table of feature vectors, weighted sum, ReLU, linear outputs, highest window wins.

A word's row of the table is a projection of its vector: words that training has not seen have
one as well. Gradients are written out; at this size that is faster than a framework and easier
to rebuild.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from labels import OUTPUTS, Array


@dataclass
class Network:
    """Parameters. The last row of `table` is the bias of the hidden units."""

    table: Array
    projection: Array
    output: Array
    bias: Array

    @staticmethod
    def fresh(buckets: int, dimensions: int, hidden: int, rng: np.random.Generator) -> Network:
        """Small random weights."""
        table = rng.normal(0, 0.1, (buckets + 1, hidden)).astype(np.float32)
        table[-1] = 0.1
        output = rng.normal(0, hidden**-0.5, (hidden, len(OUTPUTS))).astype(np.float32)
        projection = rng.normal(0, 0.1, (dimensions, hidden)).astype(np.float32)
        return Network(table, projection, output, np.zeros(len(OUTPUTS), np.float32))


@dataclass(frozen=True)
class Regularisation:
    """What keeps the network from learning rows by heart."""

    feature_dropout: float = 0.3
    word_dropout: float = 0.1
    hidden_dropout: float = 0.1
    decay: float = 0.3
    label_smoothing: float = 0.02


def gradients(
    network: Network,
    grams: sp.csr_matrix,
    meaning: Array,
    starts: np.ndarray,
    target: Array,
    weight: Array,
    rules: Regularisation,
    rng: np.random.Generator,
) -> tuple[float, list[Array]]:
    """Mean weighted cross-entropy of some rows with `target`, 0 to 1, and its gradients.

    `meaning` has the sum of the word vectors of each window; some windows do without.
    """
    kept = rng.random(len(grams.data), np.float32) >= rules.feature_dropout
    dropped = sp.csr_matrix(
        (grams.data * kept / np.float32(1 - rules.feature_dropout), grams.indices, grams.indptr),
        shape=grams.shape,
    )
    meaning = meaning * (rng.random((len(meaning), 1), np.float32) >= rules.word_dropout)
    before = dropped @ network.table + meaning @ network.projection
    mask = (rng.random(before.shape, np.float32) >= rules.hidden_dropout) / np.float32(
        1 - rules.hidden_dropout
    )
    hidden = np.maximum(before, 0) * mask
    windows = hidden @ network.output + network.bias
    logits = np.maximum.reduceat(windows, starts, axis=0)

    probability = 1 / (1 + np.exp(-logits))
    scale = np.float32(1 / len(starts))
    loss = float((weight * (np.logaddexp(0, logits) - target * logits)).sum() * scale)
    slope = weight * (probability - target) * scale

    # Only the highest window of each row and output gets the slope.
    row_of = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(windows))))
    highest = windows == logits[row_of]
    shares = highest / np.add.reduceat(highest.astype(np.float32), starts, axis=0)[row_of]
    d_windows = (slope[row_of] * shares).astype(np.float32)

    d_output = hidden.T @ d_windows
    d_hidden = (d_windows @ network.output.T) * mask * (before > 0)
    d_table = (dropped.T @ d_hidden).astype(np.float32)
    d_projection = (meaning.T @ d_hidden).astype(np.float32)
    return loss, [d_table, d_projection, d_output, d_windows.sum(axis=0)]


@dataclass(frozen=True)
class Learnt:
    """A parameter, its decay, and its rate beside that of the others."""

    values: Array
    decay: float
    pace: float = 1.0


class Adam:
    """Adam with decoupled decay (Loshchilov and Hutter 2019)."""

    def __init__(self, parameters: list[Learnt]) -> None:
        """Starts with no momentum."""
        self.parameters = parameters
        self.mean = [np.zeros_like(p.values) for p in parameters]
        self.square = [np.zeros_like(p.values) for p in parameters]
        self.steps = 0

    def step(self, gradient: list[Array], rate: float) -> None:
        """Changes the parameters in place."""
        self.steps += 1
        fix_mean, fix_square = 1 - 0.9**self.steps, 1 - 0.999**self.steps
        for p, g, m, s in zip(self.parameters, gradient, self.mean, self.square, strict=True):
            m *= 0.9
            m += 0.1 * g
            s *= 0.999
            s += 0.001 * g * g
            change = m / fix_mean / (np.sqrt(s / fix_square) + 1e-8) + p.decay * p.values
            p.values[...] -= rate * p.pace * change
