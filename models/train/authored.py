"""The project's own text: fills what the public data lacks.

`authored/<language>.txt` holds sections of lines; `{slots}` are filled by a seeded generator, with
invented names, numbers and addresses. All variants of a line stay in one split. Harmful lines say
what is wanted, never how it is done, and sexual ones name the subject and stop there.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "authored"

BENIGN = {
    "topic",
    "ask",
    "benign",
    "hard",
    "support",
    "nopii",
    "answers",
    "about",
    "refusal",
}
RESPONSES = {"answers", "about", "refusal"}

TINY = (
    "",
    "?",
    "!",
    ".",
    "...",
    ",",
    "-",
    ":)",
    "👍",
    "ok",
    "a",
    "I",
    "1",
    "no",
    "so",
    "the",
    "and",
)
"""Beginnings of a stream. Each needs many copies: so few features are not learnt otherwise."""
TINY_COPIES = 15

POSITIVE: dict[str, tuple[str, ...]] = {
    "self_harm": ("self_harm",),
    "injection": ("prompt_injection",),
    "sexual": ("sexual",),
    "minors": ("sexual", "sexual_minors"),
    "harassment": ("harassment",),
    "threat": ("violence", "harassment"),
    "illicit": ("illicit",),
    "pii": ("pii",),
}
NEGATIVE: dict[str, tuple[str, ...]] = {
    "self_harm": ("prompt_injection", "pii", "sexual", "sexual_minors", "illicit", "hate"),
    "injection": ("self_harm", "hate", "harassment", "violence", "sexual", "sexual_minors"),
    "sexual": ("sexual_minors", "self_harm", "hate", "prompt_injection", "pii", "illicit"),
    "minors": ("self_harm", "hate", "prompt_injection", "pii"),
    "harassment": ("self_harm", "sexual_minors", "sexual", "prompt_injection", "pii", "illicit"),
    "threat": ("self_harm", "sexual_minors", "sexual", "prompt_injection", "pii"),
    "illicit": ("self_harm", "hate", "sexual_minors", "sexual", "prompt_injection", "pii"),
    "pii": (),
}
"""What a section's lines are plainly not."""

VARIANTS = {"ask": 24, "pii": 20, "nopii": 8}
"""Of a line with slots; others have 4."""

NAMES = (
    "Anna",
    "Maria",
    "Jan",
    "Lucía",
    "Pierre",
    "Giulia",
    "João",
    "Sanne",
    "Kasia",
    "Omar",
    "Priya",
    "Wei",
    "Tom",
    "Fatima",
    "Lena",
    "Marek",
    "Sofia",
    "Ravi",
    "Chen",
    "Noor",
    "Emil",
    "Clara",
    "Hugo",
    "Ines",
)
SURNAMES = (
    "Novak",
    "Rossi",
    "Silva",
    "Jansen",
    "Kowalska",
    "Haddad",
    "Sharma",
    "Wang",
    "Miller",
    "Bernard",
    "Weber",
    "Costa",
    "Peeters",
    "Dubois",
)


def rows(seed: int) -> list[dict[str, Any]]:
    """All authored rows, in the form of the public data's."""
    made = []
    for path in sorted(FOLDER.glob("*.txt")):
        sections = _sections(path)
        lists = {name: _list(sections.pop(name)) for name in ("topic", "crime", "lawful")}
        sections["topic"] = [*lists["topic"], *TINY * TINY_COPIES]
        for section, lines in sections.items():
            for number, line in enumerate(lines):
                rng = random.Random(f"{seed}/{path.stem}/{section}/{number}")
                variants = _variants(line, section, lists, rng)
                for variant, (text, as_section) in enumerate(variants):
                    made.append(_row(path.stem, section, as_section, number, variant, text))
    return made


def _list(lines: list[str]) -> list[str]:
    return [item.strip() for line in lines for item in line.split("|")]


def _sections(path: Path) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            sections[line[2:]] = []
        elif line:
            sections[list(sections)[-1]].append(line)
    return sections


