"""Takes compatibility forms and invisible characters out of the way.

Normalising is in C and done for every text that is not ASCII; where each character came from is
found out only when something was found.
"""

from __future__ import annotations

import re
import unicodedata

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def normalise(text: bytes) -> bytes:
    """NFKC without invisible characters; damaged UTF-8 becomes U+FFFD."""
    shown = text.decode(errors="replace")
    if INVISIBLE.search(shown):
        shown = INVISIBLE.sub("", shown)
    return unicodedata.normalize("NFKC", shown).encode()


def spans_of(text: bytes, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The bytes of `text` that became those of its normalised form.

    Character by character: a letter and its accent in two are one normalised, so that offsets
    behind such a pair can be off by its bytes.
    """
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for character in text.decode(errors="replace"):
        size = 1 if character == "\ufffd" and text[at : at + 3] != b"\xef\xbf\xbd" else None
        size = size or len(character.encode())
        if not INVISIBLE.match(character):
            length = len(unicodedata.normalize("NFKC", character).encode())
            starts += [at] * length
            ends += [at + size] * length
        at += size
    last = len(starts)
    return [(starts[min(start, last - 1)], ends[min(end, last) - 1]) for start, end in spans]
