"""What a run says: on what it was, and its figures as a table."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.subject import NAMES, ROOT, Tools


class Progress:
    """Says on standard error what is being done."""

    def __init__(self) -> None:
        self.steps = 0
        self._done = 0
        self._began = time.monotonic()
        self._live = sys.stderr.isatty()

    def step(self, what: str) -> None:
        """The next step begins."""
        self._done += 1
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        line = f"[{self._done}/{self.steps}] {what} ({minutes}:{seconds:02})"
        print(f"\r\033[K{line}" if self._live else line, end="", file=sys.stderr, flush=True)
        if not self._live:
            print(file=sys.stderr)

    def done(self) -> None:
        """Clears the line."""
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def header(tools: Tools, note: str) -> dict[str, Any]:
    """Machine, commit, date and versions."""
    return {
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "os": platform.system().lower()},
        "commit": _say("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "broker": note or "given",
        "versions": {
            "weir": _say(str(tools.weir), "--version"),
            "java": _say("java", "--version").splitlines()[0],
            "jars": sorted(jar.stem for jar in Path(tools.jars.split("*")[0]).glob("*.jar")),
            "python": platform.python_version(),
            **{name: version(name) for name in ("confluent-kafka", "onnxruntime", "hyperscan")},
        },
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return "unknown"


def _say(*command: str) -> str:
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() or "unknown"


def print_table(report: dict[str, Any]) -> None:
    """For people."""
    machine = report["machine"]
    print(f"{machine['cpu']}, {machine['cores']} cores; {report['commit']}; {report['date']}")
    same, prompts = report["fixture"], report["prompts"]
    print(f"fixture: the same {same['findings']['weir']} findings in {same['texts']} texts")
    found = ", ".join(f"{label} {prompts['findings'][name]}" for name, label in NAMES.items())
    print(f"prompts: the same in {prompts['same']} of {prompts['texts']}; in all: {found}\n")
    _drains(report)
    _rates(report)
    _streams(report["streams"])
    _aims(report["aims"])


def _drains(report: dict[str, Any]) -> None:
    print("a backlog of prompts           records/   us of processor time a record")
    print("                                  cpu s    all  echo  beyond   rules only  records/s")
    for name, label in NAMES.items():
        one = report["drain"][name]
        print(
            f"{label:<28} {one['records_per_cpu_s']:>10,.0f} {one['cpu_us']:>6.1f}"
            f" {one['echo_cpu_us']:>5.1f} {one['cpu_us_beyond_echo']:>7.1f}"
            f" {one['rules_only_cpu_us']:>12.1f} {one['records_per_s']:>10,.0f}"
        )
    rules = report["rules_us_per_text"]
    alone = ", ".join(f"{label} {rules[name]:.1f}" for name, label in NAMES.items())
    print(f"\nrules of a prompt in one thread, us: {alone}\n")


def _rates(report: dict[str, Any]) -> None:
    print("steady rate                     p50 ms   p95 ms   p99 ms  missing  cpu us a record")
    for rate, by_name in report["rates"].items():
        for name, label in NAMES.items():
            one = by_name[name]
            print(
                f"{int(rate):>6,}/s  {label:<18} {one['p50_ms']:>9.2f} {one['p95_ms']:>8.2f}"
                f" {one['p99_ms']:>8.2f} {one['missing']:>8} {one['cpu_us']:>16.1f}"
            )
    print()


def _streams(trials: list[dict[str, Any]]) -> None:
    print("forbidden bytes released on streams     as spelt        disguised   bytes held")
    for one in trials:
        plain, disguised = one["plain"], one["disguised"]
        label = NAMES[one["name"]]
        if one["name"] != "weir":
            label += f", {one['hold_back_bytes']} held back"
        print(
            f"{label:<32} {plain['released_bytes']:>8,}/{plain['forbidden_bytes']:<6,}"
            f" {disguised['released_bytes']:>8,}/{disguised['forbidden_bytes']:<6,}"
            f" {plain['held_bytes']:>10.1f}"
        )
    print()


def _aims(aims: list[dict[str, Any]]) -> None:
    """What was aimed at, beside what was seen."""
    print("aims, of Weir                                  aim     seen")
    for one in aims:
        met = "met" if one["met"] else "not met"
        print(f"{one['what']:<44} {one['aim']:>5} {one['seen']:>8.2f}  {met}")
