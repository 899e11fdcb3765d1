"""What callers get: how a prompt or a stream fared, and what to show. No `repr` holds text of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from .types import Action, Cut, CutReason, Disposition, Ended, Summary, Unjudged, Verdict

if TYPE_CHECKING:
    from .request import Request


class Text(NamedTuple):
    """Text to show, behind what was shown so far."""

    text: str

    def __repr__(self) -> str:
        return f"Text({len(self.text)} characters)"


class Retraction(NamedTuple):
    """Of the text that was shown on this stream, only the first `keep_chars` characters (code points) stay."""

    keep_chars: int


class Cutoff(NamedTuple):
    """The stream is cut: nothing follows but `cut.completion`, which the caller shows; None for nothing."""

    cut: Cut


Event: TypeAlias = Text | Retraction | Cutoff


@dataclass(frozen=True, slots=True)
class PromptResult:
    """What came of a prompt's check.

    `request` is for `Worker.guard`. `blocked`: generate nothing, show `completion` (None for nothing). `verdict`: None
    if there was none in time; `unjudged` says so too. `bypassed`: the breaker was open, nothing was sent. `waited_us`:
    microseconds from the send to the outcome.
    """

    request: Request = field(repr=False)
    blocked: bool
    completion: str | None
    verdict: Verdict | None
    unjudged: tuple[Unjudged, ...]
    bypassed: bool
    breaker_open: bool
    waited_us: int

    @property
    def request_id(self) -> str:
        """The request's id."""
        return self.request.request_id

    @property
    def action(self) -> Action:
        """The verdict's action; without a verdict, what the fail mode came to."""
        if self.verdict is not None:
            return self.verdict.action
        return Action.BLOCK if self.blocked else Action.ALLOW


@dataclass(frozen=True, slots=True)
class StreamResult:
    """How a stream ended.

    `cut`: why and where it was cut, None if it was not. `keep_chars`: of what was shown only so many characters stay,
    None: all. `first_text_us`: microseconds from the model's first text to the first shown, None if none was.
    `breaker_open`: whether it was when the stream ended.
    """

    stream_id: str
    summary: Summary
    cut: Cut | None
    keep_chars: int | None
    first_text_us: int | None
    breaker_open: bool

    @property
    def ended(self) -> Ended:
        """How it was over."""
        return self.summary.ended

    @property
    def why_cut(self) -> CutReason | None:
        """Why it was cut."""
        return None if self.cut is None else self.cut.reason

    @property
    def disposition(self) -> Disposition | None:
        """What becomes of what was shown; None if it was not cut."""
        return None if self.cut is None else self.cut.disposition

    @property
    def completion(self) -> str | None:
        """What to show after the cut."""
        return None if self.cut is None else self.cut.completion

    @property
    def hold_expired(self) -> bool:
        """Whether text was shown because its hold ran out, before it was judged."""
        return self.summary.hold_expired

    @property
    def unjudged(self) -> tuple[Unjudged, ...]:
        """What did not judge (all of) the text, and why."""
        return self.summary.unjudged

    @property
    def bypassed(self) -> bool:
        """Whether nothing was sent, since the breaker was open."""
        return self.summary.bypassed


@dataclass(frozen=True, slots=True)
class LateBlock:
    """A block that came when the caller had the result already.

    `stream_id`: None for the prompt, if nothing was streamed. `keep_chars` as in `Retraction`; None: nothing was shown
    behind the cut.
    """

    request_id: str
    stream_id: str | None
    keep_chars: int | None
    completion: str | None
