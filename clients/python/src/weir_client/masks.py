"""Masks: what is shown in place of findings. `crates/detect/src/mask.rs` is the reference.

Spans that overlap or touch are masked as one, with the strictest mask among them; of several labels the first stands.
Spans grow to whole characters, and marks that follow a span go with it. Bytes outside are copied as they are.

Letters are the Unicode database's categories L, N and M and the circled letters. The reference goes by the derived
property Alphabetic, which leaves out some marks (viramas, tone marks); the difference shows only in which letters
`last_four` counts, in the scripts that have such marks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_STRICTNESS = {"last_four": 0, "format_preserving": 1, "label": 2, "full": 3}
_INVISIBLE, _SEPARATOR, _ALPHANUMERIC, _OTHER = range(4)


class Masked(NamedTuple):
    """Bytes `start` to `end` of the judged text are masked by `mask`; empty spans mask nothing."""

    start: int
    end: int
    mask: str
    label: str


class Part(NamedTuple):
    """Bytes `start` to `end` of a text are shown as `shown`; only what is not masked is the same length."""

    start: int
    end: int
    shown: bytes
    masked: bool


def apply(text: bytes, base: int, spans: Iterable[Masked]) -> bytes:
    """A copy of `text`, whose first byte is byte `base` of the judged text, with `spans` masked.

    Spans may come in any order, overlap and reach beyond the text.
    """
    return b"".join(part.shown for part in parts(text, base, spans))


def parts(text: bytes, base: int, spans: Iterable[Masked]) -> list[Part]:
    """What `apply` joins; positions count from the start of `text`."""
    ranges = sorted((clamped for span in spans if (clamped := _clamp(text, base, span))), key=lambda r: r.start)
    out: list[Part] = []
    copied = 0
    at = 0
    while at < len(ranges):
        start, end, mask, label = ranges[at]
        end = _cluster_end(text, end)
        at += 1
        while at < len(ranges) and ranges[at].start <= end:
            following = ranges[at]
            if following.end > end:
                end = _cluster_end(text, following.end)
            if _strictness(following.mask) > _strictness(mask):
                mask, label = following.mask, following.label
            at += 1
        if copied < start:
            out.append(Part(copied, start, text[copied:start], False))
        out.append(Part(start, end, _write(text[start:end], mask, label), True))
        copied = end
    if copied < len(text):
        out.append(Part(copied, len(text), text[copied:], False))
    return out


def floor_char(text: bytes) -> int:
    """How many bytes of `text` are left when a character that it ends in the middle of is cut off.

    It goes by the length that a lead byte announces; bytes that are no UTF-8 end where they end.
    """
    for back in range(1, min(3, len(text)) + 1):
        lead = text[-back]
        if lead & 0xC0 != 0x80:
            return len(text) - back if _length_of(lead) > back else len(text)
    return len(text)


def _strictness(mask: str) -> int:
    return _STRICTNESS.get(mask, _STRICTNESS["full"])  # an unknown mask reads as full


def _clamp(text: bytes, base: int, span: Masked) -> Masked | None:
    start, end = (min(max(at - base, 0), len(text)) for at in (span.start, span.end))
    if start >= end:
        return None
    return Masked(_around(text, start)[0], _around(text, end)[1], span.mask, span.label)


def _length_of(lead: int) -> int:
    """How long the character is that this byte begins; 1 for a byte that begins none."""
    if 0xC2 <= lead <= 0xDF:
        return 2
    if 0xE0 <= lead <= 0xEF:
        return 3
    return 4 if 0xF0 <= lead <= 0xF4 else 1


def _char_after(text: bytes, at: int) -> tuple[str, int] | None:
    """The character that begins at byte `at`, and its length in bytes."""
    if at >= len(text):
        return None
    length = _length_of(text[at])
    try:
        return text[at : at + length].decode(), length
    except UnicodeDecodeError:
        return None


def _around(text: bytes, at: int) -> tuple[int, int]:
    """Start and end of the character that has a byte on either side of `at`; `at` twice where there is none."""
    for back in range(1, min(3, at) + 1):
        found = _char_after(text, at - back)
        if found and found[1] > back:
            return at - back, at - back + found[1]
    return at, at


def _cluster_end(text: bytes, at: int) -> int:
    """Where the marks end that begin at byte `at`."""
    while (found := _char_after(text, at)) and _extends(ord(found[0])):
        at += found[1]
    return at


def _write(inside: bytes, mask: str, label: str) -> bytes:
    if mask == "label":
        return f"[{label or 'masked'}]".encode()
    # Broken bytes read as U+FFFD, one for each sequence, which is a symbol like any other.
    visible = [(kind, c) for c in inside.decode(errors="replace") if (kind := _kind(c)) != _INVISIBLE]
    if mask == "format_preserving":
        return "".join(_same_format(kind, c) for kind, c in visible).encode()
    if mask == "last_four":
        letters = sum(kind == _ALPHANUMERIC for kind, _ in visible)
        return "".join(_last_four(visible, letters - min(letters // 3, 4))).encode()
    return b"*" * len(visible)


def _same_format(kind: int, c: str) -> str:
    if kind == _SEPARATOR:
        return c
    if kind == _ALPHANUMERIC and unicodedata.category(c)[0] == "N":
        return "9"
    return "X" if kind == _ALPHANUMERIC and c.isupper() else "x"


def _last_four(visible: list[tuple[int, str]], hidden: int) -> Iterator[str]:
    for kind, c in visible:
        if kind == _SEPARATOR or (kind == _ALPHANUMERIC and hidden == 0):
            yield c
        else:
            hidden -= kind == _ALPHANUMERIC
            yield "*"


def _kind(c: str) -> int:
    if _is_separator(c):
        return _SEPARATOR
    if _is_invisible(ord(c)):
        return _INVISIBLE
    if unicodedata.category(c)[0] in "LNM" or _within(ord(c), _CIRCLED_LETTERS):
        return _ALPHANUMERIC
    return _OTHER


def _is_separator(c: str) -> bool:
    """Punctuation and white space that a mask may show: ASCII, and what NFKC or the eye makes of it."""
    u = ord(c)
    if u < 0x80:
        return c in "\t\n\r " or (0x21 <= u <= 0x7E and not c.isalnum())
    return _within(u, _SEPARATORS)


def _is_invisible(u: int) -> bool:
    """Controls, formats and marks over their neighbours take no room."""
    return u < 0x20 or 0x7F <= u <= 0x9F or _within(u, _FORMATS) or _extends(u)


def _extends(u: int) -> bool:
    """Whether the character belongs to the one before it."""
    return u >= 0x300 and _within(u, _MARKS)


def _within(u: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= u <= high for low, high in ranges)


# The ranges of crates/detect/src/mask/chars.rs.
# fmt: off
_SEPARATORS = (
    (0xA0, 0xA0), (0x2000, 0x200A), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),  # spaces
    (0x2010, 0x2015), (0x2212, 0x2212), (0xFE58, 0xFE58), (0xFE63, 0xFE63),  # hyphens, dashes, minus
    (0x3001, 0x3002), (0xFF01, 0xFF0F), (0xFF1A, 0xFF20),  # ideographic and full-width punctuation
)
_FORMATS = (
    (0xAD, 0xAD), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164),
    (0xFFA0, 0xFFA0), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFB),
    (0x1D173, 0x1D17A),
)
_MARKS = (
    (0x300, 0x36F),  # combining diacritical marks
    (0x483, 0x489),  # Cyrillic
    (0x591, 0x5BD), (0x5BF, 0x5BF), (0x5C1, 0x5C2), (0x5C4, 0x5C5), (0x5C7, 0x5C7),  # Hebrew
    (0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670),  # Arabic
    (0x6D6, 0x6DC), (0x6DF, 0x6E4), (0x6E7, 0x6E8), (0x6EA, 0x6ED),
    (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF),  # more diacritical marks
    (0x200D, 0x200D),  # zero-width joiner
    (0x20D0, 0x20FF),  # marks for symbols, keycaps
    (0x302A, 0x302F), (0x3099, 0x309A),  # Han and Kana
    (0xFE00, 0xFE0F), (0xFE20, 0xFE2F),  # variation selectors, half marks
    (0x1F3FB, 0x1F3FF),  # skin tones
    (0xE0000, 0xE0FFF),  # tags, variation selectors
)
_CIRCLED_LETTERS = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
# fmt: on
