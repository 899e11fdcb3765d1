"""Reads the public data and the authored text, and splits both without leaks.

Rows that are near-duplicates (character 5-gram Jaccard >= 0.5), that come from one template or that
carry one planted attack stay in one split.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labels import Array, targets
from near import components

SPLITS = ("train", "dev-fit", "dev-report")
DEV_PERCENT = 8
"""Of the components, for each of the two dev splits."""

TINY = 4
"""Characters; shorter texts are all trained on."""

TRAIN_ONLY = {"bipia_email_table"}
"""Its planted attacks are few and shared by most rows: no honest dev split is left."""


@dataclass(frozen=True)
class Rows:
    """Rows as columns."""

    text: list[str]
    lang: list[str]
    kind: list[str]
    source: list[str]
    benign: np.ndarray
    target: Array
    weight: Array

    def pick(self, indices: np.ndarray) -> Rows:
        """Some of the rows."""
        at = [int(i) for i in indices]
        return Rows(
            [self.text[i] for i in at],
            [self.lang[i] for i in at],
            [self.kind[i] for i in at],
            [self.source[i] for i in at],
            self.benign[indices],
            self.target[indices],
            self.weight[indices],
        )


def columns(rows: list[dict[str, Any]]) -> Rows:
    """Rows to columns."""
    pairs = [targets(row) for row in rows]
    return Rows(
        [row["text"] for row in rows],
        [row["lang"] for row in rows],
        [row["kind"] for row in rows],
        [row["source"] for row in rows],
        np.array([bool(row["benign"]) for row in rows]),
        np.stack([target for target, _ in pairs]),
        np.stack([weight for _, weight in pairs]),
    )


def read(folder: Path, classes: set[str]) -> list[dict[str, Any]]:
    """All annotated rows of the sources whose licence class is among `classes`."""
    licences = json.loads((folder / "licences.json").read_text())
    rows = []
    for path in sorted((folder / "train-dev").glob("*.jsonl.gz")):
        if licences[path.name.removesuffix(".jsonl.gz")]["cls"] not in classes:
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows += [row for row in map(json.loads, lines) if row["labels"] or row["benign"]]
    return rows


def some(rows: list[dict[str, Any]], most: int) -> np.ndarray:
    """Positions of at most `most` rows of each source, drawn by a hash of their ids."""
    by_source: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        by_source.setdefault(row["source"], []).append(at)
    digest = [hashlib.sha256(row["id"].encode()).digest() for row in rows]
    chosen = [sorted(ats, key=digest.__getitem__)[:most] for ats in by_source.values()]
    return np.sort(np.concatenate(chosen).astype(np.int64))


def split(rows: list[dict[str, Any]], seed: int) -> np.ndarray:
    """The split of each row, as an index of `SPLITS`."""
    component = components([row["text"] for row in rows], [_group(row) for row in rows], seed)
    # A component is named after its first row, so that its split does not move when rows are added.
    names = [rows[int(first)]["id"] for first in component]
    buckets = np.array([_percent(name, seed) for name in names])
    splits = np.where(buckets < DEV_PERCENT, 1, np.where(buckets < 2 * DEV_PERCENT, 2, 0))
    # Texts of a few characters have one copy in effect, and it is for training.
    kept = np.array(
        [row["source"] in TRAIN_ONLY or len(row["text"].strip()) < TINY for row in rows]
    )
    return np.where(kept, 0, splits)


def _group(row: dict[str, Any]) -> str | None:
    """What the source says belongs together."""
    meta = row.get("meta") or {}
    for key in ("templ_id", "item", "qid", "group"):
        if key in meta:
            return f"{row['source']}/{meta[key]}"
    return None


def _percent(name: str, seed: int) -> int:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") % 100


def batches(count: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Shuffled positions, `size` at a time."""
    order = rng.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]
