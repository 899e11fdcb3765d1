"""What a guard asks of its shell, in the order in which it is to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from .types import Cut, End, Opening, Summary


@dataclass(frozen=True, slots=True)
class Send:
    """A chunk for the gate. `byte_start` counts bytes from the start of the stream's text."""

    seq: int
    byte_start: int
    text: bytes = field(repr=False)
    end: End
    opening: Opening | None


@dataclass(frozen=True, slots=True)
class Show:
    """Text for the user, masked. Always whole characters, unless the stream ends within one."""

    text: bytes = field(repr=False)


class AbortEngine(NamedTuple):
    """The model need not write any more."""


@dataclass(frozen=True, slots=True)
class Retract:
    """Of what was shown on this stream, as it was shown, only the first `keep_bytes` bytes stay."""

    keep_bytes: int


@dataclass(frozen=True, slots=True)
class CutStream:
    """Nothing follows but the completion."""

    cut: Cut


@dataclass(frozen=True, slots=True)
class Done:
    """The stream is over; a block that comes later may still retract."""

    summary: Summary


Effect: TypeAlias = Send | Show | AbortEngine | Retract | CutStream | Done
