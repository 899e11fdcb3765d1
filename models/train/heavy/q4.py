"""Reads multilingual-e5-small out of `e5-small-q4.bin` (format E5S1), which `scripts/e5` fetches.

Layout, little endian: magic, seven sizes, epsilon and block length, the tokenizer's pieces, notes,
a directory of tensors, their data. Matrices are Q4_0: blocks of 32 values as one f16 scale and 16
bytes, low nibbles first, each nibble 8 too high. The rest is f32.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from labels import Array

MAGIC = b"E5S1\x01\x00\x00\x00"
BLOCK = 32
BLOCK_BYTES = 2 + BLOCK // 2
MAX_TENSORS = 10_000


@dataclass(frozen=True)
class Sizes:
    """The network's, as the file's head has them."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int


@dataclass(frozen=True)
class Base:
    """The network to start from: `tensors` under BERT's names, f32; `pieces` by token id."""

    sizes: Sizes
    pieces: list[str]
    tensors: dict[str, Array]


class Malformed(ValueError):
    """The file is not what its format says."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise Malformed(f"ends at byte {len(self.data)}, inside a field at byte {self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))


class _Tensors:
    """The directory, and the data that it points to."""

    def __init__(self, reader: _Reader) -> None:
        (count,) = reader.numbers("<i")
        if not 0 < count <= MAX_TENSORS:
            raise Malformed(f"says that it has {count} tensors")
        self.data = reader.data
        self.entries: dict[str, tuple[int, int, int]] = {}
        for _ in range(count):
            (length,) = reader.numbers("<H")
            name = reader.take(length).decode()
            reader.take(1)  # The kind of number: the byte count says as much.
            values, offset, size = reader.numbers("<IQQ")
            if offset + size > len(self.data):
                raise Malformed(f"tensor {name} lies beyond the end")
            self.entries[name] = (values, offset, size)

    def _raw(self, name: str, values: int, size: int) -> tuple[int, int]:
        if name not in self.entries:
            raise Malformed(f"has no tensor {name}")
        found, offset, found_size = self.entries[name]
        if (found, found_size) != (values, size):
            raise Malformed(
                f"tensor {name}: {found} values in {found_size} bytes, expected {values} in {size}"
            )
        return offset, size

    def floats(self, name: str, *shape: int) -> Array:
        values = int(np.prod(shape))
        offset, _ = self._raw(name, values, 4 * values)
        return np.frombuffer(self.data, "<f4", values, offset).reshape(shape).copy()

    def matrix(self, name: str, rows: int, columns: int) -> Array:
        if columns % BLOCK:
            raise Malformed(f"tensor {name}: rows of {columns} are no whole blocks of {BLOCK}")
        values = rows * columns
        offset, size = self._raw(name, values, values // BLOCK * BLOCK_BYTES)
        blocks = np.frombuffer(self.data, np.uint8, size, offset).reshape(-1, BLOCK_BYTES)
        scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
        nibbles = blocks[:, 2:]
        whole = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32)
        return ((whole - 8) * scale).reshape(rows, columns)


MATRICES = (
    ("q", "attention.self.query"),
    ("k", "attention.self.key"),
    ("v", "attention.self.value"),
    ("ao", "attention.output.dense"),
    ("fi", "intermediate.dense"),
    ("fo", "output.dense"),
)
NORMS = (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm"))


def read(path: Path) -> Base:
    """The whole file; `Malformed` if it is cut short or of another format."""
    reader = _Reader(path.read_bytes())
    if reader.take(len(MAGIC)) != MAGIC:
        raise Malformed(f"{path} is no E5S1 file")
    sizes = Sizes(*reader.numbers("<7i"))
    _, block = reader.numbers("<fi")
    if block != BLOCK:
        raise Malformed(f"has blocks of {block}, not {BLOCK}")
    pieces = _pieces(reader)
    _, notes = reader.numbers("<iI")
    reader.take(notes)
    return Base(sizes, pieces, _tensors(_Tensors(reader), sizes))


def _pieces(reader: _Reader) -> list[str]:
    count, *_ = reader.numbers("<5i")
    (length,) = reader.numbers("<Q")
    bounds = np.frombuffer(reader.take(4 * (count + 1)), "<u4")
    reader.take(4 * count)  # Their scores; tokenizer.json has them too.
    text = reader.take(length)
    if np.any(np.diff(bounds.astype(np.int64)) < 0) or int(bounds[-1]) > length:
        raise Malformed("the bounds of the tokenizer's pieces are out of order")
    return [text[a:b].decode() for a, b in pairwise(bounds)]


def _tensors(file: _Tensors, sizes: Sizes) -> dict[str, Array]:
    hidden, inner = sizes.hidden, sizes.inner
    made = {
        "embeddings.word_embeddings.weight": file.matrix("emb.word", sizes.vocabulary, hidden),
        "embeddings.position_embeddings.weight": file.floats("emb.pos", sizes.positions, hidden),
        "embeddings.token_type_embeddings.weight": file.floats("emb.type", sizes.types, hidden),
        "embeddings.LayerNorm.weight": file.floats("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": file.floats("emb.ln.b", hidden),
    }
    shapes = {"fi": (inner, hidden), "fo": (hidden, inner)}
    for layer in range(sizes.layers):
        prefix = f"encoder.layer.{layer}."
        for short, name in MATRICES:
            rows, columns = shapes.get(short, (hidden, hidden))
            made[f"{prefix}{name}.weight"] = file.matrix(f"l{layer}.{short}.w", rows, columns)
            made[f"{prefix}{name}.bias"] = file.floats(f"l{layer}.{short}.b", rows)
        for short, name in NORMS:
            made[f"{prefix}{name}.weight"] = file.floats(f"l{layer}.{short}.w", hidden)
            made[f"{prefix}{name}.bias"] = file.floats(f"l{layer}.{short}.b", hidden)
    return made
