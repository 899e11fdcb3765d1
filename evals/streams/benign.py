"""What a guard does to harmless answers of a thousand tokens, and what it misses.

    python evals/streams/benign.py --data DIR --public DIR --models DIR --json OUT

Chooses the thresholds of windows on one half of the answers and reports them on the other. If the
policies hold others than those chosen, it prints them and ends. Writes figures only, never a row's
text. README.md says how to read them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import texts
import thresholds
from texts import Answer, Planted, rules

CHUNK_CHARS = 24
"""What a worker sends at once at some 50 tokens a second."""

BATCH = 200
"""Answers a call of `weir check`, so that no call needs much memory."""

BUDGET = 0.003
"""Share of harmless answers that may be cut: well below the 0.5 % that are aimed at."""

WATCHING = "example-watching"
"""A tenant whose policy lets everything pass, so that a stream is seen to its end."""

ABOUT_PROMPTS = ("prompt_injection",)
"""Categories that say what a user tries: an answer tries it on nobody, so no window is cut for them.

They have their share of the budget all the same: a margin for what models write, of which `fit` has nothing.
"""

SEED = 1
"""Of where harmful texts are planted."""


def main() -> None:
    """Reads, streams, chooses, counts, writes."""
    arguments = parse()
    made = {"marked": list(texts.answers("marked", texts.marked(arguments.data)))}
    if arguments.public:
        made["public"] = list(texts.answers("public", texts.public(arguments.public)))
    fit, held_out = halves(answer for answers in made.values() for answer in answers)
    floors = blocks(arguments.policies)
    seen = windows(arguments, [answer.text for answer in fit])
    chosen = thresholds.choose(seen, floors, BUDGET)
    for category in ABOUT_PROMPTS:
        chosen.pop(category, None)
    print("chosen:", ", ".join(thresholds.pairs(chosen)))
    report = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": rules.commit(),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "version": rules.version(arguments.weir),
        "answer_chars": texts.ANSWER_CHARS,
        "chunk_chars": CHUNK_CHARS,
        "fit": {
            "budget_percent": 100 * BUDGET,
            "answers": dict(Counter(answer.origin for answer in fit)),
            "block_on_whole_texts": floors,
            "block_on_windows": chosen,
            **cuts(seen, floors, chosen),
        },
        "harmless": {"held_out": harmless(arguments, held_out, floors, chosen)},
    }
    if arguments.models:
        answers = list(texts.answers("models", texts.of_models(arguments.models)))
        report["harmless"]["models"] = harmless(arguments, answers, floors, chosen)
    planted = texts.planted(arguments.data, held_out, arguments.planted, SEED)
    report["harmful"] = harmful(arguments, planted, floors, chosen)
    print(json.dumps({key: report[key] for key in ("fit", "harmless", "harmful")}, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train-dev/")
    parser.add_argument("--public", type=Path, help="folder with *.conllu and tldr/, see README.md")
    parser.add_argument("--models", type=Path, help="folder with answers of models, see README.md")
    parser.add_argument("--weir", type=Path, default=Path("target/release/weir"))
    parser.add_argument("--policies", type=Path, default=Path("policies"))
    parser.add_argument(
        "--planted", type=int, default=300, help="at most so many texts a category and kind"
    )
    parser.add_argument("--json", type=Path, help="where to write the report")
    return parser.parse_args()


def halves(answers: Iterator[Answer]) -> tuple[list[Answer], list[Answer]]:
    """Those that thresholds are chosen on, and those that they are reported on."""
    fit: list[Answer] = []
    held_out: list[Answer] = []
    for answer in answers:
        (fit if answer.is_for_fit else held_out).append(answer)
    return fit, held_out


def blocks(policies: Path) -> dict[str, float]:
    """Where the default policy blocks whole texts; it is written a category a line."""
    text = (policies / "default.yaml").read_text(encoding="utf-8")
    section = re.search(r"^categories:\n((?:  .*\n)+)", text, re.MULTILINE)
    lines = section[1].splitlines() if section else []
    found = (re.match(r"  (\w+): \{.*\bblock: ([\d.]+)", line) for line in lines)
    return {match[1]: float(match[2]) for match in found if match}


def windows(arguments: argparse.Namespace, answers: Sequence[str]) -> list[thresholds.Windows]:
    """What the classifier says of each answer to its end."""
    return [line["windows"] for line in stream(arguments, answers, "--tenant", WATCHING)]


def cuts(
    seen: Sequence[thresholds.Windows], floors: Mapping[str, float], chosen: Mapping[str, float]
) -> dict[str, Any]:
    """How many answers the classifier cuts, at whole texts' thresholds and at those of windows."""
    told = {}
    for name, at in (("whole_texts", floors), ("windows", chosen)):
        by = [thresholds.cut_by(one, at) for one in seen]
        told[f"cut_by_classifier_at_{name}"] = sum(map(bool, by))
        told[f"categories_at_{name}"] = dict(Counter(category for one in by for category in one))
    return told


