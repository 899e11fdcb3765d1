"""Weir's personal-data detectors and Microsoft Presidio's on the same rows.

    python evals/pii/compare.py --data DIR --weir target/release/weir --json OUT

Writes figures only, never a row's text. README.md says what they do and do not show.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from data import TYPES, Row, read
from tools import Result, presidio, weir

THRESHOLDS = [0.0, 0.5]
"""Presidio's default, and one at which the weakest patterns of either need a context word."""

SCOPE = [
    "Rows carry no spans, only the types in them: precision and recall are by row and type.",
    "Presidio runs its pattern and checksum recognisers for English on a blank spaCy pipeline with"
    " lower-case words for lemmas. Its named entities (persons, places, organisations) need a"
    " downloaded model and are out of scope for both tools.",
    "Harmless rows of other sources are not annotated for personal data: hits there are reported"
    " as a rate, not as errors.",
    "The annotated rows are synthetic and come from Presidio's own research repository: home"
    " ground for Presidio.",
]


def main() -> None:
    """Reads, runs both, writes."""
    arguments = parse()
    splits = {"train", "dev"} if arguments.split == "both" else {arguments.split}
    annotated, harmless = read(arguments.data, splits, arguments.negatives)
    if not annotated:
        raise SystemExit(f"no annotated rows in {arguments.data}: is this the right folder?")
    texts = [row.text for row in annotated + harmless]
    runs: dict[str, Result] = {}
    timed = weir(arguments.weir, arguments.policies, texts, arguments.rounds, THRESHOLDS)
    for threshold, result in timed.items():
        runs[f"weir>={threshold:g}"] = result
    for threshold, result in presidio(texts, THRESHOLDS).items():
        runs[f"presidio>={threshold:g}"] = result
    report = {
        "scope": SCOPE,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit(),
        "split": arguments.split,
        "rows": {"annotated": len(annotated), "harmless": len(harmless)},
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "tools": {name: describe(run, annotated) for name, run in runs.items()},
    }
    print_table(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train-dev/")
    parser.add_argument("--weir", type=Path, default=Path("target/release/weir"))
    parser.add_argument("--policies", type=Path, default=Path("policies"))
    parser.add_argument("--split", choices=["dev", "train", "both"], default="dev")
    parser.add_argument("--negatives", type=int, default=5000, help="most harmless rows")
    parser.add_argument("--rounds", type=int, default=3, help="timed runs of Weir; the best counts")
    parser.add_argument("--json", type=Path, help="where to write the report")
    return parser.parse_args()


def commit() -> str:
    """Of the working tree, marked when it differs from that."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def describe(run: Result, annotated: list[Row]) -> dict[str, Any]:
    """A tool's figures."""
    truth = [row.types or frozenset() for row in annotated]
    on_annotated, on_harmless = run.found[: len(truth)], run.found[len(truth) :]
    any_type = [frozenset({"any"} if types else ()) for types in truth]
    any_found = [frozenset({"any"} if types else ()) for types in on_annotated]
    return {
        "version": run.version,
        "rows_per_second": round(run.rows_per_second, 1),
        "by_type": {name: score(name, truth, on_annotated) for name in TYPES}
        | {"any": score("any", any_type, any_found)},
        "hits_per_1000_harmless_rows": {
            name: rate(sum(name in found for found in on_harmless), len(on_harmless))
            for name in TYPES
        },
        "findings_out_of_scope": dict(sorted(run.other.items())),
    }


def score(name: str, truth: list[frozenset[str]], found: list[frozenset[str]]) -> dict[str, Any]:
    """Precision and recall of one type by row; null where there is nothing to divide by."""
    pairs = [(name in true, name in hit) for true, hit in zip(truth, found, strict=True)]
    right = pairs.count((True, True))
    missed, wrong = pairs.count((True, False)), pairs.count((False, True))
    return {
        "rows": right + missed,
        "right": right,
        "missed": missed,
        "wrong": wrong,
        "precision": round(right / (right + wrong), 4) if right + wrong else None,
        "recall": round(right / (right + missed), 4) if right + missed else None,
    }


def rate(count: int, rows: int) -> float | None:
    """How many in a thousand."""
    return round(1000 * count / rows, 2) if rows else None


def print_table(report: dict[str, Any]) -> None:
    """For people."""
    rows = report["rows"]
    print(f"{rows['annotated']} annotated and {rows['harmless']} harmless rows ({report['split']})")
    for line in report["scope"]:
        print(f"- {line}")
    heads = f"{'tool':14} {'type':12} {'rows':>5} {'precision':>9} {'recall':>7}"
    print(f"\n{heads} {'hits/1000 harmless':>19}")
    for tool, figures in report["tools"].items():
        for name, by_row in figures["by_type"].items():
            hits = figures["hits_per_1000_harmless_rows"].get(name)
            print(
                f"{tool:14} {name:12} {by_row['rows']:5} {shown(by_row['precision']):>9}"
                f" {shown(by_row['recall']):>7} {shown(hits):>19}"
            )
        print(f"{tool:14} {figures['rows_per_second']:.0f} rows/s ({figures['version']})\n")


def shown(value: float | None) -> str:
    """A figure, or a dash."""
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
