"""Vectors of words, made for training: the list, and what the large model says of each word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from labels import Array

DIMENSIONS = 128
"""Principal components that are kept."""
COMMON = 2000
"""Rows with a word beyond which it counts no more for where the middle is."""
RIDGE = 1e-3
"""Of the largest variance: keeps small components from being blown up."""


@dataclass(frozen=True)
class WordVectors:
    """Words in the order of their rows, and a vector for each."""

    words: list[str]
    vectors: Array

    def write(self, path: Path) -> None:
        """A NumPy archive."""
        np.savez(path, words=np.array(self.words), vectors=self.vectors.astype(np.float16))

    @staticmethod
    def read(path: Path) -> WordVectors:
        """What `write` wrote."""
        with np.load(path) as found:
            return WordVectors(found["words"].tolist(), found["vectors"].astype(np.float32))

    def spread(self, bag: sp.csr_matrix) -> Array:
        """The vectors as training uses them; `bag` has the words of its rows.

        Of length 1, centred on what training rows use, principal components scaled to be alike
        (Arora et al. 2017 remove the first ones for the same reason), and common words shortened
        by their inverse document frequency.
        """
        rows = bag.shape[0]
        frequency = np.asarray((bag > 0).sum(axis=0)).ravel()
        weight = np.minimum(frequency + 1, COMMON).astype(np.float32)
        vectors = self.vectors / (np.linalg.norm(self.vectors, axis=1, keepdims=True) + 1e-6)
        vectors -= np.average(vectors, axis=0, weights=weight)
        covariance = (vectors * weight[:, None]).T @ vectors / weight.sum()
        variance, axes = np.linalg.eigh(covariance)
        variance, axes = variance[::-1][:DIMENSIONS], axes[:, ::-1][:, :DIMENSIONS]
        spread = (vectors @ axes) / np.sqrt(variance + RIDGE * variance[0])
        rarity = np.log((rows + 1) / (frequency + 1))
        made: Array = (spread * (rarity / rarity.max())[:, None]).astype(np.float32)
        return made
