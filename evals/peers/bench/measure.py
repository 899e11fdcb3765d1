"""All trials of a run, each program in turn, and what they come to."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench import fixture, streams
from bench.cluster import Cluster
from bench.report import Progress
from bench.subject import HERE, NAMES, ROOT, Tools
from bench.texts import RULES, TEXT_BYTES, prompts
from bench.trial import Drained, Steady, drain, running, steady, wait_for
from bench.trial import prompts as frames_of

KINDS = ("judge", "rules", "echo")
HOLD_BACK = 48
"""Longer than any match, so that nothing as spelt can be shown in part."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    warm: int
    records: int
    rounds: int
    rates: list[int]
    warm_s: float
    seconds: float
    streams: int
    rules_s: float

    @staticmethod
    def quick() -> Plan:
        """Enough to see that everything works."""
        return Plan(5000, 20_000, 1, [500], 1, 3, 60, 0.5)

    @staticmethod
    def of(records: int, rounds: int, rates: list[int]) -> Plan:
        """For figures. The warm-up is long, so that the JVM has compiled what it will."""
        return Plan(max(40_000, records // 2), records, rounds, rates, 3, 8, 600, 3)


def measure(tools: Tools, cluster: Cluster, plan: Plan, progress: Progress) -> dict[str, Any]:
    """Compares on the fixture, then measures; only the fixture's part if they differ there."""
    names = list(NAMES)
    steps = 1 + len(names) + plan.rounds * len(names) * (len(KINDS) + 1) + 5
    progress.steps = steps
    progress.step("findings on the fixture")
    same, on_prompts = fixture.compare(tools, cluster, names)
    report: dict[str, Any] = {
        "fixture": asdict(same),
        "prompts": asdict(on_prompts),
        "rules": RULES,
        "text_bytes": TEXT_BYTES,
        "plan": asdict(plan),
    }
    if same.differences:
        return report
    load_before = os.getloadavg()[0]
    drained = _drains(tools, cluster, plan, progress)
    report["drain"] = _drain_figures(drained)
    report["rules_us_per_text"] = _rules(tools, plan, progress)
    report["rates"] = _rates(tools, cluster, plan, progress)
    report["streams"] = _streams(tools, cluster, plan, progress)
    report["ratios"] = ratios(report)
    report["aims"] = aims(report)
    report["load_average"] = [load_before, os.getloadavg()[0]]
    return report


def in_turn(number: int) -> list[str]:
    """The programs, another one first in each round: a broker is slow at first."""
    names = list(NAMES)
    first = number % len(names)
    return names[first:] + names[:first]


def _drains(
    tools: Tools, cluster: Cluster, plan: Plan, progress: Progress
) -> dict[tuple[str, str], list[Drained]]:
    texts = prompts()
    warm = frames_of(texts, 0, plan.warm)
    counted = frames_of(texts, plan.warm, plan.records)
    drained: dict[tuple[str, str], list[Drained]] = defaultdict(list)
    for number in range(1, plan.rounds + 1):
        for kind in KINDS:
            for name in in_turn(number):
                progress.step(f"backlog, round {number}: {NAMES[name]}, {kind}")
                one = drain(tools, cluster, name, kind, warm, counted)
                drained[name, kind].append(one)
    return drained


def _drain_figures(drained: dict[tuple[str, str], list[Drained]]) -> dict[str, Any]:
    """The median round of each; every round's processor time beside it."""
    figures: dict[str, Any] = {}
    for name in NAMES:
        rounds = {kind: [one.cpu_us for one in drained[name, kind]] for kind in KINDS}
        cpu_us = {kind: statistics.median(rounds[kind]) for kind in KINDS}
        judged = drained[name, "judge"]
        figures[name] = {
            "records_per_cpu_s": 1e6 / cpu_us["judge"],
            "cpu_us": cpu_us["judge"],
            "rules_only_cpu_us": cpu_us["rules"],
            "echo_cpu_us": cpu_us["echo"],
            "cpu_us_beyond_echo": cpu_us["judge"] - cpu_us["echo"],
            "rules_only_cpu_us_beyond_echo": cpu_us["rules"] - cpu_us["echo"],
            "records_per_s": statistics.median(one.records / one.wall_s for one in judged),
            "rss_mib": max(one.rss_mib for one in judged),
            "cpu_us_by_round": rounds,
        }
    return figures


def _rules(tools: Tools, plan: Plan, progress: Progress) -> dict[str, float]:
    """Microseconds of processor time for the rules of a text, in one thread, caches warm."""
    file = tools.scratch / "texts"
    file.write_bytes(b"\0".join(prompts()))
    words = ["--time-rules", str(file), "--settings", str(tools.settings)]
    words += ["--seconds", str(plan.rules_s)]
    python = [sys.executable, "-m", "python_job.job", *words]
    java = ["java", *tools.java_options, "-cp", tools.jars, "weir.peers.Job", *words]
    java += ["--schemas", str(ROOT / "schemas")]
    weir = [str(tools.weir), "bench", "detect", "--json", "--rounds", str(plan.rounds + 2)]
    read: dict[str, tuple[list[str], Callable[[str], float]]] = {
        "weir": (weir, _detect_us),
        "streams": (java, float),
        "python": (python, float),
    }
    found = {}
    for name, (command, value) in read.items():
        progress.step(f"rules alone: {NAMES[name]}")
        out = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True)
        found[name] = value(out.stdout)
    return found


def _detect_us(text: str) -> float:
    return float(json.loads(text)["us_per_prompt_32_tokens"])


def _rates(tools: Tools, cluster: Cluster, plan: Plan, progress: Progress) -> dict[str, Any]:
    texts = prompts()
    pooled: dict[tuple[int, str], list[Steady]] = defaultdict(list)
    for number in range(1, plan.rounds + 1):
        for name in in_turn(number):
            progress.step(f"steady rates, round {number}: {NAMES[name]}")
            (topic,) = cluster.topics("prompts")
            cluster.fill(topic, frames_of(texts, 0, plan.warm))
            first = plan.warm
            with running(tools, cluster, name, topic, "judge") as (subject, verdicts):
                wait_for(cluster, subject, verdicts, plan.warm)
                for rate in plan.rates:
                    count = int(rate * (plan.warm_s + plan.seconds))
                    frames = frames_of(texts, first, count)
                    first += count
                    one = steady(cluster, subject, (topic, verdicts), frames, rate, plan.warm_s)
                    pooled[rate, name].append(one)
            cluster.delete([topic])
    return {
        str(rate): {name: _latency(pooled[rate, name]) for name in NAMES} for rate in plan.rates
    }


def _latency(rounds: list[Steady]) -> dict[str, Any]:
    latencies = np.concatenate([one.latencies_ms for one in rounds])
    late = np.concatenate([one.late_ms for one in rounds])
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99]) if len(latencies) else [np.nan] * 3
    return {
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "p99_ms": float(p99),
        "answered": len(latencies),
        "missing": sum(one.missing for one in rounds),
        "cpu_us": statistics.median(one.cpu_us for one in rounds),
        "sender_late_p95_ms": float(np.percentile(late, 95)),
    }


