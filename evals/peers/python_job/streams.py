"""Streamed answers: a carry-over buffer, so that what is cut between chunks is found.

The last bytes of what was read are kept and read again with the next chunk. With `hold_back`, as
many are not released until more has come, so that nothing forbidden is shown in part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from python_job.judge import Judge


@dataclass
class _Stream:
    kept: bytes = b""
    start: int = 0
    """Where in the stream `kept` begins."""
    released: int = 0
    blocked: bool = False


class Streams:
    """All open streams of this process."""

    def __init__(self, judge: Judge, hold_back: int) -> None:
        self._judge = judge
        self._hold_back = hold_back
        # A match, what it must not be glued to, and as much again for addresses and numbers.
        self._carry = 2 * judge.rules.longest + 8
        self._open: dict[str, _Stream] = {}

    def judge(self, chunk: dict[str, Any], key: str) -> bytes | None:
        """The encoded verdict on a chunk; None if its stream is over."""
        name = "/".join(str(chunk[part]) for part in ("request_id", "attempt", "choice", "channel"))
        stream = self._open.setdefault(name, _Stream())
        if stream.blocked:
            return None
        ends = chunk["end"] != "none"
        before = stream.start + len(stream.kept)
        text = stream.kept + chunk["text"]
        total = stream.start + len(text)
        decided, undecided = [], total
        for one in self._judge.rules.scan(text):
            start, end = one.start + stream.start, one.end + stream.start
            if end == total and not ends:
                # What comes next may be more of it.
                undecided = min(undecided, start)
            elif end >= before and (one.start > 0 or stream.start == 0):
                decided.append(one._replace(start=start, end=end))
        blocks = [one.start for one in decided if one.action == "block"]
        action = "block" if blocks else "warn" if decided else "allow"
        if blocks:
            stream.blocked = True
            stream.released = max(stream.released, min(blocks))
        else:
            limit = min(total - (0 if ends else self._hold_back), undecided)
            if not ends:
                limit = stream.start + _whole(text, limit - stream.start)
            stream.released = max(stream.released, limit)
        cut = max(len(text) - self._carry, 0)
        stream.kept, stream.start = text[cut:], stream.start + cut
        if ends:
            del self._open[name]
        return self._judge.encode(
            {
                **self._judge.common(chunk, key, decided, action),
                "stream_id": name,
                "seq_from": chunk["seq"],
                "seq_to": chunk["seq"],
                "final": ends or bool(blocks),
                "checked_to": total,
                "released_to": stream.released,
                "truncate_at": min(blocks) if blocks else None,
                "hold_from": stream.released if stream.released < total else None,
                "disposition": "keep" if blocks else None,
            }
        )


def _whole(text: bytes, limit: int) -> int:
    """The limit, or a little less, so that no character is cut."""
    if limit <= 0:
        return limit
    first = limit - 1
    while first > 0 and limit - first < 4 and text[first] & 0xC0 == 0x80:
        first -= 1
    length = 1 + (text[first] >= 0xC0) + (text[first] >= 0xE0) + (text[first] >= 0xF0)
    return first if length > limit - first else limit
