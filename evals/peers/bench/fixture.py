"""Whether all three find the same: category, rule and bytes, on texts of `fixture.jsonl`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bench.cluster import Cluster
from bench.subject import HERE, NAMES, Tools
from bench.texts import prompts
from bench.trial import prompt, require_judged, running, wait_for
from python_job.wire import Codec

DETECTORS = {"literal", "pattern", "card", "iban", "email", "phone"}
"""What all three look for; Weir looks for more."""
SCORES_WITHIN = 1e-3
"""Scores of the same model; the runtimes are of different versions and add up in another order."""


def verdicts(
    tools: Tools, cluster: Cluster, name: str, topic: str, count: int
) -> dict[str, dict[str, Any]]:
    """One program's verdicts on what is in a topic, by request."""
    codec = Codec("verdict")
    with running(tools, cluster, name, topic, "judge") as (subject, answers):
        wait_for(cluster, subject, answers, count)
        found = [codec.decode(message.value()) for message in cluster.read(answers)]
    require_judged(name, found)
    return {one["request_id"]: one for one in found}


def found_in(verdict: dict[str, Any]) -> list[tuple[str, str, str, int, int]]:
    """What is compared."""
    return sorted(
        (one["detector"], one["rule"], one["category"], one["span"]["start"], one["span"]["end"])
        for one in verdict["findings"]
        if one["detector"] in DETECTORS
    )


@dataclass
class Comparison:
    """What the programs found in some texts."""

    texts: int
    findings: dict[str, int]
    """By program."""
    same: int
    """Texts in which all found the same."""
    scores_differ_by_at_most: float
    differences: list[str]
    """In words; no text is quoted."""


def compare(tools: Tools, cluster: Cluster, names: list[str]) -> tuple[Comparison, Comparison]:
    """Of the fixture, where no difference may be, and of the benchmark's prompts."""
    rows = [json.loads(line) for line in (HERE / "fixture.jsonl").read_text().splitlines()]
    fixture = {row["id"]: row["text"].encode() for row in rows}
    more = {f"prompt-{number}": text for number, text in enumerate(prompts())}
    codec = Codec("prompt")
    (topic,) = cluster.topics("fixture")
    texts = fixture | more
    cluster.fill(topic, ((key, prompt(codec, key, text)) for key, text in texts.items()))
    said = {name: verdicts(tools, cluster, name, topic, len(texts)) for name in names}
    cluster.delete([topic])
    return _compared(said, list(fixture)), _compared(said, list(more))


def _compared(said: dict[str, dict[str, Any]], keys: list[str]) -> Comparison:
    first, *others = said
    found = {name: {key: found_in(said[name][key]) for key in keys} for name in said}
    result = Comparison(
        texts=len(keys),
        findings={name: sum(map(len, found[name].values())) for name in said},
        same=sum(all(found[name][key] == found[first][key] for name in others) for key in keys),
        scores_differ_by_at_most=0.0,
        differences=[],
    )
    for key in keys:
        for name in others:
            for one in sorted(set(found[first][key]) ^ set(found[name][key])):
                pair = (NAMES[first], NAMES[name])
                who, who_not = pair if one in found[first][key] else pair[::-1]
                result.differences.append(f"{key}: {who} found {one}, {who_not} did not")
            pairs = zip(said[first][key]["scores"], said[name][key]["scores"], strict=True)
            apart = max(abs(a["calibrated"] - b["calibrated"]) for a, b in pairs)
            result.scores_differ_by_at_most = max(result.scores_differ_by_at_most, apart)
            if apart > SCORES_WITHIN:
                result.differences.append(f"{key}: {NAMES[name]}'s scores are {apart:.4f} off")
    return result
