"""Harmless texts that were written for this measurement, put together from parts.

`authored/LANGUAGE.txt` has a language's texts and what fills their gaps. Some of them stand near
the rules' words on purpose. The same texts come out on every run.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

PARTS = Path(__file__).with_name("authored")
ROWS = 6_500
"""A language. They bound nothing: texts from the same parts are not independent."""

_GAP = re.compile(r"\{(\w+)\}")


def texts(language: str) -> list[str]:
    """Different ones, the same each time: each form about as often, alone or two together."""
    gaps: dict[str, list[str]] = {}
    forms: list[str] = []
    for line in (PARTS / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        name, is_gap, parts = line.partition(" = ")
        if is_gap:
            gaps[name] = parts.split(" | ")
        elif not line.startswith("#"):
            forms.append(line)
    source = random.Random(language)
    found: dict[str, None] = {}
    while len(found) < ROWS:
        for form in forms:
            text = _filled(form, gaps, source)
            if source.random() < 0.5:
                text += " " + _filled(source.choice(forms), gaps, source)
            found.setdefault(text)
    return list(found)[:ROWS]


def languages() -> Iterator[str]:
    """Those that have parts."""
    return (path.stem for path in sorted(PARTS.glob("*.txt")))


def _filled(form: str, gaps: dict[str, list[str]], source: random.Random) -> str:
    text = _GAP.sub(lambda gap: source.choice(gaps[gap[1]]), form)
    return text[0].upper() + text[1:]
