"""Weir's records: Avro behind Confluent's five bytes, by the schemas of `schemas/`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import fastavro

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
IDS = {"prompt": 100_001, "chunk": 100_008, "verdict": 100_007}
HEADER = 5
"""A zero byte and the schema's id."""


class Codec:
    """Encodes and decodes one kind of record."""

    def __init__(self, name: str) -> None:
        document = json.loads((SCHEMAS / f"{name}.avsc").read_text())
        self._schema = fastavro.parse_schema(document)
        self._header = b"\0" + IDS[name].to_bytes(4, "big")

    def encode(self, record: dict[str, Any]) -> bytes:
        """A frame."""
        buffer = io.BytesIO()
        buffer.write(self._header)
        fastavro.schemaless_writer(buffer, self._schema, record)
        return buffer.getvalue()

    def decode(self, frame: bytes) -> dict[str, Any]:
        """The record of a frame; raises ValueError if it is none of this kind."""
        if not frame.startswith(self._header):
            raise ValueError("not a frame of this schema")
        buffer = io.BytesIO(frame)
        buffer.seek(HEADER)
        return fastavro.schemaless_reader(buffer, self._schema)
