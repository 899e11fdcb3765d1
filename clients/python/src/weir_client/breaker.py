"""The breaker: after too many verdicts in a row that did not come in time, requests are not held up any more."""

from __future__ import annotations

from enum import Enum


class Admission(str, Enum):
    """What a request is told when it comes."""

    NORMAL = "normal"
    PROBE = "probe"  # the breaker is open, and this request finds out whether it must stay so
    BYPASS = "bypass"  # the fail mode applies, nothing is sent


class Breaker:
    """Closed until `threshold` time-outs in a row, 1 or more; then open until one verdict comes in time.

    While it is open one request in each `probe_every_us` (microseconds, 0 or more) is let through; the first one comes
    that long after it opened. Times are microseconds of any clock that never goes back.
    """

    __slots__ = ("_next_probe_us", "_probe_every_us", "_threshold", "_timeouts")

    def __init__(self, threshold: int = 8, probe_every_us: int = 1_000_000) -> None:
        if threshold < 1 or probe_every_us < 0:
            raise ValueError("threshold must be 1 or more, probe_every_us 0 or more")
        self._threshold = threshold
        self._probe_every_us = probe_every_us
        self._timeouts = 0
        self._next_probe_us = 0

    @property
    def is_open(self) -> bool:
        """Whether requests are bypassed."""
        return self._timeouts >= self._threshold

    def on_timeout(self, now_us: int) -> None:
        """A verdict did not come within its budget."""
        self._timeouts += 1
        if self._timeouts == self._threshold:
            self._next_probe_us = now_us + self._probe_every_us

    def on_answer(self) -> None:
        """A verdict came in time."""
        self._timeouts = 0

    def admit(self, now_us: int) -> Admission:
        """A request comes."""
        if not self.is_open:
            return Admission.NORMAL
        if now_us < self._next_probe_us:
            return Admission.BYPASS
        self._next_probe_us = now_us + self._probe_every_us
        return Admission.PROBE
