"""Writes CARD.md out of the figures."""

from __future__ import annotations

from typing import Any

from fit import Recipe
from tables import alarms, data, figures, foreign, thresholds


def write(
    metrics: dict[str, Any],
    manifest: dict[str, Any],
    licences: dict[str, Any],
    recipe: Recipe,
    words: int,
) -> str:
    """The whole card; `words` says how many the list has."""
    rules = recipe.regularisation
    return f"""# Model card: {manifest["name"]}-{manifest["version"]}

Written by `models/train/train.py`; do not edit. The figures are in `metrics.json` in full.

## What it is
Hashed word and character n-grams ({2 ** manifest["features"]["bucket_bits"]:,} buckets) and {words:,} words of a list,
both summed as {recipe.hidden + 1}-dimensional 8-bit vectors with weight 1/length^{manifest["length_power"]}, one ReLU,
ten linear outputs: nine categories and any harm. A listed word's vector is a learnt projection of what
multilingual-e5-small (MIT) says of it, so that words which training has not seen count, too. Texts are cut
into windows of at most {manifest["window"]["features"]} features (about 400 characters); a category's score is the
highest of its windows, at most {manifest["window"]["most"]}. It answers the clear cases in microseconds; the uncertain
band is for a larger model.

- SHA-256 of `model.onnx`: `{manifest["sha256"]}`
- Raw scores are logits. Calibrated ones are Platt-scaled on dev-fit and so reflect the mix of that
  data, not of anyone's traffic: recalibrate on your own where you can.
- Any harm: `sigmoid(a z + b)` of `z = s * any-harm logit + (1 - s) * highest calibrated logit`, with
  s = {manifest["any_harm"]["head_share"]}. Personal data does not count as harm.

## Speed
{speed(metrics["speed"])}

## Training
`models/train/README.md` has the command. Adam, {recipe.epochs} epochs, batches of {recipe.batch} texts,
rate {recipe.rate} falling linearly to 0, feature dropout {rules.feature_dropout}, word vectors of a
window dropped {rules.word_dropout}, hidden dropout {rules.hidden_dropout}, decay {rules.decay}, label smoothing {rules.label_smoothing}, seed {recipe.seed}.
Masked cross-entropy: a missing label is unknown; benign rows are negatives for all but pii; rows labelled
for something else are weak negatives (0.1) where a positive is unlikely. Positives weigh up to 8 times
more. Large sets of posts are capped and small sets of prompts repeated in every epoch (`sampling.py`).
Texts that are near-duplicates (character 5-gram Jaccard >= 0.5), share a template or a source's own
group stay in one split: train, dev-fit (calibration, thresholds, choices), dev-report (this card).
{taught(metrics.get("teacher"), recipe)}Also tried, judged on dev-fit: 31 hidden units (a little worse, half the table), word vectors of
the fine-tuned encoder in place of e5's own and a teacher's soft scores beside the labels (no
better: docs/adr/0012-heavy-model.md has the table); with n-grams alone: 2^18 buckets (slightly
better, twice the table), word pairs with a gap (no gain), length power 0.75 (worse), rates 0.001
and 0.003, decay 0 to 1, feature dropout 0.2 to 0.4, batches of 256.

## Data
{data(metrics["training_rows"], licences)}

## Results on dev-report, public data
{figures({"": metrics["public"]})}

Brackets: 95 % bootstrap intervals (200 resamples). Negatives are all rows known not to be of the
category, benign ones included. Rows of one source mostly share one label and one style, so that
telling sources apart already scores well: read these as upper bounds.

## Results on dev-report, the project's own text
Lines that were not trained on, but by the same hand as those that were.

{figures({"": metrics["authored"]})}

## Suggested thresholds and what they do
Chosen on dev-fit so that at most 1 % (warn) or 0.3 % (block) of harmless texts reach them, category by
category, and never below 0.1 (warn) or 0.3 (block); recall is on dev-report, public and authored.

{thresholds(metrics)}

Share of harmless dev-report texts that any category (personal data aside) flags, by language and kind:

{alarms(metrics)}

## Generalisation only: sources that may not be trained on
Other platforms, other labels, often none of the kind in training. None of their rows, labels or scores
was used for weights, calibration, thresholds or settings. Their false alarms did show which kinds of
harmless text to write more of (plain instructions, refusals, security advice), so take those of
alpaca_harmless and safety_tuned_llamas as somewhat flattered.

{foreign({"": metrics["generalisation_only"]}, licences)}

## Limits
- It knows words, not meaning: negation, quotation, irony, counter-speech and re-phrasing without
  known words escape it or alarm it. Never let it allow anything alone that a policy must not miss.
- Hate and harassment come from social media posts with noisy, platform-bound labels; dialects and
  reclaimed words are known to be over-flagged in such data. English harassment has few positives.
- self_harm, sexual, sexual_minors and, outside English, illicit, violence, prompt_injection and pii
  rest largely on a few dozen authored lines a language: expect low recall on other wordings.
- Harmful requests in plain words ("how do I ...") are hard to tell from harmless ones by n-grams.
- Assistant responses are hardly in the data; refusals and advice that name the harm still raise alarms.
- Few-row cells of the tables above come in clusters: all variants of one authored line stand together.
- Romanised Hindi is known mostly from hateful posts. Languages beyond en de es fr it pt nl pl ar hi zh
  were not trained on nor measured.
- Misspelling, spacing and look-alike letters defeat it unless a normaliser runs before it.
- prompt_injection is for prompts and retrieved documents: on assistant responses it mostly answers to
  the tone of refusals ("As an AI language model ...").
- Any harm is dominated by noisy hate and abuse labels: rank by it (a cascade's band), do not block on it.
- pii is a hint beside the validated rules, not a detector.
"""


def speed(bench: dict[str, Any]) -> str:
    """Of the machine that trained."""
    rows = ["| texts a call | features | onnx runtime | all |", "|---|---|---|---|"]
    for batch, us in sorted(bench["p50_us_a_text_by_batch"].items(), key=lambda item: int(item[0])):
        rows.append(f"| {batch} | {us['features_us']} | {us['ort_us']} | {us['total_us']} |")
    head = (
        f"Median microseconds a text of {bench['text_bytes']} bytes, one core of a shared machine:"
    )
    return "\n".join([head, "", *rows])


def taught(teacher: dict[str, str] | None, recipe: Recipe) -> str:
    """Lines for a model that had a teacher."""
    if teacher is None:
        return ""
    return f"""Taught by {teacher["name"]} (SHA-256 of its weights `{teacher["sha256"]}`): on training rows
the cross-entropy with its calibrated probabilities is added, with weight {recipe.teach_known} beside a known label and
{recipe.teach_unknown} where none is known (`teacher.py`).
"""
