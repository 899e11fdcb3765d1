"""Which rows go into which step: decided before the first step, by the seed alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sampling import epoch

WIDTHS = (12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 128, 160, 192)
"""Upper bounds of the length buckets, in tokens."""


@dataclass(frozen=True)
class Cut:
    """How rows become steps. Tokens count padding."""

    tokens: int = 1024
    """In one forward pass, at most (a single longer text passes)."""
    passes: int = 3
    """In one step; their gradients are added. They come from different buckets."""


Step = list[np.ndarray]
"""Positions of the rows of each pass."""


def schedule(
    sources: list[str], lengths: np.ndarray, rows: np.ndarray, steps: int, cut: Cut, seed: int
) -> list[Step]:
    """The first `steps` steps over `rows`, one drawn epoch after the other."""
    passes: list[np.ndarray] = []
    turn = 0
    chosen_sources = [sources[int(row)] for row in rows]
    while len(passes) < steps * cut.passes:
        rng = np.random.default_rng([seed, turn])
        passes += _epoch(rows[epoch(chosen_sources, rng)], lengths, cut, rng)
        turn += 1
    return [passes[i * cut.passes : (i + 1) * cut.passes] for i in range(steps)]


def _epoch(
    drawn: np.ndarray, lengths: np.ndarray, cut: Cut, rng: np.random.Generator
) -> list[np.ndarray]:
    drawn = rng.permutation(drawn)
    bucket = np.searchsorted(WIDTHS, lengths[drawn])
    made: list[np.ndarray] = []
    for number in np.unique(bucket):
        made += groups(drawn[bucket == number], lengths, cut.tokens)
    return [made[int(i)] for i in rng.permutation(len(made))]


def groups(rows: np.ndarray, lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Cuts `rows`, in their order, into groups of at most `budget` padded tokens."""
    made: list[np.ndarray] = []
    start, widest = 0, 0
    for at, row in enumerate(rows):
        widest_now = max(widest, int(lengths[row]))
        if at > start and widest_now * (at + 1 - start) > budget:
            made.append(rows[start:at])
            start, widest_now = at, int(lengths[row])
        widest = widest_now
    if start < len(rows):
        made.append(rows[start:])
    return made
