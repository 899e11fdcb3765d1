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
    """Each row's windows as rows of a sparse matrix, and where each row's windows start."""

    matrix: sp.csr_matrix
    starts: np.ndarray

    def pick(self, rows: np.ndarray) -> tuple[sp.csr_matrix, np.ndarray]:
        """The windows of some rows, and where each row's start among them."""
        counts = self.starts[rows + 1] - self.starts[rows]
        begins = np.concatenate(([0], np.cumsum(counts)[:-1]))
        at = np.repeat(self.starts[rows] - begins, counts) + np.arange(counts.sum())
        return self.matrix[at], begins


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

    def features(self, texts: list[str], settings: Settings, most: int) -> Windows:
        """Features of the texts, at most `most` windows each."""
        arguments = ["features", str(settings.bucket_bits), str(settings.window), str(most)]
        out = self._call(arguments, _rows(texts))
        rows, windows, ids = (int(n) for n in np.frombuffer(out, "<u8", 3))
        at = 24
        starts = np.frombuffer(out, "<u4", rows + 1, at).astype(np.int64)
        at += 4 * (rows + 1)
        first = np.frombuffer(out, "<u8", windows + 1, at).astype(np.int64)
        at += 8 * (windows + 1)
        return Windows(_matrix(np.frombuffer(out, "<i4", ids, at), first, settings), starts)

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


def _matrix(ids: np.ndarray, first: np.ndarray, settings: Settings) -> sp.csr_matrix:
    """Weighted features with the constant at the end of each row."""
    lengths = np.diff(first)
    weights = np.maximum(lengths, 1).astype(np.float32) ** np.float32(-settings.length_power)
    ends = first[1:] + np.arange(len(lengths))
    columns = np.insert(ids, first[1:], settings.constant).astype(np.int32)
    data = np.insert(np.repeat(weights, lengths), first[1:], 1.0).astype(np.float32)
    indptr = np.concatenate(([0], ends + 1))
    shape = (len(lengths), settings.constant + 1)
    return sp.csr_matrix((data, columns, indptr), shape=shape)
