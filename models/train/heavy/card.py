"""Writes the heavy model's CARD.md out of the figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heavy.loop import Plan
from heavy.prepare import MAX_TOKENS
from heavy.windows import Windowing
from labels import CATEGORIES, OUTPUTS
from tables import alarms, data, figures, foreign, interval, signed, thresholds

SETS = {
    "public": "public data",
    "authored": "the project's own text",
    "public_and_authored": "both",
}
WEAKEST = 3
"""Figures of foreign sources that the limits name."""
ROWS = 50
"""Fewest rows of a language and kind whose false alarms the limits name."""


def write(metrics: dict[str, Any], manifest: dict[str, Any], licences: dict[str, Any]) -> str:
    """The whole card."""
    fast = metrics["fast"]
    windowing = Windowing(**manifest["window"])
    return f"""# Model card: {metrics["model"]}

Written by `models/train/heavy_card.py`; do not edit. The figures are in `metrics.json` in full.

## What it is
multilingual-e5-small (MIT; 12 layers, 384 wide, 250,037 word pieces), fine-tuned with one linear layer on
the mean of its last layer to ten outputs: nine categories and any harm. It takes the texts that the fast
model leaves open. The embeddings are the base's, unchanged (its word embeddings in 4 bits, as `scripts/e5`
fetches them); the matrices of the layers, which were trained, are shipped in 8 bits with one scale a row.

- `{manifest["weights"]}`: {metrics["bytes"] / 1e6:.1f} MB, SHA-256 `{metrics["sha256"]}`; beside it the base's
  weights and tokenizer, {metrics["e5_bytes"] / 1e6:.1f} MB.
- A text is cut into windows of {windowing.tokens} tokens, which share {windowing.overlap}; a category's score is the highest of at
  most {windowing.most}. What stands behind the first {windowing.reach:,} tokens is not seen, and the score says so.
- Raw scores are logits. Calibrated ones are Platt-scaled on dev-fit and so reflect the mix of that
  data, not of anyone's traffic: recalibrate on your own where you can.
- Any harm: `sigmoid(a z + b)` of `z = s * any-harm logit + (1 - s) * highest calibrated logit`, with
  s = {manifest["any_harm"]["head_share"]}. Personal data does not count as harm.

## Training
{training(metrics["run"])}
Masked cross-entropy on the targets, weights and splits of the fast model (`labels.py`, `sampling.py`, `data.py`; its
card has them in words). Texts that are near-duplicates (character 5-gram Jaccard >= 0.5), share a template or
a source's own group stay in one split: train, dev-fit (calibration, thresholds, choices), dev-report (this card).

## Data
{data(metrics["training_rows"], licences)}

## Results
All figures are of the shipped 8-bit weights, by the code that judges. heavy is this model, fast is
{fast["model"]} (SHA-256 `{fast["sha256"]}`), on the same rows. Brackets: 95 % bootstrap intervals (200
resamples); of a difference they are paired: both models on the same resamples. Negatives are all rows known
not to be of the category, benign ones included. Rows of one source mostly share one label and one style,
so that telling sources apart already scores well: read these as upper bounds. Variants of one line and
near-duplicates stand in one split, so rows come in clusters and the intervals are too narrow.

{"".join(results(metrics, name) for name in SETS)}
### Does heavy beat fast?
By AUPRC. Better and worse: the interval of the difference is on one side of 0.

{verdicts(metrics["heavy_minus_fast"])}

Texts that are longer than the model looks: {truncated(metrics["truncated"])}.

## Suggested thresholds and what they do
Chosen on dev-fit so that at most 1 % (warn) or 0.3 % (block) of harmless texts reach them, category by
category, and never below 0.1 (warn) or 0.3 (block); recall is on dev-report, public and authored.

{thresholds(metrics)}

Share of harmless dev-report texts that any category (personal data aside) flags, by language and kind:

{alarms(metrics)}

The fast model at the thresholds that the same rule gives it: {overall(fast)}.

## Generalisation only: sources that may not be trained on
Other platforms, other labels, often none of the kind in training. None of their rows, labels or scores
was used for weights, calibration, thresholds or settings of this model. Their false alarms with the fast model did show
which kinds of harmless text to write more of (plain instructions, refusals, security advice), so take those
of alpaca_harmless and safety_tuned_llamas as somewhat flattered. At most {metrics["most_rows_of_a_foreign_source"]:,} rows of each, drawn
by a hash of their ids.

{foreign(pair(metrics, "generalisation_only"), licences)}

## Limits
What these figures show:

{limits(metrics)}

What they do not:

- Labels are noisy: hate and harassment come from social media posts, by the rules of many platforms and
  projects; dialects and reclaimed words are known to be over-flagged in such data.
- self_harm, sexual, sexual_minors and, outside English, illicit, violence, prompt_injection and pii rest largely
  on a few dozen authored lines a language, and are reported on lines by the same hand: expect less elsewhere.
- Languages beyond en de es fr it pt nl pl ar hi zh were neither trained on nor measured; the base knows
  some hundred. Romanised Hindi is known mostly from hateful posts.
- Texts of more than {MAX_TOKENS} tokens lost their middle in training; at inference all windows count, and one window that
  is wrong is enough for an alarm.
- Assistant responses are hardly in the data.
- No attack that is made to deceive this model was tried on it. Misspelling, spacing and look-alike letters weaken it
  unless a normaliser runs before it.
