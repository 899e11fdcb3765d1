"""From a source's annotations to targets and weights of the model's outputs.

A missing label is unknown, not 0. Where a source says nothing of a category but what it collects
makes a positive unlikely, the row is a weak negative: it counts, but little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

CATEGORIES = (
    "self_harm",
    "hate",
    "harassment",
    "violence",
    "sexual",
    "sexual_minors",
    "illicit",
    "prompt_injection",
    "pii",
)
"""In the order of `Category::ALL`."""

OUTPUTS = (*CATEGORIES, "any_harm")
PII = CATEGORIES.index("pii")
ANY = OUTPUTS.index("any_harm")

UNLIKELY = {
    "post": ("self_harm", "sexual_minors", "illicit", "prompt_injection", "pii"),
    "prompt": ("hate", "self_harm", "harassment", "sexual", "sexual_minors", "violence", "pii"),
    "response": ("prompt_injection", "pii"),
}
"""What a row of that kind, labelled for something else, is unlikely to be as well."""

UNLIKELY_WEIGHT = 0.1
NOT_INJECTION = {
    "advbench",
    "harmbench_val",
    "multijail",
    "red_instruct_questions",
    "tdc2023_advtrain_maliciousinstruct",
}
"""Plainly worded harmful requests: harmful, but no attempt on the instructions."""

OFFENSIVE_WEIGHT = 0.3
"""Profanity is a noisy sign of harm."""

Array = npt.NDArray[np.float32]


def targets(row: dict[str, Any]) -> tuple[Array, Array]:
    """Targets (0 or 1) and weights (0: unknown, 1: annotated, between: weak) of one row."""
    target = np.zeros(len(OUTPUTS), np.float32)
    weight = np.zeros(len(OUTPUTS), np.float32)
    labels: dict[str, int] = row["labels"]
    for index, category in enumerate(CATEGORIES):
        if category in labels:
            target[index], weight[index] = labels[category], 1.0
        elif row["benign"] and index != PII:
            weight[index] = 1.0
    if weight[PII] == 0 and not _might_hold_pii(row["text"]):
        weight[PII] = 0.3
    if labels:
        for category in UNLIKELY[row["kind"]]:
            index = CATEGORIES.index(category)
            if weight[index] == 0 and index != PII:
                weight[index] = UNLIKELY_WEIGHT
    injection = CATEGORIES.index("prompt_injection")
    if weight[injection] <= UNLIKELY_WEIGHT and row["source"] in NOT_INJECTION:
        weight[injection] = 0.5
    hate = CATEGORIES.index("hate")
    if weight[hate] == 0 and labels.get("sexism") == 0:
        weight[hate] = 0.3
    target[ANY], weight[ANY] = _any_harm(target, labels, bool(row["benign"]))
    return target, weight


def _any_harm(target: Array, labels: dict[str, int], benign: bool) -> tuple[float, float]:
    if np.delete(target[: len(CATEGORIES)], PII).any() or labels.get("unsafe") == 1:
        return 1.0, 1.0
    if benign or labels.get("unsafe") == 0:
        return 0.0, 1.0
    if "offensive" in labels:
        return float(labels["offensive"]), OFFENSIVE_WEIGHT
    return 0.0, 0.0


def _might_hold_pii(text: str) -> bool:
    """Contact data and identifiers have an `@` or a run of digits."""
    return "@" in text or sum(c.isdigit() for c in text) >= 4
