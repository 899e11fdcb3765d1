"""Tells how far a command is, on standard error."""

from __future__ import annotations

import sys
import time

EVERY = 10.0
"""Seconds between lines."""


def say(what: str) -> None:
    """A line."""
    print(what, file=sys.stderr, flush=True)


class Progress:
    """Rows done, and how long the rest takes; `work` is what time goes with, in any unit."""

    def __init__(self, rows: int, work: int) -> None:
        """Of all that is to be done."""
        self.rows, self.work = rows, work
        self.rows_done, self.work_done = 0, 0
        self.start = self.said = 0.0

    def add(self, work: int) -> None:
        """A row is done."""
        self.rows_done += 1
        self.work_done += work
        now = time.monotonic()
        if self.rows_done == 1:
            # What came before was loading the model.
            self.start = self.said = now
        if now - self.said >= EVERY or self.rows_done == self.rows:
            self.said = now
            left = (now - self.start) * (self.work - self.work_done) / max(1, self.work_done)
            say(f"{self.rows_done} of {self.rows} texts, {left / 60:.1f} min left")
