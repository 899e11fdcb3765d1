"""Avro records in Confluent's framing: `schemas/README.md` is the specification.

Errors never hold any of a record's content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from importlib import resources
from io import BytesIO
from typing import Any

import fastavro
from fastavro.schema import to_parsing_canonical_form

from .errors import WireError
from .types import (
    Action,
    Contract,
    Disposition,
    FailMode,
    Finding,
    OnExpiry,
    Score,
    Unjudged,
    Verdict,
)


class Subject:
    """A subject's schema and the id under which it is written; what is read may be of other versions."""

    def __init__(self, name: str, schema_id: int) -> None:
        text = (resources.files(__package__) / "schemas" / f"{name}.avsc").read_text(encoding="utf-8")
        self.schema = json.loads(text)
        self._parsed = fastavro.parse_schema(self.schema)
        self._header = _header(schema_id)
        self._versions: Mapping[int, Any] = {schema_id: self.schema}
        self._readers: dict[bytes, Any] = {self._header: self._parsed}

    def registered(self, schema_id: int | None, versions: Mapping[int, Any]) -> Subject:
        """The same under a registry's ids alone. `versions`: schemas to be read, by id; it may grow."""
        other = copy(self)
        other._header = b"" if schema_id is None else _header(schema_id)
        other._versions = versions
        other._readers = {}
        return other

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """The frame of a record; raises `WireError` if it does not fit the schema."""
        out = BytesIO()
        out.write(self._header)
        try:
            fastavro.schemaless_writer(out, self._parsed, record)
        except Exception as error:
            # Without its cause, whose message may quote the record.
            raise WireError(f"the record does not fit its schema ({type(error).__name__})") from None
        return out.getvalue()

    def decode(self, frame: bytes) -> dict[str, Any]:
        """The record in a frame; raises `WireError` if it holds none of this subject, or more than that."""
        written = self._readers.get(frame[:5]) or self._learn(frame[:5])
        # A reader's schema that is the writer's would be resolved for nothing.
        reader = None if written is self._parsed else self._parsed
        datum = BytesIO(frame)
        datum.seek(5)
        try:
            record = fastavro.schemaless_reader(datum, written, reader)
        except Exception as error:
            raise WireError(f"the datum does not fit its schema ({type(error).__name__})") from None
        if datum.tell() != len(frame):
            raise WireError("bytes are left over after the datum")
        return record  # type: ignore[return-value]  # the schema is a record's

    def _learn(self, header: bytes) -> Any:
        schema = self._versions.get(int.from_bytes(header[1:], "big")) if header[:1] == b"\0" else None
        if schema is None or len(header) < 5:
            raise WireError("not a frame of this subject, or of a schema that is not known")
        same = to_parsing_canonical_form(schema) == to_parsing_canonical_form(self.schema)
        self._readers[header] = self._parsed if same else fastavro.parse_schema(schema)
        return self._readers[header]


def _header(schema_id: int) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big")


PROMPT = Subject("prompt", 100_001)
CHUNK = Subject("chunk", 100_008)
VERDICT = Subject("verdict", 100_007)


@dataclass(frozen=True, slots=True)
class Codec:
    """How a worker's records are written and read: by the compiled-in ids, unless told otherwise."""

    prompt: Subject = PROMPT
    chunk: Subject = CHUNK
    verdict: Subject = VERDICT

    def registered(self, prompt: int, chunk: int, verdicts: Mapping[int, Any]) -> Codec:
        """The same by a registry's ids alone; `verdicts` are the versions to be read, by id, and may grow."""
        return Codec(
            self.prompt.registered(prompt, {}),
            self.chunk.registered(chunk, {}),
            self.verdict.registered(None, verdicts),
        )


# By symbol: a look-up costs a fifth of a call of the enum's class.
_ACTIONS = {symbol.value: symbol for symbol in Action}
_DISPOSITIONS = {symbol.value: symbol for symbol in Disposition}
_FAIL_MODES = {symbol.value: symbol for symbol in FailMode}
_ON_EXPIRY = {symbol.value: symbol for symbol in OnExpiry}


def verdict_of(record: dict[str, Any]) -> Verdict:
    """A record that fits `verdict.avsc` as a `Verdict`."""
    disposition = record["disposition"]
    contract = record["contract"]
    return Verdict(
        verdict_id=record["verdict_id"],
        owner_epoch=record["owner_epoch"],
        request_id=record["request_id"],
        stream_id=record["stream_id"],
        worker_id=record["worker_id"],
        seq_from=record["seq_from"],
        seq_to=record["seq_to"],
        final=record["final"],
        action=_ACTIONS[record["action"]],
        checked_to=record["checked_to"],
        released_to=record["released_to"],
        truncate_at=record["truncate_at"],
        hold_from=record["hold_from"],
        findings=tuple(_finding(finding) for finding in record["findings"]),
        unjudged=tuple(Unjudged(entry["detector"], entry["cause"]) for entry in record["unjudged"]),
        hold_expired=record["hold_expired"],
        disposition=None if disposition is None else _DISPOSITIONS[disposition],
        completion=record["completion"],
        contract=None if contract is None else _contract(contract),
        scores=tuple(Score(score["category"], score["margin"]) for score in record["scores"]),
        supersedes=record["supersedes"],
        record=record,
    )


def _finding(record: dict[str, Any]) -> Finding:
    span = record["span"]
    return Finding(
        detector=record["detector"],
        rule=record["rule"],
        category=record["category"],
        start=span["start"],
        end=span["end"],
        score=record["score"],
        severity=record["severity"],
        mask=record["mask"],
    )


def _contract(record: dict[str, Any]) -> Contract:
    return Contract(
        budget_us=record["budget_us"],
        hold_chars=record["hold_chars"],
        hold_ms=record["hold_ms"],
        on_expiry=_ON_EXPIRY[record["on_expiry"]],
        fail_mode=_FAIL_MODES[record["fail_mode"]],
        disposition=_DISPOSITIONS[record["disposition"]],
        completion=record["completion"],
    )
