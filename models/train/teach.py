"""Writes what the heavy model says of rows that the fast one learns from. See README.md.

Its probabilities are the calibrated ones. In training positives weigh up to 8 times more and labels
are smoothed, so that the network alone overstates what is rare; calibrated, a score is how often
such a text has the label, which is what cross-entropy takes as a target. It is also all that
inference tells of any harm.

The heavy model has learnt from most of these rows itself. Beside a label it mostly agrees with it;
where a row has none for an output it says something new.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import authored
from data import read, some, split
from fit import Recipe
from labels import OUTPUTS
from progress import say
from support import Support
from teacher import Teacher, hashed


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-dev/ and licences.json"
    )
    parser.add_argument("--e5", type=Path, required=True, help="folder that scripts/e5 filled")
    parser.add_argument("--model", type=Path, required=True, help="folder of the heavy model")
    parser.add_argument(
        "--support", type=Path, required=True, help="the program weir-train-support"
    )
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps scores")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, .npz")
    parser.add_argument(
        "--most", type=int, default=2500, help="rows of a source that are asked about"
    )
    options = parser.parse_args()
    # In the order of train.py, which refuses another one.
    seed = Recipe().seed
    open_rows = read(options.data, {"open"}) + authored.rows(seed)
    train = np.flatnonzero(split(open_rows, seed) == 0)
    asked = train[some([open_rows[int(at)] for at in train], options.most)]
    texts = [row["text"] for row in open_rows]
    scores = Support(options.support).score_heavy(
        [texts[int(at)] for at in asked], options.model, options.e5, options.cache
    )
    probabilities = np.full((len(texts), len(OUTPUTS)), np.nan, np.float32)
    probabilities[asked] = scores.probabilities
    manifest = json.loads((options.model / "model.json").read_text())
    Teacher(
        f"{manifest['name']}-{manifest['version']}",
        manifest["sha256"],
        hashed(texts),
        probabilities,
    ).write(options.out)
    say(f"{len(asked)} of {len(train)} training rows in {options.out}")


if __name__ == "__main__":
    main()
