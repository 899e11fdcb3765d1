"""Measures the heavy model as it is shipped, beside the fast one, and writes its card.

Both models are run by the Rust code on the same rows: dev-fit for suggested thresholds, dev-report
and the sources that may not be trained on for figures. See README.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import authored
from calibration import thresholds
from data import Rows, columns, read, some, split
from evaluate import by_source, compare, count, measure
from fit import Recipe
from heavy import card
from heavy.checkpoint import Folder
from heavy.loop import Plan
from labels import Array
from progress import say
from support import Support

FAST = Path(__file__).parents[1] / "fast"


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-dev/ and licences.json"
    )
    parser.add_argument("--e5", type=Path, required=True, help="folder that scripts/e5 filled")
    parser.add_argument("--model", type=Path, required=True, help="folder of the heavy model")
    parser.add_argument("--fast", type=Path, default=FAST, help="folder of the fast model")
    parser.add_argument(
        "--support", type=Path, required=True, help="the program weir-train-support"
    )
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps scores")
    parser.add_argument("--run", type=Path, help="folder of the training run, for its plan")
    parser.add_argument(
        "--most", type=int, default=2000, help="rows of a source that may not be trained on"
    )
    options = parser.parse_args()
    support = Support(options.support)
    run = read_run(options.run) if options.run else None
    seed = Recipe().seed
    if run and run["plan"]["seed"] != seed:
        raise SystemExit("the run's seed is not the fast model's: their splits differ")

    say("reading and splitting")
    open_rows = read(options.data, {"open"}) + authored.rows(seed)
    splits = split(open_rows, seed)
    rows = columns(open_rows)
    foreign = read(options.data, {"nc", "unclear"})
    parts = {
        "dev_fit": rows.pick(np.flatnonzero(splits == 1)),
        "dev_report": rows.pick(np.flatnonzero(splits == 2)),
        "generalisation_only": columns([foreign[int(at)] for at in some(foreign, options.most)]),
    }
    say("the fast model scores")
    fast = {
        name: support.score(part.text, options.fast).probabilities for name, part in parts.items()
    }
    heavy, truncated = {}, {}
    for name, part in parts.items():
        say(f"the heavy model scores {name}")
        scores = support.score_heavy(part.text, options.model, options.e5, options.cache)
        heavy[name] = scores.probabilities
        truncated[name] = {"rows": len(part.text), "truncated": int(scores.truncated.sum())}

    say("measuring")
    metrics = everything(parts, heavy, seed)
    metrics["fast"] = about(options.fast) | everything(parts, fast, seed)
    report = parts["dev_report"]
    metrics["heavy_minus_fast"] = compare(report, heavy["dev_report"], fast["dev_report"], seed)
    metrics["truncated"] = truncated
    metrics["most_rows_of_a_foreign_source"] = options.most
    metrics["training_rows"] = count(rows, splits)
    metrics["run"] = run
    metrics = about(options.model) | metrics
    manifest = manifest_of(options.model)
    files = (options.e5 / manifest["e5"][key] for key in ("weights", "tokenizer"))
    metrics["e5_bytes"] = sum(file.stat().st_size for file in files)
    (options.model / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    licences = json.loads((options.data / "licences.json").read_text())
    (options.model / "CARD.md").write_text(card.write(metrics, manifest, licences))


def everything(parts: dict[str, Rows], scores: dict[str, Array], seed: int) -> dict[str, Any]:
    """All that is said of one model by itself."""
    limits = thresholds(scores["dev_fit"], parts["dev_fit"])
    made = measure(parts["dev_report"], scores["dev_report"], limits, seed)
    foreign = "generalisation_only"
    return made | {foreign: by_source(scores[foreign], parts[foreign], limits, seed)}


def about(folder: Path) -> dict[str, Any]:
    """Which model the figures are of."""
    manifest = manifest_of(folder)
    return {
        "model": f"{manifest['name']}-{manifest['version']}",
        "sha256": manifest["sha256"],
        "bytes": (folder / manifest["weights"]).stat().st_size,
    }


def manifest_of(folder: Path) -> dict[str, Any]:
    """What `model.json` says."""
    found: dict[str, Any] = json.loads((folder / "model.json").read_text())
    return found


def read_run(path: Path) -> dict[str, Any]:
    """The plan of a run, and its last look at dev-fit if there was one."""
    folder = Folder(path)
    looks = folder.evaluations.read_text().splitlines() if folder.evaluations.exists() else []
    return {
        "plan": asdict(Plan.parse(folder.plan.read_text())),
        "last_look": json.loads(looks[-1]) if looks else None,
    }


if __name__ == "__main__":
    main()
