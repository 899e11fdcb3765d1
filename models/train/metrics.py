"""Figures of merit, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labels import Array

RESAMPLES = 200
FALSE_POSITIVE_RATE = 0.005
"""At which recall is reported."""


@dataclass(frozen=True)
class Figures:
    """What is said of one output on one set."""

    positives: int
    negatives: int
    auroc: float
    auprc: float
    recall: float

    @staticmethod
    def of(score: Array, positive: np.ndarray) -> Figures:
        """Of scores and truths; both classes must be there."""
        return Figures(
            int(positive.sum()),
            int((~positive).sum()),
            auroc(score, positive),
            auprc(score, positive),
            recall(score, positive),
        )


def auroc(score: Array, positive: np.ndarray) -> float:
    """Probability that a positive scores above a negative; ties count half."""
    values, places = np.unique(score, return_inverse=True)
    ups = np.bincount(places[positive], minlength=len(values))
    downs = np.bincount(places[~positive], minlength=len(values))
    below = np.cumsum(downs) - downs
    return float((ups * (below + downs / 2)).sum() / (ups.sum() * downs.sum()))


def auprc(score: Array, positive: np.ndarray) -> float:
    """Average precision."""
    order = np.argsort(-score, kind="stable")
    hits = positive[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


def recall(score: Array, positive: np.ndarray, rate: float = FALSE_POSITIVE_RATE) -> float:
    """Share of positives above the threshold that lets through `rate` of the negatives."""
    return float((score[positive] > cut(score[~positive], rate)).mean())


def cut(negatives: Array, rate: float) -> float:
    """The lowest score that at most `rate` of the negatives are above."""
    ordered = np.sort(negatives)[::-1]
    return float(ordered[min(int(rate * len(ordered)), len(ordered) - 1)])


def report(score: Array, positive: np.ndarray, seed: int) -> dict[str, object]:
    """Figures with 95 % bootstrap intervals, positives and negatives drawn apart."""
    point = Figures.of(score, positive)
    rng = np.random.default_rng(seed)
    ups, downs = np.flatnonzero(positive), np.flatnonzero(~positive)
    draws = []
    for _ in range(RESAMPLES):
        at = np.concatenate((rng.choice(ups, len(ups)), rng.choice(downs, len(downs))))
        drawn = Figures.of(score[at], positive[at])
        draws.append((drawn.auroc, drawn.auprc, drawn.recall))
    low, high = np.percentile(np.array(draws), [2.5, 97.5], axis=0)
    names = ("auroc", "auprc", "recall_at_0.5%_fpr")
    values = (point.auroc, point.auprc, point.recall)
    made: dict[str, object] = {"positives": point.positives, "negatives": point.negatives}
    for name, value, lower, upper in zip(names, values, low, high, strict=True):
        made[name] = [round(float(x), 4) for x in (value, lower, upper)]
    return made