def _streams(
    tools: Tools, cluster: Cluster, plan: Plan, progress: Progress
) -> list[dict[str, Any]]:
    trials = [("weir", 0), ("streams", 0), ("streams", HOLD_BACK)]
    trials += [("python", 0), ("python", HOLD_BACK)]
    found = []
    for name, hold_back in trials:
        progress.step(f"streams: {NAMES[name]}")
        leaks = streams.trial(tools, cluster, name, hold_back, plan.streams)
        parts = {kind: asdict(some) for kind, some in leaks.items()}
        found.append({"name": name, "hold_back_bytes": hold_back, **parts})
    return found


def ratios(report: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Weir's figures over each peer's; above 1 is better."""
    found = {}
    weir, rules = report["drain"]["weir"], report["rules_us_per_text"]
    for name in NAMES:
        if name != "weir":
            peer = report["drain"][name]
            found[name] = {
                key: peer[key] / weir[key]
                for key in ("cpu_us", "cpu_us_beyond_echo", "rules_only_cpu_us_beyond_echo")
            } | {"rules_us_per_text": rules[name] / rules["weir"]}
    return found


def aims(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What is aimed at, what was seen, and whether that is enough."""
    over_streams, over_python = (report["ratios"][name] for name in ("streams", "python"))
    weir = next(one for one in report["streams"] if one["name"] == "weir")
    released = weir["plain"]["released_bytes"] + weir["disguised"]["released_bytes"]
    at_least = {
        "records per cpu second over Kafka Streams": (1.3, over_streams["cpu_us"]),
        "records per cpu second over Python": (3.0, over_python["cpu_us"]),
        "rules alone over Python": (5.0, over_python["rules_us_per_text"]),
    }
    found = [
        {"what": what, "aim": aim, "seen": seen, "met": seen >= aim}
        for what, (aim, seen) in at_least.items()
    ]
    none = {"what": "forbidden bytes released", "aim": 0, "seen": released, "met": released == 0}
    return [*found, none]
