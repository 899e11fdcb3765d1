"""What a guard does to harmless answers of a thousand tokens: how many it cuts, how much it holds.

    python evals/streams/benign.py --data DIR --public DIR --weir target/release/weir --json OUT

Writes figures only, never a row's text. README.md says how to read them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "rules"))
import benign as texts  # noqa: E402

ANSWER_CHARS = 4_000
"""About a thousand tokens."""

CHUNK_CHARS = 24
"""What a worker sends at once at some 50 tokens a second."""

BATCH = 200
"""Answers a call of `weir check`, so that no call needs much memory."""


class Answer(NamedTuple):
    """A harmless answer: texts of one language and origin, one after the other."""

    origin: str
    language: str
    text: str


def main() -> None:
    """Reads, streams, counts, writes."""
    arguments = parse()
    sources = {"marked": texts.marked(arguments.data)}
    if arguments.public:
        sources["public"] = texts.public(arguments.public)
    made = [
        Answer(origin, language, text)
        for origin, rows in sources.items()
        for language, text in answers(rows, arguments.answers)
    ]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    by_cause: Counter[str] = Counter()
    for begin in range(0, len(made), BATCH):
        batch = made[begin : begin + BATCH]
        for answer, line in zip(batch, stream(arguments, batch), strict=True):
            seen = measure(answer, line)
            for tag in (answer.language, "all"):
                counts[tag].update(seen)
            if seen["cut"]:
                by_cause.update(causes(line))
        print(f"{begin + len(batch)} of {len(made)} answers", file=sys.stderr)
    report = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": texts.commit(),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "version": texts.version(arguments.weir),
        "answer_chars": ANSWER_CHARS,
        "chunk_chars": CHUNK_CHARS,
        "languages": {tag: figures(count) for tag, count in sorted(counts.items())},
        "cut_by": dict(sorted(by_cause.items())),
    }
    for tag, row in report["languages"].items():
        print(tag, json.dumps(row))
    print("cut by", report["cut_by"])
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-dev/"
    )
    parser.add_argument(
        "--public", type=Path, help="folder with *.conllu and tldr/, see evals/rules"
    )
    parser.add_argument("--weir", type=Path, default=Path("target/release/weir"))
    parser.add_argument("--policies", type=Path, default=Path("policies"))
    parser.add_argument(
        "--answers", type=int, default=200, help="at most so many a language and origin"
    )
    parser.add_argument("--json", type=Path, help="where to write the report")
    return parser.parse_args()


def answers(rows: Iterator[tuple[str, str]], most: int) -> Iterator[tuple[str, str]]:
    """Texts of a language joined in their order until they are long enough; each is used once."""
    begun: dict[str, list[str]] = defaultdict(list)
    made: Counter[str] = Counter()
    for language, text in rows:
        if made[language] == most:
            continue
        begun[language].append(text)
        joined = " ".join(begun[language])
        if len(joined) >= ANSWER_CHARS:
            yield language, joined[:ANSWER_CHARS]
            begun[language].clear()
            made[language] += 1


def stream(arguments: argparse.Namespace, batch: list[Answer]) -> list[dict[str, Any]]:
    """By `weir check --jsonl`, in chunks; a line an answer."""
    rows = (
        {
            "id": str(at),
            "chunks": [
                answer.text[at : at + CHUNK_CHARS]
                for at in range(0, len(answer.text), CHUNK_CHARS)
            ],
        }
        for at, answer in enumerate(batch)
    )
    done = subprocess.run(
        [arguments.weir, "check", "--jsonl", "--policies", arguments.policies],
        input="".join(json.dumps(row) + "\n" for row in rows),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(
            f"weir check ended with {done.returncode}: {done.stderr[-500:]}"
        )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if len(lines) != len(batch) or any(line["unjudged"] for line in lines):
        raise SystemExit("not every answer was judged")
    return lines


def measure(answer: Answer, line: dict[str, Any]) -> Counter[str]:
    """What became of one answer; bytes and chunks up to its cut."""
    seen = Counter(answers=1, cut=line["truncate_at"] is not None)
    arrived, before = 0, 0
    for at, released in enumerate(line["released_to"]):
        chunk = answer.text[at * CHUNK_CHARS : (at + 1) * CHUNK_CHARS]
        arrived += len(chunk.encode())
        if seen["cut"] and arrived > line["truncate_at"]:
            break
        seen["chunks"] += 1
        seen["chunks_held"] += released < arrived
        seen["bytes"] += arrived - before
        # What is still held of this chunk; of earlier ones it was counted then.
        seen["bytes_held"] += min(arrived - before, arrived - released)
        before = arrived
    return seen


def causes(line: dict[str, Any]) -> set[str]:
    """What cut an answer: the rules that found something, or the classifier."""
    found = {
        f"{f['detector']}/{f['rule']}"
        for f in line["findings"]
        if f["span"]["start"] == line["truncate_at"]
    }
    return found or {"classifier: " + ", ".join(line["flagged"])}


def figures(count: Counter[str]) -> dict[str, Any]:
    """Shares, and what the share of answers cut is at most (95 %, exact where none is)."""
    cut, total = count["cut"], count["answers"]
    return {
        "answers": total,
        "cut": cut,
        "cut_percent": round(100 * cut / total, 3),
        "cut_percent_upper95": round(100 * upper(cut, total), 3),
        "bytes_held_percent": round(100 * count["bytes_held"] / count["bytes"], 3),
        "chunks_held_percent": round(100 * count["chunks_held"] / count["chunks"], 3),
    }


def upper(hits: int, total: int) -> float:
    """One-sided Clopper-Pearson bound, by bisection of the binomial distribution."""
    low, high = hits / total, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        below = (
            sum(
                math.exp(
                    math.lgamma(total + 1)
                    - math.lgamma(k + 1)
                    - math.lgamma(total - k + 1)
                    + k * math.log(middle)
                    + (total - k) * math.log1p(-middle)
                )
                for k in range(hits + 1)
            )
            if middle < 1
            else 0.0
        )
        low, high = (middle, high) if below > 0.05 else (low, middle)
    return high


if __name__ == "__main__":
    main()
