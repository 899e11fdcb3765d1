"""Findings and scores to verdicts, by the policy."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from python_job.classifier import CATEGORIES, Classifier
from python_job.rules import Finding, Rules
from python_job.wire import Codec

ACTIONS = ("allow", "warn", "attenuate", "block")
NEVER = 2.0
"""A threshold that no score reaches."""


class Judge:
    """Judges texts; `classifier` is None where rules alone decide."""

    def __init__(self, settings: Path, model: Path | None) -> None:
        document = json.loads(settings.read_text())
        policy = document["policy"]
        self.rules = Rules(document["rules"], policy)
        self.classifier = Classifier(model) if model else None
        self._codec = Codec("verdict")
        tiers = [policy["categories"].get(name, {}) for name in CATEGORIES]
        self._warn = [tier.get("warn", NEVER) for tier in tiers]
        self._block = [tier.get("block", NEVER) for tier in tiers]
        self._lowest = [min(pair) for pair in zip(self._warn, self._block, strict=True)]
        self._provenance = {"policy_id": policy["id"], "policy_version": policy["version"]}
        self._models = [{"name": self.classifier.name}] if self.classifier else []
        self._judged_by = ["rules", "classifier"] if self.classifier else ["rules"]

    def prompts(self, records: list[dict[str, Any]], ids: list[str], taken_us: int) -> list[bytes]:
        """Encoded verdicts on prompts, which are judged together."""
        texts = [b"\n".join(one["text"] for one in record["segments"]) for record in records]
        found = [self.rules.scan(text) for text in texts]
        scores: list[list[dict[str, Any]]] = [[] for _ in texts]
        risks: list[float | None] = [None] * len(texts)
        if self.classifier:
            scored = self.classifier.classify([text.decode(errors="replace") for text in texts])
            calibrated = scored.calibrated.tolist()
            scores = [
                self._scores(*pair) for pair in zip(scored.raw.tolist(), calibrated, strict=True)
            ]
            risks = scored.any_harm.tolist()
        verdicts = []
        each_us = (now_us() - taken_us) // len(records)
        for record, key, text, findings, score, risk in zip(
            records, ids, texts, found, scores, risks, strict=True
        ):
            action = self._action(findings, score)
            verdict = {
                **self.common(record, key, findings, action),
                "scores": score,
                "risk": max([one.score for one in findings] + [risk or 0.0]),
                "final": True,
                "checked_to": len(text),
                "released_to": 0 if action == "block" else len(text),
                "times": {"total_us": each_us},
            }
            verdicts.append(self._codec.encode(verdict))
        return verdicts

    def common(
        self, record: dict[str, Any], key: str, findings: list[Finding], action: str
    ) -> dict[str, Any]:
        """What every verdict has."""
        return {
            "verdict_id": hashlib.md5(key.encode(), usedforsecurity=False).hexdigest(),
            "request_id": record["request_id"],
            "tenant": record["tenant"],
            "worker_id": record["worker_id"],
            "action": action,
            "would_action": action,
            "findings": [
                {
                    "detector": one.detector,
                    "rule": one.rule,
                    "category": one.category,
                    "span": {"start": one.start, "end": one.end},
                    "score": one.score,
                    "severity": one.severity,
                }
                for one in findings
            ],
            "judged_by": self._judged_by,
            "fail_mode": "open",
            "provenance": {**self._provenance, "models": self._models},
            "times": {},
        }

    def encode(self, verdict: dict[str, Any]) -> bytes:
        """A verdict's frame."""
        return self._codec.encode(verdict)

    def _scores(self, raw: list[float], calibrated: list[float]) -> list[dict[str, Any]]:
        return [
            {
                "category": name,
                "raw": logit,
                "calibrated": score,
                "threshold": threshold,
                "margin": score - threshold,
            }
            for name, logit, score, threshold in zip(
                CATEGORIES, raw, calibrated, self._lowest, strict=True
            )
        ]

    def _action(self, findings: list[Finding], scores: list[dict[str, Any]]) -> str:
        strictest = max((ACTIONS.index(one.action) for one in findings), default=0)
        for score, warn, block in zip(scores, self._warn, self._block, strict=False):
            if score["calibrated"] >= block:
                return "block"
            if score["calibrated"] >= warn:
                strictest = max(strictest, 1)
        return ACTIONS[strictest]


def now_us() -> int:
    """By a clock that only goes forward."""
    return time.monotonic_ns() // 1000
