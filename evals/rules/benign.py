"""What Weir's rules report on harmless texts, by language.

    python evals/rules/benign.py --data DIR --weir target/release/weir --json OUT

Writes figures only, never a row's text. README.md says how to read them.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import os
import platform
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RULES = ("literal", "pattern", "injection")
"""Detectors whose findings are errors on harmless texts; those of the rest may be right."""

SCORE = 0.5
"""Findings with less are hints, on which no policy should act."""


def main() -> None:
    """Reads, judges, counts, writes."""
    arguments = parse()
    rows = list(read(arguments.data))
    if not rows:
        raise SystemExit(f"no harmless rows in {arguments.data}: is this the right folder?")
    answers = judge(arguments.weir, arguments.policies, [row["text"] for row in rows])
    report = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit(),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "version": version(arguments.weir),
        "from_score": SCORE,
        **count(rows, answers),
    }
    show(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train-dev/")
    parser.add_argument("--weir", type=Path, default=Path("target/release/weir"))
    parser.add_argument("--policies", type=Path, default=Path("policies"))
    parser.add_argument("--json", type=Path, help="where to write the report")
    return parser.parse_args()


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """All rows that their source regards as harmless: every source, language and split."""
    for path in sorted((folder / "train-dev").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from (row for row in map(json.loads, lines) if row["benign"])


def judge(program: Path, policies: Path, texts: list[str]) -> list[dict[str, Any]]:
    """By `weir check --jsonl --rules-only`; an answer a text."""
    lines = "".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts))
    command = [
        *(program, "check", "--jsonl", "--rules-only"),
        *("--policies", policies, "--deadline-ms", "60000"),
    ]
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"weir check ended with {done.returncode}: {done.stderr[-500:]}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    # A row that could not be judged would count as one without findings.
    unjudged = sum("error" in answer or bool(answer["unjudged"]) for answer in answers)
    if unjudged or len(answers) != len(texts):
        raise SystemExit(f"{len(answers)} of {len(texts)} rows answered, {unjudged} not judged")
    return answers


def count(rows: list[dict[str, Any]], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows with findings, by language, and by rule or detector over all of them."""
    languages: dict[str, Counter[str]] = defaultdict(Counter)
    rules: Counter[str] = Counter()
    detectors: Counter[str] = Counter()
    for row, answer in zip(rows, answers, strict=True):
        found = [f for f in answer["findings"] if f["score"] >= SCORE]
        by_rule = {f"{f['detector']}/{f['rule']}" for f in found if f["detector"] in RULES}
        personal = {f["detector"] for f in found if f["detector"] not in RULES}
        rules.update(by_rule)
        detectors.update(personal)
        for tag in (row["lang"], "all"):
            languages[tag]["rows"] += 1
            languages[tag]["rules"] += bool(by_rule)
            languages[tag]["personal_data"] += bool(personal)
    return {
        "languages": {
            tag: {
                "rows": counts["rows"],
                "rows_with_a_rule": counts["rules"],
                "percent_with_a_rule": percent(counts["rules"], counts["rows"]),
                "rows_with_personal_data": counts["personal_data"],
                "percent_with_personal_data": percent(counts["personal_data"], counts["rows"]),
            }
            for tag, counts in sorted(languages.items())
        },
        "rows_by_rule": dict(sorted(rules.items())),
        "rows_by_detector": dict(sorted(detectors.items())),
    }


def percent(part: int, whole: int) -> float:
    """With four decimals: one row of some 100,000 shows."""
    return round(100 * part / whole, 4)


def commit() -> str:
    """Of the working tree, marked when it differs from that."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def version(program: Path) -> str:
    """As the program gives it, with the commit that it was built from."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def show(report: dict[str, Any]) -> None:
    """For people."""
    print(f"{'':5} {'rows':>7} {'a rule':>7} {'%':>7} {'pers.':>6} {'%':>7}")
    for tag, figures in report["languages"].items():
        print(
            f"{tag:5} {figures['rows']:7} {figures['rows_with_a_rule']:7}"
            f" {figures['percent_with_a_rule']:7.4f} {figures['rows_with_personal_data']:6}"
            f" {figures['percent_with_personal_data']:7.4f}"
        )
    print(report["rows_by_rule"])
    print(report["rows_by_detector"])


if __name__ == "__main__":
    main()
