"""A look at a sample of dev-fit while training goes on."""

from __future__ import annotations

import numpy as np
import torch

from heavy.batching import groups
from heavy.encoder import Encoder, padded
from heavy.prepare import Prepared
from labels import CATEGORIES, Array
from metrics import auprc

A_CLASS = 60
"""Rows drawn for each category, for each of positive and negative."""
ANY_ROWS = 400
"""Rows drawn whatever they are."""
FEWEST = 8
"""Positives, below which a figure says nothing."""
TOKENS = 2048
"""A pass, padding included."""


def logits(encoder: Encoder, texts: list[np.ndarray]) -> Array:
    """Of all texts, in their order; in f32, without dropout."""
    lengths = np.array([len(text) for text in texts])
    order = np.argsort(lengths, kind="stable")
    out = np.zeros((len(texts), encoder.head.out_features), np.float32)
    encoder.eval()
    with torch.inference_mode():
        for group in groups(order, lengths, TOKENS):
            out[group] = encoder(*padded([texts[int(row)] for row in group])).numpy()
    return out


class Watch:
    """The sample, and the figure on it."""

    def __init__(self, rows: Prepared, seed: int) -> None:
        """Draws the sample, by the seed."""
        rng = np.random.default_rng([seed, 1_000_000])
        dev = np.flatnonzero(rows.split == 1)
        drawn = [rng.choice(dev, min(ANY_ROWS, len(dev)), replace=False)]
        for index in range(len(CATEGORIES)):
            known = rows.weight[dev, index] >= 1
            for value in (0, 1):
                of = dev[known & (rows.target[dev, index] == value)]
                drawn.append(rng.choice(of, min(A_CLASS, len(of)), replace=False))
        at = np.unique(np.concatenate(drawn))
        self.texts = [rows.tokens(int(row)) for row in at]
        self.target, self.known = rows.target[at] > 0, rows.weight[at] >= 1

    def __call__(self, encoder: Encoder) -> tuple[float, dict[str, float]]:
        """The mean over categories of the area under precision and recall, and each."""
        scores = logits(encoder, self.texts)
        each = {}
        for index, name in enumerate(CATEGORIES):
            known = self.known[:, index]
            positive = self.target[known, index]
            if positive.sum() >= FEWEST and (~positive).sum() >= FEWEST:
                each[name] = round(auprc(scores[known, index], positive), 4)
        return round(float(np.mean(list(each.values()))), 4), each
