"""The fast model's features, made for a whole batch at once with NumPy.

The mapping is that of `crates/infer/src/features`: words, pairs, character n-grams, hashed; and the
known words. The character classes and constants are the model's and must be the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SPACE, IGNORED, SYMBOL, LETTER, UNSPACED = range(5)
LONGEST_TOKEN = 32
"""Longer words and runs are cut into pieces of so many characters."""

K = np.uint64(0x517CC1B727220A95)
WORD = np.uint64(0x9E3779B97F4A7C15)
PAIR = np.uint64(0xC2B2AE3D27D4EB4F)
CHARS = np.uint64(0x165667B19E3779F9)
RUN = np.uint64(0xD6E8FEB86659FD93)
NOTHING = 0xA0761D6478BD642F

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]

_RANGES = {
    SPACE: "0-20 7F-A0 1680 2000-200A 2028 2029 202F 205F 3000",
    IGNORED: "AD 640 200B-200F 202A-202E 2060-206F FE00-FE0F FEFF E0000-E01EF",
    SYMBOL: "21-2F 3A-40 5B-60 7B-7E A1-A9 AB-AC AE-B4 B6-B9 BB-BF D7 F7 60C 61B 61E-61F 66A-66D"
    " 6D4 964-965 970 2010-2027 2030-205E 2070-2BFF 3001-3004 3008-3020 3030 30FB FE30-FE6F"
    " FF01-FF0F FF1A-FF20 FF3B-FF40 FF5B-FF65 FFE0-FFFD 1F000-1FAFF",
    UNSPACED: "E00-EFF 1000-109F 1100-11FF 1780-17FF 3005-3007 3021-302F 3031-30FA 30FC-9FFF"
    " A960-A97F AC00-D7FF F900-FAFF FF66-FFDC 1B000-1B16F 20000-3FFFF",
}


def _classes() -> NDArray[np.uint8]:
    classes = np.full(0x110000, LETTER, np.uint8)
    for kind, ranges in _RANGES.items():
        for one in ranges.split():
            first, _, last = one.partition("-")
            classes[int(first, 16) : int(last or first, 16) + 1] = kind
    return classes


CLASS = _classes()


@dataclass(frozen=True)
class Features:
    """Of a batch of texts: text `i` has `ids[text_at[i]:text_at[i + 1]]`."""

    ids: NDArray[np.int32]
    text_at: Ints
    """Where each text's features begin, and the end of the last."""
    token_at: Ints
    """Where each token's features begin."""
    known: NDArray[np.int32]
    """Numbers of words of the list, in order of text."""
    known_at: Ints
    """Where the token of each begins."""


def step(hashes: Hashes, codes: NDArray[np.unsignedinteger]) -> Hashes:
    """One step of the hash, for many at once."""
    return (((hashes << np.uint64(5)) | (hashes >> np.uint64(59))) ^ codes) * K


class Featuriser:
    """Texts to features."""

    def __init__(self, bits: int, words: Path) -> None:
        self._shift = np.uint64(64 - bits)
        self._nothing = NOTHING >> (64 - bits)
        listed = words.read_text(encoding="utf-8").splitlines()
        keys = _word_keys(listed)
        order = np.argsort(keys)
        self._keys, self._numbers = keys[order], order.astype(np.int32)

    def batch(self, texts: list[str]) -> Features:
        """Features of all texts, in order."""
        # Character by character: Python's lower() looks at what surrounds a sigma.
        lowered = [text.replace("Σ", "σ").lower() for text in texts]
        codes = np.frombuffer("\n".join(lowered).encode("utf-32-le"), np.uint32).astype(np.uint64)
        firsts = np.cumsum([0] + [len(text) + 1 for text in lowered])
        kinds = CLASS[codes]
        if (kinds == IGNORED).any():
            kept = np.flatnonzero(kinds != IGNORED)
            codes, kinds = codes[kept], kinds[kept]
            firsts = np.searchsorted(kept, firsts)
        starts, lengths = _tokens(kinds)
        return self._features(codes, starts, lengths, kinds[starts], firsts)

    def _features(
        self, codes: Hashes, starts: Ints, lengths: Ints, kinds: NDArray[np.uint8], firsts: Ints
    ) -> Features:
        words = np.flatnonzero(kinds == LETTER)
        runs = np.flatnonzero(kinds == UNSPACED)
        token_hash = np.full(len(starts), RUN, np.uint64)
        symbols = kinds == SYMBOL
        token_hash[symbols] = step(np.full(int(symbols.sum()), WORD), codes[starts[symbols]])
        whole = _fold(WORD, codes, starts[words], lengths[words])
        # Digits count as 0 in all but the word itself.
        digit = (codes >= 0x30) & (codes <= 0x39)
        before = np.concatenate(([0], np.cumsum(digit)))
        has_digits = before[starts[words] + lengths[words]] > before[starts[words]]
        plain = np.where(digit, np.uint64(0x30), codes)
        shape = whole.copy()
        numeric = words[has_digits]
        shape[has_digits] = _fold(WORD, plain, starts[numeric], lengths[numeric])
        token_hash[words] = shape

        grams = lengths + np.maximum(lengths - 1, 0) + np.maximum(lengths - 2, 0)
        counts = np.where(symbols, 2, grams)
        counts[words] += 2 + has_digits
        token_at = np.concatenate(([0], np.cumsum(counts)))
        made = np.empty(token_at[-1], np.uint64)

        first_of_text = np.searchsorted(starts, firsts)
        previous = np.concatenate(([WORD], token_hash[:-1]))[: len(starts)]
        previous[first_of_text[first_of_text < len(starts)]] = WORD
        pairs = step(step(np.full(len(starts), PAIR), previous), token_hash)
        made[token_at[:-1][symbols]] = token_hash[symbols]
        made[token_at[:-1][symbols] + 1] = pairs[symbols]
        at = token_at[words]
        made[at] = whole
        made[at[has_digits] + 1] = shape[has_digits]
        made[at + 1 + has_digits] = pairs[words]
        _word_grams(made, plain, starts[words], lengths[words], at + 2 + has_digits)
        known_at, known = [at], [whole]
        if len(runs):
            found_at, found = _run_grams(made, codes, starts[runs], lengths[runs], token_at[runs])
            known_at.append(found_at)
            known.append(found)
        known_at_all, numbers = self._look_up(np.concatenate(known_at), np.concatenate(known))
        return Features(
            (made >> self._shift).astype(np.int32),
            token_at[first_of_text],
            token_at[:-1],
            numbers,
            known_at_all,
        )

    @property
    def nothing(self) -> int:
        """The feature of a text without tokens."""
        return self._nothing

    def _look_up(self, at: Ints, hashes: Hashes) -> tuple[Ints, NDArray[np.int32]]:
        """Which hashes are of known words; in order of text."""
        place = np.minimum(np.searchsorted(self._keys, hashes), len(self._keys) - 1)
        hit = np.flatnonzero(self._keys[place] == hashes)
        hit = hit[np.argsort(at[hit], kind="stable")]
        return at[hit], self._numbers[place[hit]]


