"""The vocabulary: what travels between a worker and the gate, as plain values.

Nothing here holds text of a prompt or an answer, except `Segment` and `Chunk`, which do not show it in their `repr`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple


class _Symbol(str, Enum):
    """An Avro enum; its value is the symbol."""

    def __str__(self) -> str:
        return str(self.value)


class Action(_Symbol):
    """What to do with a text, mildest first."""

    ALLOW = "allow"
    WARN = "warn"
    ATTENUATE = "attenuate"
    BLOCK = "block"

    def is_stricter_than(self, other: Action) -> bool:
        """Whether it lets less pass."""
        order = tuple(Action)
        return order.index(self) > order.index(other)


class Channel(_Symbol):
    """Which text of an answer a stream carries."""

    CONTENT = "content"
    REASONING = "reasoning"
    TOOL_ARGS = "tool_args"
    OTHER = "other"


class End(_Symbol):
    """Whether and how a stream ends with a chunk."""

    NONE = "none"
    COMPLETE = "complete"
    CLIENT_ABORT = "client_abort"
    ERROR = "error"


class OnExpiry(_Symbol):
    """What to do with text whose `hold_ms` is over."""

    HOLD = "hold"
    CUT = "cut"
    RELEASE = "release"


class FailMode(_Symbol):
    """What to do with text that has no verdict in time."""

    OPEN = "open"
    CLOSED = "closed"


class Disposition(_Symbol):
    """What becomes of text that was shown before it was blocked, mildest first."""

    KEEP = "keep"
    RETRACT = "retract"
    REPLACE = "replace"


class Role(_Symbol):
    """Who speaks in a segment of a prompt."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    OTHER = "other"


class Ended(_Symbol):
    """How a stream was over."""

    COMPLETE = "complete"
    CLIENT_ABORT = "client_abort"
    ERROR = "error"
    CLOSED = "closed"  # by the gate: the stream had been silent for the policy's `idle_ms`
    CUT = "cut"


class CutReason(_Symbol):
    """Why a stream was cut."""

    PROMPT_BLOCKED = "prompt_blocked"
    BLOCKED = "blocked"
    HOLD_EXPIRED = "hold_expired"  # `hold_ms` over, and the contract says cut
    BUDGET_EXPIRED = "budget_expired"  # no verdict in time, fail mode closed
    BREAKER_OPEN = "breaker_open"  # not asked at all, fail mode closed


class Unjudged(NamedTuple):
    """What did not judge (all of) a text, and why."""

    detector: str  # rules, classifier; record when nothing looked at it
    cause: str  # expired, shed, truncated, failed, malformed, missing


NOT_IN_TIME = Unjudged("record", "expired")
NOT_ASKED = Unjudged("record", "failed")


@dataclass(frozen=True, slots=True)
class Contract:
    """What holds for the streams of a request.

    `budget_us`: time for each verdict from when its text was sent, microseconds, 1 or more. `hold_ms`: text waits no
    longer than this on suspicion, milliseconds, 0 or more. `hold_chars`: at most this many characters are held on
    suspicion, 0 or more. `disposition` and `completion` are for cuts that the worker makes itself.

    The defaults are those of `verdict.avsc`. As a worker's fallback they hold until a verdict on a prompt has brought
    the policy's own.
    """

    budget_us: int = 40_000
    hold_chars: int = 0
    hold_ms: int = 40
    on_expiry: OnExpiry = OnExpiry.HOLD
    fail_mode: FailMode = FailMode.CLOSED
    disposition: Disposition = Disposition.REPLACE
    completion: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """The contract as seq 0 of a stream carries it; None: the policy's. Units as in `Contract`."""

    budget_us: int | None
    hold_chars: int | None
    hold_ms: int | None
    on_expiry: OnExpiry
    fail_mode: FailMode
    prompt_verdict_id: str | None
    prompt_categories: tuple[str, ...] = ()  # that the verdict on the prompt warned about or acted upon; sorted
    locale_hint: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """One message of a prompt. `role` may be given as its name."""

    text: str | bytes = field(repr=False)
    role: Role | str = Role.USER
    name: str | None = None


@dataclass(frozen=True, slots=True)
class StreamId:
    """Names one text of one answer. `attempt` and `choice` count from 0."""

    request_id: str
    attempt: int = 0
    choice: int = 0
    channel: Channel = Channel.CONTENT

    def __str__(self) -> str:
        return f"{self.request_id}/{self.attempt}/{self.choice}/{self.channel}"


class Finding(NamedTuple):
    """One thing that a detector found, at bytes `start` to `end` of the judged text. Never holds the text."""

    detector: str
    rule: str
    category: str
    start: int
    end: int
    score: float
    severity: str
    mask: str | None

    @property
    def label(self) -> str:
        """What the mask `label` writes between brackets."""
        return self.detector if self.category == "pii" else self.category


class Score(NamedTuple):
    """How far the classifier's score of a category lies above what the policy acts at; negative: below."""

    category: str
    margin: float


class Verdict(NamedTuple):
    """What the gate says. `schemas/verdict.avsc` documents the fields; `record` has them all.

    `completion` comes from the policy, not from the judged text.
    """

    verdict_id: str
    owner_epoch: int
    request_id: str
    stream_id: str | None
    worker_id: str
    seq_from: int
    seq_to: int
    final: bool
    action: Action
    checked_to: int
    released_to: int
    truncate_at: int | None
    hold_from: int | None
    findings: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...]
    hold_expired: bool
    disposition: Disposition | None
    completion: str | None
    contract: Contract | None
    scores: tuple[Score, ...] = ()
    supersedes: str | None = None
    record: Mapping[str, Any] = MappingProxyType({})

    @property
    def is_block(self) -> bool:
        """Whether the text may not be shown."""
        return self.action is Action.BLOCK

    @property
    def named_categories(self) -> tuple[str, ...]:
        """Categories that it warned about or acted upon, sorted.

        A score says so itself; a finding does not, so that those of a verdict that did anything all count.
        """
        named = {score.category for score in self.scores if score.margin >= 0}
        if self.action is not Action.ALLOW:
            named |= {finding.category for finding in self.findings}
        return tuple(sorted(named))


@dataclass(frozen=True, slots=True)
class Cut:
    """A stream was cut: nothing follows but `completion`, None for nothing.

    `truncate_at` and `shown_to` are bytes from the start of the stream's text; `shown_to` is how far it was shown when
    it was cut, before anything was taken back.
    """

    reason: CutReason
    truncate_at: int
    shown_to: int
    disposition: Disposition
    completion: str | None
    verdict_id: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What can be said of a stream that is over. Positions are bytes from the start of its text."""

    ended: Ended
    shown_to: int  # the furthest that was shown, also if taken back
    sent_to: int
    chunks: int
    stale: int  # verdicts that said nothing new
    timeouts: int  # verdicts that did not come within their budget, the prompt's included
    hold_expired: bool
    bypassed: bool  # the breaker was open: nothing was sent
    unjudged: tuple[Unjudged, ...]  # sorted, without repeats
