"""What goes into metrics.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from data import Rows
from labels import OUTPUTS, Array
from metrics import report

FEWEST = 8
"""Positives, below which a figure says nothing and is left out."""


def by_output(probability: Array, rows: Rows, chosen: np.ndarray, seed: int) -> dict[str, Any]:
    """Figures of each output on the chosen rows."""
    made: dict[str, Any] = {}
    for index, name in enumerate(OUTPUTS):
        known = chosen & (rows.weight[:, index] >= 1)
        positive = rows.target[known, index] > 0
        if positive.sum() < FEWEST or (~positive).sum() < FEWEST:
            made[name] = {"positives": int(positive.sum()), "negatives": int((~positive).sum())}
        else:
            made[name] = report(probability[known, index], positive, seed)
    return made


def false_alarms(
    probability: Array, rows: Rows, chosen: np.ndarray, limits: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """Share of harmless texts that at least one category flags, by language and kind."""
    harmless = chosen & rows.benign
    languages, kinds = np.array(rows.lang), np.array(rows.kind)
    made: dict[str, Any] = {}
    for lang in sorted(set(languages[harmless])):
        for kind in sorted(set(kinds[harmless & (languages == lang)])):
            these = harmless & (languages == lang) & (kinds == kind)
            made[f"{lang} {kind}"] = {
                "rows": int(these.sum()),
                **{level: _share(flagged(probability[these], limits, level)) for level in LEVELS},
            }
    made["all"] = {
        "rows": int(harmless.sum()),
        **{level: _share(flagged(probability[harmless], limits, level)) for level in LEVELS},
    }
    return made


LEVELS = ("warn", "block")


def flagged(probability: Array, limits: dict[str, dict[str, float]], level: str) -> np.ndarray:
    """Rows that any category but personal data flags; those have rules."""
    columns = [name for name in OUTPUTS if name not in {"pii", "any_harm"}]
    over = [probability[:, OUTPUTS.index(name)] >= limits[name][level] for name in columns]
    return np.any(over, axis=0)


def caught(
    probability: Array, rows: Rows, chosen: np.ndarray, limits: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """By output, the share of positives at or above its own thresholds."""
    made: dict[str, Any] = {}
    for index, name in enumerate(OUTPUTS):
        positive = chosen & (rows.weight[:, index] >= 1) & (rows.target[:, index] > 0)
        if positive.sum() >= FEWEST:
            scores = probability[positive, index]
            made[name] = {level: _share(scores >= limits[name][level]) for level in LEVELS}
    return made


def by_source(
    probability: Array, rows: Rows, limits: dict[str, dict[str, float]], seed: int
) -> dict[str, Any]:
    """Figures and false alarms of each source."""
    sources = np.array(rows.source)
    made: dict[str, Any] = {}
    for source in sorted(set(sources)):
        these = sources == source
        figures = by_output(probability, rows, these, seed)
        entry: dict[str, Any] = {"rows": int(these.sum())}
        entry["figures"] = {name: value for name, value in figures.items() if "auroc" in value}
        entry["recall_at_suggested"] = caught(probability, rows, these, limits)
        if (these & rows.benign).any():
            entry["harmless_rows"] = int((these & rows.benign).sum())
            entry["false_alarms"] = {
                level: _share(flagged(probability[these & rows.benign], limits, level))
                for level in LEVELS
            }
        made[source] = entry
    return made


def _share(hits: np.ndarray) -> float:
    return round(float(hits.mean()), 4)
