"""What is shipped: matrices in 8 bits, one scale a row; no word embeddings, which the base has."""

from __future__ import annotations

import numpy as np

from labels import Array

Tensors = dict[str, np.ndarray]

WORDS = "embeddings.word_embeddings.weight"
KEPT = ("embeddings.", "head.")
"""Small or touchy: stay f32."""


def quantise(tensors: dict[str, Array]) -> Tensors:
    """From BERT's names: `X.weight` becomes i8 with `X.scale` (f32, one a row), the rest stays.

    A weight is its integer, -127 to 127, times its row's scale.
    """
    made: Tensors = {}
    for name, value in tensors.items():
        if name == WORDS:
            continue
        if value.ndim != 2 or name.startswith(KEPT):
            made[name] = value
            continue
        limit = np.abs(value).max(axis=1)
        scale = np.where(limit > 0, limit / 127, 1).astype(np.float32)
        made[name] = np.clip(np.rint(value / scale[:, None]), -127, 127).astype(np.int8)
        made[name.removesuffix("weight") + "scale"] = scale
    return made


def floats(quantised: Tensors, words: Array) -> dict[str, Array]:
    """What the integers stand for, with the word embeddings put back."""
    made: dict[str, Array] = {WORDS: words}
    for name, value in quantised.items():
        if name.endswith(".scale"):
            continue
        if value.dtype == np.int8:
            scale = quantised[name.removesuffix("weight") + "scale"]
            value = value.astype(np.float32) * scale[:, None]
        made[name] = value
    return made
