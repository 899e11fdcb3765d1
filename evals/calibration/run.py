"""`weir calibrate` on public rows: fitted on dev-fit, reported on dev-report. See README.md."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "models" / "train"))

import authored  # noqa: E402
from data import SPLITS, read, split  # noqa: E402
from fit import Recipe  # noqa: E402

Row = dict[str, Any]

KEPT = ("id", "text", "lang", "labels", "benign")
AUTHORED = "authored"


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-dev/ and licences.json"
    )
    parser.add_argument("--weir", type=Path, default=ROOT / "target/release/weir")
    parser.add_argument("--out", type=Path, required=True, help="report to write, JSON")
    parser.add_argument("--html", type=Path, help="page with reliability diagrams to write")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fit, report = (Path(folder) / f"{name}.jsonl" for name in SPLITS[1:])
        for path, rows in zip((fit, report), parts(options.data), strict=True):
            print(f"{path.stem}: {len(rows)} rows", file=sys.stderr, flush=True)
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [options.weir, "calibrate", "--rows", fit, "--held-out", report]
        command += ["--target-fpr", "0.003", "--json"]
        if options.html:
            command += ["--html", options.html]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    made: dict[str, Any] = json.loads(done.stdout)
    options.out.write_text(json.dumps(made, separators=(",", ":")) + "\n")
    print(table(made))


def parts(folder: Path) -> tuple[list[Row], list[Row]]:
    """Public rows of dev-fit and of dev-report, as training parts them: neither was trained on."""
    seed = Recipe().seed
    # The authored text decides with the rest what is a near-duplicate of what.
    rows = read(folder, {"open"}) + authored.rows(seed)
    made: tuple[list[Row], list[Row]] = ([], [])
    for row, part in zip(rows, split(rows, seed), strict=True):
        if part > 0 and not row["source"].startswith(AUTHORED):
            made[int(part) - 1].append({key: row[key] for key in KEPT})
    return made


def table(made: dict[str, Any]) -> str:
    """Calibration errors on dev-report."""
    lines = [
        "| category | locale | rows (positives) | shipped | calibrated | change, 95 % |",
        "|" + "---|" * 6,
    ]
    for category in made["categories"]:
        for one in category["errors"]:
            low, high = one["interval"]
            lines.append(
                f"| {category['category']} | {one['locale']} | {one['rows']} ({one['positives']}) "
                f"| {one['before']:.4f} | {one['after']:.4f} "
                f"| {one['difference']:+.4f} ({low:+.4f} to {high:+.4f}) |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
