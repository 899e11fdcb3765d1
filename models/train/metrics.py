"""Figures of merit, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from labels import Array

RESAMPLES = 200
FALSE_POSITIVE_RATE = 0.005
"""At which recall is reported."""
NAMES = ("auroc", "auprc", "recall_at_0.5%_fpr")


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

    @property
    def values(self) -> Array:
        """In the order of `NAMES`."""
        return np.array([self.auroc, self.auprc, self.recall])


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
    """Figures with 95 % bootstrap intervals."""
    point = Figures.of(score, positive)
    draws = [Figures.of(score[at], positive[at]).values for at in _resamples(positive, seed)]
    counts = {"positives": point.positives, "negatives": point.negatives}
    return counts | _intervals(point.values, draws)


def difference(score: Array, other: Array, positive: np.ndarray, seed: int) -> dict[str, object]:
    """Figures of `score` less those of `other`, with 95 % paired bootstrap intervals.

    Paired: both are measured on the same draws, so what makes a draw hard for both falls out.
    """

    def apart(at: np.ndarray) -> Array:
        ours, theirs = Figures.of(score[at], positive[at]), Figures.of(other[at], positive[at])
        return ours.values - theirs.values

    everything = np.arange(len(positive))
    return _intervals(apart(everything), [apart(at) for at in _resamples(positive, seed)])


def _resamples(positive: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Positions, positives and negatives drawn apart."""
    rng = np.random.default_rng(seed)
    ups, downs = np.flatnonzero(positive), np.flatnonzero(~positive)
    for _ in range(RESAMPLES):
        yield np.concatenate((rng.choice(ups, len(ups)), rng.choice(downs, len(downs))))


def _intervals(point: Array, draws: list[Array]) -> dict[str, object]:
    """By name: the value and its bounds."""
    low, high = np.percentile(np.array(draws), [2.5, 97.5], axis=0)
    return {
        name: [round(float(x), 4) for x in values]
        for name, *values in zip(NAMES, point, low, high, strict=True)
    }
