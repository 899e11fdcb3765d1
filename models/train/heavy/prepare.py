"""What is trained on, once and for all: rows as token ids, targets, weights and splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import authored
from data import columns, read, split
from labels import Array

PREFIX = "query: "
"""e5 was trained to see it before every text."""
PREFIX_TOKENS = 3
MASK = 250_001
MAX_TOKENS = 192
"""In training, prefix and the two marks at the ends included. Longer texts lose their middle: what
is planted in a document mostly stands at one of its ends."""


@dataclass(frozen=True)
class Prepared:
    """Rows as columns. Row i's tokens are `ids[first[i]:first[i + 1]]`."""

    ids: np.ndarray
    first: np.ndarray
    source: list[str]
    target: Array
    weight: Array
    split: np.ndarray

    def tokens(self, row: int) -> np.ndarray:
        """One row's token ids."""
        return self.ids[self.first[row] : self.first[row + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Tokens by row."""
        return np.diff(self.first)


def tokenizer(path: Path, pieces: list[str]) -> Tokenizer:
    """The tokenizer at `path`, checked against the pieces that the weights came with."""
    made = Tokenizer.from_file(str(path))
    vocabulary = made.get_vocab(with_added_tokens=True)
    if len(vocabulary) != len(pieces) or any(
        vocabulary.get(piece) != number for number, piece in enumerate(pieces)
    ):
        raise ValueError(f"{path} numbers its tokens in another way than the weights")
    if pieces[MASK] != "<mask>":
        raise ValueError(f"token {MASK} is {pieces[MASK]}, not the mask")
    prefix = made.encode(PREFIX + "a", add_special_tokens=False).tokens[:PREFIX_TOKENS]
    if "".join(prefix) != "▁" + PREFIX.strip():
        raise ValueError(f"{path} cuts the prefix otherwise than into {PREFIX_TOKENS} tokens")
    made.no_padding()
    made.no_truncation()
    return made


def encode(made: Tokenizer, texts: list[str]) -> list[np.ndarray]:
    """Token ids of the whole texts, the prefix in front, a mark at each end."""
    found = made.encode_batch_fast([PREFIX + text for text in texts])
    return [np.array(one.ids, np.int32) for one in found]


def ends(ids: np.ndarray, most: int = MAX_TOKENS) -> np.ndarray:
    """At most `most` of the token ids: the first half and the last."""
    if len(ids) <= most:
        return ids
    return np.concatenate((ids[: most - most // 2], ids[len(ids) - most // 2 :]))


def prepare(data: Path, made: Tokenizer, cache: Path, seed: int) -> Prepared:
    """Reads, splits and encodes; from `cache` if that has been done for the same seed."""
    if cache.exists():
        return _load(cache, seed)
    rows = read(data, {"open"}) + authored.rows(seed)
    splits = split(rows, seed)
    table = columns(rows)
    ids = [ends(one) for one in encode(made, table.text)]
    prepared = Prepared(
        np.concatenate(ids),
        np.concatenate(([0], np.cumsum([len(one) for one in ids]))),
        table.source,
        table.target,
        table.weight,
        splits,
    )
    _save(prepared, cache, seed)
    return prepared


def _save(prepared: Prepared, cache: Path, seed: int) -> None:
    # Renamed when whole, so that a run that was killed leaves no half a cache.
    part = cache.with_suffix(".part.npz")
    np.savez(part, seed=seed, **{k: np.array(v) for k, v in vars(prepared).items()})
    part.replace(cache)


def _load(cache: Path, seed: int) -> Prepared:
    with np.load(cache) as found:
        if int(found["seed"]) != seed:
            raise ValueError(f"{cache} was made with seed {found['seed']}, not {seed}; delete it")
        parts = {name: found[name] for name in found.files if name != "seed"}
    parts["source"] = [str(name) for name in parts["source"]]
    return Prepared(**parts)
