"""The asyncio shell against a gate that knows a few literals, on librdkafka's mock cluster."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from weir_client import (
    Action,
    Channel,
    ConfigError,
    Contract,
    Cutoff,
    CutReason,
    Disposition,
    End,
    Ended,
    Event,
    FailMode,
    LateBlock,
    NotConnected,
    Retracted,
    Retraction,
    Segment,
    Text,
    TextTooLong,
    Unjudged,
    Worker,
)
from weir_client.bus import Bus
from weir_client.partition import partition_of
from weir_client.testing import FakeGate, MockKafka, Rules

from .conftest import PATIENT, a_worker, in_loop, until

SECRET = "zebra-4711"


async def tokens(*pieces: str | bytes, pause_s: float = 0.0) -> AsyncIterator[str | bytes]:
    for piece in pieces:
        await asyncio.sleep(pause_s)
        yield piece


async def text_of(stream: Any) -> str:
    return "".join([piece async for piece in stream])


def test_a_prompt_passes_and_its_answer_is_shown(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka) as worker:
            verdict = await worker.check_prompt("Tell me a story", tenant="acme", locale_hint="en")
            assert not verdict.blocked
            assert verdict.action is Action.ALLOW
            assert verdict.waited_us > 0
            stream = worker.guard(verdict.request, tokens("Once ", "upon ", "a time"))
            assert await text_of(stream) == "Once upon a time"
            result = stream.result
            assert result.ended is Ended.COMPLETE
            assert result.why_cut is None
            assert result.first_text_us is not None
            assert (result.summary.sent_to, result.summary.shown_to) == (16, 16)
            stats = worker.stats()
            assert stats["prompts_sent"] == 1
            assert stats["chunks_sent"] == result.summary.chunks
            assert stats["timeouts"] == 0

    in_loop(test)
    assert gate.prompts[0]["segments"] == [{"role": "user", "name": None, "text": b"Tell me a story"}]
    assert gate.prompts[0]["worker_id"] == "w-1"
    opening = gate.chunks[0]["opening"]
    assert opening["locale_hint"] == "en"
    assert opening["prompt_verdict_id"] is not None
    assert opening["prompt_categories"] == []
    assert gate.chunks[-1]["end"] == "complete"


def test_a_blocked_prompt_is_answered_by_its_completion(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka) as worker:
            verdict = await worker.check_prompt([Segment("be kind", "system"), Segment("forbidden")], tenant="acme")
            assert verdict.blocked
            assert verdict.completion == "I can't continue with this."
            stream = worker.guard(verdict.request, tokens("never read"))
            assert await text_of(stream) == "I can't continue with this."
            assert stream.result.why_cut is CutReason.PROMPT_BLOCKED
            assert stream.result.summary.chunks == 0

    in_loop(test)


def test_nothing_is_shown_before_the_prompts_verdict(kafka: MockKafka, gate: FakeGate) -> None:
    gate.rules.answers_prompts = False

    async def test() -> None:
        async with a_worker(kafka) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            seen: list[str] = []

            async def read() -> None:
                async for text in worker.guard(request, tokens("Hello")):
                    seen.append(text)

            reader = asyncio.ensure_future(read())
            await until(lambda: worker.chunk_latencies.count >= 2)
            assert seen == []
            gate.send({"request_id": request.request_id, "worker_id": "w-1", "contract": {}}, request.partition)
            await reader
            assert seen == ["Hello"]

    in_loop(test)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_forbidden_text_is_never_shown_however_it_is_cut(kafka: MockKafka, gate: FakeGate, size: int) -> None:
    text = "this is fine, then comes forbidden text"
    aborted = []

    async def test() -> None:
        async with a_worker(kafka) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            pieces = [text[at : at + size] for at in range(0, len(text), size)]
            stream = worker.guard(request, tokens(*pieces, pause_s=0.001), on_abort=lambda: aborted.append(True))
            shown = await text_of(stream)
            assert shown == "this is fine, then comes I can't continue with this."
            assert stream.result.why_cut is CutReason.BLOCKED
            assert stream.result.disposition is Disposition.RETRACT
            assert stream.result.keep_chars is None

    in_loop(test)
    assert len(aborted) <= 1


@pytest.mark.parametrize("size", [1, 4, 100])
def test_findings_are_masked_whole(kafka: MockKafka, gate: FakeGate, size: int) -> None:
    text = "Pay 4111 1111 1111 1111, Zoë 🧀"

    async def test() -> None:
        async with a_worker(kafka) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            encoded = text.encode()
            pieces = [encoded[at : at + size] for at in range(0, len(encoded), size)]
            assert await text_of(worker.guard(request, tokens(*pieces))) == "Pay [card], Zoë 🧀"

    in_loop(test)


def test_a_block_behind_what_was_shown_retracts(kafka: MockKafka, gate: FakeGate) -> None:
    async def run(worker: Worker) -> Any:
        request = worker.submit_prompt("Hi", tenant="acme")
        stream = worker.open_stream(request)
        assert stream.push("Pay Zoë now")
        await until(lambda: worker.chunk_latencies.count >= 1)
        gate.send(block_of(request, stream, 9), request.partition)
        return stream

    async def test() -> None:
        async with a_worker(kafka) as worker:
            stream = await run(worker)
            events: list[Event] = [event async for event in stream.events()]
            assert [type(event) for event in events] == [Text, Retraction, Cutoff]
            assert events[1] == Retraction(8)  # ë is two bytes
            assert stream.result.keep_chars == 8
            assert not stream.push("more")
        async with a_worker(kafka) as worker:
            stream = await run(worker)
            seen = []
            with pytest.raises(Retracted) as caught:
                async for text in stream:
                    seen.append(text)
            assert "".join(seen)[: caught.value.keep_chars] == "Pay Zoë "
            assert caught.value.completion == "No."
            assert "Zo" not in str(caught.value)

    in_loop(test)


def block_of(request: Any, stream: Any, at: int) -> dict[str, Any]:
    return {
        "request_id": request.request_id,
        "stream_id": str(stream.stream_id),
        "worker_id": "w-1",
        "action": "block",
        "truncate_at": at,
        "disposition": "retract",
        "completion": "No.",
    }


def test_a_block_that_comes_late_is_told(kafka: MockKafka, gate: FakeGate) -> None:
    told: list[LateBlock] = []

    async def test() -> None:
        async with a_worker(kafka, on_late_block=told.append) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            stream = worker.guard(request, tokens("Hello ", "world"))
            assert await text_of(stream) == "Hello world"
            gate.send(block_of(request, stream, 6), request.partition)
            await until(lambda: bool(told))
            assert stream.result.cut is not None

    in_loop(test)
    assert told[0].keep_chars == 6
    assert told[0].completion == "No."


def test_requests_are_forgotten_after_the_late_window(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka, late_window_s=0.01) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            await text_of(worker.guard(request, tokens("Hello")))
            await until(lambda: worker.stats()["requests"] == 0)

    in_loop(test)


def test_what_is_forgotten_is_freed_without_the_collector_of_garbage(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka, late_window_s=0.01, fallback=Contract(budget_us=2_000_000)) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            stream = worker.guard(request, tokens("Hello"))
            assert await text_of(stream) == "Hello"
            left = weakref.ref(stream), weakref.ref(request)
            del stream, request
            # Deadlines that have lost their meaning keep it until they come.
            await until(lambda: [reference() for reference in left] == [None, None])

    gc.disable()
    try:
        in_loop(test)
    finally:
        gc.enable()


@pytest.mark.parametrize("fail_mode", FailMode)
def test_without_verdicts_the_fail_mode_decides(kafka: MockKafka, gate: FakeGate, fail_mode: FailMode) -> None:
    gate.rules.answers_prompts = False
    gate.rules.answers_chunks = False
    fallback = Contract(budget_us=30_000, fail_mode=fail_mode, completion="Stopped.")

    async def test() -> None:
        async with a_worker(kafka, fallback=fallback) as worker:
            verdict = await worker.check_prompt("Hi", tenant="acme")
            assert verdict.verdict is None
            assert verdict.unjudged == (Unjudged("record", "expired"),)
            assert verdict.waited_us >= 30_000
            stream = worker.guard(verdict.request, tokens("Hello"))
            shown = await text_of(stream)
            if fail_mode is FailMode.OPEN:
                assert shown == "Hello"
                assert stream.result.ended is Ended.COMPLETE
                assert not verdict.blocked
            else:
                assert shown == "Stopped."
                assert stream.result.why_cut is CutReason.BUDGET_EXPIRED
                assert verdict.blocked
            assert Unjudged("record", "expired") in stream.result.unjudged

    in_loop(test)


def test_the_breaker_opens_and_closes(kafka: MockKafka, gate: FakeGate) -> None:
    gate.rules.answers_prompts = False
    gate.rules.contract = {"fail_mode": "open"}
    fallback = Contract(budget_us=400_000, fail_mode=FailMode.OPEN)

    async def test() -> None:
        async with a_worker(kafka, fallback=fallback, breaker_threshold=3, probe_every_s=0.3) as worker:
            asked = [worker.check_prompt("Hi", tenant="acme") for _ in range(3)]
            assert [verdict.bypassed for verdict in await asyncio.gather(*asked)] == [False] * 3
            assert worker.breaker_is_open
            verdict = await worker.check_prompt("Hi", tenant="acme")
            assert verdict.bypassed and verdict.breaker_open and not verdict.blocked
            assert verdict.unjudged == (Unjudged("record", "failed"),)
            stream = worker.guard(verdict.request, tokens("Hello"))
            assert await text_of(stream) == "Hello"
            assert stream.result.bypassed and stream.result.breaker_open
            gate.rules.answers_prompts = True
            for _ in range(100):
                verdict = await worker.check_prompt("Hi", tenant="acme")
                if not worker.breaker_is_open:
                    break
                await asyncio.sleep(0.05)
            assert not verdict.bypassed
            assert not verdict.breaker_open
            assert worker.stats()["bypassed"] >= 1

    in_loop(test)


def test_who_stops_reading_is_a_user_who_has_gone(kafka: MockKafka, gate: FakeGate) -> None:
    closed: list[str] = []
    aborted: list[str] = []

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield "more "
                await asyncio.sleep(0.001)
        finally:
            closed.append("source")

    async def abort() -> None:
        aborted.append("engine")

    async def test() -> None:
        async with a_worker(kafka) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            stream = worker.guard(request, endless(), on_abort=abort)
            async with aclosing(stream.events()) as events:
                async for _ in events:
                    break
            assert stream.result.ended is Ended.CLIENT_ABORT
            assert closed == ["source"]
            other = worker.guard(request, endless(), choice=1, on_abort=abort)

            async def read() -> None:
                async for _ in other:
                    pass

            reader = asyncio.ensure_future(read())
            await until(lambda: worker.chunk_latencies.count >= 4)
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader
            assert other.result.ended is Ended.CLIENT_ABORT
            await until(lambda: sum(chunk["end"] == "client_abort" for chunk in gate.chunks) == 2)

    in_loop(test)
    assert closed == ["source"] * 2
    assert aborted == ["engine"] * 2


def test_an_error_of_the_source_comes_after_what_may_be_shown(kafka: MockKafka, gate: FakeGate) -> None:
    class ModelError(Exception):
        pass

    async def failing() -> AsyncIterator[str]:
        yield "half an "
        raise ModelError

    async def test() -> None:
        async with a_worker(kafka) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            stream = worker.guard(request, failing())
            seen = []
            with pytest.raises(ModelError):
                async for text in stream:
                    seen.append(text)
            assert seen == ["half an "]
            assert stream.result.ended is Ended.ERROR

    in_loop(test)
    assert gate.chunks[-1]["end"] == "error"


def test_text_above_a_mebibyte_is_refused(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka) as worker:
            with pytest.raises(TextTooLong):
                worker.submit_prompt("x" * (1 << 20) + "y", tenant="acme")
            request = worker.submit_prompt("Hi", tenant="acme")
            stream = worker.guard(request, tokens("x" * (1 << 20), "y", "z"))
            count = 0
            with pytest.raises(TextTooLong):
                async for text in stream:
                    count += len(text)
            assert count == 1 << 20
            assert stream.result.ended is Ended.ERROR

    in_loop(test)


def test_streams_of_a_request_do_not_mix(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka) as worker:
            request = worker.submit_prompt("Hi", tenant="acme", request_id="mine")
            with pytest.raises(ConfigError):
                worker.submit_prompt("Hi", tenant="acme", request_id="mine")
            streams = [
                worker.guard(request, tokens("a", "b")),
                worker.guard(request, tokens("c", "forbidden"), choice=1),
                worker.guard(request, tokens("e"), channel=Channel.REASONING),
                worker.guard(request, tokens("f"), attempt=1),
            ]
            with pytest.raises(ConfigError):
                worker.guard(request, tokens("again"))
            shown = await asyncio.gather(*map(text_of, streams))
            assert shown == ["ab", "cI can't continue with this.", "e", "f"]
            assert request.partition in worker._opened()[1].numbers

    in_loop(test)


def test_drawn_ids_hash_into_the_workers_partitions(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka) as worker:
            own = worker._opened()[1].numbers
            assert len(own) == 2
            requests = [worker.submit_prompt("Hi", tenant="acme") for _ in range(40)]
            assert {request.partition for request in requests} == set(own)
            for request in requests:
                assert request.partition == partition_of(request.request_id.encode(), 4)
            await asyncio.gather(*(request.verdict() for request in requests))

    in_loop(test)


def test_verdicts_for_others_are_dropped(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka, own_partitions=4) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            block = {"request_id": request.request_id, "action": "block", "tenant": "w-1"}
            gate.send(block | {"worker_id": "w-2"}, 0)
            gate.send(block | {"worker_id": "w-11"}, 1)
            await until(lambda: worker.stats()["verdicts_foreign"] == 2)
            assert not (await request.verdict()).blocked
            gate.send({"request_id": "unknown", "worker_id": "w-1"}, 2)
            await until(lambda: worker.stats()["verdicts_unknown"] == 1)

    in_loop(test)


def test_what_cannot_be_read_is_counted(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka, own_partitions=4) as worker:
            gate._producer.produce("weir.verdicts.v1", b"w-1 is not a verdict", b"k", 0)
            await until(lambda: worker.stats()["verdicts_undecodable"] == 1)
            assert not (await worker.check_prompt("Hi", tenant="acme")).blocked

    in_loop(test)


def test_no_text_is_in_logs_or_reprs(kafka: MockKafka, gate: FakeGate, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reprs: list[str] = []

    async def test() -> None:
        async with a_worker(kafka) as worker:
            verdict = await worker.check_prompt(Segment(SECRET), tenant="acme")
            stream = worker.guard(verdict.request, tokens(SECRET, " forbidden"))
            async for event in stream.events():
                reprs.append(repr(event))
            reprs.extend(repr(thing) for thing in (Segment(SECRET), verdict, stream, stream.result, worker))
            reprs.append(repr(vars(stream)["_guard"]))

    in_loop(test)
    assert reprs
    assert SECRET not in "".join(reprs)
    assert SECRET not in caplog.text


def test_settings_are_checked(kafka: MockKafka) -> None:
    with pytest.raises(ConfigError):
        Worker(brokers=kafka.bootstrap, worker_id="")

    async def nobody_there() -> None:
        with pytest.raises(NotConnected):
            async with Worker(brokers="127.0.0.1:1", worker_id="w", timeout_s=0.3, kafka_options={"log_level": 0}):
                pass

    async def not_open() -> None:
        with pytest.raises(NotConnected):
            Worker(brokers=kafka.bootstrap, worker_id="w").submit_prompt("Hi", tenant="acme")

    in_loop(nobody_there)
    in_loop(not_open)


def test_a_worker_that_closes_ends_its_streams(kafka: MockKafka, gate: FakeGate) -> None:
    async def test() -> None:
        async with a_worker(kafka) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            stream = worker.open_stream(request)
            stream.push("Hello")
        assert stream.result.ended is Ended.CLIENT_ABORT
        await until(lambda: any(chunk["end"] == "client_abort" for chunk in gate.chunks))
        with pytest.raises(NotConnected):
            worker.open_stream(request, choice=1)

    in_loop(test)


def test_who_waits_for_a_prompt_is_told_that_the_worker_closed(kafka: MockKafka, gate: FakeGate) -> None:
    gate.rules.answers_prompts = False

    async def test() -> None:
        async with a_worker(kafka) as worker:
            waiting = asyncio.ensure_future(worker.check_prompt("Hi", tenant="acme"))
            await until(lambda: worker.stats()["prompts_sent"] == 1)
        with pytest.raises(NotConnected):
            await waiting

    in_loop(test)


def test_topics_must_fit_each_other(kafka: MockKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bus, "_partition_count", lambda _, topic: len(topic))

    async def test() -> None:
        with pytest.raises(ConfigError, match="partitions"):
            async with a_worker(kafka):
                pass

    in_loop(test)


def test_the_gate_may_close_a_silent_stream(kafka: MockKafka, gate: FakeGate) -> None:
    aborted = []

    async def test() -> None:
        async with a_worker(kafka) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            stream = worker.open_stream(request, on_abort=lambda: aborted.append(True))
            stream.push("Hello forb")
            await until(lambda: worker.chunk_latencies.count >= 1)
            released = {"checked_to": 10, "released_to": 10, "final": True}
            closing = block_of(request, stream, 0) | {"action": "allow", "truncate_at": None, "disposition": None}
            gate.send(closing | released | {"completion": None}, request.partition)
            assert await text_of(stream) == "Hello forb"
            assert stream.result.ended is Ended.CLOSED
            assert not stream.push("more")
            stream.finish(End.COMPLETE)

    in_loop(test)
    assert aborted == [True]


def test_a_failing_abort_callback_does_not_hold_up_the_stream(
    kafka: MockKafka, gate: FakeGate, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("engine gone")

    async def test() -> None:
        async with a_worker(kafka) as worker:
            request = worker.submit_prompt("Hi", tenant="acme")
            stream = worker.open_stream(request, on_abort=fail)
            stream.push("forbidden")
            assert await text_of(stream) == "I can't continue with this."

    in_loop(test)
    assert "on_abort" in caplog.text


def test_many_streams_at_once(kafka: MockKafka, gate: FakeGate) -> None:
    gate.keeps_records = False

    async def one(worker: Worker, number: int) -> None:
        request = worker.submit_prompt("Hi", tenant="acme")
        pieces = [f"token{at} of {number} " for at in range(5)]
        assert await text_of(worker.guard(request, tokens(*pieces, pause_s=0.05))) == "".join(pieces)

    async def test() -> None:
        async with a_worker(kafka, fallback=PATIENT) as worker:
            gate.rules = Rules(contract={"budget_us": 20_000_000})
            await asyncio.gather(*(one(worker, number) for number in range(500)))
            assert worker.stats()["timeouts"] == 0

    in_loop(test)
