"""Writes what the heavy model has learnt as 8-bit weights and a manifest. See README.md."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load as parse
from safetensors.numpy import save

import authored
from calibration import calibrate
from data import columns, read
from export import Calibration, platt
from heavy import checkpoint, q4
from heavy.checkpoint import Folder
from heavy.encoder import Encoder, Shape, load, named
from heavy.loop import Plan
from heavy.prepare import PREFIX, encode, prepare, tokenizer
from heavy.quantise import WORDS, floats, quantise
from heavy.watch import logits
from heavy.windows import Windowing
from labels import CATEGORIES, OUTPUTS, Array
from progress import say
from support import Support
from train_heavy import TOKENIZER, WEIGHTS

NAME = "heavy-e5"
VERSION = "1"
MOST_BYTES = 25_000_000
MARGIN = 0.005
"""Of mean AUPRC on the sample of dev-fit: earlier weights that beat the last by more are taken."""
COMPARED = 400
"""Rows of dev-fit on which 8 bits are compared with 32."""


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-dev/ and licences.json"
    )
    parser.add_argument("--e5", type=Path, required=True, help="folder that scripts/e5 filled")
    parser.add_argument("--run", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    parser.add_argument(
        "--support", type=Path, help="the program weir-train-support; without it no calibration"
    )
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    folder = Folder(options.run)
    plan = Plan.parse(folder.plan.read_text())
    base = q4.read(options.e5 / WEIGHTS)
    cutter = tokenizer(options.e5 / TOKENIZER, base.pieces)

    encoder = Encoder(Shape(**vars(base.sizes)))
    load(encoder, base.tensors)
    checkpoint.restore(encoder, chosen(folder))
    prepared = prepare(options.data, cutter, folder.cache, plan.seed)
    open_rows = read(options.data, {"open"}) + authored.rows(plan.seed)
    if len(open_rows) != len(prepared.split):
        raise SystemExit("the data is not what the run was prepared with")
    fitting = columns([open_rows[int(row)] for row in np.flatnonzero(prepared.split == 1)])
    windowing = Windowing()
    windows = [windowing.cut(one) for one in encode(cutter, fitting.text)]

    rng = np.random.default_rng(plan.seed)
    sample = rng.choice(len(windows), min(COMPARED, len(windows)), replace=False)
    compared = [windows[int(row)] for row in sample]
    full = highest(encoder, compared)
    # Read back from what is written: measured is what is shipped.
    weights = save(quantise(named(encoder)))
    load(encoder, floats(parse(weights), base.tensors[WORDS]))
    report = difference(full, highest(encoder, compared))
    say(json.dumps(report))

    calibration = None
    if options.support:
        say(f"calibrating on {len(windows)} texts")
        scores = highest(encoder, windows)
        calibration = calibrate(Support(options.support), scores, fitting)
    write(options.out, weights, manifest(weights, windowing, calibration))


def chosen(folder: Folder) -> dict[str, torch.Tensor]:
    """The last weights, unless dev-fit fell."""
    last = checkpoint.load(folder.last)
    say(f"step {last['step']} is the last that was saved")
    looks = folder.evaluations.read_text().splitlines() if folder.evaluations.exists() else []
    if folder.best.exists() and looks:
        best, latest = checkpoint.load(folder.best), json.loads(looks[-1])["mean_auprc"]
        if best["mean_auprc"] > latest + MARGIN:
            say(f"step {best['step']} is taken: {best['mean_auprc']} on dev-fit, not {latest}")
            last = best
    weights: dict[str, torch.Tensor] = last["weights"]
    return weights


def highest(encoder: Encoder, windows: list[list[np.ndarray]]) -> Array:
    """Logits of each text: the highest of its windows'."""
    starts = np.cumsum([0, *(len(one) for one in windows[:-1])])
    flat = logits(encoder, [window for one in windows for window in one])
    return np.maximum.reduceat(flat, starts, axis=0)


def difference(full: Array, short: Array) -> dict[str, float]:
    """Between the uncalibrated probabilities of f32 and 8-bit weights."""
    apart = np.abs(1 / (1 + np.exp(-full)) - 1 / (1 + np.exp(-short)))
    return {
        "texts": len(full),
        "mean": round(float(apart.mean()), 6),
        "p99": round(float(np.quantile(apart, 0.99)), 6),
        "max": round(float(apart.max()), 6),
    }


def manifest(
    weights: bytes, windowing: Windowing, calibration: Calibration | None
) -> dict[str, Any]:
    """All that inference needs beside the weights. Uncalibrated, the last two are null."""
    pairs, any_harm = None, None
    if calibration:
        pairs = {name: platt(calibration.categories[name]) for name in CATEGORIES}
        any_harm = {"head_share": calibration.head_share, **platt(calibration.any_harm)}
    return {
        "format": 1,
        "name": NAME,
        "version": VERSION,
        "weights": "model.safetensors",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "e5": pins(),
        "prefix": PREFIX,
        "pooling": "mean",
        "window": asdict(windowing),
        "outputs": list(OUTPUTS),
        "calibration": pairs,
        "any_harm": any_harm,
    }


def pins() -> dict[str, str]:
    """Packages, files and SHA-256 of the base, as `scripts/e5` has them."""
    script = Path(__file__).parents[2] / "scripts" / "e5"
    found = dict(re.findall(r"^(\w+)=([\w./-]+)$", script.read_text(), re.MULTILINE))
    return {key: found[key] for key in PINS}


PINS = (
    "version",
    "weights",
    "weights_wheel",
    "weights_wheel_sha256",
    "weights_sha256",
    "tokenizer",
    "tokenizer_wheel",
    "tokenizer_wheel_sha256",
    "tokenizer_sha256",
)


def write(folder: Path, weights: bytes, content: dict[str, Any]) -> None:
    """Writes `model.safetensors` and `model.json`."""
    if len(weights) > MOST_BYTES:
        raise SystemExit(f"the weights take {len(weights)} bytes, more than {MOST_BYTES}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "model.json").write_text(json.dumps(content, indent=2) + "\n")
    say(f"{len(weights)} bytes of weights in {folder}")


if __name__ == "__main__":
    main()
