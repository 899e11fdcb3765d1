"""However a text is cut and whenever its pieces, verdicts and time come: nothing forbidden is shown."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from weir_client import masks
from weir_client.effects import CutStream, Done, Effect, Retract, Send, Show
from weir_client.guard import Guard
from weir_client.prompt import PromptCheck
from weir_client.types import (
    Action,
    Contract,
    Disposition,
    End,
    FailMode,
    Finding,
    OnExpiry,
    Verdict,
)

FORBIDDEN = b"bomb"
CARD = "4111é1".encode()
ALPHABET = st.sampled_from(["b", "o", "m", "bo", "bomb", "4", "1", "41", "4111é1", "é", "x", " ", "🙂"])
TEXTS = st.lists(ALPHABET, max_size=25).map("".join)


@dataclass
class Gate:
    """Judges as the protocol promises: whatever it releases is no part of anything forbidden, come what may."""

    seen: dict[int, bytes] = field(default_factory=dict)
    text: bytes = b""
    next_seq: int = 0
    released_to: int = 0

    def judge(self, chunk: Send) -> Verdict:
        """The verdict on a chunk; chunks come in order."""
        assert chunk.seq == self.next_seq
        assert chunk.byte_start == len(self.text)
        self.next_seq += 1
        self.text += chunk.text
        final = chunk.end is not End.NONE
        at = self.text.find(FORBIDDEN)
        fields: dict[str, Any] = {}
        if at >= 0:
            self.released_to = max(self.released_to, at)
            fields = {"action": Action.BLOCK, "truncate_at": at, "disposition": Disposition.RETRACT}
        else:
            clear = len(self.text) if final else self.clear()
            self.released_to = max(self.released_to, clear)
            fields["hold_from"] = self.released_to if self.released_to < len(self.text) else None
        return verdict(
            seq_from=chunk.seq,
            seq_to=chunk.seq,
            final=final,
            checked_to=len(self.text),
            released_to=self.released_to,
            findings=self.cards(),
            **fields,
        )

    def clear(self) -> int:
        """How far nothing can be a part of something that has yet to come."""
        longest = 0
        for literal in (FORBIDDEN, CARD):
            for length in range(1, len(literal)):
                if self.text.endswith(literal[:length]):
                    longest = max(longest, length)
        return len(self.text[: len(self.text) - longest].decode(errors="ignore").encode())

    def cards(self) -> tuple[Finding, ...]:
        found, at = [], self.text.find(CARD)
        while at >= 0:
            found.append(Finding("card", "", "pii", at, at + len(CARD), 1.0, "high", "label"))
            at = self.text.find(CARD, at + len(CARD))
        return tuple(found)


def verdict(**fields: Any) -> Verdict:
    plain: dict[str, Any] = {
        "verdict_id": "v",
        "owner_epoch": 1,
        "request_id": "r",
        "stream_id": "r/0/0/content",
        "worker_id": "w",
        "seq_from": 0,
        "seq_to": 0,
        "final": False,
        "action": Action.ALLOW,
        "checked_to": 0,
        "released_to": 0,
        "truncate_at": None,
        "hold_from": None,
        "findings": (),
        "unjudged": (),
        "hold_expired": False,
        "disposition": None,
        "completion": None,
        "contract": None,
    }
    return Verdict(**(plain | fields))


@dataclass
class Play:
    """A stream, its gate and a network that delays, reorders and repeats verdicts."""

    guard: Guard
    random: random.Random
    now_us: int = 0
    gate: Gate = field(default_factory=Gate)
    in_flight: list[Verdict] = field(default_factory=list)
    shown: bytes = b""
    answered_to: int = -1
    is_patient: bool = False
    done: int = 0

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                if self.is_patient and effect.end is End.NONE:
                    # At most one chunk is unanswered.
                    assert effect.seq <= self.answered_to + 1
                self.in_flight.append(self.gate.judge(effect))
            elif isinstance(effect, Show):
                assert self.done == 0
                effect.text.decode()  # whole characters
                self.shown += effect.text
            elif isinstance(effect, Retract):
                assert effect.keep_bytes < len(self.shown)
                self.shown = self.shown[: effect.keep_bytes]
            elif isinstance(effect, CutStream | Done):
                self.done += isinstance(effect, Done)

    def deliver_one(self) -> None:
        if self.in_flight:
            at = self.random.randrange(len(self.in_flight))
            repeat = self.random.random() < 0.2
            found = self.in_flight[at] if repeat else self.in_flight.pop(at)
            self.answered_to = max(self.answered_to, found.seq_to)
            self.do(self.guard.on_verdict(found, self.now_us))

    def pass_time(self, longest_us: int) -> None:
        self.now_us += self.random.randrange(longest_us + 1)
        self.do(self.guard.on_tick(self.now_us))

    def deliver_all(self) -> None:
        while self.in_flight:
            self.do(self.guard.on_verdict(self.in_flight.pop(0), self.now_us))


def passed(contract: Contract) -> PromptCheck:
    check = PromptCheck(0, contract)
    check.on_verdict(verdict(stream_id=None, contract=contract), 0)
    return check


def joined(shown: bytes) -> bytes:
    """Cards that touch are masked as one if they are shown at once, else each by itself."""
    return re.sub(rb"(\[card\])+", b"[card]", shown)


def pieces_of(text: bytes, seed: random.Random) -> list[bytes]:
    pieces, at = [], 0
    while at < len(text):
        size = seed.choice([1, 1, 2, 3, 5, 20])
        pieces.append(text[at : at + size])
        at += size
    return pieces


def ideal(text: bytes) -> bytes:
    """What may be shown of a whole text."""
    at = text.find(FORBIDDEN)
    text = text if at < 0 else text[:at]
    cards, at = [], text.find(CARD)
    while at >= 0:
        cards.append(masks.Masked(at, at + len(CARD), "label", "card"))
        at = text.find(CARD, at + len(CARD))
    return masks.apply(text, 0, cards)


PATIENT = st.builds(
    Contract,
    budget_us=st.just(10**12),
    hold_ms=st.sampled_from([0, 1, 40]),
    on_expiry=st.just(OnExpiry.HOLD),
    fail_mode=st.sampled_from(FailMode),
    disposition=st.sampled_from(Disposition),
)


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, contract=PATIENT, seed=st.integers(0, 2**32))
def test_with_patience_just_what_may_be_shown_is_shown(text: str, contract: Contract, seed: int) -> None:
    chance = random.Random(seed)
    play = Play(Guard(passed(contract)), chance, is_patient=True)
    goal = ideal(text.encode())
    for piece in pieces_of(text.encode(), chance):
        play.do(play.guard.push(piece, play.now_us))
        assert goal.startswith(joined(play.shown))
        for _ in range(chance.randrange(3)):
            play.deliver_one()
            assert goal.startswith(joined(play.shown))
        play.pass_time(20_000)
    play.do(play.guard.finish(End.COMPLETE, play.now_us))
    while play.in_flight:
        play.deliver_one()
        assert goal.startswith(joined(play.shown))
    # A block that overtakes the verdict on the chunk before it shows no more.
    assert joined(play.shown) == goal or FORBIDDEN in text.encode()
    assert play.guard.is_done
    assert play.done == 1
    assert play.guard.deadline_us is None


HASTY = st.builds(
    Contract,
    budget_us=st.sampled_from([1, 5_000, 30_000]),
    hold_ms=st.sampled_from([0, 1, 10]),
    on_expiry=st.sampled_from(OnExpiry),
    fail_mode=st.sampled_from(FailMode),
    disposition=st.just(Disposition.RETRACT),
)


def test_a_stale_verdict_answers_nothing_and_sends_nothing() -> None:
    guard = Guard(passed(Contract(budget_us=10**9)))
    answer = verdict(checked_to=1, released_to=1)
    guard.push(b"a", 0)
    guard.on_verdict(answer, 1)
    guard.push(b"b", 2)
    assert guard.push(b"c", 3) == []
    assert guard.on_verdict(answer, 4) == []
    assert guard.on_verdict(verdict(seq_from=1, seq_to=1, owner_epoch=0, checked_to=2, released_to=2), 5) == []


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, contract=HASTY, seed=st.integers(0, 2**32))
def test_in_haste_it_ends_once_and_a_late_block_takes_back(text: str, contract: Contract, seed: int) -> None:
    chance = random.Random(seed)
    play = Play(Guard(passed(contract)), chance)
    for piece in pieces_of(text.encode(), chance):
        play.do(play.guard.push(piece, play.now_us))
        if chance.random() < 0.5:
            play.deliver_one()
        play.pass_time(20_000)
        if contract.fail_mode is FailMode.CLOSED and contract.on_expiry is not OnExpiry.RELEASE:
            assert ideal(text.encode()).startswith(joined(play.shown))
    play.do(play.guard.finish(End.COMPLETE, play.now_us))
    for _ in range(10):
        due = play.guard.deadline_us
        if due is None:
            break
        assert due > play.now_us
        play.now_us = due
        play.do(play.guard.on_tick(due))
    assert play.guard.deadline_us is None
    assert play.guard.is_done
    assert play.done == 1
    # Whatever was shown without a verdict: once the verdicts are there, nothing forbidden is left.
    play.deliver_all()
    assert FORBIDDEN not in play.shown
    assert play.done == 1


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, contract=HASTY, seed=st.integers(0, 2**32), on_prompt=st.booleans())
def test_after_a_superseding_block_no_byte_comes_out(text: str, contract: Contract, seed: int, on_prompt: bool) -> None:
    chance = random.Random(seed)
    play = Play(Guard(passed(contract)), chance)
    pieces = pieces_of(text.encode(), chance)
    comes_at = chance.randrange(len(pieces) + 1)
    place = chance.choice([None, 0, 3, 1000])
    block = verdict(supersedes="v", owner_epoch=0, action=Action.BLOCK, truncate_at=place)
    obey = play.guard.on_prompt_verdict if on_prompt else play.guard.on_verdict
    for piece in pieces[:comes_at]:
        play.do(play.guard.push(piece, play.now_us))
        play.deliver_one()
        play.pass_time(20_000)
    play.do(obey(block, play.now_us))
    left = len(play.shown)
    for piece in pieces[comes_at:]:
        play.do(play.guard.push(piece, play.now_us))
        play.deliver_one()
        play.pass_time(20_000)
    play.do(play.guard.finish(End.COMPLETE, play.now_us))
    play.deliver_all()
    play.do(obey(block, play.now_us))
    assert play.guard.is_done
    assert len(play.shown) <= left


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, seed=st.integers(0, 2**32), blocks=st.booleans(), in_time=st.booleans())
def test_nothing_is_shown_before_the_prompt_has_passed(text: str, seed: int, blocks: bool, in_time: bool) -> None:
    chance = random.Random(seed)
    contract = Contract(budget_us=10**9, fail_mode=FailMode.CLOSED, completion="No.")
    play = Play(Guard(PromptCheck(0, contract)), chance)
    for piece in pieces_of(text.encode(), chance):
        play.do(play.guard.push(piece, play.now_us))
        play.deliver_one()
        play.pass_time(1000)
    play.do(play.guard.finish(End.COMPLETE, play.now_us))
    play.deliver_all()
    assert play.shown == b""
    assert not play.guard.is_done
    if not in_time:
        play.now_us = 10**9
        play.do(play.guard.on_tick(play.now_us))
    action = Action.BLOCK if blocks else Action.ALLOW
    play.do(play.guard.on_prompt_verdict(verdict(stream_id=None, action=action), play.now_us))
    assert joined(play.shown) == (ideal(text.encode()) if in_time and not blocks else b"")
    assert play.done == 1


@settings(max_examples=300, deadline=None)
@given(text=st.binary(max_size=30), seed=st.integers(0, 2**32))
def test_any_bytes_come_out_as_they_went_in(text: bytes, seed: int) -> None:
    chance = random.Random(seed)
    guard = Guard(PromptCheck.bypass(Contract(fail_mode=FailMode.OPEN)))
    shown = b""
    effects: list[Effect] = []
    for piece in pieces_of(text, chance):
        effects += guard.push(piece, 0)
    effects += guard.finish(End.COMPLETE, 0)
    for effect in effects:
        if isinstance(effect, Show):
            shown += effect.text
    assert shown == text
    assert isinstance(effects[-1], Done)


@settings(max_examples=200, deadline=None)
@given(
    text=TEXTS,
    spans=st.lists(
        st.tuples(
            st.integers(-2, 40),
            st.integers(-2, 40),
            st.sampled_from(["last_four", "format_preserving", "label", "full"]),
        ),
        max_size=4,
    ),
)
def test_masks_keep_what_lies_outside_and_are_utf8(text: str, spans: list[tuple[int, int, str]]) -> None:
    encoded = text.encode()
    masked = [masks.Masked(start, end, mask, "card") for start, end, mask in spans]
    parts = masks.parts(encoded, 0, masked)
    assert [part.start for part in parts[1:]] == [part.end for part in parts[:-1]]
    assert b"".join(encoded[part.start : part.end] for part in parts) == encoded
    for part in parts:
        part.shown.decode()
        if not part.masked:
            assert part.shown == encoded[part.start : part.end]
            assert all(part.start >= max(end, 0) or part.end <= start or start >= end for start, end, _ in spans)
    for mask in ("label", "full", "format_preserving"):
        once = masks.apply(encoded, 0, [masks.Masked(0, len(encoded), mask, "card")])
        if mask != "label":
            assert masks.apply(once, 0, [masks.Masked(0, len(once), mask, "card")]) == once
