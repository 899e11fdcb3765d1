"""The asyncio shell: one producer, one reader of verdicts and one heap of timers for all streams of a process."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any

from .breaker import Admission, Breaker
from .bus import Bus, BusSettings
from .effects import Send
from .errors import ConfigError, NotConnected, TextTooLong
from .guard import MAX_TEXT_BYTES
from .latency import Latencies
from .partition import OwnPartitions
from .prompt import PromptCheck
from .request import Request
from .results import LateBlock, PromptResult
from .stream import GuardedStream
from .timers import Timers, now_us
from .types import Channel, Contract, Role, Segment, StreamId, Verdict

log = logging.getLogger("weir_client")

_SWEEP_EVERY_S = 1.0


class Worker:
    """Checks prompts and guards answers for one process. All methods belong to the loop that opened it.

    ```
    async with Worker(brokers="localhost:9092", worker_id="w-1") as worker:
        request = worker.submit_prompt("Tell me a story", tenant="acme")
        async for text in worker.guard(request, tokens):
            ...
    ```
    """

    def __init__(
        self,
        *,
        brokers: str,
        worker_id: str,
        fallback: Contract | None = None,
        breaker_threshold: int = 8,
        probe_every_s: float = 1.0,
        own_partitions: int = 2,
        linger_ms: float = 0.5,
        late_window_s: float = 30.0,
        on_late_block: Callable[[LateBlock], None] | None = None,
        prompts_topic: str = "weir.prompts.v1",
        chunks_topic: str = "weir.chunks.v1",
        verdicts_topic: str = "weir.verdicts.v1",
        registry: str | None = None,
        kafka_options: Mapping[str, Any] | None = None,
        producer_options: Mapping[str, Any] | None = None,
        consumer_options: Mapping[str, Any] | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        """Connects only when entered.

        `worker_id`: names this process among all workers of the cluster; not empty.
        `fallback`: what holds while no verdict has brought the policy's contract; its budget is also how long a
        prompt's verdict is waited for. By default closed after 40 ms.
        `breaker_threshold`, `probe_every_s`: the breaker opens after so many time-outs in a row, 1 or more, and then
        lets one request through every so many seconds.
        `own_partitions`: how many partitions to use, 1 or more; each worker reads all verdicts of its own.
        `linger_ms`: how long the producer collects records, milliseconds; 0 is fastest for few streams.
        `late_window_s`: for so long after a request is over a block may still come; `on_late_block` is told of it.
        `registry`: a schema registry's Confluent interface, `http://[user:password@]host:port`: only its ids are
        written and read, as the gates must do too; None: the compiled-in ones.
        `timeout_s`: for what the cluster is asked when the worker opens and closes, seconds.
        """
        if not worker_id:
            raise ConfigError("worker_id must not be empty")
        self.worker_id = worker_id
        self.chunk_latencies = Latencies()
        """From a chunk's send to the loop's handling of its verdict."""
        self.prompt_latencies = Latencies()
        self.first_text_latencies = Latencies()
        self._fallback = fallback or Contract()
        self._breaker = Breaker(breaker_threshold, int(probe_every_s * 1e6))
        self._late_window_us = int(late_window_s * 1e6)
        self._on_late_block = on_late_block
        self._settings = BusSettings(
            brokers=brokers,
            worker_id=worker_id,
            prompts_topic=prompts_topic,
            chunks_topic=chunks_topic,
            verdicts_topic=verdicts_topic,
            registry=registry,
            own_partitions=own_partitions,
            linger_ms=linger_ms,
            timeout_s=timeout_s,
            options=kafka_options or {},
            producer_options=producer_options or {},
            consumer_options=consumer_options or {},
        )
        self._bus: Bus | None = None
        self._own: OwnPartitions | None = None
        self._timers: Timers | None = None
        self._requests: dict[str, Request] = {}
        self._idle: deque[tuple[int, Request]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        self._sent = {"prompts": 0, "chunks": 0}
        self._verdicts = 0
        self._unknown = 0
        self._timeouts = 0
        self._bypassed = 0

    def __repr__(self) -> str:
        return f"<Worker {self.worker_id} {'open' if self._bus else 'closed'}>"

    async def __aenter__(self) -> Worker:
        """Connects. Raises `NotConnected` or `ConfigError`."""
        bus = Bus(self._settings)
        try:
            self._own = await asyncio.to_thread(bus.open)
        except BaseException:
            await asyncio.to_thread(bus.close)
            raise
        loop = asyncio.get_running_loop()
        self._timers = Timers(loop, before=lambda: bus.fetch(self._on_verdict))
        self._bus = bus
        bus.start(loop, self._on_verdict)
        self._sweep()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends the open streams, as if their users had gone, and waits for what was sent to be acknowledged."""
        for request in list(self._requests.values()):
            for stream in list(request.streams.values()):
                await stream.aclose()
            request.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        self.timers.close()
        bus, self._bus = self._bus, None
        if bus is not None:
            await asyncio.to_thread(bus.close)

    # Prompts and streams.

    def submit_prompt(
        self,
        prompt: str | Segment | Iterable[Segment],
        *,
        tenant: str,
        request_id: str | None = None,
        subject_id: str | None = None,
        locale_hint: str | None = None,
        budget_us: int | None = None,
    ) -> Request:
        """Sends a prompt and does not wait; `guard` does, before it shows anything.

        `request_id`: None draws one. `subject_id`: a pseudonym of the person behind the text. `locale_hint`: a BCP 47
        tag. `budget_us`: how long the verdict is waited for, microseconds, 0 or more; None: as long as the fallback
        says, while the gate goes by its policy. Raises `TextTooLong` above 1 MiB of text, `NotConnected` if not open.
        """
        segments = _segments(prompt)
        if sum(len(segment["text"]) for segment in segments) > MAX_TEXT_BYTES:
            raise TextTooLong(MAX_TEXT_BYTES)
        bus, own = self._opened()
        if request_id is None:
            request_id, partition = own.draw()
        elif request_id in self._requests:
            raise ConfigError("this request id is in use")
        else:
            partition = own.place(request_id)
        now = now_us()
        if self._breaker.admit(now) is Admission.BYPASS:
            self._bypassed += 1
            check = PromptCheck.bypass(self._fallback)
        else:
            check = PromptCheck(now, self._fallback, budget_us)
            frame = bus.codec.prompt.encode(
                {
                    "request_id": request_id,
                    "tenant": tenant,
                    "subject_id": subject_id,
                    "worker_id": self.worker_id,
                    "locale_hint": locale_hint,
                    "budget_us": budget_us,
                    "segments": segments,
                    "enc": None,
                }
            )
            bus.send(self._settings.prompts_topic, partition, request_id.encode(), frame)
            self._sent["prompts"] += 1
        request = Request(self, request_id, partition, tenant, locale_hint, check, now)
        self._requests[request_id] = request
        request.open()
        return request

    async def check_prompt(
        self,
        prompt: str | Segment | Iterable[Segment],
        *,
        tenant: str,
        request_id: str | None = None,
        subject_id: str | None = None,
        locale_hint: str | None = None,
        budget_us: int | None = None,
    ) -> PromptResult:
        """Sends a prompt and waits for what comes of it. Takes and raises what `submit_prompt` does."""
        request = self.submit_prompt(
            prompt,
            tenant=tenant,
            request_id=request_id,
            subject_id=subject_id,
            locale_hint=locale_hint,
            budget_us=budget_us,
        )
        return await request.verdict()

    def guard(
        self,
        request: Request,
        tokens: AsyncIterable[str | bytes],
        *,
        attempt: int = 0,
        choice: int = 0,
        channel: Channel = Channel.CONTENT,
        on_abort: Callable[[], Any] | None = None,
    ) -> GuardedStream:
        """Guards the text that `tokens` brings, from when the stream is first iterated over.

        `attempt`, `choice`: 0 or more. `on_abort` is called (and awaited) once if the model should stop; `tokens` is
        cancelled and closed in any case.
        """
        return self._stream(request, StreamId(request.request_id, attempt, choice, Channel(channel)), tokens, on_abort)

    def open_stream(
        self,
        request: Request,
        *,
        attempt: int = 0,
        choice: int = 0,
        channel: Channel = Channel.CONTENT,
        on_abort: Callable[[], Any] | None = None,
    ) -> GuardedStream:
        """The same for an engine that calls back: bring the text with `push`, its end with `finish`."""
        return self._stream(request, StreamId(request.request_id, attempt, choice, Channel(channel)), None, on_abort)

    # What can be seen from outside.

    @property
    def breaker_is_open(self) -> bool:
        """Whether requests are bypassed, since verdicts have not come in time."""
        return self._breaker.is_open

    def stats(self) -> dict[str, Any]:
        """Counts since the start, and latencies in microseconds by a monotonic clock."""
        bus = self._bus
        return {
            "prompts_sent": self._sent["prompts"],
            "chunks_sent": self._sent["chunks"],
            "verdicts": self._verdicts,
            "verdicts_unknown": self._unknown,
            "verdicts_foreign": bus.foreign if bus else 0,
            "verdicts_undecodable": bus.undecodable if bus else 0,
            "undelivered": bus.undelivered if bus else 0,
            "timeouts": self._timeouts,
            "bypassed": self._bypassed,
            "breaker_open": self.breaker_is_open,
            "requests": len(self._requests),
            "prompt_us": self.prompt_latencies.summary(),
            "chunk_us": self.chunk_latencies.summary(),
            "first_text_us": self.first_text_latencies.summary(),
        }

    # What requests and streams call.

    @property
    def timers(self) -> Timers:
        """The deadlines of all requests and streams."""
        if self._timers is None:
            raise NotConnected("the worker is not open")
        return self._timers

    def send_chunk(self, request: Request, stream_id: StreamId, chunk: Send) -> None:
        """Sends a chunk of a stream. One that cannot be sent has no verdict, so the fail mode decides."""
        if self._bus is None:
            return
        opening = chunk.opening
        frame = self._bus.codec.chunk.encode(
            {
                "request_id": request.request_id,
                "attempt": stream_id.attempt,
                "choice": stream_id.choice,
                "channel": stream_id.channel.value,
                "seq": chunk.seq,
                "byte_start": chunk.byte_start,
                "text": chunk.text,
                "end": chunk.end.value,
                "tenant": request.tenant,
                "policy_hash": "",
                "worker_id": self.worker_id,
                "opening": None
                if opening is None
                else {
                    "locale_hint": opening.locale_hint,
                    "budget_us": opening.budget_us,
                    "hold_chars": opening.hold_chars,
                    "hold_ms": opening.hold_ms,
                    "on_expiry": opening.on_expiry.value,
                    "fail_mode": opening.fail_mode.value,
                    "prompt_verdict_id": opening.prompt_verdict_id,
                    "prompt_categories": opening.prompt_categories,
                },
                "enc": None,
            }
        )
        self._bus.send(self._settings.chunks_topic, request.partition, request.key, frame)
        self._sent["chunks"] += 1

    def count(self, timeouts: int, answers: int, now: int) -> None:
        """Verdicts that did not come in time, and ones that did."""
        for _ in range(timeouts):
            self._timeouts += 1
            self._breaker.on_timeout(now)
        if answers:
            self._breaker.on_answer()

    def stream_is_over(self, request: Request) -> None:
        """Something of the request is over. Once all is, it is kept only for blocks that come late."""
        if request.is_idle:
            request.forget_at_us = now_us() + self._late_window_us
            self._idle.append((request.forget_at_us, request))

    def tell_late_block(self, block: LateBlock) -> None:
        """Tells the caller of a block that came after the result."""
        if self._on_late_block is None:
            log.warning("a block came late, and nobody is told: request %s", block.request_id)
            return
        try:
            self._on_late_block(block)
        except Exception:
            log.exception("on_late_block failed")

    def keep_task(self, task: asyncio.Future[Any]) -> None:
        """Holds on to a task until it is done; the loop itself does not."""
        self._tasks.add(task)
        task.add_done_callback(self._task_is_done)

    def _task_is_done(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("on_abort failed", exc_info=task.exception())

    def _opened(self) -> tuple[Bus, OwnPartitions]:
        if self._bus is None or self._own is None:
            raise NotConnected("the worker is not open")
        return self._bus, self._own

    def _stream(
        self,
        request: Request,
        stream_id: StreamId,
        source: AsyncIterable[str | bytes] | None,
        on_abort: Callable[[], Any] | None,
    ) -> GuardedStream:
        self._opened()
        name = str(stream_id)
        if name in request.streams:
            raise ConfigError(f"stream {name} is there already")
        stream = GuardedStream(self, request, stream_id, source, on_abort)
        request.streams[name] = stream
        self._requests[request.request_id] = request
        stream.open()
        return stream

    def _on_verdict(self, verdict: Verdict) -> None:
        if self._bus is None:
            return
        self._verdicts += 1
        try:
            self._hand_on(verdict, now_us())
        except Exception:
            # The others' verdicts must not be lost for it.
            log.exception("the verdict on %s of request %s failed", verdict.stream_id, verdict.request_id)

    def _hand_on(self, verdict: Verdict, now: int) -> None:
        request = self._requests.get(verdict.request_id)
        if request is None:
            self._unknown += 1
        elif verdict.stream_id is None:
            request.on_verdict(verdict, now)
        elif (stream := request.streams.get(verdict.stream_id)) is not None:
            stream.on_verdict(verdict, now)
        else:
            self._unknown += 1

    def _sweep(self) -> None:
        now = now_us()
        while self._idle and self._idle[0][0] <= now:
            _, request = self._idle.popleft()
            if request.is_idle and request.forget_at_us <= now:
                self._requests.pop(request.request_id, None)
                # Streams know their request: without this only the collector of garbage would find them.
                request.streams.clear()
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_EVERY_S, self._sweep)


def _segments(prompt: str | Segment | Iterable[Segment]) -> list[dict[str, Any]]:
    if isinstance(prompt, str):
        prompt = Segment(prompt)
    if isinstance(prompt, Segment):
        prompt = (prompt,)
    return [
        {
            "role": Role(segment.role).value,
            "name": segment.name,
            "text": segment.text.encode(errors="surrogatepass") if isinstance(segment.text, str) else segment.text,
        }
        for segment in prompt
    ]
