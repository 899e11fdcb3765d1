"""Calls `weir-train-support`: training sees the features and calibration that judging uses."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from labels import Array
from progress import Progress
from score_cache import ScoreCache, digest

LONGEST = 5000
"""Characters of a text that the heavy model looks at, about; for the time that is left."""
SHORTEST = 20
"""Characters that a text costs at least: prefix and marks."""


@dataclass(frozen=True)
class Settings:
    """How text becomes features; goes into the manifest."""

    bucket_bits: int = 16
    window: int = 1024
    most: int = 32
    length_power: float = 0.5

    @property
    def constant(self) -> int:
        """The bucket of the constant row."""
        return 1 << self.bucket_bits


@dataclass(frozen=True)
class Windows:
    """Each row's windows, and where each row's start.

    A window is a row of two sparse matrices: its n-grams with the constant, and its words.
    """

    grams: sp.csr_matrix
    words: sp.csr_matrix
    starts: np.ndarray

    def pick(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the windows of some rows are, and where each row's start among them."""
        counts = self.starts[rows + 1] - self.starts[rows]
        begins = np.concatenate(([0], np.cumsum(counts)[:-1]))
        return np.repeat(self.starts[rows] - begins, counts) + np.arange(counts.sum()), begins

    def of_rows(self, rows: np.ndarray) -> sp.csr_matrix:
        """The words in the first window of some rows."""
        return self.words[self.starts[rows]]


@dataclass(frozen=True)
class Scores:
    """What a shipped model says of some texts, a row each.

    `logits` has the categories only, `probabilities` (calibrated) all outputs. `truncated` marks
    texts of which the model did not see the end.
    """

    logits: Array
    probabilities: Array
    truncated: np.ndarray

    @staticmethod
    def parse(lines: Iterable[bytes]) -> Scores:
        """From what the program writes."""
        rows = [json.loads(line) for line in lines]
        return Scores(
            np.array([row["raw"] for row in rows], np.float32),
            np.array([[*row["calibrated"], row["any_harm"]] for row in rows], np.float32),
            np.array([row["truncated"] for row in rows], bool),
        )


class Support:
    """The program; `path` is its executable."""

    def __init__(self, path: Path) -> None:
        """Checks nothing: the first call fails if the program is missing."""
        self.path = path

    def words(self, candidates: list[str]) -> list[str]:
        """Those that the featuriser sees as one word."""
        return self._call(["words"], _list(candidates)).decode().splitlines()

    def features(
        self, texts: list[str], settings: Settings, most: int, words: list[str]
    ) -> Windows:
        """Features of the texts, at most `most` windows each, and which of `words` they have."""
        numbers = [str(settings.bucket_bits), str(settings.window), str(most)]
        with tempfile.NamedTemporaryFile() as known:
            known.write(_list(words))
            known.flush()
            out = self._call(["features", *numbers, known.name], _rows(texts))
        rows, windows, ids, hits = (int(n) for n in np.frombuffer(out, "<u8", 4))
        parts = [("<u4", rows + 1), ("<u8", windows + 1), ("<u8", windows + 1)]
        at, found = 32, []
        for kind, count in [*parts, ("<i4", ids), ("<i4", hits)]:
            found.append(np.frombuffer(out, kind, count, at))
            at += found[-1].nbytes
        starts, first_id, first_word = (part.astype(np.int64) for part in found[:3])
        grams = _weighted(found[3], first_id, settings.constant, settings.length_power)
        constant = sp.csr_matrix(np.ones((windows, 1), np.float32))
        known_words = _weighted(found[4], first_word, len(words), settings.length_power)
        return Windows(sp.hstack([grams, constant], "csr"), known_words, starts)

    def platt(self, logits: Array, positive: np.ndarray) -> tuple[float, float]:
        """Slope and offset of the calibration."""
        lines = "".join(f"{x:.7g} {int(y)}\n" for x, y in zip(logits, positive, strict=True))
        found = json.loads(self._call(["platt"], lines.encode()))
        return found["a"], found["b"]

    def score(self, texts: list[str], folder: Path) -> Scores:
        """Of the fast model in `folder`."""
        return Scores.parse(self._call(["score", str(folder)], _rows(texts)).splitlines())

    def score_heavy(self, texts: list[str], folder: Path, e5: Path, cache: Path) -> Scores:
        """Of the heavy model in `folder`; what `cache` has of it is not scored again.

        Scores are kept by the manifest, which pins weights, base and calibration. After a change of
        the program's own arithmetic take another folder.
        """
        keys = [digest(text.encode()) for text in texts]
        with ScoreCache(cache, digest((folder / "model.json").read_bytes())) as known:
            pairs = zip(keys, texts, strict=True)
            missing = {key: text for key, text in pairs if key not in known.lines}
            if missing:
                self._score_missing(missing, folder, e5, known)
            return Scores.parse(known.lines[key] for key in keys)

    def _score_missing(
        self, missing: dict[str, str], folder: Path, e5: Path, known: ScoreCache
    ) -> None:
        """Adds the scores to `known` one by one, as they come."""
        work = [min(max(len(text), SHORTEST), LONGEST) for text in missing.values()]
        progress = Progress(len(work), sum(work))
        # All texts in a file, not a pipe: nobody has to write them while scores are read.
        with tempfile.TemporaryFile() as given:
            given.write(_rows(list(missing.values())))
            given.seek(0)
            with subprocess.Popen(
                [self.path, "score-heavy", folder, e5], stdin=given, stdout=subprocess.PIPE
            ) as program:
                lines: Iterable[bytes] = program.stdout or ()
                for key, cost, line in zip(missing, work, lines, strict=False):
                    if line.endswith(b"\n"):
                        known.add(key, line)
                        progress.add(cost)
        if program.returncode != 0 or progress.rows_done < progress.rows:
            raise SystemExit(
                f"weir-train-support ended with {program.returncode} after {progress.rows_done} of "
                f"{progress.rows} texts; the same command goes on from there"
            )

    def bench(self, folder: Path) -> dict[str, object]:
        """Microseconds a text."""
        found: dict[str, object] = json.loads(self._call(["bench", str(folder)], b""))
        return found

    def _call(self, arguments: list[str], given: bytes) -> bytes:
        done = subprocess.run(
            [self.path, *arguments], input=given, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode())
        return done.stdout


def _rows(texts: list[str]) -> bytes:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()


def _list(words: list[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()


def _weighted(ids: np.ndarray, first: np.ndarray, count: int, power: float) -> sp.csr_matrix:
    """Window i has `ids[first[i]:first[i + 1]]` of `count`, weighted by how many there are."""
    lengths = np.diff(first)
    weights = np.maximum(lengths, 1).astype(np.float32) ** np.float32(-power)
    data = np.repeat(weights, lengths).astype(np.float32)
    return sp.csr_matrix((data, ids, first), shape=(len(lengths), count))
