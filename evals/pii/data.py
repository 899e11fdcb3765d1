"""Rows with annotated personal data, and harmless rows, from the public text-safety data."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TYPES = ("card", "email", "phone", "iban", "ip", "national_id", "secret")
"""What both tools are compared on; the rest of what either finds is left out."""

ANNOTATED = {
    "CREDIT_CARD": "card",
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip",
    "US_SSN": "national_id",
    "US_ITIN": "national_id",
    "US_PASSPORT": "national_id",
    "US_DRIVER_LICENSE": "national_id",
}
"""Types as the data names them. Persons, places, addresses, organisations, dates: out of scope."""


@dataclass(frozen=True)
class Row:
    """A text and which types of personal data it holds; None where nobody looked."""

    text: str
    lang: str
    types: frozenset[str] | None


def read(folder: Path, splits: set[str], negatives: int) -> tuple[list[Row], list[Row]]:
    """Annotated rows of `splits`, and up to `negatives` harmless rows of the other open sources."""
    licences = json.loads((folder / "licences.json").read_text())
    annotated: list[Row] = []
    harmless: list[tuple[bytes, Row]] = []
    for path in sorted((folder / "train-dev").glob("*.jsonl.gz")):
        if licences[path.name.removesuffix(".jsonl.gz")]["cls"] != "open":
            continue
        for row in _rows(path):
            if row["split"] not in splits:
                continue
            entities = (row.get("meta") or {}).get("entities")
            if isinstance(entities, list):
                types = frozenset(ANNOTATED[name] for name in entities if name in ANNOTATED)
                annotated.append(Row(row["text"], row["lang"], types))
            elif row["benign"]:
                # By digest of the id: the same rows each time, spread over all sources.
                digest = hashlib.sha256(row["id"].encode()).digest()
                harmless.append((digest, Row(row["text"], row["lang"], None)))
    harmless.sort(key=lambda pair: pair[0])
    return annotated, [row for _, row in harmless[:negatives]]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
