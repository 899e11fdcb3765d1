"""A histogram of durations that costs the same however many it has seen."""

from __future__ import annotations

_SUB = 16  # buckets for each doubling: 6 % wide at most


class Latencies:
    """Durations in microseconds, 0 or more, to 6 %."""

    __slots__ = ("_buckets", "count", "max_us", "total_us")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all it has seen."""
        self._buckets = [0] * (_SUB * 40)
        self.count = 0
        self.total_us = 0
        self.max_us = 0

    def record(self, us: int) -> None:
        """Counts one duration."""
        us = max(us, 0)
        self.count += 1
        self.total_us += us
        self.max_us = max(self.max_us, us)
        self._buckets[min(_bucket(us), len(self._buckets) - 1)] += 1

    def quantile_us(self, q: float) -> int | None:
        """The duration that a share `q`, 0 to 1, does not exceed; None when there is none."""
        left = q * self.count
        for bucket, count in enumerate(self._buckets):
            left -= count
            if count and left <= 0:
                return min(_upper(bucket), self.max_us)
        return None

    def summary(self) -> dict[str, int | None]:
        """Count, mean, quantiles and maximum."""
        return {
            "count": self.count,
            "mean_us": self.total_us // self.count if self.count else None,
            "p50_us": self.quantile_us(0.5),
            "p95_us": self.quantile_us(0.95),
            "p99_us": self.quantile_us(0.99),
            "max_us": self.max_us if self.count else None,
        }


def _bucket(us: int) -> int:
    if us < _SUB:
        return us
    doubling = us.bit_length() - _SUB.bit_length()
    return _SUB * (doubling + 1) + (us >> doubling) - _SUB


def _upper(bucket: int) -> int:
    if bucket < _SUB:
        return bucket
    doubling = bucket // _SUB - 1
    return ((bucket % _SUB + _SUB + 1) << doubling) - 1
