"""One request: its prompt's check, and the streams of its answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .errors import NotConnected
from .prompt import PromptCheck, PromptState
from .results import LateBlock, PromptResult
from .timers import now_us
from .types import Verdict

if TYPE_CHECKING:
    from .stream import GuardedStream
    from .worker import Worker


class Request:
    """What `Worker.submit_prompt` returns: the handle for all that belongs to one prompt."""

    def __init__(
        self,
        worker: Worker,
        request_id: str,
        partition: int,
        tenant: str,
        locale_hint: str | None,
        check: PromptCheck,
        started_us: int,
    ) -> None:
        """`started_us`: when the wait began, by `now_us`; the budget counts from then, too."""
        self.request_id = request_id
        self.tenant = tenant
        self.locale_hint = locale_hint
        self.partition = partition
        self.check = check
        self.streams: dict[str, GuardedStream] = {}
        self.due_us: int | None = None
        self.queued_us: int | None = None
        self.key = request_id.encode()
        self.forget_at_us = 0
        self._worker = worker
        self._started_us = started_us
        self._waited_us: int | None = None
        self._waiters: list[asyncio.Future[None]] = []

    def __repr__(self) -> str:
        return f"<Request {self.request_id} {self.check.state.name.lower()}>"

    async def verdict(self) -> PromptResult:
        """What comes of the prompt's check; waits for it, at most as long as the budget.

        Raises `NotConnected` if the worker is closed meanwhile.
        """
        if self.check.state is PromptState.WAITING:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return self._result()

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it waits for anything."""
        return self.check.state is not PromptState.WAITING and all(stream.is_over for stream in self.streams.values())

    # What the worker calls.

    def open(self) -> None:
        """Begins to wait for the verdict, if one will come."""
        self._settle(now_us())

    def on_verdict(self, verdict: Verdict, now: int) -> None:
        """A verdict on the prompt."""
        was_passed = self.check.state is PromptState.PASSED
        answers = self.check.answers
        if self.check.state is PromptState.WAITING and verdict.supersedes is None:
            self._worker.prompt_latencies.record(now - self._started_us)
        self.check.on_verdict(verdict, now)
        self._worker.count(0, self.check.answers - answers, now)
        for stream in list(self.streams.values()):
            stream.on_prompt_verdict(verdict, now)
        if was_passed and self.check.state is PromptState.BLOCKED and not self.streams:
            self._worker.tell_late_block(LateBlock(self.request_id, None, None, self.check.completion))
        self._settle(now)

    def close(self) -> None:
        """No verdict will come any more."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(NotConnected("the worker was closed"))
        self._waiters.clear()

    def on_due(self, now_us: int) -> None:
        """The check's deadline has come."""
        self._settle(now_us)

    def _settle(self, now: int) -> None:
        timeouts = self.check.timeouts
        self.check.on_tick(now)
        self._worker.count(self.check.timeouts - timeouts, 0, now)
        self._worker.timers.set(self, self.check.next_deadline_us())
        if self.check.state is PromptState.WAITING:
            return
        if self._waited_us is None:
            self._waited_us = now - self._started_us
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
        self._worker.stream_is_over(self)

    def _result(self) -> PromptResult:
        check = self.check
        blocked = check.state is PromptState.BLOCKED
        return PromptResult(
            request=self,
            blocked=blocked,
            completion=check.completion if blocked else None,
            verdict=check.verdict,
            unjudged=tuple(sorted(check.unjudged)),
            bypassed=check.bypassed,
            breaker_open=self._worker.breaker_is_open,
            waited_us=self._waited_us or 0,
        )
