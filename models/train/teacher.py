"""What the heavy model teaches the fast one: its probabilities, as targets beside the labels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labels import OUTPUTS, Array


@dataclass(frozen=True)
class Teacher:
    """The heavy model's word on the rows, in their order.

    `probabilities` are calibrated, of all outputs, and NaN for rows that it was not asked about.
    `texts` is the hash of the rows' texts, `sha256` that of the model's weights.
    """

    name: str
    sha256: str
    texts: str
    probabilities: Array

    def write(self, path: Path) -> None:
        """Renamed when whole."""
        part = path.with_suffix(".part.npz")
        np.savez(
            part,
            name=np.array(self.name),
            sha256=np.array(self.sha256),
            texts=np.array(self.texts),
            probabilities=self.probabilities,
        )
        part.replace(path)

    @staticmethod
    def read(path: Path, texts: list[str]) -> Teacher:
        """Ends the program if it was made of other rows than those of `texts`."""
        with np.load(path) as found:
            made = Teacher(
                str(found["name"]),
                str(found["sha256"]),
                str(found["texts"]),
                found["probabilities"],
            )
        if made.texts != hashed(texts) or made.probabilities.shape != (len(texts), len(OUTPUTS)):
            raise SystemExit(f"{path} was made of other rows; make it again with teach.py")
        return made


def hashed(texts: list[str]) -> str:
    """SHA-256 of the texts in their order; where one ends and the next begins counts."""
    made = hashlib.sha256()
    for text in texts:
        data = text.encode()
        made.update(len(data).to_bytes(8, "little"))
        made.update(data)
    return made.hexdigest()


def mixed(target: Array, weight: Array, taught: Array, share: Array) -> tuple[Array, Array]:
    """Target and weight whose cross-entropy is that of the labels and of the teacher, added up.

    It is linear in its target, so two of them, weighed `weight` and `share`, are one. A teacher's
    NaN counts nothing. Where both weights are 0 the target is 0.
    """
    silent = np.isnan(taught)
    share, taught = np.where(silent, 0, share), np.where(silent, 0, taught)
    total = weight + share
    both = weight * target + share * taught
    return np.divide(both, total, out=np.zeros_like(both), where=total > 0), total
