"""The rules: one pass of Hyperscan for literals and for what may be more, then exact checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import hyperscan
import phonenumbers
from stdnum import iban, luhn

from python_job.normal import normalise, spans_of

CARD = re.compile(
    rb"(?:4\d|5[1-5]|6[045]|2[2-7])\d{2}([ -]?)\d{4}\1\d{4}\1\d{4}"
    rb"|3[47]\d{2}([ -]?)\d{6}\2\d{5}"
)
IBAN = re.compile(rb"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}")
EMAIL = re.compile(
    rb"[A-Za-z0-9_][A-Za-z0-9._%+'&-]{0,63}@"
    rb"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
PHONE = re.compile(rb"\+[1-9](?:[ ().-]{0,2}\d){6,14}")
SEPARATORS = b" -"

# What a text must hold for the expression of the same number to be tried on it.
CANDIDATES = (
    (rb"\d{4}[ -]?\d{4,6}[ -]?\d{4,5}", "card"),
    (rb"[A-Z]{2}\d{2}[ -]?[A-Z0-9]{4}", "iban"),
    (rb"@[A-Za-z0-9]", "email"),
    (rb"\+[1-9]", "phone"),
)
SCHEMES = (
    (re.compile(rb"4"), "visa"),
    (re.compile(rb"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), "mastercard"),
    (re.compile(rb"3[47]"), "amex"),
    (re.compile(rb"6011|64[4-9]|65"), "discover"),
)


class Finding(NamedTuple):
    """One thing found; offsets are bytes."""

    start: int
    end: int
    detector: str
    rule: str
    category: str
    score: float
    severity: str
    action: str


@dataclass(frozen=True)
class _Rule:
    """What a finding of a rule or detector says."""

    detector: str
    rule: str
    category: str
    score: float
    severity: str
    action: str

    def at(self, start: int, end: int, rule: str | None = None) -> Finding:
        return Finding(
            start,
            end,
            self.detector,
            rule or self.rule,
            self.category,
            self.score,
            self.severity,
            self.action,
        )


class Rules:
    """Compiled rules; `longest` is the longest match that can matter on a stream, in bytes."""

    def __init__(self, rules: list[dict[str, Any]], policy: dict[str, Any]) -> None:
        self._literals: list[tuple[_Rule, int]] = []
        literals: list[bytes] = []
        patterns: list[bytes] = []
        checks: list[Callable[[bytes], list[Finding]]] = []
        for one in rules:
            said = (one["category"], one["score"], one["severity"], one["action"])
            for literal in one.get("literals", []):
                literals.append(literal.encode())
                self._literals.append((_Rule("literal", one["id"], *said), len(literals[-1])))
            for pattern in one.get("patterns", []):
                patterns.append(pattern.encode())
                checks.append(_pattern(pattern.encode(), _Rule("pattern", one["id"], *said)))
        detectors = policy["detectors"]
        for candidate, name in CANDIDATES:
            severity = "high" if name == "card" else "medium"
            action = detectors[name]["action"]
            patterns.append(candidate)
            checks.append(_DETECTORS[name](_Rule(name, name, "pii", 0.95, severity, action)))
        self._checks = checks
        self._first_check = len(literals)
        self.longest = max(42, *(len(literal) for literal in literals))
        once = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
        expressions = [re.escape(literal) for literal in literals] + patterns
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=expressions,
            ids=list(range(len(expressions))),
            elements=len(expressions),
            flags=[hyperscan.HS_FLAG_CASELESS] * len(literals) + [once] * len(patterns),
        )

    def scan(self, text: bytes) -> list[Finding]:
        """All findings, in order of position; offsets are of `text` as it came."""
        if text.isascii():
            return self._scan(text)
        normal = normalise(text)
        found = self._scan(normal)
        if not found or normal == text:
            return found
        spans = spans_of(text, [(one.start, one.end) for one in found])
        return [
            one._replace(start=start, end=end)
            for one, (start, end) in zip(found, spans, strict=True)
        ]

    def _scan(self, text: bytes) -> list[Finding]:
        hits: list[tuple[int, int]] = []
        self._database.scan(text, match_event_handler=_note, context=hits)
        if not hits:
            return []
        found: list[Finding] = []
        for number, end in hits:
            if number >= self._first_check:
                found += self._checks[number - self._first_check](text)
                continue
            rule, length = self._literals[number]
            if _stands_alone(text, end - length, end):
                found.append(rule.at(end - length, end))
        found.sort()
        return found


def _note(number: int, _start: int, end: int, _flags: int, hits: list[tuple[int, int]]) -> None:
    hits.append((number, end))


def _stands_alone(text: bytes, start: int, end: int) -> bool:
    """Whether neither side continues a word."""
    before = text[max(start - 4, 0) : start].decode(errors="ignore")[-1:]
    after = text[end : end + 4].decode(errors="ignore")[:1]
    return not (_of_word(before) or _of_word(after))


def _of_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _pattern(pattern: bytes, rule: _Rule) -> Callable[[bytes], list[Finding]]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda text: [rule.at(*match.span()) for match in compiled.finditer(text)]


def _cards(rule: _Rule) -> Callable[[bytes], list[Finding]]:
    def check(text: bytes) -> list[Finding]:
        found = []
        for match in CARD.finditer(text):
            digits = match[0].translate(None, SEPARATORS)
            scheme = next((name for first, name in SCHEMES if first.match(digits)), None)
            alone = _stands_alone(text, *match.span())
            if scheme and alone and luhn.is_valid(digits.decode()):
                found.append(rule.at(*match.span(), rule=scheme))
        return found

    return check


def _ibans(rule: _Rule) -> Callable[[bytes], list[Finding]]:
    def check(text: bytes) -> list[Finding]:
        found = []
        for match in IBAN.finditer(text):
            start, end = match.span()
            # The next word may be in capitals, too.
            while end - start >= 15 and not (
                _stands_alone(text, start, end) and iban.is_valid(text[start:end].decode())
            ):
                end = max(text.rfind(b" ", start, end), text.rfind(b"-", start, end))
            if end - start >= 15:
                found.append(rule.at(start, end))
        return found

    return check


def _emails(rule: _Rule) -> Callable[[bytes], list[Finding]]:
    return lambda text: [rule.at(*match.span()) for match in EMAIL.finditer(text)]


def _phones(rule: _Rule) -> Callable[[bytes], list[Finding]]:
    def check(text: bytes) -> list[Finding]:
        found = []
        for match in PHONE.finditer(text):
            try:
                number = phonenumbers.parse(match[0].decode(), None)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                region = phonenumbers.region_code_for_number(number) or "international"
                found.append(rule.at(*match.span(), rule=region.lower()))
        return found

    return check


_DETECTORS = {"card": _cards, "iban": _ibans, "email": _emails, "phone": _phones}
