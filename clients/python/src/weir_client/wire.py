"""Avro records in Confluent's framing: `schemas/README.md` is the specification.

Errors never hold any of a record's content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from io import BytesIO
from typing import Any

import fastavro

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
    """A subject's schema and the fixed id under which it travels."""

    def __init__(self, name: str, schema_id: int) -> None:
        text = (resources.files(__package__) / "schemas" / f"{name}.avsc").read_text(encoding="utf-8")
        self._schema = fastavro.parse_schema(json.loads(text))
        self._header = b"\0" + schema_id.to_bytes(4, "big")

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """The frame of a record; raises `WireError` if it does not fit the schema."""
        out = BytesIO()
        out.write(self._header)
        try:
            fastavro.schemaless_writer(out, self._schema, record)
        except Exception as error:
            # Without its cause, whose message may quote the record.
            raise WireError(f"the record does not fit its schema ({type(error).__name__})") from None
        return out.getvalue()

    def decode(self, frame: bytes) -> dict[str, Any]:
        """The record in a frame; raises `WireError` if it holds none of this subject, or more than that."""
        if frame[:5] != self._header:
            raise WireError("not a frame of this subject, or of a schema that is not known")
        datum = BytesIO(frame)
        datum.seek(5)
        try:
            record = fastavro.schemaless_reader(datum, self._schema, None)
        except Exception as error:
            raise WireError(f"the datum does not fit its schema ({type(error).__name__})") from None
        if datum.tell() != len(frame):
            raise WireError("bytes are left over after the datum")
        return record  # type: ignore[return-value]  # the schema is a record's


PROMPT = Subject("prompt", 100_001)
CHUNK = Subject("chunk", 100_008)
VERDICT = Subject("verdict", 100_007)

# By symbol: a look-up costs a fifth of a call of the enum's class.
_ACTIONS = {symbol.value: symbol for symbol in Action}
_DISPOSITIONS = {symbol.value: symbol for symbol in Disposition}
_FAIL_MODES = {symbol.value: symbol for symbol in FailMode}
_ON_EXPIRY = {symbol.value: symbol for symbol in OnExpiry}


def decode_verdict(frame: bytes) -> Verdict:
    """The verdict in a frame; raises `WireError` if it holds none."""
    return verdict_of(VERDICT.decode(frame))


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
