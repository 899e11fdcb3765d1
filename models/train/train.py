"""Trains, calibrates, measures and writes the fast model. See README.md."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

import authored
import card
import export
from calibration import calibrate, probabilities, thresholds
from data import SPLITS, Rows, columns, read, split
from evaluate import by_output, by_source, caught, false_alarms
from fit import Recipe, fit
from labels import CATEGORIES, OUTPUTS, Array
from network import Network
from support import Support, Windows

TRAIN_WINDOWS = 8
"""Windows of a row that training looks at; a matter of time only."""
VERSION = "1"
CHUNK = 20_000


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-dev/ and licences.json"
    )
    parser.add_argument(
        "--support", type=Path, required=True, help="the program weir-train-support"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    options = parser.parse_args()
    support = Support(options.support)
    recipe = Recipe()

    say("reading and splitting")
    open_rows = read(options.data, {"open"}) + authored.rows(recipe.seed)
    splits = split(open_rows, recipe.seed)
    rows = columns(open_rows)
    windows = support.features(rows.text, recipe.settings, TRAIN_WINDOWS)
    say("rows: " + ", ".join(f"{n} {s}" for s, n in zip(SPLITS, np.bincount(splits), strict=True)))

    network = fit(recipe, rows, windows, np.flatnonzero(splits == 0))
    quantised = export.quantise(network)
    logits = predict(quantised.network(), windows)
    fitting = np.flatnonzero(splits == 1)
    calibration = calibrate(support, logits[fitting], rows.pick(fitting))
    export.write(quantised, recipe.settings, calibration, options.out, VERSION)

    say("measuring what was written")
    reporting = rows.pick(np.flatnonzero(splits == 2))
    probability = score(support, reporting, options.out)
    expected = probabilities(logits[splits == 2], calibration)
    # Texts that training cut short differ; what is left must be the same model.
    if np.quantile(np.abs(probability - expected), 0.99) > 1e-3:
        raise SystemExit("the written model does not compute what was trained")
    limits = thresholds(probabilities(logits[fitting], calibration), rows.pick(fitting))
    foreign = columns(read(options.data, {"nc", "unclear"}))
    metrics = measure(reporting, probability, limits, recipe.seed)
    metrics["generalisation_only"] = by_source(
        score(support, foreign, options.out), foreign, limits, recipe.seed
    )
    metrics["speed"] = support.bench(options.out)
    metrics["training_rows"] = count(rows, splits)
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    licences = json.loads((options.data / "licences.json").read_text())
    manifest = json.loads((options.out / "model.json").read_text())
    text = card.write(metrics, manifest, licences, recipe)
    (options.out / "CARD.md").write_text(text)


def measure(
    rows: Rows, probability: Array, limits: dict[str, dict[str, float]], seed: int
) -> dict[str, object]:
    """Everything about dev-report."""
    public = np.array([not source.startswith("authored") for source in rows.source])
    everything = np.ones(len(public), bool)
    return {
        "suggested_thresholds": limits,
        "public": by_output(probability, rows, public, seed),
        "authored": by_output(probability, rows, ~public, seed),
        "public_and_authored": by_output(probability, rows, everything, seed),
        "recall_at_suggested": caught(probability, rows, everything, limits),
        "false_alarms_public": false_alarms(probability, rows, public, limits),
        "false_alarms_authored": false_alarms(probability, rows, ~public, limits),
    }


def predict(network: Network, windows: Windows) -> Array:
    """Logits of all rows."""
    count = len(windows.starts) - 1
    parts = []
    for start in range(0, count, CHUNK):
        at = np.arange(start, min(start + CHUNK, count))
        parts.append(network.logits(*windows.pick(at)))
    return np.concatenate(parts)


def score(support: Support, rows: Rows, folder: Path) -> Array:
    """Probabilities of the written model, any harm last."""
    _, calibrated, any_harm = support.score(rows.text, folder)
    return np.concatenate([calibrated, any_harm[:, None]], axis=1)


def count(rows: Rows, splits: np.ndarray) -> dict[str, dict[str, object]]:
    """Rows by source and split, and training positives by output."""
    sources = np.array(rows.source)
    made: dict[str, dict[str, object]] = {}
    for source in sorted(set(sources)):
        these = sources == source
        entry: dict[str, object] = {
            name: int((these & (splits == index)).sum()) for index, name in enumerate(SPLITS)
        }
        known = rows.weight[these & (splits == 0)][:, : len(CATEGORIES)] >= 1
        positive = (rows.target[these & (splits == 0)][:, : len(CATEGORIES)] > 0) & known
        entry["positives"] = {
            name: int(n) for name, n in zip(OUTPUTS, positive.sum(axis=0), strict=False) if n
        }
        made[source] = entry
    return made


def say(what: str) -> None:
    """Progress, to standard error."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
