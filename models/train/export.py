"""Writes the network as an ONNX graph with an 8-bit table, and its manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from labels import CATEGORIES, OUTPUTS, Array
from network import Network
from support import Settings, Windows


@dataclass(frozen=True)
class Quantised:
    """What is shipped. `table` is `scale` times smaller than what it stands for."""

    table: np.ndarray
    output: Array

    def logits(self, windows: Windows, rows: np.ndarray) -> Array:
        """What it says of some rows, for measuring: of each the highest of its windows."""
        at, starts = windows.pick(rows)
        buckets = windows.grams.shape[1]
        table = self.table.astype(np.float32)
        sums = windows.grams[at] @ table[:buckets] + windows.words[at] @ table[buckets:]
        return np.maximum.reduceat(np.maximum(sums, 0) @ self.output, starts, axis=0)


def quantise(network: Network, vectors: Array) -> Quantised:
    """One static scale for the whole table, so that a score depends on nothing but its text.

    The scale moves into the output layer, which ReLU permits; so do the output biases, as a hidden
    unit that is on whatever the text. The few weights of words that are above the largest of
    n-grams are cut: they would make the scale coarse for all.
    """
    words = vectors @ network.projection
    scale = float(np.abs(network.table).max()) / 127
    weights = np.vstack([network.table, words])
    table = np.zeros((len(weights), weights.shape[1] + 1), np.int8)
    table[:, :-1] = np.clip(np.rint(weights / scale), -127, 127)
    table[len(network.table) - 1, -1] = 1
    output = np.vstack([network.output * scale, network.bias[None]]).astype(np.float32)
    return Quantised(table, output)


def model(quantised: Quantised) -> onnx.ModelProto:
    """ids (i32, windows x features), weights (f32, windows x 1 x features) -> logits (f32)."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("Cast", ["rows"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["weights", "floats"], ["sums"]),
        helper.make_node("Relu", ["sums"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "output"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "fast-words",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT32, ["windows", "features"]),
            helper.make_tensor_value_info("weights", TensorProto.FLOAT, ["windows", 1, "features"]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["windows", 1, len(OUTPUTS)])],
        [
            numpy_helper.from_array(quantised.table, "table"),
            numpy_helper.from_array(quantised.output, "output"),
        ],
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="weir models/train"
    )
    made.ir_version = 8
    onnx.checker.check_model(made, full_check=True)
    return made


@dataclass(frozen=True)
class Calibration:
    """Slopes and offsets by output, and how any harm is combined."""

    categories: dict[str, tuple[float, float]]
    head_share: float
    any_harm: tuple[float, float]


def write(
    quantised: Quantised,
    words: list[str],
    settings: Settings,
    calibration: Calibration,
    folder: Path,
    version: str,
) -> None:
    """Writes `model.onnx`, `words.txt` and `model.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = "".join(f"{word}\n" for word in words).encode()
    (folder / "words.txt").write_bytes(listed)
    weights = model(quantised).SerializeToString(deterministic=True)
    (folder / "model.onnx").write_bytes(weights)
    pairs = {name: platt(calibration.categories[name]) for name in CATEGORIES}
    manifest = {
        "format": 2,
        "name": "fast-words",
        "version": version,
        "weights": "model.onnx",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "features": {"version": 1, "bucket_bits": settings.bucket_bits},
        "words": {"list": "words.txt", "sha256": hashlib.sha256(listed).hexdigest()},
        "window": {"features": settings.window, "most": settings.most},
        "length_power": settings.length_power,
        "calibration": pairs,
        "any_harm": {"head_share": calibration.head_share, **platt(calibration.any_harm)},
    }
    (folder / "model.json").write_text(json.dumps(manifest, indent=2) + "\n")


def platt(pair: tuple[float, float]) -> dict[str, float]:
    """As a manifest has it."""
    return {"a": round(pair[0], 6), "b": round(pair[1], 6)}
