"""One guarded stream: joins a guard to the event loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import TYPE_CHECKING, Any

from .effects import AbortEngine, CutStream, Done, Effect, Retract, Send, Show
from .errors import Retracted, TextTooLong
from .guard import Guard
from .results import Cutoff, Event, LateBlock, Retraction, StreamResult, Text
from .timers import now_us
from .types import Cut, End, StreamId, Summary, Verdict

if TYPE_CHECKING:
    from .request import Request
    from .worker import Worker

log = logging.getLogger("weir_client")


class GuardedStream:
    """An answer's text on its way to the user.

    Iterate over it for text, or over `events()` to be told of retractions too; closing the iterator, or cancelling who
    iterates, tells the gate that the user has gone. `push` and `finish` bring the model's text; a stream that
    `Worker.guard` made brings it by itself.
    """

    def __init__(
        self,
        worker: Worker,
        request: Request,
        stream_id: StreamId,
        source: AsyncIterable[str | bytes] | None,
        on_abort: Callable[[], Any] | None,
    ) -> None:
        self.stream_id = stream_id
        self.due_us: int | None = None
        self.queued_us: int | None = None
        self._worker = worker
        self._request = request
        self._name = str(stream_id)
        self._source = source
        self._on_abort = on_abort
        self._guard = Guard(request.check, request.locale_hint)
        self._pump: asyncio.Task[None] | None = None
        self._events: deque[Event] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_read = False  # whoever iterated has seen the end
        self._shown = bytearray()
        self._keep_chars: int | None = None
        self._cut: Cut | None = None
        self._summary: Summary | None = None
        self._error: BaseException | None = None
        self._first_push_us: int | None = None
        self._first_text_us: int | None = None
        self._sent_at: deque[tuple[int, int]] = deque()
        self._counted = (0, 0)  # time-outs and answers that the breaker knows of

    def __repr__(self) -> str:
        return f"<GuardedStream {self._name} {'over' if self.is_over else 'open'}>"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be shown; the result is there."""
        return self._summary is not None

    @property
    def result(self) -> StreamResult:
        """How it ended; a `RuntimeError` before it has. A block that comes later changes it."""
        if self._summary is None:
            raise RuntimeError(f"stream {self._name} is not over")
        return StreamResult(
            stream_id=self._name,
            summary=self._summary,
            cut=self._cut,
            keep_chars=self._keep_chars,
            first_text_us=self._first_text_us,
            breaker_open=self._worker.breaker_is_open,
        )

    def push(self, text: str | bytes) -> bool:
        """The model's next text; bytes may break a character. False: the stream is cut or over, stop generating.

        Raises `TextTooLong` if the stream's text would be longer than 1 MiB; nothing of `text` is sent.
        """
        now = now_us()
        if self._first_push_us is None:
            self._first_push_us = now
        piece = text.encode(errors="surrogatepass") if isinstance(text, str) else text
        guard = self._guard
        effects = guard.push(piece, now)
        if effects or guard.deadline_us != self.due_us:
            self._do(effects, now)
        return guard.wants_text

    def finish(self, end: End = End.COMPLETE) -> None:
        """The model is done (`complete`), has failed (`error`), or the user has gone (`client_abort`)."""
        now = now_us()
        self._do(self._guard.finish(end, now), now)

    def __aiter__(self) -> AsyncGenerator[str, None]:
        """The text to show, the completion of a cut included.

        Raises `Retracted` at the end if text that was yielded must be taken back, `TextTooLong`, or whatever the source
        raised, after all that may be shown has been yielded.
        """
        return self._texts()

    def events(self) -> AsyncGenerator[Event, None]:
        """What to show and what to take back, in order. Raises what the source raised, and `TextTooLong`."""
        return self._all_events()

    async def aclose(self) -> None:
        """The user has gone. Does nothing when the stream is over."""
        self.finish(End.CLIENT_ABORT)
        self._is_read = True
        await self._stop_pump()

    # What the worker calls.

    def open(self) -> None:
        """Applies what is known of the prompt already."""
        self.on_due(now_us())

    def on_verdict(self, verdict: Verdict, now: int) -> None:
        """A verdict on this stream."""
        while verdict.supersedes is None and self._sent_at and self._sent_at[0][0] <= verdict.seq_to:
            self._worker.chunk_latencies.record(now - self._sent_at.popleft()[1])
        self._do(self._guard.on_verdict(verdict, now), now)

    def on_prompt_verdict(self, verdict: Verdict, now: int) -> None:
        """A verdict on the prompt."""
        self._do(self._guard.on_prompt_verdict(verdict, now), now)

    def on_due(self, now_us: int) -> None:
        """The guard's deadline has come."""
        self._do(self._guard.on_tick(now_us), now_us)

    # Effects.

    def _do(self, effects: list[Effect], now: int) -> None:
        if self._is_read:
            self._do_late(effects)
            return
        for effect in effects:
            if isinstance(effect, Send):
                self._sent_at.append((effect.seq, now))
                self._worker.send_chunk(self._request, self.stream_id, effect)
            elif isinstance(effect, Show):
                self._show(effect.text, now)
            elif isinstance(effect, AbortEngine):
                self._abort()
            elif isinstance(effect, Retract):
                self._retract(effect.keep_bytes)
            elif isinstance(effect, CutStream):
                self._cut = effect.cut
                self._events.append(Cutoff(effect.cut))
            elif isinstance(effect, Done):
                self._summary = effect.summary
                self._worker.stream_is_over(self._request)
        guard = self._guard
        if guard.timeouts != self._counted[0] or guard.answers != self._counted[1]:
            timeouts, answers = guard.timeouts - self._counted[0], guard.answers - self._counted[1]
            self._counted = (guard.timeouts, guard.answers)
            self._worker.count(timeouts, answers, now)
        if guard.deadline_us != self.due_us:
            self._worker.timers.set(self, guard.deadline_us)
        if effects and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _show(self, text: bytes, now: int) -> None:
        if self._first_text_us is None and self._first_push_us is not None:
            self._first_text_us = now - self._first_push_us
            self._worker.first_text_latencies.record(self._first_text_us)
        self._shown += text
        self._events.append(Text(text.decode(errors="replace")))

    def _retract(self, keep_bytes: int) -> None:
        self._keep_chars = len(self._shown[:keep_bytes].decode(errors="replace"))
        self._events.append(Retraction(self._keep_chars))

    def _do_late(self, effects: list[Effect]) -> None:
        """Only blocks have effects on a stream whose end was read."""
        keep_chars = None
        for effect in effects:
            if isinstance(effect, Retract):
                keep_chars = self._keep_chars = len(self._shown[: effect.keep_bytes].decode(errors="replace"))
            elif isinstance(effect, CutStream):
                self._cut = effect.cut
        if effects:
            completion = None if self._cut is None else self._cut.completion
            self._worker.tell_late_block(LateBlock(self._request.request_id, self._name, keep_chars, completion))

    def _abort(self) -> None:
        if self._pump is not None and self._pump is not asyncio.current_task():
            self._pump.cancel()
        if self._on_abort is None:
            return
        try:
            outcome = self._on_abort()
            if inspect.isawaitable(outcome):
                self._worker.keep_task(asyncio.ensure_future(outcome))
        except Exception:
            # The stream must end whatever the engine says to it.
            log.exception("on_abort of stream %s failed", self._name)

    # Reading.

    async def _texts(self) -> AsyncGenerator[str, None]:
        keep: int | None = None
        async for event in self._all_events():
            if isinstance(event, Text):
                yield event.text
            elif isinstance(event, Retraction):
                keep = event.keep_chars
            elif isinstance(event, Cutoff) and keep is None and event.cut.completion is not None:
                yield event.cut.completion
        if keep is not None:
            result = self.result
            raise Retracted(keep, result.completion, result)

    async def _all_events(self) -> AsyncGenerator[Event, None]:
        self._start_pump()
        try:
            while True:
                while self._events:
                    yield self._events.popleft()
                if self._summary is not None:
                    break
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
            self._is_read = True
            if self._error is not None:
                raise self._error
        finally:
            if self._summary is None:
                self.finish(End.CLIENT_ABORT)
            self._is_read = True
            await self._stop_pump()

    # The model's text.

    def _start_pump(self) -> None:
        if self._source is not None and self._summary is None:
            self._pump, self._source = asyncio.ensure_future(self._bring(self._source)), None

    async def _bring(self, source: AsyncIterable[str | bytes]) -> None:
        try:
            async for piece in source:
                if not self.push(piece):
                    break
            else:
                self.finish(End.COMPLETE)
        except asyncio.CancelledError:
            raise
        except TextTooLong as error:
            self._error = error
            self._abort()
            self.finish(End.ERROR)
        except Exception as error:
            self._error = error
            self.finish(End.ERROR)
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    async def _stop_pump(self) -> None:
        if self._pump is None or self._pump is asyncio.current_task():
            return
        self._pump.cancel()
        try:
            await self._pump
        except asyncio.CancelledError:
            pass
        except Exception:
            log.exception("closing the source of stream %s failed", self._name)
        self._pump = None