- Any harm is dominated by noisy hate and abuse labels: rank by it (a cascade's band), do not block on it.
- pii is a hint beside the validated rules, not a detector.
"""


def training(run: dict[str, Any] | None) -> str:
    """The plan in words."""
    plan = Plan.of(run["plan"]) if run else Plan(steps=0)
    steps = (
        f"{plan.steps:,} steps" if run else "The number of steps was not given to this card. Steps"
    )
    look = run["last_look"] if run else None
    last = (
        f"\nAt step {look['step']} the mean AUPRC over categories on a sample of dev-fit was {look['mean_auprc']:.3f}."
        if look
        else ""
    )
    return f"""`models/train/README.md` has the commands. {steps} of {plan.cut.passes} passes of at most {plan.cut.tokens:,} tokens, padding included; AdamW,
rate {plan.rate} for the top layer, {plan.fall} times that of the layer above for each one below, {plan.head_rate} for the head; a rise over the
first {plan.warm_up:.0%} of steps, then a linear fall to 0; decay {plan.decay}, gradients clipped at {plan.clip}, dropout {plan.dropout} of the mean, label
smoothing {plan.label_smoothing}, {plan.hide:.0%} of tokens masked, {"bfloat16" if plan.bfloat16 else "f32"}, seed {plan.seed}.{last}"""


def pair(metrics: dict[str, Any], name: str) -> dict[str, Any]:
    """One kind of figures of both models."""
    return {"heavy": metrics[name], "fast": metrics["fast"][name]}


def results(metrics: dict[str, Any], name: str) -> str:
    """The table of one set."""
    own = "Lines that were not trained on, but by the same hand as those that were.\n\n"
    table = figures(pair(metrics, name), metrics["heavy_minus_fast"][name])
    return f"### dev-report, {SETS[name]}\n{own if name == 'authored' else ''}{table}\n\n"


def verdicts(apart: dict[str, Any]) -> str:
    """By set, the outputs on which the heavy model is better, and those on which it is not."""
    made = []
    for name, title in SETS.items():
        groups: dict[str, list[str]] = {"better": [], "not shown": [], "worse": [], "too few": []}
        for output in OUTPUTS:
            entry = apart[name].get(output)
            if entry is None:
                groups["too few"].append(output)
                continue
            _, low, high = values = entry["auprc"]
            group = "better" if low > 0 else "worse" if high < 0 else "not shown"
            shown = "" if group == "better" else f" {signed(values)}"
            groups[group].append(output + shown)
        words = "; ".join(f"{group}: {', '.join(of)}" for group, of in groups.items() if of)
        made.append(f"- {title}: {words}.")
    return "\n".join(made)


def truncated(counts: dict[str, Any]) -> str:
    """By set."""
    return ", ".join(
        f"{entry['truncated']} of {entry['rows']} in {name.replace('_', '-')}"
        for name, entry in counts.items()
    )


def overall(metrics: dict[str, Any]) -> str:
    """False alarms of a model in a line."""
    parts = []
    for name in ("public", "authored"):
        entry = metrics[f"false_alarms_{name}"]["all"]
        parts.append(f"{name} {entry['warn']:.3f} (warn), {entry['block']:.3f} (block)")
    return "; ".join(parts)


def limits(metrics: dict[str, Any]) -> str:
    """The weak spots that the figures themselves show."""
    return "\n".join(
        f"- {line}" for line in [*_gaps(metrics), *_alarms(metrics), *_abroad(metrics)]
    )


def _gaps(metrics: dict[str, Any]) -> Iterator[str]:
    missing = [name for name in CATEGORIES if "auroc" not in metrics["public"][name]]
    if missing:
        yield f"Too few public rows to say anything of {', '.join(missing)}."
    low = [
        f"{name} {metrics['public'][name][RECALL][0]:.3f}"
        for name in OUTPUTS
        if RECALL in metrics["public"][name] and metrics["public"][name][RECALL][0] < HALF
    ]
    if low:
        yield f"Less than half is caught at 0.5 % false positives (public data): {', '.join(low)}."


RECALL = "recall_at_0.5%_fpr"
HALF = 0.5


def _alarms(metrics: dict[str, Any]) -> Iterator[str]:
    for name in ("public", "authored"):
        entries = {
            key: entry
            for key, entry in metrics[f"false_alarms_{name}"].items()
            if entry["rows"] >= ROWS and key != "all"
        }
        if entries:
            key = max(entries, key=lambda key: entries[key]["warn"])
            entry = entries[key]
            yield (
                f"Most false alarms, {SETS[name]}: {entry['warn']:.1%} of harmless {key} texts "
                f"reach warn ({entry['rows']} rows; of those with at least {ROWS})."
            )


def _abroad(metrics: dict[str, Any]) -> Iterator[str]:
    figure = {
        f"{source}, {output}": (entry["auroc"], theirs["auroc"])
        for source, found in metrics["generalisation_only"].items()
        for output, entry in found["figures"].items()
        for theirs in [metrics["fast"]["generalisation_only"][source]["figures"][output]]
    }
    weakest = sorted(figure, key=lambda name: figure[name][0][0])[:WEAKEST]
    if weakest:
        named = "; ".join(f"{name} {interval(figure[name][0])}" for name in weakest)
        yield f"Lowest AUROC on sources that were not trained on: {named}."
    below = [name for name, (ours, theirs) in figure.items() if ours[0] <= theirs[0]]
    if below:
        yield f"There the fast model's AUROC is no lower: {'; '.join(below)}."
