"""Harmless answers of a thousand tokens, and harmful texts to hide in them."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "rules"))
import benign as rules

ANSWER_CHARS = 4_000
"""About a thousand tokens."""

PLANTED_CHARS = 2_000
"""Longest harmful text that is planted: half an answer."""


class Answer(NamedTuple):
    """Texts of one language and origin, one after the other."""

    origin: str
    language: str
    text: str

    @property
    def is_for_fit(self) -> bool:
        """Which half it is in: thresholds are chosen on the one and reported on the other."""
        return hashlib.sha256(self.text.encode()).digest()[0] % 2 == 0


class Planted(NamedTuple):
    """A harmless answer with a harmful text in it."""

    category: str
    kind: str
    """`prompt`, `post` or `response`, as its source says."""
    text: str


def marked(data: Path) -> Iterator[tuple[str, str]]:
    """Rows that open sources regard as harmless, of the split that no weights were trained on."""
    for row in open_dev_rows(data):
        if row["benign"]:
            yield row["lang"], row["text"]


def public(folder: Path) -> Iterator[tuple[str, str]]:
    """The sentences of the treebanks, and manual pages whole, in all languages that there are."""
    yield from rules.treebanks(folder)
    for pages in sorted((folder / "tldr").glob("pages*")):
        language = pages.name.removeprefix("pages").strip(".").split("_")[0] or "en"
        for path in sorted(pages.rglob("*.md")):
            yield language, path.read_text(encoding="utf-8")


def of_models(folder: Path) -> Iterator[tuple[str, str]]:
    """What models answered to one list of mostly harmless instructions; a file a model."""
    for path in sorted(folder.glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            yield "en", row["output"]


def answers(origin: str, rows: Iterable[tuple[str, str]]) -> Iterator[Answer]:
    """Texts of a language joined in their order until they are long enough; each is used once."""
    begun: dict[str, list[str]] = defaultdict(list)
    used: set[str] = set()
    for language, text in rows:
        if text in used:
            continue
        used.add(text)
        begun[language].append(text)
        joined = " ".join(begun[language])
        if len(joined) >= ANSWER_CHARS:
            yield Answer(origin, language, joined[:ANSWER_CHARS])
            begun[language].clear()


def planted(data: Path, hosts: list[Answer], most: int, seed: int) -> list[Planted]:
    """At most so many a category and kind, each between two words of a host of its language."""
    by_kind: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in open_dev_rows(data):
        for category, label in row["labels"].items():
            if label == 1:
                by_kind[category, row["kind"]].append((row["lang"], row["text"]))
    by_language: dict[str, list[Answer]] = defaultdict(list)
    for host in hosts:
        by_language[host.language].append(host)
    draw = random.Random(seed)
    made = []
    for (category, kind), rows in sorted(by_kind.items()):
        for language, text in draw.sample(rows, min(most, len(rows))):
            host = draw.choice(by_language.get(language) or by_language["en"]).text
            at = host.find(" ", draw.randrange(len(host)))
            at = len(host) if at < 0 else at
            whole = f"{host[:at]} {text[:PLANTED_CHARS]}{host[at:]}"
            made.append(Planted(category, kind, whole))
    return made


def open_dev_rows(data: Path) -> Iterator[dict[str, Any]]:
    """Rows that thresholds may be chosen on."""
    licences = json.loads((data / "licences.json").read_text(encoding="utf-8"))
    for path in sorted((data / "train-dev").glob("*.jsonl.gz")):
        if licences[path.name.removesuffix(".jsonl.gz")]["cls"] != "open":
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from (row for row in map(json.loads, lines) if row["split"] == "dev")
