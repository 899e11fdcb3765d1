"""What the vectors leave open: partitions, breaker, masks' tables, timers, latencies."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter

import pytest

from weir_client import masks
from weir_client.breaker import Admission, Breaker
from weir_client.complaints import OncePerPeriod
from weir_client.latency import Latencies
from weir_client.masks import Masked
from weir_client.partition import OwnPartitions, murmur2, partition_of
from weir_client.timers import Timers, now_us


@pytest.mark.parametrize(
    ("key", "hashed"),
    # From the tests of Apache Kafka's own client.
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed & 0xFFFFFFFF


@pytest.mark.parametrize("partitions", [1, 2, 4, 7, 64])
def test_own_partitions(partitions: int) -> None:
    own = OwnPartitions("w-1", partitions)
    assert own.numbers == OwnPartitions("w-1", partitions).numbers
    assert len(own.numbers) == min(2, partitions)
    assert all(0 <= number < partitions for number in own.numbers)
    drawn = [own.draw() for _ in range(50)]
    assert len({request_id for request_id, _ in drawn}) == 50
    for request_id, partition in drawn:
        assert partition == partition_of(request_id.encode(), partitions) == own.place(request_id)
    for number in range(50):
        foreign = f"foreign-{number}"
        assert own.place(foreign) == own.place(foreign)
        assert own.place(foreign) in own.numbers


def test_workers_spread_over_the_partitions() -> None:
    owners = Counter(number for worker in range(400) for number in OwnPartitions(f"w-{worker}", 8).numbers)
    assert len(owners) == 8
    assert min(owners.values()) > 60


@pytest.mark.parametrize("count", [0, -1])
def test_own_partitions_are_checked(count: int) -> None:
    with pytest.raises(ValueError):
        OwnPartitions("w", count)
    with pytest.raises(ValueError):
        OwnPartitions("w", 4, count)


def test_breaker() -> None:
    breaker = Breaker(threshold=2, probe_every_us=100)
    breaker.on_timeout(0)
    breaker.on_answer()
    breaker.on_timeout(10)
    assert breaker.admit(20) is Admission.NORMAL
    breaker.on_timeout(30)
    assert breaker.is_open
    assert breaker.admit(129) is Admission.BYPASS
    assert breaker.admit(130) is Admission.PROBE
    breaker.on_timeout(200)
    assert breaker.admit(229) is Admission.BYPASS
    assert breaker.admit(500) is Admission.PROBE
    breaker.on_answer()
    assert breaker.admit(501) is Admission.NORMAL
    with pytest.raises(ValueError):
        Breaker(threshold=0)


def whole(text: str, mask: str) -> str:
    return masks.apply(text.encode(), 0, [Masked(0, 1 << 62, mask, "card")]).decode()


@pytest.mark.parametrize(
    ("text", "mask", "shown"),
    # The table of crates/detect/src/mask/tests.rs.
    [
        ("4111 1111 1111 1111", "last_four", "**** **** **** 1111"),
        ("4111111111111111", "last_four", "************1111"),
        ("4111 1111 1111 1111", "format_preserving", "9999 9999 9999 9999"),
        ("4111 1111 1111 1111", "label", "[card]"),
        ("4111 1111 1111 1111", "full", "*******************"),
        ("Bob@example.org", "last_four", "***@******e.org"),
        ("Bob@example.org", "format_preserving", "Xxx@xxxxxxx.xxx"),
        ("", "last_four", ""),
        ("12", "last_four", "**"),
        ("123", "last_four", "**3"),
        ("12-345", "last_four", "**-**5"),
        ("123456789", "last_four", "******789"),
        ("12345678901", "last_four", "********901"),
        ("123456789012", "last_four", "********9012"),
        ("Ёлка ٣٤-字", "format_preserving", "Xxxx 99-x"),
        ("\uff14\uff11\uff11\uff11\uff0d\uff11", "format_preserving", "9999\uff0d9"),
        ("४१११ ११११ ११११", "last_four", "**** **** ११११"),
        ("é①🙂字", "full", "****"),
        ("%34%31%31%31", "last_four", "%**%**%**%31"),
        ("&#52;&#49;&#49;", "last_four", "&#**;&#**;&#49;"),
        ("a🙂b©c", "format_preserving", "xxxxx"),
        ("a🙂b©cdef", "last_four", "******ef"),
        ("4\u200b1\u0300\u03011\u00ad1", "full", "****"),
        ("4\u200b1\u030011\u202e11", "last_four", "****11"),
        ("a\U000e0041\U000e00421\0", "format_preserving", "x9"),
        ("\u200b", "full", ""),
        ("12\n34\r\n56", "format_preserving", "99\n99\r\n99"),
        ("1\u00a02\u20113\uff204", "format_preserving", "9\u00a09\u20119\uff209"),
        ("two words", "full", "*********"),
        ("strange", "no such mask", "*******"),
    ],
)
def test_what_masks_look_like(text: str, mask: str, shown: str) -> None:
    assert whole(text, mask) == shown


@pytest.mark.parametrize(
    ("base", "start", "end", "shown"),
    [
        (0, 1, 3, b"a**def"),
        (100, 101, 103, b"a**def"),
        (100, 0, 102, b"**cdef"),
        (0, 4, 99, b"abcd**"),
        (0, -5, 1, b"*bcdef"),
        (-3, -3, -1, b"**cdef"),
        (0, 3, 3, b"abcdef"),
        (0, 4, 2, b"abcdef"),
        (0, 6, 9, b"abcdef"),
    ],
)
def test_spans_count_from_the_base_and_are_clamped(base: int, start: int, end: int, shown: bytes) -> None:
    assert masks.apply(b"abcdef", base, [Masked(start, end, "full", "")]) == shown


@pytest.mark.parametrize(
    ("spans", "shown"),
    [
        ([(3, 11, "last_four"), (11, 19, "last_four")], "aa ************1111 bb"),
        ([(3, 11, "last_four"), (12, 19, "last_four")], "aa ******111*****11 bb"),
        ([(3, 19, "last_four"), (5, 6, "full")], "aa **************** bb"),
        ([(5, 6, "full"), (3, 19, "last_four")], "aa **************** bb"),
        ([(3, 19, "last_four"), (10, 11, "format_preserving")], "aa 9999999999999999 bb"),
        ([(3, 12, "format_preserving"), (10, 19, "label")], "aa [card] bb"),
        ([(3, 12, "label"), (10, 19, "full")], "aa **************** bb"),
        ([(0, 2, "full"), (20, 22, "label")], "** 4111111111111111 [card]"),
    ],
)
def test_spans_that_overlap_or_touch_are_one(spans: list[tuple[int, int, str]], shown: str) -> None:
    masked = [Masked(start, end, mask, "card") for start, end, mask in spans]
    assert masks.apply(b"aa 4111111111111111 bb", 0, masked).decode() == shown


@pytest.mark.parametrize(
    ("text", "start", "end", "shown"),
    [
        ("aéb", 1, 2, "a*b"),
        ("aéb", 2, 3, "a*b"),
        ("aéb", 0, 2, "**b"),
        ("a🙂b", 2, 3, "a*b"),
        ("a🙂b", 4, 6, "a**"),
        ("字字", 2, 4, "**"),
        ("ae\u0301b", 1, 2, "a*b"),
        ("ae\u0301\u0302\ufe0f\u200db", 1, 2, "a*b"),
        ("a👍\U0001f3fdb", 1, 5, "a*b"),
        ("ae\u0301b", 2, 4, "aeb"),
    ],
)
def test_spans_grow_to_whole_characters(text: str, start: int, end: int, shown: str) -> None:
    assert masks.apply(text.encode(), 0, [Masked(start, end, "full", "")]).decode() == shown


def test_broken_bytes_are_masked_inside_and_kept_outside() -> None:
    text = b"\xff\x80 4\xff1\xe5\xad 1\xc3"
    for mask, shown in [
        ("full", b"****"),
        ("format_preserving", b"9x9x"),
        ("last_four", b"****"),
        ("label", b"[card]"),
    ]:
        assert masks.apply(text, 0, [Masked(3, 8, mask, "card")]) == b"\xff\x80 " + shown + b" 1\xc3"


def test_masking_hostile_text_takes_no_long_time() -> None:
    text = b"\x80\xe5" * (1 << 17)
    spans = [Masked(at, len(text) - at, "last_four", "") for at in range(0, len(text) // 2, 256)]
    assert len(masks.apply(text, 0, spans)) > 0


def test_latencies_are_right_to_six_per_cent() -> None:
    latencies = Latencies()
    assert latencies.quantile_us(0.5) is None
    for us in range(1, 100_001):
        latencies.record(us)
    for q in (0.01, 0.5, 0.95, 0.99):
        found = latencies.quantile_us(q)
        assert found is not None
        assert q * 100_000 <= found <= q * 100_000 * 1.07
    assert latencies.quantile_us(1.0) == latencies.max_us == 100_000
    latencies.record(1 << 60)
    latencies.record(-1)
    assert latencies.summary()["max_us"] == 1 << 60


def test_complaints_of_a_kind_are_logged_once_in_a_while() -> None:
    complaints = OncePerPeriod(period_s=0.05)

    def passes(message: str) -> str | None:
        record = logging.LogRecord("kafka", logging.ERROR, "", 0, message, (), None)
        return record.getMessage() if complaints.filter(record) else None

    assert passes("FAIL [w#producer-1] [thrd:a]: refused") == "FAIL [w#producer-1] [thrd:a]: refused"
    assert passes("FAIL [w#producer-1] [thrd:b]: refused") is None
    assert passes("FAIL [w#consumer-2] [thrd:b]: refused") is not None
    assert passes("FAIL [w#producer-1] [thrd:a]: refused") is None
    time.sleep(0.06)
    assert "2 more" in (passes("FAIL [w#producer-1] [thrd:a]: refused") or "")


class _Timed:
    def __init__(self) -> None:
        self.due_us: int | None = None
        self.queued_us: int | None = None
        self.fired: list[int] = []

    def on_due(self, now_us: int) -> None:
        self.fired.append(now_us)


def test_timers_fire_at_the_last_deadline_that_was_set() -> None:
    async def test() -> None:
        timers = Timers(asyncio.get_running_loop())
        early, late, never, moved = _Timed(), _Timed(), _Timed(), _Timed()
        start = now_us()
        timers.set(late, start + 60_000)
        timers.set(early, start + 10_000)
        timers.set(never, start + 20_000)
        timers.set(never, None)
        timers.set(moved, start + 5_000)
        timers.set(moved, start + 40_000)
        timers.set(moved, start + 30_000)
        await asyncio.sleep(0.1)
        assert [len(timed.fired) for timed in (early, late, never, moved)] == [1, 1, 0, 1]
        assert early.fired[0] >= start + 10_000
        assert moved.fired[0] >= start + 30_000
        assert late.fired[0] >= start + 60_000
        timers.set(late, now_us() + 1000)
        timers.close()
        await asyncio.sleep(0.01)
        assert len(late.fired) == 1

    asyncio.run(test())