def harmless(
    arguments: argparse.Namespace,
    answers: list[Answer],
    floors: Mapping[str, float],
    chosen: Mapping[str, float],
) -> dict[str, Any]:
    """What becomes of harmless answers under the policies as they are."""
    whole = [answer.text for answer in answers]
    seen = windows(arguments, whole)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    by_cause: Counter[str] = Counter()
    for answer, line, said in zip(answers, stream(arguments, whole), seen, strict=True):
        count = measure(answer.text, line)
        for tag in (answer.language, answer.origin, "all"):
            counts[tag].update(count)
        cause = causes(line) if count["cut"] else set()
        by_cause.update(cause)
        # The real gate is the judge: the thresholds above must say what it did.
        by_classifier = any(one.startswith("classifier") for one in cause)
        by_rules = cause and not by_classifier
        if not by_rules and by_classifier != bool(thresholds.cut_by(said, chosen)):
            raise SystemExit(
                "the policies do not hold the thresholds chosen; under stream.categories: block at "
                + ", ".join(thresholds.pairs(chosen))
            )
    return {
        "answers": {tag: figures(count) for tag, count in sorted(counts.items())},
        "cut_by": dict(sorted(by_cause.items())),
        **cuts(seen, floors, chosen),
    }


def harmful(
    arguments: argparse.Namespace,
    planted: list[Planted],
    floors: Mapping[str, float],
    chosen: Mapping[str, float],
) -> dict[str, dict[str, Any]]:
    """How many answers with a harmful text in them the classifier cuts, for whatever category."""
    told: dict[str, dict[str, Any]] = defaultdict(dict)
    of: dict[tuple[str, str], list[thresholds.Windows]] = defaultdict(list)
    seen = windows(arguments, [one.text for one in planted])
    for one, said in zip(planted, seen, strict=True):
        of[one.category, one.kind].append(said)
    for (category, kind), group in of.items():
        told[category][kind] = {
            "answers": len(group),
            "cut_at_whole_texts": sum(bool(thresholds.cut_by(one, floors)) for one in group),
            "cut_at_windows": sum(bool(thresholds.cut_by(one, chosen)) for one in group),
        }
    return told


def stream(
    arguments: argparse.Namespace, answers: Sequence[str], *options: str
) -> Iterator[dict[str, Any]]:
    """By `weir check --jsonl`, in chunks; a line an answer."""
    for begin in range(0, len(answers), BATCH):
        batch = answers[begin : begin + BATCH]
        rows = (
            {"chunks": [text[at : at + CHUNK_CHARS] for at in range(0, len(text), CHUNK_CHARS)]}
            for text in batch
        )
        done = subprocess.run(
            [arguments.weir, "check", "--jsonl", "--policies", arguments.policies, *options],
            input="".join(json.dumps(row) + "\n" for row in rows),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"weir check ended with {done.returncode}: {done.stderr[-500:]}")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if len(lines) != len(batch) or any(line["unjudged"] for line in lines):
            raise SystemExit("not every answer was judged")
        yield from lines
        print(f"{begin + len(batch)} of {len(answers)} answers", file=sys.stderr)


def measure(text: str, line: dict[str, Any]) -> Counter[str]:
    """What became of one answer; bytes and chunks up to its cut."""
    seen = Counter(answers=1, cut=line["truncate_at"] is not None)
    arrived, before = 0, 0
    for at, released in enumerate(line["released_to"]):
        chunk = text[at * CHUNK_CHARS : (at + 1) * CHUNK_CHARS]
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
        "cut_percent_upper95": round(100 * rules.upper_bound(cut, total), 3),
        "bytes_held_percent": round(100 * count["bytes_held"] / count["bytes"], 3),
        "chunks_held_percent": round(100 * count["chunks_held"] / count["chunks"], 3),
    }


if __name__ == "__main__":
    main()
