"""The release protocol of one stream, without clock or Kafka: `docs/STREAMS.md` is the specification.

A guard takes what happens (text from the model, verdicts, time) and says what is to be done. It is the only place where
it is decided that text may be shown.

Times are microseconds of any clock that never goes back; positions are bytes from the start of the stream's text. An
input takes effect first, then whatever time has run out at that moment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from . import masks
from .effects import Effect, Send, Step
from .errors import TextTooLong
from .prompt import PromptCheck, PromptState
from .shown import ShownText
from .types import (
    NOT_IN_TIME,
    Action,
    Cut,
    CutReason,
    Disposition,
    End,
    Ended,
    FailMode,
    OnExpiry,
    Opening,
    Summary,
    Unjudged,
    Verdict,
)

MAX_TEXT_BYTES = 1 << 20
# A stream has two chunks without a verdict at most, so more verdicts than this that wait for another are noise.
_MAX_EARLY_VERDICTS = 4


@dataclass(slots=True)
class _Unanswered:
    """A chunk that waits for its verdict."""

    seq: int
    text_end: int
    sent_at_us: int
    is_end: bool
    hold_is_over: bool = False


class Guard:
    """Holds a stream's text until it may be shown.

    From open to over: `push` and `finish` bring the model's text and its end, `on_verdict` and `on_prompt_verdict` what
    the gate says, `on_tick` time. Each returns effects, mostly none. After `Done` a block still counts: it retracts.
    """

    __slots__ = (
        "_allowed_to",
        "_answered_to",
        "_block",
        "_checked_to",
        "_chunks",
        "_collected",
        "_cut",
        "_early",
        "_end",
        "_engine_runs",
        "_epoch",
        "_final",
        "_hold_expired",
        "_hold_from",
        "_is_done",
        "_locale_hint",
        "_masks",
        "_prompt",
        "_released_to",
        "_sent_to",
        "_shown",
        "_shown_to",
        "_stale",
        "_text_bytes",
        "_unanswered",
        "_unjudged",
        "_unshown",
        "answers",
        "deadline_us",
        "timeouts",
    )

    def __init__(self, prompt: PromptCheck, locale_hint: str | None = None) -> None:
        """`prompt`: the check of the prompt that the stream answers; the guard keeps a copy of its own."""
        self._prompt = prompt.fork()
        self._locale_hint = locale_hint
        self._collected = bytearray()  # from the model, not sent yet
        self._unshown = bytearray()  # sent (or bypassed), not shown yet
        self._text_bytes = 0
        self._chunks = 0
        self._sent_to = 0
        self._unanswered: deque[_Unanswered] = deque()
        self._early: list[Verdict] = []
        self._checked_to = 0
        self._answered_to = -1
        self._released_to = 0  # by verdicts
        self._allowed_to = 0  # by time and fail mode
        self._hold_from: int | None = None
        self._epoch = 0
        self._final = False
        self._masks: set[masks.Masked] = set()
        self._shown_to = 0
        self._shown = ShownText()
        self._block: Verdict | None = None  # whose place has not been cut at yet, since the prompt is awaited
        self._cut: Cut | None = None
        self._end: End | None = None
        self._engine_runs = True
        self._is_done = False
        self._hold_expired = False
        self._unjudged: set[Unjudged] = set()
        self._stale = 0
        self.deadline_us: int | None = self._prompt.next_deadline_us()
        """When `on_tick` next has something to do; None: not before another input."""
        self.timeouts = 0
        """Chunks that had no verdict within their budget."""
        self.answers = 0
        """Verdicts that answered a chunk within its budget."""

    @property
    def is_done(self) -> bool:
        """Whether the stream is over."""
        return self._is_done

    @property
    def wants_text(self) -> bool:
        """Whether more of the model's text could still be shown."""
        return not self._is_deaf and self._end is None

    def push(self, text: bytes, now_us: int) -> list[Effect]:
        """The model's next text; may begin and end inside a character. Ignored once the stream is cut or over.

        Raises `TextTooLong`, and nothing has changed, if the stream's text would be longer than 1 MiB.
        """
        if text and not self._is_deaf and self._end is None:
            if self._text_bytes + len(text) > MAX_TEXT_BYTES:
                raise TextTooLong(MAX_TEXT_BYTES)
            self._text_bytes += len(text)
            self._collected += text
            if self._unanswered and (self.deadline_us is None or now_us < self.deadline_us):
                return []  # what most tokens come to: it is collected
        step = Step()
        if not self._unanswered:
            self._send_collected(step, now_us)
        return self._settle(step, now_us)

    def finish(self, end: End, now_us: int) -> list[Effect]:
        """The text is complete, the user has gone, or the model failed. Only the first end counts, or the user's."""
        step = Step()
        if self._is_done or end is End.NONE:
            return self._settle(step, now_us)
        if end is End.CLIENT_ABORT:
            return self._user_went(step, now_us)
        if self._end is None:
            self._end = end
            self._engine_runs = False
            if not self._is_deaf:
                self._send(end, step, now_us)
        return self._settle(step, now_us)

    def on_prompt_verdict(self, verdict: Verdict, now_us: int) -> list[Effect]:
        """A verdict on the prompt. If it blocks, whatever was shown without it is taken back."""
        self._prompt.on_verdict(verdict, now_us)
        return self._settle(Step(), now_us)

    def on_verdict(self, verdict: Verdict, now_us: int) -> list[Effect]:
        """A verdict on this stream."""
        step = Step()
        if verdict.supersedes is not None:
            self._tighten(verdict, step)
        elif verdict.is_block:
            self._on_block(verdict, step)
        elif not self._is_deaf:
            self._on_release(verdict)
            if not self._unanswered:
                self._send_collected(step, now_us)
        return self._settle(step, now_us)

    def on_tick(self, now_us: int) -> list[Effect]:
        """Time has passed."""
        return self._settle(Step(), now_us)

    def _next_deadline_us(self) -> int | None:
        if self._is_done:
            return None
        if self._prompt.state is PromptState.WAITING:
            return self._prompt.next_deadline_us()
        if self._is_deaf or not self._unanswered:
            return None
        budget_end, hold = self._budget_end(), self._next_hold()
        return budget_end if hold is None else min(budget_end, self._hold_end(hold))

    # What the model writes.

    @property
    def _is_deaf(self) -> bool:
        """Whether only a block can change anything."""
        return self._is_done or self._final or self._cut is not None or self._block is not None

    def _send_collected(self, step: Step, now_us: int) -> None:
        if self._collected and not self._is_deaf:
            self._send(End.NONE, step, now_us)

    def _send(self, end: End, step: Step, now_us: int) -> None:
        text = bytes(self._collected)
        self._collected.clear()
        self._unshown += text
        if self._prompt.bypassed:
            self._allowed_to += len(text)
            return
        opening = self._opening() if self._chunks == 0 else None
        step.sends.append(Send(self._chunks, self._sent_to, text, end, opening))
        self._sent_to += len(text)
        self._unanswered.append(_Unanswered(self._chunks, self._sent_to, now_us, end is not End.NONE))
        self._chunks += 1

    def _opening(self) -> Opening:
        contract, known = self._prompt.contract, self._prompt.contract_known
        verdict = self._prompt.verdict
        return Opening(
            budget_us=contract.budget_us if known else None,
            hold_chars=contract.hold_chars if known else None,
            hold_ms=contract.hold_ms if known else None,
            on_expiry=contract.on_expiry,
            fail_mode=contract.fail_mode,
            prompt_verdict_id=verdict.verdict_id if verdict is not None else None,
            prompt_categories=verdict.named_categories if verdict is not None else (),
            locale_hint=self._locale_hint,
        )

    def _user_went(self, step: Step, now_us: int) -> list[Effect]:
        if self._end is None and not self._is_deaf and (self._chunks or self._collected):
            self._send(End.CLIENT_ABORT, step, now_us)
        self._end = End.CLIENT_ABORT
        self._abort_engine(step)
        self._finish_with(Ended.CLIENT_ABORT, step)
        self.deadline_us = None
        return step.effects()

    # What the gate says.

    def _on_release(self, verdict: Verdict) -> None:
        if self._unanswered and verdict.seq_from > self._unanswered[0].seq:
            # It says nothing of the oldest chunk, whose own verdict may still mask what this one releases.
            self._keep_early(verdict)
            return
        self._apply(verdict)
        self._apply_early()

    def _keep_early(self, verdict: Verdict) -> None:
        if any(_says_the_same(verdict, early) for early in self._early) or len(self._early) >= _MAX_EARLY_VERDICTS:
            self._stale += 1
        else:
            self._early.append(verdict)

    def _apply_early(self) -> None:
        while self._early:
            lowest = min(self._early, key=lambda verdict: verdict.seq_from)
            if self._unanswered and lowest.seq_from > self._unanswered[0].seq:
                return
            self._early.remove(lowest)
            self._apply(lowest)

    def _apply(self, verdict: Verdict) -> None:
        checked_to = min(verdict.checked_to, self._sent_to)
        released_to = min(verdict.released_to, checked_to)
        found = _masks_in(verdict, self._shown_to, self._sent_to)
        if verdict.owner_epoch < self._epoch or checked_to < self._checked_to:
            self._stale += 1
            return
        answers = self._count_answered(verdict)
        news = (
            answers
            or verdict.seq_to > self._answered_to
            or checked_to > self._checked_to
            or released_to > self._released_to
            or (verdict.final and not self._final)
            or not found <= self._masks
        )
        if not news:
            self._stale += 1
            return
        self._epoch = verdict.owner_epoch
        self._checked_to = checked_to
        self._released_to = max(self._released_to, released_to)
        self._hold_from = verdict.hold_from
        self._final |= verdict.final
        self._hold_expired |= verdict.hold_expired
        self._unjudged.update(verdict.unjudged)
        self._masks |= found
        self._answered_to = max(self._answered_to, verdict.seq_to)
        self.answers += answers > 0
        for _ in range(answers):
            self._unanswered.popleft()

    def _count_answered(self, verdict: Verdict) -> int:
        """How many of the oldest chunks it answers; one with an end wants a final verdict, which answers all."""
        if verdict.final:
            return len(self._unanswered)
        count = 0
        for chunk in self._unanswered:
            if chunk.seq > verdict.seq_to or chunk.is_end:
                break
            count += 1
        return count

    def _tighten(self, verdict: Verdict, step: Step) -> None:
        """What a superseding verdict forbids, whatever its epoch. It releases nothing and answers no chunk."""
        if verdict.is_block:
            if self._block is None:
                # What no fast verdict has released is not this one's to show.
                place = self._shown_to if verdict.truncate_at is None else verdict.truncate_at
                verdict = verdict._replace(truncate_at=min(place, self._shown_to))
            self._on_block(verdict, step)
        elif verdict.action is Action.ALLOW or self._is_done or self._cut is not None or self._block is not None:
            self._stale += 1
        else:
            self._masks |= _masks_in(verdict, self._shown_to, self._sent_to)

    def _on_block(self, verdict: Verdict, step: Step) -> None:
        self._masks |= _masks_in(verdict, self._shown_to, self._sent_to)
        if self._block is None:
            self._epoch = max(self._epoch, verdict.owner_epoch)
            self._unjudged.update(verdict.unjudged)
            self._block = self._without_what_it_skips(verdict)
            if verdict.supersedes is None:
                self.answers += any(chunk.seq <= verdict.seq_to for chunk in self._unanswered)
            self._unanswered.clear()
            self._abort_engine(step)
            if self._prompt.state is not PromptState.WAITING:
                self._cut_at_block(step)
            return
        place = verdict.truncate_at
        if place is None or place >= self._place_of_block():
            self._stale += 1
            return
        # The first one decides all but the place.
        self._block = self._block._replace(truncate_at=place)
        if self._cut is not None:
            self._take_back(place, self._disposition_of(self._block), step)

    def _without_what_it_skips(self, block: Verdict) -> Verdict:
        """A block that overtook the verdict on a chunk shows no more: what it lets stand may need that one's masks."""
        if block.truncate_at is None or not self._unanswered or block.seq_from <= self._unanswered[0].seq:
            return block
        released_to = max(self._released_to, self._allowed_to, self._shown_to)
        return block._replace(truncate_at=min(block.truncate_at, released_to))

    def _place_of_block(self) -> int:
        assert self._block is not None
        place = self._block.truncate_at
        return self._shown_to if place is None else max(0, min(place, self._sent_to))

    def _disposition_of(self, verdict: Verdict) -> Disposition:
        return verdict.disposition if verdict.disposition is not None else self._prompt.contract.disposition

    def _cut_at_block(self, step: Step) -> None:
        """Shows what may stay, takes back what may not, and cuts."""
        assert self._block is not None
        place = self._place_of_block()
        block = self._block = self._block._replace(truncate_at=place)
        disposition = self._disposition_of(block)
        if self._cut is None:
            self._show_to(place, step)
            cut = Cut(CutReason.BLOCKED, place, self._shown_to, disposition, block.completion, block.verdict_id)
            self._cut_stream(cut, step)
        self._take_back(place, disposition, step)

    # What time does.

    def _settle(self, step: Step, now_us: int) -> list[Effect]:
        """Lets time run out, then shows, cuts and ends as far as all that has happened allows."""
        if not self._is_done:
            self._prompt.on_tick(now_us)
        if self._prompt.state is PromptState.BLOCKED:
            self._cut_for_prompt(step)
        elif self._is_done:
            pass
        elif self._block is not None:
            if self._cut is None and self._prompt.state is PromptState.PASSED:
                self._cut_at_block(step)
        else:
            self._let_time_run_out(step, now_us)
            if not self._is_done:
                self._show_what_may_be_shown(step)
                self._end_if_over(step)
        self.deadline_us = self._next_deadline_us()
        return step.effects()

    def _let_time_run_out(self, step: Step, now_us: int) -> None:
        """In the order in which it did, however late the tick. Before the prompt has passed only its own time runs."""
        while self._unanswered and not self._is_deaf and self._prompt.state is PromptState.PASSED:
            budget_end, hold = self._budget_end(), self._next_hold()
            if hold is not None and self._hold_end(hold) <= min(now_us, budget_end):
                self._hold_is_over(hold, step)
            elif budget_end <= now_us:
                self._budget_is_over(step, now_us)
            else:
                return

    def _budget_end(self) -> int:
        """When the oldest chunk's time is over. A budget of 0 would make time stand still."""
        return self._unanswered[0].sent_at_us + max(self._prompt.contract.budget_us, 1)

    def _next_hold(self) -> _Unanswered | None:
        """The chunk whose hold is over next, if anything follows from that."""
        on_expiry = self._prompt.contract.on_expiry
        # A partial match never expires by time.
        if on_expiry is OnExpiry.HOLD or (on_expiry is OnExpiry.RELEASE and self._hold_from is not None):
            return None
        return next((chunk for chunk in self._unanswered if not chunk.hold_is_over), None)

    def _hold_end(self, chunk: _Unanswered) -> int:
        return chunk.sent_at_us + self._prompt.contract.hold_ms * 1000

    def _hold_is_over(self, chunk: _Unanswered, step: Step) -> None:
        chunk.hold_is_over = True
        if self._prompt.contract.on_expiry is OnExpiry.CUT:
            self._cut_by_contract(CutReason.HOLD_EXPIRED, step)
        elif chunk.text_end > max(self._released_to, self._allowed_to):
            self._allowed_to = chunk.text_end
            self._hold_expired = True

    def _budget_is_over(self, step: Step, now_us: int) -> None:
        self.timeouts += 1
        self._unjudged.add(NOT_IN_TIME)
        if self._prompt.contract.fail_mode is FailMode.CLOSED:
            self._cut_by_contract(CutReason.BUDGET_EXPIRED, step)
            return
        self._unanswered.popleft()
        self._allowed_to = self._sent_to
        self._apply_early()
        if not self._unanswered and self._end is None:
            self._send_collected(step, now_us)

    # What the user sees.

    def _show_what_may_be_shown(self, step: Step) -> None:
        if self._prompt.state is PromptState.PASSED:
            self._show_to(max(self._released_to, self._allowed_to), step)

    def _show_to(self, limit: int, step: Step) -> None:
        limit = min(self._outside_masks(limit), self._shown_to + len(self._unshown))
        if limit <= self._shown_to:
            return
        count = limit - self._shown_to
        text = bytes(self._unshown[:count])
        if not (self._end is not None and count == len(self._unshown) and not self._collected):
            # More text may come that makes the last bytes a character.
            text = text[: masks.floor_char(text)]
            if not text:
                return
        parts = (
            masks.parts(text, self._shown_to, self._masks) if self._masks else [masks.Part(0, len(text), text, False)]
        )
        for part in parts:
            self._shown.add(self._shown_to + part.start, self._shown_to + part.end, len(part.shown), part.masked)
            step.shown += part.shown
        del self._unshown[: len(text)]
        self._shown_to += len(text)
        if self._masks:
            self._masks = {span for span in self._masks if span.end > self._shown_to}

    def _outside_masks(self, limit: int) -> int:
        """`limit`, or where the mask begins that it lies in: none is shown in parts, whatever a verdict says."""
        if self._masks:
            for span in sorted(self._masks, key=lambda span: span.start, reverse=True):
                if span.start < limit < span.end:
                    limit = span.start
        return limit

    def _end_if_over(self, step: Step) -> None:
        all_shown = not self._unshown and not self._collected
        if self._final and self._end is None:
            self._abort_engine(step)
        if self._prompt.state is not PromptState.PASSED:
            return
        if self._end is not None and not self._unanswered and all_shown:
            # By a final verdict, or by none: what had none was let pass.
            self._finish_with(Ended(self._end.value), step)
        elif self._final:
            self._finish_with(Ended.CLOSED, step)

    def _cut_for_prompt(self, step: Step) -> None:
        prompt = self._prompt
        if self._cut is None:
            self._abort_engine(step)
            verdict = prompt.verdict if prompt.verdict is not None and prompt.verdict.is_block else None
            if verdict is not None:
                reason = CutReason.PROMPT_BLOCKED
            else:
                reason = CutReason.BREAKER_OPEN if prompt.bypassed else CutReason.BUDGET_EXPIRED
            verdict_id = None if verdict is None else verdict.verdict_id
            self._cut_stream(Cut(reason, 0, self._shown_to, prompt.disposition, prompt.completion, verdict_id), step)
        self._take_back(0, prompt.disposition, step)

    def _cut_by_contract(self, reason: CutReason, step: Step) -> None:
        self._show_what_may_be_shown(step)  # what was released this very moment
        self._abort_engine(step)
        contract = self._prompt.contract
        place = self._shown_to
        self._cut_stream(Cut(reason, place, place, contract.disposition, contract.completion), step)
        self._take_back(place, contract.disposition, step)

    def _cut_stream(self, cut: Cut, step: Step) -> None:
        self._cut = cut
        self._unanswered.clear()
        self._unshown.clear()
        self._collected.clear()
        step.cut = cut
        self._finish_with(Ended.CUT, step)

    def _take_back(self, place: int, disposition: Disposition, step: Step) -> None:
        if disposition is Disposition.KEEP:
            return
        keep = 0 if disposition is Disposition.REPLACE else self._shown.length_to(place)
        if keep < self._shown.length:
            self._shown.shorten(keep)
            step.keep_bytes = keep

    def _abort_engine(self, step: Step) -> None:
        if self._engine_runs:
            self._engine_runs = False
            step.abort = True

    def _finish_with(self, ended: Ended, step: Step) -> None:
        if self._is_done:
            return
        self._is_done = True
        self._unshown.clear()
        self._collected.clear()
        step.done = Summary(
            ended=ended,
            shown_to=self._shown_to,
            sent_to=self._sent_to,
            chunks=self._chunks,
            stale=self._stale,
            timeouts=self.timeouts + self._prompt.timeouts,
            hold_expired=self._hold_expired,
            bypassed=self._prompt.bypassed,
            unjudged=tuple(sorted(self._unjudged | self._prompt.unjudged)),
        )


def _masks_in(verdict: Verdict, shown_to: int, sent_to: int) -> set[masks.Masked]:
    """What is to be masked of the text that was sent and not shown."""
    if not verdict.findings:
        return set()
    return {
        masks.Masked(finding.start, min(finding.end, sent_to), finding.mask, finding.label)
        for finding in verdict.findings
        if finding.mask is not None and max(shown_to, finding.start) < min(finding.end, sent_to)
    }


def _says_the_same(one: Verdict, other: Verdict) -> bool:
    return _key(one) == _key(other)


def _key(verdict: Verdict) -> tuple[object, ...]:
    return (
        verdict.owner_epoch,
        verdict.seq_from,
        verdict.seq_to,
        verdict.checked_to,
        verdict.released_to,
        verdict.hold_from,
        verdict.final,
        verdict.findings,
    )
