"""What a guard asks of its shell, in the order in which it is to be done.

Named tuples, since there are several for each chunk and a frozen data class takes four times as long to make.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from .types import Cut, End, Opening, Summary


class Send(NamedTuple):
    """A chunk for the gate. `byte_start` counts bytes from the start of the stream's text."""

    seq: int
    byte_start: int
    text: bytes
    end: End
    opening: Opening | None

    def __repr__(self) -> str:
        return f"Send(seq={self.seq}, byte_start={self.byte_start}, {len(self.text)} bytes, end={self.end})"


class Show(NamedTuple):
    """Text for the user, masked. Always whole characters, unless the stream ends within one."""

    text: bytes

    def __repr__(self) -> str:
        return f"Show({len(self.text)} bytes)"


class AbortEngine(NamedTuple):
    """The model need not write any more."""


class Retract(NamedTuple):
    """Of what was shown on this stream, as it was shown, only the first `keep_bytes` bytes stay."""

    keep_bytes: int


class CutStream(NamedTuple):
    """Nothing follows but the completion."""

    cut: Cut


class Done(NamedTuple):
    """The stream is over; a block that comes later may still retract."""

    summary: Summary


Effect: TypeAlias = Send | Show | AbortEngine | Retract | CutStream | Done


class Step:
    """The effects of one input, put in order."""

    __slots__ = ("abort", "cut", "done", "keep_bytes", "sends", "shown")

    def __init__(self) -> None:
        self.sends: list[Send] = []
        self.shown = bytearray()
        self.abort = False
        self.keep_bytes: int | None = None
        self.cut: Cut | None = None
        self.done: Summary | None = None

    def effects(self) -> list[Effect]:
        """Sends first, since what is shown can wait; then what the user sees, and how it ends."""
        effects: list[Effect] = [*self.sends]
        if self.shown:
            effects.append(Show(bytes(self.shown)))
        if self.abort:
            effects.append(AbortEngine())
        if self.keep_bytes is not None:
            effects.append(Retract(self.keep_bytes))
        if self.cut is not None:
            effects.append(CutStream(self.cut))
        if self.done is not None:
            effects.append(Done(self.done))
        return effects
