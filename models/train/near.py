"""Groups near-duplicate texts: MinHash to find candidates, exact Jaccard to decide."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

SHINGLE = 5
JACCARD = 0.5
BANDS = 32
ROWS = 3
"""Texts of Jaccard 0.5 become candidates with probability 1 - (1 - 0.5^3)^32 = 98.6 %."""

PRIME = (1 << 31) - 1


def components(texts: list[str], groups: list[str | None], seed: int) -> np.ndarray:
    """For each text the position of the first text of its component."""
    shingles = [_shingles(text) for text in texts]
    parent = np.arange(len(texts))
    first: dict[str, int] = {}
    for index, group in enumerate(groups):
        if group is not None:
            _union(parent, first.setdefault(group, index), index)
    for a, b in _candidates(shingles, seed):
        if _find(parent, a) != _find(parent, b) and _jaccard(shingles[a], shingles[b]) >= JACCARD:
            _union(parent, a, b)
    return np.array([_find(parent, index) for index in range(len(texts))])


def _shingles(text: str) -> np.ndarray:
    squeezed = " ".join(text.lower().split()).encode()
    grams = {squeezed[i : i + SHINGLE] for i in range(max(1, len(squeezed) - SHINGLE + 1))}
    return np.array(sorted(zlib.crc32(gram) % PRIME for gram in grams), np.int64)


def _candidates(shingles: list[np.ndarray], seed: int) -> Iterator[tuple[int, int]]:
    flat = np.concatenate(shingles)
    starts = np.concatenate(([0], np.cumsum([len(s) for s in shingles])[:-1]))
    rng = np.random.default_rng(seed)
    for _ in range(BANDS):
        key = np.zeros(len(shingles), np.int64)
        for _ in range(ROWS):
            a, b = int(rng.integers(1, PRIME)), int(rng.integers(PRIME))
            smallest = np.minimum.reduceat((flat * a + b) % PRIME, starts)
            key = (key * 1_000_003 + smallest) % (1 << 61)
        order = np.argsort(key, kind="stable")
        same = key[order[1:]] == key[order[:-1]]
        leader = int(order[0])
        for position in np.flatnonzero(same):
            a, b = int(order[position]), int(order[position + 1])
            if position == 0 or not same[position - 1]:
                leader = a
            yield a, b
            if leader != a:
                yield leader, b


def _jaccard(a: np.ndarray, b: np.ndarray) -> float:
    shared = len(np.intersect1d(a, b, assume_unique=False))
    return shared / (len(a) + len(b) - shared)


def _find(parent: np.ndarray, index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = int(parent[index])
    return index


def _union(parent: np.ndarray, a: int, b: int) -> None:
    """The lower position leads."""
    low, high = sorted((_find(parent, a), _find(parent, b)))
    parent[high] = low
