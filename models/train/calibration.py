"""Calibration and suggested thresholds, all on dev-fit."""

from __future__ import annotations

import numpy as np

from data import Rows
from export import Calibration
from labels import ANY, CATEGORIES, OUTPUTS, PII, Array
from metrics import cut
from support import Support

WARN_RATE = 0.01
BLOCK_RATE = 0.003
"""Most harmless texts that a category's suggested threshold may flag."""

LOWEST_WARN = 0.1
"""A category that is hardly ever wrong would otherwise warn at probabilities that mean no."""
LOWEST_BLOCK = 0.3

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Tried for the any-harm output's part in the any-harm probability."""


def calibrate(support: Support, logits: Array, rows: Rows) -> Calibration:
    """Fits each category, then any harm on top."""
    pairs = {}
    for index, category in enumerate(CATEGORIES):
        known = rows.weight[:, index] >= 1
        pairs[category] = support.platt(logits[known, index], rows.target[known, index] > 0)
    strongest = strongest_logit(logits, pairs)
    known = rows.weight[:, ANY] >= 1
    positive = rows.target[known, ANY] > 0
    fits = []
    for share in SHARES:
        mixed = share * logits[known, ANY] + (1 - share) * strongest[known]
        a, b = support.platt(mixed, positive)
        z = a * mixed + b
        fits.append((float((np.logaddexp(0, z) - positive * z).mean()), share, (a, b)))
    _, share, pair = min(fits)
    return Calibration(pairs, share, pair)


def strongest_logit(logits: Array, pairs: dict[str, tuple[float, float]]) -> Array:
    """The highest calibrated logit among the harm categories."""
    columns = [
        pairs[category][0] * logits[:, index] + pairs[category][1]
        for index, category in enumerate(CATEGORIES)
        if index != PII
    ]
    return np.max(columns, axis=0)


def probabilities(logits: Array, calibration: Calibration) -> Array:
    """Calibrated probabilities by output, as inference computes them."""
    out = np.empty_like(logits)
    for index, category in enumerate(CATEGORIES):
        a, b = calibration.categories[category]
        out[:, index] = 1 / (1 + np.exp(-(a * logits[:, index] + b)))
    share, (a, b) = calibration.head_share, calibration.any_harm
    mixed = share * logits[:, ANY] + (1 - share) * strongest_logit(logits, calibration.categories)
    out[:, ANY] = 1 / (1 + np.exp(-(a * mixed + b)))
    return out


def thresholds(probability: Array, rows: Rows) -> dict[str, dict[str, float]]:
    """By output, where to warn and where to block."""
    made = {}
    for index, name in enumerate(OUTPUTS):
        # Harmless rows; for personal data also those that were searched for it.
        harmless = (rows.weight[:, index] > 0) & (rows.target[:, index] == 0) & rows.benign
        scores = probability[harmless, index]
        warn = max(LOWEST_WARN, cut(scores, WARN_RATE))
        block = max(LOWEST_BLOCK, cut(scores, BLOCK_RATE))
        # Rounded up: "at or above" must not let the boundary row back in.
        made[name] = {"warn": _up(warn), "block": _up(max(warn, block))}
    return made


def _up(value: float) -> float:
    return min(0.999, float(np.ceil(value * 1000) / 1000 + 0.001))
