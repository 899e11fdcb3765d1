"""How many rows of each source an epoch sees: large sets are capped, small ones repeated."""

from __future__ import annotations

import numpy as np

ROWS_AN_EPOCH = {
    "clinc_oos": 6000,
    "coldataset": 8000,
    "davidson2017": 6000,
    "edos": 5000,
    "germeval2018": 4500,
    "mlma": 6000,
    "multilingual_hatecheck": 12000,
    "stormfront": 5000,
    "told_br": 7000,
    "xquad_questions": 5000,
}
"""Others are seen whole."""

TIMES = {
    "advbench": 2,
    "ambigqa": 2,
    "authored_benign": 2,
    "authored_harassment": 4,
    "authored_illicit": 3,
    "authored_injection": 4,
    "authored_minors": 4,
    "authored_pii": 2,
    "authored_self_harm": 4,
    "authored_sexual": 4,
    "authored_threat": 4,
    "awesome_chatgpt_prompts": 2,
    "bipia_email_table": 3,
    "deepset_prompt_injections": 3,
    "harmbench_val": 3,
    "inthewild_jailbreaks": 2,
    "lingua_sentences": 2,
    "misc_benign_prompts": 3,
    "multijail": 3,
    "piguard_valid": 3,
    "presidio_pii": 3,
    "pyrit_harm_scores": 3,
    "pyrit_jailbreak_templates": 2,
    "red_instruct_questions": 2,
    "tdc2023_advtrain_maliciousinstruct": 3,
}
"""Others are seen once."""


def epoch(sources: list[str], rng: np.random.Generator) -> np.ndarray:
    """Positions of the rows of one epoch, unshuffled."""
    names = np.array(sources)
    chosen = []
    for source in sorted(set(sources)):
        rows = np.flatnonzero(names == source)
        limit = ROWS_AN_EPOCH.get(source, len(rows))
        if limit < len(rows):
            rows = rng.choice(rows, limit, replace=False)
        chosen.append(np.repeat(rows, TIMES.get(source, 1)))
    return np.concatenate(chosen)


def positive_weights(target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """By output, how much more a positive counts: the square root of the odds, 1 to 8."""
    positives = (target * weight).sum(axis=0)
    negatives = ((1 - target) * weight).sum(axis=0)
    return np.clip(np.sqrt(negatives / np.maximum(positives, 1)), 1, 8).astype(np.float32)
