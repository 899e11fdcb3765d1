"""`weir eval` of the fast and the heavy model on the same sets of public rows. See README.md."""

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
from data import read, some, split  # noqa: E402
from fit import Recipe  # noqa: E402

Row = dict[str, Any]

STAGES = ("fast", "heavy")
DEV_REPORT = 2
KEPT = ("id", "text", "lang", "labels", "benign")
"""Of a row. Which split its source put it in says nothing here."""
CATEGORIES = (
    "self_harm", "hate", "harassment", "violence", "sexual", "sexual_minors", "illicit",
    "prompt_injection", "pii", "any_unsafe",
)  # fmt: skip


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-dev/ and licences.json"
    )
    parser.add_argument("--weir", type=Path, default=ROOT / "target/release/weir")
    parser.add_argument("--most", type=int, default=3000, help="rows of a report-only source")
    parser.add_argument("--out", type=Path, required=True, help="report to write, JSON")
    options = parser.parse_args()
    made: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (rows, of) in sets(options.data, options.most).items():
            print(f"{name}: {len(rows)} of {of} rows", file=sys.stderr, flush=True)
            path = Path(folder) / "rows.jsonl"
            lines = [json.dumps({key: row[key] for key in KEPT}) for row in rows]
            path.write_text("\n".join(lines) + "\n")
            reports = {stage: evaluate(options.weir, path, stage) for stage in STAGES}
            made[name] = {"rows": len(rows), "of": of, **reports}
            # After each set: it takes a while.
            options.out.write_text(json.dumps(made, separators=(",", ":")) + "\n")
    print(table(made))


def sets(folder: Path, most: int) -> dict[str, tuple[list[Row], int]]:
    """What neither model was trained or calibrated on."""
    seed = Recipe().seed
    rows = read(folder, {"open"}) + authored.rows(seed)
    splits = split(rows, seed)
    reporting = [row for row, part in zip(rows, splits, strict=True) if part == DEV_REPORT]
    own = [row for row in reporting if row["source"].startswith("authored")]
    public = [row for row in reporting if not row["source"].startswith("authored")]
    made = {"dev-report": (public, len(public)), "dev-report authored": (own, len(own))}
    foreign = [row for row in read(folder, {"nc", "unclear"}) if usable(row)]
    drawn = [foreign[int(at)] for at in some(foreign, most)]
    for source in sorted({row["source"] for row in foreign}):
        these = [row for row in drawn if row["source"] == source]
        made[source] = (these, sum(row["source"] == source for row in foreign))
    return made


def usable(row: Row) -> bool:
    """`weir eval` leaves out rows without a label that it knows."""
    return bool(row["benign"]) or not row["labels"].keys().isdisjoint({*CATEGORIES, "unsafe"})


def evaluate(weir: Path, rows: Path, stage: str) -> dict[str, Any]:
    """The report, without curves and without locales of too few rows."""
    out = rows.with_suffix(".report")
    command = [str(weir), "eval", "--data", str(rows), "--stage", stage, "--json", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr.decode())
    report: dict[str, Any] = json.loads(out.read_text())
    del report["curves"]
    figures = report["figures"]
    report["figures"] = [one for one in figures if one["locale"] == "all" or one["scores"]]
    report["run"]["data"] = "drawn by evals/models/compare.py"
    return report


def table(made: dict[str, Any]) -> str:
    """AUROC, AUPRC and recall at 0.5 % false positives, in all locales together."""
    lines = [
        "| set | category | pos / neg | AUROC fast, heavy | AUPRC fast, heavy "
        "| recall at 0.5 % FPR |",
        "|" + "---|" * 6,
    ]
    for name, entry in made.items():
        for category in CATEGORIES:
            fast, heavy = (figure(entry[stage], category) for stage in STAGES)
            if not fast or not heavy:
                continue
            pairs = " | ".join(
                f"{fast['scores'][key]:.3f}, {heavy['scores'][key]:.3f}"
                for key in ("auroc", "auprc", "recall_at_fpr")
            )
            counts = f"{fast['positives']} / {fast['negatives']}"
            lines.append(f"| {name} | {category} | {counts} | {pairs} |")
    return "\n".join(lines)


def figure(report: dict[str, Any], category: str) -> dict[str, Any] | None:
    """Of all locales together; none where too few rows are labelled."""
    for one in report["figures"]:
        if one["category"] == category and one["locale"] == "all":
            return one if one["scores"] else None
    return None


if __name__ == "__main__":
    main()
