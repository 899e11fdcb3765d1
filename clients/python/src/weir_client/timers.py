"""One heap of deadlines and one timer of the event loop, however many streams there are."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger("weir_client")


def now_us() -> int:
    """Microseconds of a clock that never goes back. Says nothing of the time of day."""
    return time.monotonic_ns() // 1000


class Timed(Protocol):
    """What has a deadline. The first two belong to `Timers`; None: no deadline, not in the heap."""

    due_us: int | None
    queued_us: int | None

    def on_due(self, now_us: int) -> None:
        """Its deadline has come."""


class Timers:
    """Calls `on_due` of whatever is due.

    A deadline moves with each chunk, mostly to a later time. So a later one leaves the heap alone: an entry that comes
    up too early is put back.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, before: Callable[[], None] = lambda: None) -> None:
        """`before` is called before anything that is due: on a busy loop a verdict may wait that came in time."""
        self._loop = loop
        self._before = before
        self._heap: list[tuple[int, int, Timed]] = []
        self._tie = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self._handle_us = 0

    def set(self, timed: Timed, due_us: int | None) -> None:
        """Its deadline is `due_us`, by `now_us`; None: it has none."""
        timed.due_us = due_us
        if due_us is not None and (timed.queued_us is None or due_us < timed.queued_us):
            self._queue(timed, due_us)
            self._arm()

    def close(self) -> None:
        """Forgets all deadlines."""
        self._heap.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _queue(self, timed: Timed, due_us: int) -> None:
        timed.queued_us = due_us
        heapq.heappush(self._heap, (due_us, next(self._tie), timed))

    def _arm(self) -> None:
        if not self._heap:
            return
        due_us = self._heap[0][0]
        if self._handle is not None:
            if self._handle_us <= due_us:
                return
            self._handle.cancel()
        self._handle_us = due_us
        self._handle = self._loop.call_later(max(0, due_us - now_us()) / 1e6, self._run)

    def _run(self) -> None:
        self._handle = None
        self._before()
        now = now_us()
        while self._heap and self._heap[0][0] <= now:
            queued_us, _, timed = heapq.heappop(self._heap)
            if timed.queued_us != queued_us:
                continue  # an earlier entry took its place
            timed.queued_us = None
            if timed.due_us is None:
                continue
            if timed.due_us > now:
                self._queue(timed, timed.due_us)
            else:
                timed.due_us = None
                self._tell(timed, now)
        self._arm()

    def _tell(self, timed: Timed, now: int) -> None:
        try:
            timed.on_due(now)
        except Exception:
            # The others' time must go on.
            log.exception("what was due failed")