def _tokens(kinds: NDArray[np.uint8]) -> tuple[Ints, Ints]:
    """Starts and lengths of tokens, in characters."""
    same = np.zeros(len(kinds) + 1, bool)
    same[1:-1] = (kinds[1:] == kinds[:-1]) & (kinds[1:] != SYMBOL)
    token = kinds != SPACE
    starts = np.flatnonzero(token & ~same[:-1])
    lengths = np.flatnonzero(token & ~same[1:]) + 1 - starts
    if len(lengths) and lengths.max() > LONGEST_TOKEN:
        pieces = -(-lengths // LONGEST_TOKEN)
        number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        starts = np.repeat(starts, pieces) + number * LONGEST_TOKEN
        left = np.repeat(lengths, pieces) - number * LONGEST_TOKEN
        lengths = np.minimum(left, LONGEST_TOKEN)
    return starts, lengths


def _fold(seed: np.uint64, codes: Hashes, starts: Ints, lengths: Ints) -> Hashes:
    """The hash of each token's characters."""
    hashes = np.full(len(starts), seed)
    alive = np.arange(len(starts))
    for at in range(int(lengths.max()) if len(lengths) else 0):
        alive = alive[lengths[alive] > at]
        hashes[alive] = step(hashes[alive], codes[starts[alive] + at])
    return hashes


def _inside(lengths: Ints) -> tuple[Ints, Ints]:
    """For each character of tokens one after another: its token, and its place in it."""
    token = np.repeat(np.arange(len(lengths)), lengths)
    return token, np.arange(len(token)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _word_grams(made: Hashes, codes: Hashes, starts: Ints, lengths: Ints, into: Ints) -> None:
    """Writes 3- to 5-grams of words, with `<` and `>` around them, to `made` from `into` on."""
    if not len(starts):
        return
    token, place = _inside(lengths)
    padded = np.full(len(token) + 2 * len(lengths), 0x3E, np.uint64)
    target = np.arange(len(token)) + 2 * token + 1
    padded[target] = codes[starts[token] + place]
    padded[np.cumsum(lengths + 2) - lengths - 2] = 0x3C
    owner, place = _inside(lengths + 2)
    left = lengths[owner] + 2 - place
    grams = step(step(np.full(len(padded) - 1, CHARS), padded[:-1]), padded[1:])
    offset = into
    for width in (3, 4, 5):
        grams = step(grams[:-1], padded[width - 1 :])
        fits = np.flatnonzero(left[: len(grams)] >= width)
        made[offset[owner[fits]] + place[fits]] = grams[fits]
        offset = offset + lengths + 3 - width


def _run_grams(
    made: Hashes, codes: Hashes, starts: Ints, lengths: Ints, into: Ints
) -> tuple[Ints, Hashes]:
    """Writes 1- to 3-grams of unspaced runs; returns where each one's token begins, and all."""
    owner, place = _inside(lengths)
    run = codes[starts[owner] + place]
    left = lengths[owner] - place
    grams = step(np.full(len(run), RUN), run)
    offset = into
    at, all_grams = [into[owner]], [grams]
    made[offset[owner] + place] = grams
    for width in (2, 3):
        offset = offset + np.maximum(lengths + 2 - width, 0)
        grams = step(grams[:-1], run[width - 1 :])
        fits = np.flatnonzero(left[: len(grams)] >= width)
        made[offset[owner[fits]] + place[fits]] = grams[fits]
        at.append(into[owner[fits]])
        all_grams.append(grams[fits])
    return np.concatenate(at), np.concatenate(all_grams)


def _word_keys(words: list[str]) -> Hashes:
    """The hashes by which the words of the list are known."""
    codes = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32).astype(np.uint64)
    lengths = np.array([len(word) for word in words])
    starts = np.cumsum(lengths) - lengths
    spaced = CLASS[codes[starts]] == LETTER
    keys = np.empty(len(words), np.uint64)
    for seed, some in ((WORD, spaced), (RUN, ~spaced)):
        keys[some] = _fold(seed, codes, starts[some], lengths[some])
    return keys
