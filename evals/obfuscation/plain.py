"""Plain texts: what a policy's literals look like in use, and invented personal data."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import yaml

CARRIERS = {
    "en": ("{}", "Yesterday my neighbour wrote this: {}", "The note said {} and nothing else."),
    "de": ("{}", "Gestern schrieb mein Nachbar: {}", "Auf dem Zettel stand {} und sonst nichts."),
    "es": ("{}", "Ayer mi vecino escribió: {}", "La nota decía {} y nada más."),
    "fr": ("{}", "Hier mon voisin a écrit : {}", "Le mot disait {} et rien d'autre."),
    "it": ("{}", "Ieri il mio vicino ha scritto: {}", "Il biglietto diceva {} e nient'altro."),
    "pt": ("{}", "Ontem o meu vizinho escreveu: {}", "O bilhete dizia {} e mais nada."),
    "nl": ("{}", "Gisteren schreef mijn buurman: {}", "Op het briefje stond {} en verder niets."),
    "pl": ("{}", "Wczoraj sąsiad napisał: {}", "Na kartce było {} i nic więcej."),
    "ru": ("{}", "Вчера сосед написал: {}", "В записке было {} и больше ничего."),
    "ar": ("{}", "كتب جاري أمس: {}", "كان في الورقة {} ولا شيء غير ذلك."),
    "hi": ("{}", "कल पड़ोसी ने लिखा: {}", "पर्ची पर {} लिखा था और कुछ नहीं।"),
    "hi_latn": ("{}", "Kal padosi ne likha: {}", "Parchi par {} likha hai aur kuch nahin."),
    "zh": ("{}", "昨天邻居写道：{}", "纸条上写着“{}”，没有别的。"),
}
"""Three sentences a locale: the phrase alone, at the end, in the middle."""


@dataclass(frozen=True)
class Sample:
    """Something to find, in a sentence with one `{}` for it."""

    detector: str
    rule: str | None
    """The rule that must find it; None when any of the detector's will do."""
    text: str
    carrier: str


def phrases(policies: Path) -> list[Sample]:
    """Every literal of every rule in its locale's sentences; English for other locales."""
    samples = []
    for path in sorted((policies / "rules").glob("*.yaml")):
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
            locale = rule["id"].rsplit(".", 1)[-1]
            for literal in rule["literals"]:
                for carrier in CARRIERS.get(locale, CARRIERS["en"]):
                    samples.append(Sample("literal", rule["id"], literal, carrier))
    return samples


PERSONAL = {
    "card": ("4111 1111 1111 1111", "5555555555554444", "3782-822463-10005"),
    "email": ("bob@example.com", "alice.smith+news@mail.example.org", "carol_9@example.net"),
    "iban": ("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "NL91ABNA0417164300"),
    "ip": ("192.0.2.44", "203.0.113.7", "2001:db8::8a2e:370:7334"),
    "phone": ("+1 202-555-0143", "+44 20 7946 0958", "+33 1 99 00 12 34"),
    "national_id": ("078-05-1120", "12345678Z", "44051401359"),
}
"""By detector: payment providers' test cards, reserved domains and addresses, specimens from public
registers, telephone numbers set aside for fiction."""

PERSONAL_CARRIERS = {
    "card": ("My card number is {}", "please charge {} today", "card: {}."),
    "email": ("My email is {}", "please write to {} today", "email: {}."),
    "iban": ("My IBAN is {}", "please send it to IBAN {} today", "IBAN: {}."),
    "ip": ("My IP address is {}", "the server {} is down", "IP address: {}."),
    "phone": ("My phone number is {}", "please call {} today", "phone: {}."),
    "national_id": (
        "My social security number is {}",
        "my DNI is {} today",
        "my PESEL number: {}.",
    ),
    "api_key": ("My key is {}", "please use {} today", "token: {}."),
}


def personal() -> list[Sample]:
    """Personal data in English sentences."""
    values = PERSONAL | {"api_key": tuple(_key(seed) for seed in (1, 2, 3))}
    return [
        Sample(detector, None, text, carrier)
        for detector, texts in values.items()
        for text in texts
        for carrier in PERSONAL_CARRIERS[detector]
    ]


_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _key(seed: int) -> str:
    """A made-up token of GitHub's form: 30 characters and their CRC-32 in base 62."""
    body = ""
    for _ in range(30):
        seed = (seed * 1103515245 + 12345) % 2**31
        body += _BASE62[seed // 65536 % 62]
    crc, check = zlib.crc32(body.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        check = _BASE62[digit] + check
    return "ghp" + "_" + body + check
