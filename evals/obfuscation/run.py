"""How much of what Weir's rules find in plain text they still find in disguised text.

    python evals/obfuscation/run.py --weir target/release/weir --policies policies --json OUT

Every literal of the policies in three sentences, and invented personal data; then the same in each
disguise of obfuscate.py. Rules only: the classifier has no say. Writes figures, never a text.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from obfuscate import PERSONAL, PHRASES, SCRIPTS, WHOLE_TEXT, Disguise, script
from plain import Sample, personal, phrases


@dataclass(frozen=True)
class Case:
    """A text to judge and the bytes in which something must be found."""

    text: str
    start: int
    end: int


def place(sample: Sample, name: str, disguise: Disguise) -> Case:
    """The sample disguised. Only the phrase is; the sentence too where the disguise wants all."""
    before, after = sample.carrier.split("{}")
    if name in WHOLE_TEXT:
        text = disguise(before + sample.text + after)
        return Case(text, 0, len(text.encode()))
    hidden = disguise(sample.text)
    core = hidden
    # Marks on the last letter belong to it; masking takes them with it.
    while unicodedata.category(core[-1]) in ("Mn", "Cf"):
        core = core[:-1]
    start = len(before.encode())
    return Case(before + hidden + after, start, start + len(core.encode()))


def judge(weir: Path, policies: Path, cases: list[Case]) -> list[list[dict[str, Any]]]:
    """The findings of each case."""
    rows = "".join(
        json.dumps({"id": str(number), "text": case.text}) + "\n"
        for number, case in enumerate(cases)
    )
    command = [
        *(weir, "check", "--jsonl", "--rules-only"),
        *("--policies", policies, "--deadline-ms", "60000"),
    ]
    done = subprocess.run(
        command, input=rows, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"weir check ended with {done.returncode}: {done.stderr[-500:]}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if [answer.get("id") for answer in answers] != [str(i) for i in range(len(cases))]:
        raise SystemExit("weir check left rows out")
    if any(answer["unjudged"] for answer in answers):
        raise SystemExit("weir check did not judge every row")
    return [answer["findings"] for answer in answers]


def hits(sample: Sample, case: Case, findings: list[dict[str, Any]]) -> tuple[bool, bool]:
    """Whether the sample's rule hit where it was put; whether one hit covers it all."""
    spans = [
        (finding["span"]["start"], finding["span"]["end"])
        for finding in findings
        if finding["detector"] == sample.detector and sample.rule in (None, finding["rule"])
    ]
    touched = any(start < case.end and case.start < end for start, end in spans)
    return touched, any(start <= case.start and case.end <= end for start, end in spans)


@dataclass
class Cell:
    """Counts of one disguise in one group."""

    found_plain: int = 0
    applied: int = 0
    kept: int = 0
    covered: int = 0

    def figures(self) -> dict[str, Any] | str:
        """For the report."""
        if self.found_plain == 0:
            return "nothing found in plain text"
        if self.applied == 0:
            return "not applicable"
        counts = {"texts": self.applied, "kept": self.kept, "covered": self.covered}
        return counts | {
            "share_kept": round(self.kept / self.applied, 4),
            "share_covered": round(self.covered / self.applied, 4),
        }


def evaluate(
    weir: Path,
    policies: Path,
    samples: list[Sample],
    disguises: dict[str, Disguise],
    groups: dict[Sample, str],
) -> dict[str, Any]:
    """Shares kept by group; only what is found in plain text counts."""
    plain = [place(sample, "", lambda text: text) for sample in samples]
    judged = judge(weir, policies, plain)
    seen = [
        hits(sample, case, findings)[0]
        for sample, case, findings in zip(samples, plain, judged, strict=True)
    ]
    names = sorted(set(groups.values()))
    totals = {
        name: {
            "texts": sum(groups[sample] == name for sample in samples),
            "found": sum(groups[s] == name and hit for s, hit in zip(samples, seen, strict=True)),
        }
        for name in names
    }
    kept = [sample for sample, hit in zip(samples, seen, strict=True) if hit]
    todo = [
        (name, sample, place(sample, name, disguise))
        for name, disguise in disguises.items()
        for sample in kept
        # A disguise that leaves the text as it is does not apply to it.
        if disguise(sample.text) != sample.text
    ]
    cells = {
        name: {group: Cell(totals[group]["found"]) for group in names} | {"all": Cell(len(kept))}
        for name in disguises
    }
    answers = judge(weir, policies, [case for _, _, case in todo])
    for (name, sample, case), findings in zip(todo, answers, strict=True):
        touched, covered = hits(sample, case, findings)
        for group in (groups[sample], "all"):
            cells[name][group].applied += 1
            cells[name][group].kept += touched
            cells[name][group].covered += covered
    return {
        "plain": totals,
        "disguised": {
            name: {group: cell.figures() for group, cell in row.items()}
            for name, row in cells.items()
        },
    }


def print_table(title: str, result: dict[str, Any]) -> None:
    """For people: `n/a` where a disguise does not apply, `-` without plain findings."""
    groups = list(next(iter(result["disguised"].values())))
    print(f"\n{title}: share of plain findings kept")
    print(f"{'':20}" + "".join(f"{group:>12}" for group in groups))
    plain = [result["plain"].get(group) for group in groups]
    counts = [f"{count['found']}/{count['texts']}" if count else "" for count in plain]
    print(f"{'(plain)':20}" + "".join(f"{count:>12}" for count in counts))
    for name, row in result["disguised"].items():
        shares = [shown(row[group]) for group in groups]
        print(f"{name:20}" + "".join(f"{share:>12}" for share in shares))


def shown(figures: dict[str, Any] | str) -> str:
    """A cell of the table."""
    if isinstance(figures, str):
        return "n/a" if figures == "not applicable" else "-"
    return f"{figures['share_kept']:.3f}"


def main() -> None:
    """Reads, runs, writes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--weir", type=Path, default=Path("target/release/weir"))
    parser.add_argument("--policies", type=Path, default=Path("policies"))
    parser.add_argument("--json", type=Path, help="where to write the report")
    arguments = parser.parse_args()
    tools = (arguments.weir, arguments.policies)

    literals = phrases(arguments.policies)
    scripts = {sample: script(sample.text) for sample in literals}
    values = personal()
    version = subprocess.run(
        [arguments.weir, "--version"], capture_output=True, text=True, check=True
    )
    report = {
        "weir": version.stdout.strip(),
        "scripts_without_literals": [name for name in SCRIPTS if name not in set(scripts.values())],
        "phrases": evaluate(*tools, literals, PHRASES, scripts),
        "personal": evaluate(*tools, values, PERSONAL, {s: s.detector for s in values}),
    }
    print_table("phrases", report["phrases"])
    if report["scripts_without_literals"]:
        print("no literals in:", ", ".join(report["scripts_without_literals"]))
    print_table("personal data", report["personal"])
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
