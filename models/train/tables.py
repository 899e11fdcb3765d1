"""Tables of figures in Markdown, for the cards of both models.

Where models stand side by side, they come by name; a model that stands alone has the name "".
"""

from __future__ import annotations

from typing import Any

from labels import OUTPUTS
from metrics import NAMES

AUTHORED = "the project's own text (`models/train/authored`), Apache-2.0"
FEW = "too few"


def data(rows: dict[str, Any], licences: dict[str, Any]) -> str:
    """Sources with licences."""
    made = [
        "| source | licence | train | dev-fit | dev-report | positives in train |",
        "|" + "---|" * 6,
    ]
    for source, entry in rows.items():
        licence = licences[source]["licence"] if source in licences else AUTHORED
        positives = ", ".join(f"{name} {n}" for name, n in entry["positives"].items()) or "-"
        counts = " | ".join(str(entry[split]) for split in ("train", "dev-fit", "dev-report"))
        made.append(f"| {source} | {licence} | {counts} | {positives} |")
    return "\n".join(made)


def figures(models: dict[str, Any], apart: dict[str, Any] | None = None) -> str:
    """One row an output; `apart` has how far the first model's AUPRC is from the second's."""
    titles = ("AUROC", "AUPRC", "recall at 0.5 % FPR")
    heads = [f"{title} {model}".rstrip() for title in titles for model in models]
    if apart is not None:
        heads.append("AUPRC, " + " - ".join(models))
    made = [f"| output | pos / neg | {' | '.join(heads)} |", "|" + "---|" * (2 + len(heads))]
    for name in OUTPUTS:
        entries = [entries[name] for entries in models.values()]
        cells = [
            interval(entry[figure]) if figure in entry else FEW
            for figure in NAMES
            for entry in entries
        ]
        if apart is not None:
            cells.append(signed(apart[name]["auprc"]) if name in apart else FEW)
        counts = f"{entries[0]['positives']} / {entries[0]['negatives']}"
        made.append(f"| {name} | {counts} | {' | '.join(cells)} |")
    return "\n".join(made)


def interval(values: list[float]) -> str:
    """A value with its bounds."""
    return f"{values[0]:.3f} [{values[1]:.3f}, {values[2]:.3f}]"


def signed(values: list[float]) -> str:
    """A difference with its bounds."""
    return f"{values[0]:+.3f} [{values[1]:+.3f}, {values[2]:+.3f}]"


def thresholds(metrics: dict[str, Any]) -> str:
    """One row an output."""
    made = ["| output | warn | block | recall, warn | recall, block |", "|" + "---|" * 5]
    for name, limits in metrics["suggested_thresholds"].items():
        recall = metrics["recall_at_suggested"].get(name, {})
        cells = [f"{recall[level]:.3f}" if recall else FEW for level in ("warn", "block")]
        made.append(
            f"| {name} | {limits['warn']:.3f} | {limits['block']:.3f} | {' | '.join(cells)} |"
        )
    return "\n".join(made)


def alarms(metrics: dict[str, Any]) -> str:
    """Public and authored side by side."""
    made = ["| language, kind | public rows | warn | block | authored rows | warn | block |"]
    made.append("|" + "---|" * 7)
    public, own = metrics["false_alarms_public"], metrics["false_alarms_authored"]
    for key in sorted(public.keys() | own.keys(), key=lambda key: (key == "all", key)):
        cells = []
        for table in (public, own):
            entry = table.get(key)
            cells += (
                [str(entry["rows"]), f"{entry['warn']:.3f}", f"{entry['block']:.3f}"]
                if entry
                else ["-"] * 3
            )
        made.append(f"| {key} | {' | '.join(cells)} |")
    return "\n".join(made)


def foreign(models: dict[str, Any], licences: dict[str, Any]) -> str:
    """One row a source and output."""
    titles = ("AUROC", "recall at warn, block")
    heads = [f"{title} {model}".rstrip() for title in titles for model in models]
    made = [f"| source (licence class) | output | pos / neg | {' | '.join(heads)} |"]
    made.append("|" + "---|" * (3 + len(heads)))
    for source in next(iter(models.values())):
        entries = [entries[source] for entries in models.values()]
        label = f"{source} ({licences[source]['cls']})"
        for name in OUTPUTS:
            recalls = [entry["recall_at_suggested"].get(name) for entry in entries]
            found = [entry["figures"].get(name) for entry in entries]
            if not recalls[0]:
                continue
            counts = (
                f"{found[0]['positives']} / {found[0]['negatives']}"
                if found[0]
                else "positives only"
            )
            cells = [interval(figure["auroc"]) if figure else "-" for figure in found]
            cells += [levels(recall) for recall in recalls]
            made.append(f"| {label} | {name} | {counts} | {' | '.join(cells)} |")
        if "false_alarms" in entries[0]:
            cells = ["-"] * len(entries) + [levels(entry["false_alarms"]) for entry in entries]
            counts = f"{entries[0]['harmless_rows']} rows"
            made.append(f"| {label} | harmless rows flagged | {counts} | {' | '.join(cells)} |")
    return "\n".join(made)


def levels(shares: dict[str, float]) -> str:
    """Two shares in a cell."""
    return f"{shares['warn']:.3f}, {shares['block']:.3f}"