def _row(
    lang: str, section: str, as_section: str, number: int, variant: int, text: str
) -> dict[str, Any]:
    labels = dict.fromkeys(POSITIVE.get(as_section, ()), 1)
    labels |= dict.fromkeys(NEGATIVE.get(as_section, ()), 0)
    if as_section in BENIGN:
        labels["pii"] = 0
    line = f"{lang}/{section}/{number}"
    return {
        "id": f"authored/{line}/{variant}",
        "text": text,
        "lang": lang,
        "kind": "response" if as_section in RESPONSES else "prompt",
        "labels": labels,
        "benign": as_section in BENIGN or as_section == "pii",
        "source": f"authored_{'benign' if as_section in BENIGN else as_section}",
        "meta": {"group": line},
    }


def _variants(
    line: str, section: str, lists: dict[str, list[str]], rng: random.Random
) -> list[tuple[str, str]]:
    """Texts, and the section that each counts as: `how` has the same frames for good and bad."""
    if section == "topic":
        return [(line, section)]
    if section == "how":
        bad = [(line.replace("{deed}", deed), "illicit") for deed in lists["crime"]]
        return bad + [(line.replace("{deed}", deed), "benign") for deed in lists["lawful"]]
    if section == "refusal":
        return [(line.replace("{deed}", deed), section) for deed in lists["crime"]]
    if "{" not in line:
        return [(text, section) for text in _casual(line, rng)]
    if "{topic}" in line:
        chosen = rng.sample(lists["topic"], min(len(lists["topic"]), VARIANTS["ask"]))
        return [(_fill(line.replace("{topic}", topic), rng), section) for topic in chosen]
    return [(_fill(line, rng), section) for _ in range(VARIANTS.get(section, 4))]


def _casual(line: str, rng: random.Random) -> list[str]:
    """People leave out capitals and full stops, and shout."""
    plain = line.rstrip(".!?。？！।؟ ")
    return list(dict.fromkeys([line, plain.lower(), plain + rng.choice(["!!", "...", " 🙏", "?"])]))


def _fill(line: str, rng: random.Random) -> str:
    return re.sub(r"\{(\w+)\}", lambda slot: SLOTS[slot[1]](rng), line)


def _digits(pattern: str, rng: random.Random) -> str:
    return "".join(rng.choice(string.digits) if c == "#" else c for c in pattern)


def _pattern(*patterns: str) -> Callable[[random.Random], str]:
    return lambda rng: _digits(rng.choice(patterns), rng)


def _token(letters: str, low: int, high: int) -> Callable[[random.Random], str]:
    return lambda rng: "".join(rng.choices(letters, k=rng.randint(low, high)))


def _email(rng: random.Random) -> str:
    user = f"{rng.choice(NAMES)}{rng.choice(['.', '_', ''])}{rng.choice(SURNAMES)}".lower()
    host = rng.choice(["example.com", "example.org", "mail.example.net", "post.example"])
    return f"{user}{_digits(rng.choice(['', '#', '##']), rng)}@{host}"


SLOTS: dict[str, Callable[[random.Random], str]] = {
    "name": lambda rng: f"{rng.choice(NAMES)} {rng.choice(SURNAMES)}",
    "number": lambda rng: str(rng.choice([3, 5, 7, 8, 12, 20, 45, 90, 150, 300, 1200])),
    "year": lambda rng: str(rng.randint(1900, 2025)),
    "age": lambda rng: str(rng.randint(8, 14)),
    "site": lambda rng: f"{rng.choice(['login', 'verify', 'prize'])}.example",
    "phone": _pattern(
        "+49 30 5550###", "555-01##", "(202) 555-01##", "06 55 50 ## ##", "+91 99999 0####"
    ),
    "zip": _pattern("#####", "## ###", "####-###"),
    "card": _pattern("4000 0000 #### ####", "40000000########", "5555-0000-####-####"),
    "iban": _pattern(
        "DE00 0000 #### #### #### ##", "FR00 0000 0000 #### #### ####", "PL000000############"
    ),
    "ssn": _pattern("000-##-####", "###.###.###-00", "0000 #### ####", "900000########"),
    "birth": _pattern("0#/1#/19##", "1#.0#.19##", "19##-0#-1#"),
    "ip": _pattern("192.0.2.##", "198.51.100.1##"),
    "email": _email,
    "passport": _token(string.ascii_uppercase + string.digits, 8, 10),
    "password": _token(string.ascii_letters + string.digits + "!$%", 9, 13),
    "key": _token(string.ascii_letters + string.digits, 32, 40),
}
"""Numbers are from ranges set aside for examples, or carry zeros that make them invalid."""
