"""The fast model's ONNX graph, run over batches of texts of similar length."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from python_job.features import Features, Featuriser

CATEGORIES = (
    "self_harm",
    "hate",
    "harassment",
    "violence",
    "sexual",
    "sexual_minors",
    "illicit",
    "prompt_injection",
    "pii",
)
LONGEST_TOKEN_FEATURES = 105
"""What one token has at most."""
BUDGET = 8192
"""Padded features of one run."""


@dataclass(frozen=True)
class Scores:
    """Of a batch of texts, one row a text."""

    raw: NDArray[np.float32]
    calibrated: NDArray[np.float64]
    any_harm: NDArray[np.float64]


@dataclass(frozen=True)
class _Window:
    text: int
    ids: NDArray[np.int32]
    known: NDArray[np.int32]

    @property
    def length(self) -> int:
        """Its length in the graph, with the constant."""
        return len(self.ids) + len(self.known) + 1


class Classifier:
    """Loads a model's folder."""

    def __init__(self, folder: Path) -> None:
        manifest = json.loads((folder / "model.json").read_text())
        self.name = f"{manifest['name']}-{manifest['version']}"
        bits = manifest["features"]["bucket_bits"]
        self._constant = 1 << bits
        self._window = manifest["window"]
        self._power = manifest["length_power"]
        self._featuriser = Featuriser(bits, folder / manifest["words"]["list"])
        platt = [manifest["calibration"][name] for name in CATEGORIES]
        self._a = np.array([one["a"] for one in platt])
        self._b = np.array([one["b"] for one in platt])
        self._any = manifest["any_harm"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Shapes vary from call to call, so that a plan of the memory never fits.
        options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(
            folder / manifest["weights"], options, providers=["CPUExecutionProvider"]
        )

    def classify(self, texts: list[str]) -> Scores:
        """Scores of all texts."""
        windows = self._windows(self._featuriser.batch(texts))
        windows.sort(key=lambda window: window.length)
        logits = np.full((len(texts), len(CATEGORIES) + 1), -np.inf, np.float32)
        group: list[_Window] = []
        for window in windows:
            if group and window.length * (len(group) + 1) > BUDGET:
                self._run(group, logits)
                group = []
            group.append(window)
        if group:
            self._run(group, logits)
        return self._calibrate(logits)

    def _windows(self, features: Features) -> list[_Window]:
        bounds = features.text_at.tolist()
        known_at = np.searchsorted(features.known_at, features.text_at).tolist()
        most = self._window["features"]
        windows = []
        for text, (start, end) in enumerate(pairwise(bounds)):
            if start == end:
                nothing = np.array([self._featuriser.nothing], np.int32)
                windows.append(_Window(text, nothing, features.known[:0]))
            elif end - start <= most:
                known = features.known[known_at[text] : known_at[text + 1]]
                windows.append(_Window(text, features.ids[start:end], known))
            else:
                windows += self._cut(features, text, start, end)
        return windows

    def _cut(self, features: Features, text: int, start: int, end: int) -> list[_Window]:
        """Windows of about equal length that end where tokens do."""
        usable = self._window["features"] - LONGEST_TOKEN_FEATURES
        end = min(end, start + usable * self._window["most"])
        target = -(-(end - start) // -(-(end - start) // usable))
        windows = []
        while start < end:
            place = int(np.searchsorted(features.token_at, start + target))
            past = place >= len(features.token_at)
            stop = end if past else min(end, int(features.token_at[place]))
            first, last = np.searchsorted(features.known_at, [start, stop])
            windows.append(_Window(text, features.ids[start:stop], features.known[first:last]))
            start = stop
        return windows

    def _run(self, group: list[_Window], logits: NDArray[np.float32]) -> None:
        width = group[-1].length
        ids = np.full((len(group), width), self._constant, np.int32)
        weights = np.zeros((len(group), 1, width), np.float32)
        for row, window in enumerate(group):
            grams, known = len(window.ids), len(window.known)
            ids[row, :grams] = window.ids
            weights[row, 0, :grams] = grams**-self._power
            if known:
                ids[row, grams : grams + known] = window.known + (self._constant + 1)
                weights[row, 0, grams : grams + known] = known**-self._power
            weights[row, 0, grams + known] = 1.0
        found = self._session.run(None, {"ids": ids, "weights": weights})[0]
        texts = [window.text for window in group]
        np.maximum.at(logits, texts, found[:, 0, :])

    def _calibrate(self, logits: NDArray[np.float32]) -> Scores:
        raw = logits[:, :-1].astype(np.float64)
        z = self._a * raw + self._b
        share = self._any["head_share"]
        # The last category, personal data, is no harm.
        combined = share * logits[:, -1] + (1 - share) * z[:, :-1].max(axis=1)
        any_harm = _sigmoid(self._any["a"] * combined + self._any["b"])
        return Scores(logits[:, :-1], _sigmoid(z), any_harm)


def _sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-z))
