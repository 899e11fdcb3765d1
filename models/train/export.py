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
from support import Settings


@dataclass(frozen=True)
class Quantised:
    """What is shipped. `table` is `scale` times smaller than what it stands for."""

    table: np.ndarray
    output: Array

    def network(self) -> Network:
        """The same in floats, for measuring."""
        zero = np.zeros(len(OUTPUTS), np.float32)
        return Network(self.table.astype(np.float32), self.output, zero)


def quantise(network: Network) -> Quantised:
    """One static scale for the whole table, so that a score depends on nothing but its text.

    The scale moves into the output layer, which ReLU permits; so do the output biases, as a hidden
    unit that is on whatever the text.
    """
    buckets, hidden = network.table.shape
    limit = float(np.abs(network.table).max())
    scale = limit / 127
    table = np.zeros((buckets, hidden + 1), np.int8)
    table[:, :-1] = np.clip(np.rint(network.table / scale), -127, 127)
    table[-1, -1] = 1
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
        "fast-ngram",
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
    settings: Settings,
    calibration: Calibration,
    folder: Path,
    version: str,
) -> None:
    """Writes `model.onnx` and `model.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = model(quantised).SerializeToString(deterministic=True)
    (folder / "model.onnx").write_bytes(weights)
    pairs = {name: platt(calibration.categories[name]) for name in CATEGORIES}
    manifest = {
        "format": 1,
        "name": "fast-ngram",
        "version": version,
        "weights": "model.onnx",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "features": {"version": 1, "bucket_bits": settings.bucket_bits},
        "window": {"features": settings.window, "most": settings.most},
        "length_power": settings.length_power,
        "calibration": pairs,
        "any_harm": {"head_share": calibration.head_share, **platt(calibration.any_harm)},
    }
    (folder / "model.json").write_text(json.dumps(manifest, indent=2) + "\n")


def platt(pair: tuple[float, float]) -> dict[str, float]:
    """As a manifest has it."""
    return {"a": round(pair[0], 6), "b": round(pair[1], 6)}
