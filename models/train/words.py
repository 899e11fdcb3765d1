"""Chooses the words that the fast model knows as wholes, and asks e5 for their vectors.

See README.md. The list: whole words of e5's own vocabulary in the scripts of the languages served
and some near them, and words that are in `ROWS` training rows at least. e5 is taken as it comes:
its vectors say what words mean, in a hundred languages, and nothing of the labels that the fast
model is judged by.
"""

from __future__ import annotations

import argparse
import re
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import torch

import authored
from data import read, split
from fit import Recipe
from heavy import q4
from heavy.encoder import Encoder, Shape, load, padded
from heavy.prepare import encode, tokenizer
from labels import Array
from progress import Progress, say
from support import Support
from train_heavy import TOKENIZER, WEIGHTS
from vectors import WordVectors

SCRIPTS = {"ARABIC", "BENGALI", "CYRILLIC", "DEVANAGARI", "GREEK", "HEBREW", "LATIN"}
"""As the names of their letters begin."""
UNSPACED = {"CJK", "HANGUL", "HIRAGANA", "KATAKANA", "THAI"}
"""Of these any piece may be a word."""
START = "▁"
"""What e5's pieces begin with where a word does."""
ROWS = 5
"""Training rows that a word of theirs must be in."""
BATCH = 512
MARKS = "\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0980-\u09e3"
"""Accents and vowel signs, which are no letters to Python."""
WORD = re.compile(rf"(?:[^\W\d_]|[{MARKS}]){{2,32}}")


def main() -> None:
    """Everything, in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train-dev/ and licences.json"
    )
    parser.add_argument("--e5", type=Path, required=True, help="folder that scripts/e5 filled")
    parser.add_argument(
        "--support", type=Path, required=True, help="the program weir-train-support"
    )
    parser.add_argument("--out", type=Path, required=True, help="the file to write, .npz")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    base = q4.read(options.e5 / WEIGHTS)
    seed = Recipe().seed
    rows = read(options.data, {"open"}) + authored.rows(seed)
    texts = [rows[int(at)]["text"] for at in np.flatnonzero(split(rows, seed) == 0)]
    words = Support(options.support).words(candidates(base.pieces, texts))
    say(f"{len(words)} words")
    encoder = Encoder(Shape(**vars(base.sizes)))
    load(encoder, base.tensors)
    ids = encode(tokenizer(options.e5 / TOKENIZER, base.pieces), words)
    WordVectors(words, vectors(encoder.eval(), ids)).write(options.out)


def candidates(pieces: list[str], texts: list[str]) -> list[str]:
    """Each once, those of e5 first; some may be no words to the featuriser."""
    found: dict[str, None] = {}
    for piece in pieces:
        word = piece.removeprefix(START).lower()
        whole = piece.startswith(START) and len(word) > 1
        if word and (_script(word) in UNSPACED or (whole and _script(word) in SCRIPTS)):
            found[word] = None
    rows = Counter(word for text in texts for word in set(WORD.findall(text.lower())))
    return list(found | dict.fromkeys(sorted(w for w, count in rows.items() if count >= ROWS)))


def _script(word: str) -> str:
    """The first word of its first letter's name."""
    return unicodedata.name(word[0], "").split(" ")[0]


def vectors(encoder: Encoder, ids: list[np.ndarray]) -> Array:
    """The mean over each word's tokens; shortest first, so that little is padding.

    In bfloat16, which is precise enough for eight bits and takes a third of the time.
    """
    lengths = np.array([len(one) for one in ids])
    order = np.argsort(lengths, kind="stable")
    made = np.zeros((len(ids), encoder.head.in_features), np.float32)
    progress = Progress(len(ids), int(lengths.sum()))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), BATCH):
            at = order[start : start + BATCH]
            made[at] = encoder.mean(*padded([ids[int(index)] for index in at])).numpy()
            for index in at:
                progress.add(int(lengths[index]))
    return made


if __name__ == "__main__":
    main()
