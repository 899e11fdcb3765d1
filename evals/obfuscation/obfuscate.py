"""Disguises of text: pure functions from text to text.

Each leaves a text that it cannot disguise as it is: that is how callers see that it does not apply.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable, Iterable

Disguise = Callable[[str], str]


def clusters(text: str) -> list[str]:
    """Characters with the marks that belong to them."""
    out: list[str] = []
    for char in text:
        if out and unicodedata.category(char).startswith("M"):
            out[-1] += char
        else:
            out.append(char)
    return out


def _mapped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(char, char) for char in text)


def _after_each(text: str, inserts: Iterable[str]) -> str:
    """One of `inserts` in turn between each two characters of a word."""
    turn = list(inserts)
    parts = clusters(text)
    out = []
    for place, part in enumerate(parts):
        out.append(part)
        following = parts[place + 1] if place + 1 < len(parts) else " "
        if part[0].isalnum() and following[0].isalnum():
            out.append(turn[place % len(turn)])
    return "".join(out)


def _words_apart(text: str, between: str, gap: str) -> str:
    """The letters of each word joined by `between`, words by `gap`."""
    return gap.join(between.join(clusters(word)) for word in text.split())


def _ascii_to(upper: int, lower: int, digit: int) -> dict[str, str]:
    starts = (("A", 26, upper), ("a", 26, lower), ("0", 10, digit))
    return {
        chr(ord(first) + step): chr(start + step)
        for first, count, start in starts
        for step in range(count)
    }


_FULLWIDTH = _ascii_to(0xFF21, 0xFF41, 0xFF10) | {
    char: chr(ord(char) + 0xFEE0) for char in "@.-:/_+"
}
_MATHEMATICAL = _ascii_to(0x1D400, 0x1D41A, 0x1D7CE)
"""Bold, which has no holes."""


def fullwidth(text: str) -> str:
    """Full-width Latin letters, digits and the punctuation of addresses."""
    if not any(char.isascii() and char.isalnum() for char in text):
        return text
    return _mapped(text, _FULLWIDTH)


def mathematical(text: str) -> str:
    """Mathematical bold Latin letters and digits."""
    return _mapped(text, _MATHEMATICAL)


def mixed_case(text: str) -> str:
    """EvErY oThEr letter in upper case."""
    out, upper = [], True
    for char in text:
        changed = char.upper() if upper else char.lower()
        # Letters whose other case is longer (ß) stay.
        out.append(changed if len(changed) == 1 else char)
        upper ^= char.isalpha()
    return "".join(out)


def zero_width(text: str) -> str:
    """Zero-width space, non-joiner, joiner, word joiner and soft hyphen inside words."""
    return _after_each(text, "\u200b\u200c\u200d\u2060\u00ad")


def bidi_marks(text: str) -> str:
    """Direction marks, embeddings and isolates inside words."""
    return _after_each(text, "\u200e\u200f\u202a\u202c\u2066\u2069")


def tag_characters(text: str) -> str:
    """Invisible tag characters inside words."""
    return _after_each(text, "\U000e0061\U000e0062")


def combining_flood(text: str) -> str:
    """Four combining marks on each letter and digit."""
    return "".join(
        part + "\u0301\u0316\u0327\u033f" if part[0].isalnum() else part for part in clusters(text)
    )


_LOOK_ALIKES = dict(
    zip("aceijopsxyABCEHIKMOPSTXY", "асеіјорѕхуАВСЕНІКМОРЅТХУ", strict=True)  # Cyrillic
) | dict(zip("vuNZ", "νυΝΖ", strict=True))  # Greek
_TO_LATIN = {
    look_alike: char
    for char, look_alike in _LOOK_ALIKES.items()
    if "\u0400" <= look_alike <= "\u04ff"
}


def confusables(text: str) -> str:
    """Cyrillic and Greek letters for the Latin ones that look alike, and Latin for Cyrillic."""
    return _mapped(text, _LOOK_ALIKES | _TO_LATIN)


_LEET = dict(zip("aeiostAEIOST", "431057431057", strict=True)) | dict(
    zip("аезотбАЕЗОТБ", "433076433076", strict=True)  # Cyrillic
)


def leetspeak(text: str) -> str:
    """Digits for Latin and Cyrillic letters."""
    return _mapped(text, _LEET)


def spaced(text: str) -> str:
    """S p a c e d  letters, two spaces between words."""
    return _words_apart(text, " ", "  ")


def punctuated(text: str) -> str:
    """P.u.n.c.t.u.a.t.e.d letters."""
    return _words_apart(text, ".", " ")


def repeated(text: str) -> str:
    """The first letter of each word three times. Han has none to stretch."""
    return " ".join(
        word[0] * 3 + word[1:] if script(word) not in ("Han", "none") else word
        for word in text.split(" ")
    )


def kashida(text: str) -> str:
    """Arabic words stretched by tatweel."""
    return _after_each(text, "\u0640") if script(text) == "Arabic" else text


def percent(text: str) -> str:
    """Every byte percent-encoded."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def html_decimal(text: str) -> str:
    """Every character as a decimal HTML entity."""
    return "".join(f"&#{ord(char)};" for char in text)


def html_hex(text: str) -> str:
    """Every character as a hexadecimal HTML entity."""
    return "".join(f"&#x{ord(char):x};" for char in text)


def base64_whole(text: str) -> str:
    """Base64 of all of it."""
    return base64.b64encode(text.encode()).decode()


def _digits_of(zero: int) -> Disguise:
    table = {str(value): chr(zero + value) for value in range(10)}

    def disguise(text: str) -> str:
        return _mapped(text, table)

    return disguise


PHRASES: dict[str, Disguise] = {
    "fullwidth": fullwidth,
    "mathematical": mathematical,
    "mixed_case": mixed_case,
    "zero_width": zero_width,
    "bidi_marks": bidi_marks,
    "tag_characters": tag_characters,
    "combining_flood": combining_flood,
    "confusables": confusables,
    "leetspeak": leetspeak,
    "spaced": spaced,
    "punctuated": punctuated,
    "repeated": repeated,
    "kashida": kashida,
    "percent": percent,
    "html_decimal": html_decimal,
    "html_hex": html_hex,
    "base64": base64_whole,
}
"""Disguises of phrases."""

PERSONAL: dict[str, Disguise] = {
    "fullwidth": fullwidth,
    "mathematical": mathematical,
    "zero_width": zero_width,
    "bidi_marks": bidi_marks,
    "tag_characters": tag_characters,
    "arabic_indic_digits": _digits_of(0x660),
    "persian_digits": _digits_of(0x6F0),
    "devanagari_digits": _digits_of(0x966),
    "bengali_digits": _digits_of(0x9E6),
    "thai_digits": _digits_of(0xE50),
    "percent": percent,
    "html_decimal": html_decimal,
    "html_hex": html_hex,
    "base64": base64_whole,
}
"""Disguises of personal data."""

WHOLE_TEXT = {"base64"}
"""These take the sentence around it, too."""

_SCRIPTS = {
    "LATIN": "Latin",
    "CYRILLIC": "Cyrillic",
    "ARABIC": "Arabic",
    "DEVANAGARI": "Devanagari",
    "CJK": "Han",
}
SCRIPTS = tuple(_SCRIPTS.values())


def script(text: str) -> str:
    """The script of most of its letters; `none` without letters, `other` for unlisted scripts."""
    counts: dict[str, int] = {}
    for char in text:
        if char.isalpha():
            name = _SCRIPTS.get(unicodedata.name(char, "?").split(" ")[0], "other")
            counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else "none"
