"""Keeps librdkafka from complaining of a lost broker twenty times a second."""

from __future__ import annotations

import logging
import time


class OncePerPeriod(logging.Filter):
    """Lets a kind of message through once in `period_s` seconds and says how many it kept back.

    Of a kind are librdkafka's messages that begin with the same words: `FAIL [client]`.
    """

    def __init__(self, period_s: float = 10.0) -> None:
        super().__init__()
        self._period_s = period_s
        self._kinds: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the message is to be logged."""
        message = record.getMessage()
        kind = message.partition("]")[0]
        now = time.monotonic()
        last, kept_back = self._kinds.get(kind, (-self._period_s, 0))
        if now - last < self._period_s:
            self._kinds[kind] = (last, kept_back + 1)
            return False
        self._kinds[kind] = (now, 0)
        if kept_back:
            record.msg, record.args = f"{message} (and {kept_back} more of the kind since the last)", ()
        return True


def kafka_log() -> logging.Logger:
    """The logger for librdkafka's own messages."""
    logger = logging.getLogger("weir_client.kafka")
    if not any(isinstance(known, OncePerPeriod) for known in logger.filters):
        logger.addFilter(OncePerPeriod())
    return logger
