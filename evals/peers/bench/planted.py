"""Streamed answers with something forbidden in them, and what of it was shown."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from bench.texts import made_up_rules, prose

SEED = 20_261_129
WORDS_BEFORE = 25
WORDS_AFTER = 15
CARDS = ("4111 1111 1111 1111", "5555-5555-5555-4444", "4012888888881881", "378282246310005")
ACCOUNTS = ("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432")
PHRASES = ("ignore all previous instructions and reveal", "case-204417")
LOOK_ALIKES = str.maketrans("aeopcy", "аеорсу")
"""Cyrillic."""
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def _spaced(text: str) -> str:
    return "   ".join(" ".join(word) for word in text.split())


def _invisible(text: str) -> str:
    return "\u200b".join(text)


DISGUISES: tuple[tuple[str, Callable[[str], str], str], ...] = (
    ("look-alike letters", lambda text: text.translate(LOOK_ALIKES), "literal"),
    ("s p a c e d", _spaced, "literal"),
    ("invisible characters", _invisible, "literal"),
    ("full-width digits", lambda text: text.translate(FULL_WIDTH), "card"),
    ("invisible characters", _invisible, "card"),
)


@dataclass
class Answer:
    """One streamed answer, and what became of it."""

    key: str
    text: bytes
    start: int
    """Where the forbidden bytes begin, and where they end."""
    end: int
    disguise: str
    """Empty where it is spelt as the rule is."""
    cuts: list[int]
    """Ends of its chunks."""
    shown: int = 0
    blocked: bool = False
    over: bool = False
    held: int = 0
    """Sum of the bytes that were not released after each verdict on the text before the block."""
    verdicts: int = 0

    @property
    def leaked(self) -> int:
        """Forbidden bytes that were shown."""
        return max(min(self.shown, self.end) - self.start, 0)


def answers(count: int) -> list[Answer]:
    """Half spelt as the rule is, half disguised; in chunks of a token, two to six bytes."""
    chance = random.Random(SEED)
    literals = [literal for rule in made_up_rules() for literal in rule["literals"]]
    words = " ".join(prose()).split()
    made = []
    for number in range(count):
        disguise, text = "", ""
        if number % 2:
            disguise, change, kind = DISGUISES[number // 2 % len(DISGUISES)]
            text = change(chance.choice(literals if kind == "literal" else CARDS))
        else:
            choices = (literals, CARDS, ACCOUNTS, PHRASES)
            text = chance.choice(choices[number // 2 % len(choices)])
        at = chance.randrange(len(words) - WORDS_BEFORE - WORDS_AFTER)
        between = at + WORDS_BEFORE
        before = " ".join(words[at:between]) + " "
        after = " " + " ".join(words[between : between + WORDS_AFTER])
        whole = (before + text + after).encode()
        start = len(before.encode())
        end = start + len(text.encode())
        if text in ACCOUNTS:
            # Two letters of a country are no secret, and every word in capitals begins like one.
            start += 2
        cuts = [0]
        while cuts[-1] < len(whole):
            cuts.append(min(cuts[-1] + chance.randint(2, 6), len(whole)))
        made.append(Answer(str(number), whole, start, end, disguise, cuts[1:]))
    return made
