"""What can go wrong. No message holds any text of a prompt or an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .results import StreamResult


class WeirError(Exception):
    """The base of all errors of this package."""


class ConfigError(WeirError):
    """A setting is out of its range, or the cluster does not fit: missing topics, differing partition counts."""


class NotConnected(WeirError):
    """The cluster did not answer, or the worker is not open (any more)."""


class WireError(WeirError):
    """A record does not fit its schema."""


class TextTooLong(WeirError):
    """Text above the limit of 1 MiB was refused; nothing of it was sent."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"text above {limit_bytes} bytes is refused")
        self.limit_bytes = limit_bytes


class Retracted(WeirError):
    """Text that was shown must be taken back, which a plain iterator over text cannot say.

    Of what was yielded only the first `keep_chars` characters stay; then `completion` is to be shown, None for nothing.
    """

    def __init__(self, keep_chars: int, completion: str | None, result: StreamResult) -> None:
        super().__init__(f"the stream was cut: of the text that was shown, {keep_chars} characters stay")
        self.keep_chars = keep_chars
        self.completion = completion
        self.result = result
