"""What goes into metrics.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from data import SPLITS, Rows
from labels import CATEGORIES, OUTPUTS, Array
from metrics import difference, report

FEWEST = 8
"""Positives, below which a figure says nothing and is left out."""


def measure(
    rows: Rows, probability: Array, limits: dict[str, dict[str, float]], seed: int
) -> dict[str, Any]:
    """Everything about dev-report."""
    chosen = sets(rows)
    everything = chosen["public_and_authored"]
    made: dict[str, Any] = {"suggested_thresholds": limits}
    for name, these in chosen.items():
        made[name] = by_output(probability, rows, these, seed)
    made["recall_at_suggested"] = caught(probability, rows, everything, limits)
    for name in ("public", "authored"):
        made[f"false_alarms_{name}"] = false_alarms(probability, rows, chosen[name], limits)
    return made


def compare(rows: Rows, ours: Array, theirs: Array, seed: int) -> dict[str, Any]:
    """What `ours` has over `theirs` on dev-report, by set and output.

    An output with few positives is left out.
    """
    made: dict[str, Any] = {}
    for set_name, chosen in sets(rows).items():
        made[set_name] = {}
        for index, name in enumerate(OUTPUTS):
            known, positive = _judged(rows, chosen, index)
            if _enough(positive):
                pair = ours[known, index], theirs[known, index]
                made[set_name][name] = difference(*pair, positive, seed)
    return made


def sets(rows: Rows) -> dict[str, np.ndarray]:
    """What figures are given for."""
    public = np.array([not source.startswith("authored") for source in rows.source])
    everything = np.ones(len(public), bool)
    return {"public": public, "authored": ~public, "public_and_authored": everything}


def _judged(rows: Rows, chosen: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray]:
    """The chosen rows whose label is known, and which of those are positive."""
    known = chosen & (rows.weight[:, index] >= 1)
    return known, rows.target[known, index] > 0


def _enough(positive: np.ndarray) -> bool:
    return min(int(positive.sum()), int((~positive).sum())) >= FEWEST


def by_output(probability: Array, rows: Rows, chosen: np.ndarray, seed: int) -> dict[str, Any]:
    """Figures of each output on the chosen rows."""
    made: dict[str, Any] = {}
    for index, name in enumerate(OUTPUTS):
        known, positive = _judged(rows, chosen, index)
        if not _enough(positive):
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


def count(rows: Rows, splits: np.ndarray) -> dict[str, dict[str, object]]:
    """Rows by source and split, and training positives by output."""
    sources = np.array(rows.source)
    made: dict[str, dict[str, object]] = {}
    for source in sorted(set(sources)):
        these = sources == source
        entry: dict[str, object] = {
            name: int((these & (splits == index)).sum()) for index, name in enumerate(SPLITS)
        }
        known = rows.weight[these & (splits == 0)][:, : len(CATEGORIES)] >= 1
        positive = (rows.target[these & (splits == 0)][:, : len(CATEGORIES)] > 0) & known
        entry["positives"] = {
            name: int(n) for name, n in zip(OUTPUTS, positive.sum(axis=0), strict=False) if n
        }
        made[source] = entry
    return made


def _share(hits: np.ndarray) -> float:
    return round(float(hits.mean()), 4)
