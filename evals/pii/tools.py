"""The two tools: each says which types of personal data it finds in each text, and how fast."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from data import ANNOTATED

WEIR_TYPES = {
    "card": "card",
    "email": "email",
    "phone": "phone",
    "iban": "iban",
    "ip": "ip",
    "national_id": "national_id",
    "passport": "national_id",
    "api_key": "secret",
    "jwt": "secret",
    "private_key": "secret",
    "password": "secret",
    "secret": "secret",
}
"""Detectors to types."""

PRESIDIO_TYPES = ANNOTATED | {"UK_NHS": "national_id"}
"""Entities to types."""

TIMED_ROWS = 100_000
"""About as many are judged to time Weir."""


@dataclass(frozen=True)
class Result:
    """What a tool found and how long it took."""

    version: str
    found: list[frozenset[str]]
    rows_per_second: float
    other: dict[str, int]
    """Findings outside the comparison, by name."""


def weir(
    program: Path, policies: Path, texts: list[str], rounds: int, thresholds: list[float]
) -> dict[float, Result]:
    """By `weir check --jsonl --rules-only`; one result a threshold.

    Start-up is timed apart and taken off.
    """
    answers = _weir_run(program, policies, texts)[1]
    start_up = min(_weir_run(program, policies, texts[:1])[0] for _ in range(rounds))
    # A few thousand rows take less time than start-up varies by.
    many = texts * max(1, TIMED_ROWS // len(texts))
    seconds = min(_weir_run(program, policies, many)[0] for _ in range(rounds)) - start_up
    judged = [json.loads(line) for line in answers]
    for answer in judged:
        # A row that could not be judged would count as one without findings.
        if "error" in answer or answer["unjudged"]:
            raise SystemExit(f"row {answer.get('id', answer.get('line'))} was not judged")
    if len(judged) != len(texts):
        raise SystemExit(f"weir answered {len(judged)} of {len(texts)} rows")
    name = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    results = {}
    for threshold in thresholds:
        other: dict[str, int] = {}
        found = []
        for answer in judged:
            types = set()
            for finding in answer["findings"]:
                detector = finding["detector"]
                if finding["score"] < threshold:
                    continue
                if detector in WEIR_TYPES:
                    types.add(WEIR_TYPES[detector])
                else:
                    other[detector] = other.get(detector, 0) + 1
            found.append(frozenset(types))
        rate = len(many) / max(seconds, 1e-6)
        results[threshold] = Result(name.stdout.strip(), found, rate, other)
    return results


def _weir_run(program: Path, policies: Path, texts: list[str]) -> tuple[float, list[str]]:
    rows = "".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts))
    command = [
        *(program, "check", "--jsonl", "--rules-only"),
        *("--policies", policies, "--deadline-ms", "60000"),
    ]
    begun = time.perf_counter()
    done = subprocess.run(
        command, input=rows, capture_output=True, text=True, encoding="utf-8", check=False
    )
    took = time.perf_counter() - begun
    if done.returncode != 0:
        raise SystemExit(f"weir check ended with {done.returncode}: {done.stderr[-500:]}")
    return took, done.stdout.splitlines()


class BlankEngine(SpacyNlpEngine):
    """Tokens without a model: no named entities, and words in lower case for lemmas.

    Presidio raises scores by context words, which it looks up among lemmas; with none it would
    find less than it can.
    """

    def load(self) -> None:
        """Takes spaCy's blank English pipeline; nothing is downloaded."""
        blank = spacy.blank("en")

        @spacy.Language.component("lower_case_lemmas")
        def lower_case_lemmas(doc: spacy.tokens.Doc) -> spacy.tokens.Doc:
            for token in doc:
                token.lemma_ = token.lower_
            return doc

        blank.add_pipe("lower_case_lemmas")
        self.nlp = {"en": blank}


def presidio(texts: list[str], thresholds: list[float]) -> dict[float, Result]:
    """By what Presidio loads for English, less its model; one result a threshold."""
    # The packaged list of top-level domains: no download while the clock runs, the same each time.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    engine = BlankEngine()
    engine.load()
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    registry.remove_recognizer("SpacyRecognizer")
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    analyzer.analyze("warm up 4111 1111 1111 1111, bob@example.com", language="en")
    begun = time.perf_counter()
    answers = [analyzer.analyze(text, language="en") for text in texts]
    took = time.perf_counter() - begun
    results = {}
    for threshold in thresholds:
        other: dict[str, int] = {}
        found = []
        for answer in answers:
            types = set()
            for entity in answer:
                if entity.score < threshold:
                    continue
                if entity.entity_type in PRESIDIO_TYPES:
                    types.add(PRESIDIO_TYPES[entity.entity_type])
                else:
                    other[entity.entity_type] = other.get(entity.entity_type, 0) + 1
            found.append(frozenset(types))
        results[threshold] = Result(version("presidio-analyzer"), found, len(texts) / took, other)
    return results
