"""Trains, calibrates, measures and writes the fast model. See README.md."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import authored
import card
import export
from calibration import calibrate, probabilities, thresholds
from data import SPLITS, columns, read, split
from evaluate import by_source, count, measure
from fit import Recipe, fit
from labels import Array
from progress import say
from support import Support, Windows
from teacher import Teacher
from vectors import WordVectors

TRAIN_WINDOWS = 8
"""Windows of a row that training looks at; a matter of time only."""
VERSION = "2"
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
    parser.add_argument("--words", type=Path, required=True, help="what words.py wrote")
    parser.add_argument("--teacher", type=Path, help="what teach.py wrote; without it labels only")
    options = parser.parse_args()
    support = Support(options.support)
    recipe = Recipe()

    say("reading and splitting")
    open_rows = read(options.data, {"open"}) + authored.rows(recipe.seed)
    splits = split(open_rows, recipe.seed)
    rows = columns(open_rows)
    teacher = Teacher.read(options.teacher, rows.text) if options.teacher else None
    known = WordVectors.read(options.words)
    windows = support.features(rows.text, recipe.settings, TRAIN_WINDOWS, known.words)
    train = np.flatnonzero(splits == 0)
    vectors = known.spread(windows.of_rows(train))
    say("rows: " + ", ".join(f"{n} {s}" for s, n in zip(SPLITS, np.bincount(splits), strict=True)))

    taught = teacher.probabilities if teacher else None
    network = fit(recipe, rows, windows, vectors, train, taught)
    quantised = export.quantise(network, vectors)
    logits = predict(quantised, windows)
    fitting = np.flatnonzero(splits == 1)
    calibration = calibrate(support, logits[fitting], rows.pick(fitting))
    export.write(quantised, known.words, recipe.settings, calibration, options.out, VERSION)

    say("measuring what was written")
    reporting = rows.pick(np.flatnonzero(splits == 2))
    probability = support.score(reporting.text, options.out).probabilities
    expected = probabilities(logits[splits == 2], calibration)
    # Texts that training cut short differ; what is left must be the same model.
    if np.quantile(np.abs(probability - expected), 0.99) > 1e-3:
        raise SystemExit("the written model does not compute what was trained")
    limits = thresholds(probabilities(logits[fitting], calibration), rows.pick(fitting))
    foreign = columns(read(options.data, {"nc", "unclear"}))
    metrics = measure(reporting, probability, limits, recipe.seed)
    metrics["generalisation_only"] = by_source(
        support.score(foreign.text, options.out).probabilities, foreign, limits, recipe.seed
    )
    metrics["speed"] = support.bench(options.out)
    metrics["training_rows"] = count(rows, splits)
    if teacher:
        metrics["teacher"] = {"name": teacher.name, "sha256": teacher.sha256}
    (options.out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    licences = json.loads((options.data / "licences.json").read_text())
    manifest = json.loads((options.out / "model.json").read_text())
    text = card.write(metrics, manifest, licences, recipe, len(known.words))
    (options.out / "CARD.md").write_text(text)


def predict(quantised: export.Quantised, windows: Windows) -> Array:
    """Logits of all rows."""
    count = len(windows.starts) - 1
    parts = []
    for start in range(0, count, CHUNK):
        at = np.arange(start, min(start + CHUNK, count))
        parts.append(quantised.logits(windows, at))
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
