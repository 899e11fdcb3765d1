"""What Weir's rules report on harmless texts, by language.

    python evals/rules/benign.py --data DIR --public DIR --weir target/release/weir --json OUT

Writes figures only, never a row's text. README.md says how to read them.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import math
import os
import platform
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import authored

RULES = ("literal", "pattern", "injection")
"""Detectors whose findings are errors on harmless texts; those of the rest may be right."""

SCORE = 0.5
"""Findings with less are hints, on which no policy should act."""

MANUALS = {"pt_BR": "pt", "pt_PT": "pt"} | {
    tag: tag for tag in ("ar", "de", "es", "fr", "hi", "it", "nl", "pl", "ru", "zh")
}
"""Translations of the manual pages, and the languages they are in."""


class Row(NamedTuple):
    """A harmless text."""

    origin: str
    """`marked`: its source says that it is harmless; `public`: nobody said so, and it has no reason
    not to be; `authored`: written for this measurement."""
    language: str
    text: str


def main() -> None:
    """Reads, judges, counts, writes."""
    arguments = parse()
    sources = {
        "marked": marked(arguments.data),
        "public": public(arguments.public) if arguments.public else [],
        "authored": (
            (language, text)
            for language in authored.languages()
            for text in authored.texts(language)
        ),
    }
    # Each text once, as what it is first.
    rows = list(
        {
            (language, text): Row(origin, language, text)
            for origin, texts in reversed(sources.items())
            for language, text in texts
        }.values()
    )
    for origin in ("marked", "public") if arguments.public else ("marked",):
        if not any(row.origin == origin for row in rows):
            raise SystemExit(f"no {origin} rows: is this the right folder?")
    answers = judge(arguments.weir, arguments.policies, [row.text for row in rows])
    if arguments.show:
        show_errors(rows, answers)
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
    parser.add_argument("--public", type=Path, help="folder with *.conllu and tldr/, see README.md")
    parser.add_argument("--weir", type=Path, default=Path("target/release/weir"))
    parser.add_argument("--policies", type=Path, default=Path("policies"))
    parser.add_argument("--json", type=Path, help="where to write the report")
    parser.add_argument("--show", action="store_true", help="print the rows that have a rule")
    return parser.parse_args()


def marked(folder: Path) -> Iterator[tuple[str, str]]:
    """All rows that their source regards as harmless: every source, language and split."""
    for path in sorted((folder / "train-dev").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                if row["benign"]:
                    yield row["lang"], row["text"]


def public(folder: Path) -> Iterator[tuple[str, str]]:
    """The sentences of the treebanks, and manual pages whole."""
    yield from treebanks(folder)
    for tag, language in MANUALS.items():
        for path in sorted((folder / "tldr" / f"pages.{tag}").rglob("*.md")):
            yield language, path.read_text(encoding="utf-8")


def treebanks(folder: Path) -> Iterator[tuple[str, str]]:
    """Their sentences."""
    for path in sorted(folder.glob("*_*-ud-*.conllu")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("# text = "):
                    yield path.name.split("_")[0], line.removeprefix("# text = ").strip()


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


def count(rows: list[Row], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows with findings, by language and origin, and by rule or detector over all of them."""
    languages: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    rules: dict[str, Counter[str]] = defaultdict(Counter)
    detectors: dict[str, Counter[str]] = defaultdict(Counter)
    for row, answer in zip(rows, answers, strict=True):
        found = told(answer)
        by_rule = {f"{f['detector']}/{f['rule']}" for f in found if f["detector"] in RULES}
        personal = {f["detector"] for f in found if f["detector"] not in RULES}
        rules[row.origin].update(by_rule)
        detectors[row.origin].update(personal)
        real = () if row.origin == "authored" else ("real",)
        for tag in (row.language, "all"):
            for origin in (row.origin, *real):
                counts = languages[tag][origin]
                counts["rows"] += 1
                counts["rules"] += bool(by_rule)
                counts["personal_data"] += bool(personal)
    return {
        "languages": {
            tag: {origin: figures(origin, counts) for origin, counts in origins.items()}
            for tag, origins in sorted(languages.items())
        },
        "rows_by_rule": {origin: dict(sorted(counts.items())) for origin, counts in rules.items()},
        "rows_by_detector": {
            origin: dict(sorted(counts.items())) for origin, counts in detectors.items()
        },
    }


def told(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings that count."""
    return [finding for finding in answer["findings"] if finding["score"] >= SCORE]


def figures(origin: str, counts: Counter[str]) -> dict[str, Any]:
    """Of one language and origin, for the report."""
    rows = counts["rows"]
    # Authored texts are made of the same parts: nothing follows from how many there are.
    bound = None if origin == "authored" else round(100 * upper_bound(counts["rules"], rows), 4)
    return {
        "rows": rows,
        "rows_with_a_rule": counts["rules"],
        "percent_with_a_rule": percent(counts["rules"], rows),
        "percent_at_most": bound,
        "rows_with_personal_data": counts["personal_data"],
        "percent_with_personal_data": percent(counts["personal_data"], rows),
    }


def percent(part: int, whole: int) -> float:
    """With four decimals: one row of some 100,000 shows."""
    return round(100 * part / whole, 4)


def upper_bound(errors: int, rows: int) -> float:
    """The share not exceeded with 95 % certainty, if rows are independent (Clopper, Pearson)."""

    def at_most(share: float) -> float:
        # Logarithms: the coefficients are beyond what a float holds.
        return sum(
            math.exp(
                math.lgamma(rows + 1)
                - math.lgamma(count + 1)
                - math.lgamma(rows - count + 1)
                + count * math.log(share)
                + (rows - count) * math.log1p(-share)
            )
            for count in range(errors + 1)
        )

    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(middle) > 0.05 else (low, middle)
    return high


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
    print(f"{'':4} {'':9} {'rows':>7} {'a rule':>7} {'%':>7} {'<= %':>7} {'pers.':>6}")
    for tag, origins in report["languages"].items():
        for origin, row in origins.items():
            bound = row["percent_at_most"]
            print(
                f"{tag:4} {origin:9} {row['rows']:7} {row['rows_with_a_rule']:7}"
                f" {row['percent_with_a_rule']:7.4f} {'-' if bound is None else bound:>7}"
                f" {row['rows_with_personal_data']:6}"
            )
    print(report["rows_by_rule"])
    print(report["rows_by_detector"])


def show_errors(rows: list[Row], answers: list[dict[str, Any]]) -> None:
    """For whoever mends the rules."""
    for row, answer in zip(rows, answers, strict=True):
        for finding in told(answer):
            if finding["detector"] in RULES:
                start, end = finding["span"]["start"], finding["span"]["end"]
                context = row.text.encode()[max(0, start - 60) : end + 60].decode(errors="ignore")
                print(row.origin, row.language, finding["rule"], finding["score"], repr(context))


if __name__ == "__main__":
    main()
