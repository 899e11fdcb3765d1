"""The Kafka side of a worker: one producer, one consumer of verdicts, and the thread that serves both."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from .complaints import kafka_log
from .errors import ConfigError, NotConnected, WireError
from .partition import OwnPartitions
from .registry import SchemaRegistry
from .types import Verdict
from .wire import Codec, verdict_of

log = logging.getLogger("weir_client")

# One hand-over is to take the loop a few milliseconds, not more.
_MAX_BATCH = 500
_IDLE_POLL_S = 0.05
_PAUSE_S = 0.001
# Verdicts that wait for their schema at most; their budgets run out long before there are so many.
_MOST_WAITING = 1_000

OnVerdict: TypeAlias = Callable[[Verdict], None]


@dataclass(frozen=True, slots=True)
class BusSettings:
    """How to reach the cluster. Options are librdkafka's; they win over the package's own, and may be passwords."""

    brokers: str
    worker_id: str
    prompts_topic: str = "weir.prompts.v1"
    chunks_topic: str = "weir.chunks.v1"
    verdicts_topic: str = "weir.verdicts.v1"
    registry: str | None = field(default=None, repr=False)
    own_partitions: int = 2
    linger_ms: float = 0.5
    timeout_s: float = 10.0
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    producer_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    consumer_options: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Bus:
    """Sends records from the loop's thread; hands verdicts over to it, as many at a time as have come.

    The librdkafka options are those of `crates/bus/src/config.rs`, whose comments give the reasons.
    """

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._worker_id = settings.worker_id.encode()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._ready: list[Message] = []
        self._handing_over = False
        self._lock = threading.Lock()
        self.codec = Codec()
        self._registry: SchemaRegistry | None = None
        self._waiting: list[Message] = []
        self.undecodable = 0
        self.foreign = 0
        self.read_errors = 0
        self.undelivered = 0
        self._producer = Producer(self._producer_config())
        self._consumer = Consumer(self._consumer_config())

    def open(self) -> OwnPartitions:
        """Resolves the partitions and where their verdicts end. Blocks for up to a few times `timeout_s`.

        Raises `NotConnected` if no broker or registry answers, `ConfigError` if topics are missing or do not fit each
        other, or what is written is not registered.
        """
        settings = self._settings
        if settings.registry is not None:
            self._registry = SchemaRegistry(settings.registry, timeout_s=settings.timeout_s)
            self.codec = self._registry.open(self.codec, *self._topics())
        try:
            counts = {topic: self._partition_count(topic) for topic in self._topics()}
            if len(set(counts.values())) != 1:
                raise ConfigError(f"prompts, chunks and verdicts must have the same count of partitions, not {counts}")
            own = OwnPartitions(settings.worker_id, counts[settings.verdicts_topic], settings.own_partitions)
            # Before the first send, so that no verdict is missed.
            self._consumer.assign([self._end_of(partition) for partition in own.numbers])
        except KafkaException as error:
            raise NotConnected(f"the cluster does not answer: {error.args[0]}") from error
        return own

    def start(self, loop: asyncio.AbstractEventLoop, on_verdict: OnVerdict) -> None:
        """From now on calls `on_verdict` on the loop's thread."""
        self._thread = threading.Thread(
            target=self._serve, args=(loop, on_verdict), name="weir-client-bus", daemon=True
        )
        self._thread.start()

    def send(self, topic: str, partition: int, key: bytes, frame: bytes) -> bool:
        """Hands a record to the producer, which sends it again until it is acknowledged. False: it was not taken."""
        try:
            self._producer.produce(topic, frame, key, partition)
        except (BufferError, KafkaException) as error:
            self.undelivered += 1
            log.warning("a record for %s was not taken by the producer: %s", topic, error)
            return False
        return True

    def close(self) -> None:
        """Waits for what was sent to be acknowledged, up to `timeout_s`, and stops. Blocks."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
        left = self._producer.flush(self._settings.timeout_s)
        if left:
            log.warning("%d records were not acknowledged before the worker closed", left)
        self._consumer.close()
        if self._registry is not None:
            self._registry.close()

    def _topics(self) -> tuple[str, str, str]:
        return self._settings.prompts_topic, self._settings.chunks_topic, self._settings.verdicts_topic

    def _partition_count(self, topic: str) -> int:
        metadata = self._producer.list_topics(topic, timeout=self._settings.timeout_s).topics[topic]
        if metadata.error is not None or not metadata.partitions:
            raise ConfigError(f"topic {topic} is not there: weir topics apply makes it")
        return len(metadata.partitions)

    def _end_of(self, partition: int) -> TopicPartition:
        place = TopicPartition(self._settings.verdicts_topic, partition)
        offsets = self._consumer.get_watermark_offsets(place, timeout=self._settings.timeout_s)
        if offsets is None:
            raise NotConnected(f"no end offset of {self._settings.verdicts_topic} partition {partition} in time")
        place.offset = offsets[1]
        return place

    def _serve(self, loop: asyncio.AbstractEventLoop, on_verdict: OnVerdict) -> None:
        while not self._closing.is_set():
            try:
                first = self._consumer.poll(_PAUSE_S if self._waiting else _IDLE_POLL_S)
                self._producer.poll(0)
                # `consume` alone would wait until the batch is full.
                batch = [] if first is None else [first, *self._consumer.consume(_MAX_BATCH, 0)]
                if self._registry is not None:
                    batch = self._readable(self._registry, batch)
                if not batch:
                    continue
            except Exception:
                self.read_errors += 1
                log.exception("reading verdicts failed")
                self._closing.wait(_IDLE_POLL_S)
                continue
            if not self._hand_over(batch, loop, on_verdict):
                return
            if self._handing_over:
                # What comes meanwhile can wait until the loop has fetched this.
                self._closing.wait(_PAUSE_S)

    def _readable(self, registry: SchemaRegistry, batch: list[Message]) -> list[Message]:
        """What has come or has waited and can be read now; the rest waits until the registry has said what it is."""
        readable: list[Message] = []
        waiting: list[Message] = []
        for message in [*self._waiting, *batch]:
            frame = message.value() if message.error() is None else None
            (waiting if frame is not None and registry.is_waiting(frame) else readable).append(message)
        given_up = max(0, len(waiting) - _MOST_WAITING)
        if given_up:
            self.undecodable += given_up
            log.warning("%d verdicts are given up: the registry does not say what their schema is", given_up)
        self._waiting = waiting[given_up:]
        return readable

    def _verdict_in(self, message: Message) -> Verdict | None:
        if message.error() is not None:
            self.read_errors += 1
            log.warning("reading verdicts: %s", message.error())
            return None
        frame = message.value()
        # Most verdicts of a busy partition are other workers'; this spares their decoding.
        if frame is None or self._worker_id not in frame:
            self.foreign += 1
            return None
        try:
            verdict = verdict_of(self.codec.verdict.decode(frame))
        except WireError as error:
            self.undecodable += 1
            log.warning("a verdict at %s/%s cannot be read: %s", message.partition(), message.offset(), error)
            return None
        if verdict.worker_id != self._settings.worker_id:
            self.foreign += 1
            return None
        return verdict

    def _hand_over(
        self,
        batch: list[Message],
        loop: asyncio.AbstractEventLoop,
        on_verdict: OnVerdict,
    ) -> bool:
        """Wakes the loop, unless it has yet to fetch what came before. False: it is closed."""
        with self._lock:
            self._ready += batch
            if self._handing_over:
                return True
            self._handing_over = True
        try:
            loop.call_soon_threadsafe(self.fetch, on_verdict)
        except RuntimeError:
            return False
        return True

    def fetch(self, on_verdict: OnVerdict) -> None:
        """Hands over whatever has come, on the loop's thread.

        Decoding is done here too: a thread that decodes keeps the interpreter for 5 ms at a time from a loop that lets
        go of it in each `produce`.
        """
        with self._lock:
            batch, self._ready = self._ready, []
            self._handing_over = False
        # One after the other: a batch of decoded records would set off the collector of garbage.
        for message in batch:
            verdict = self._verdict_in(message)
            if verdict is not None:
                on_verdict(verdict)

    def _on_delivery(self, error: Any, message: Message) -> None:
        if error is not None:
            self.undelivered += 1
            log.warning("a record for %s was not delivered: %s", message.topic(), error)

    def _common_config(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._settings.brokers,
            "client.id": f"weir-client-{self._settings.worker_id}",
            "socket.nagle.disable": True,
            "topic.metadata.refresh.interval.ms": 2000,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 1000,
            "logger": kafka_log(),
            **self._settings.options,
        }

    def _producer_config(self) -> dict[str, Any]:
        return {
            **self._common_config(),
            "linger.ms": self._settings.linger_ms,
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "message.timeout.ms": 30_000,
            "retry.backoff.ms": 10,
            "queue.buffering.max.messages": 100_000,
            "message.max.bytes": 8_388_608,
            # Whether a chunk arrived is what its verdict says; only failures are worth a callback.
            "delivery.report.only.error": True,
            "on_delivery": self._on_delivery,
            **self._settings.options,
            **self._settings.producer_options,
        }

    def _consumer_config(self) -> dict[str, Any]:
        return {
            **self._common_config(),
            "group.id": "weir-unused",  # librdkafka wants a name; no group is joined
            "fetch.wait.max.ms": 100,
            "fetch.min.bytes": 1,
            "fetch.queue.backoff.ms": 10,
            "queued.min.messages": 10_000,
            "isolation.level": "read_uncommitted",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            **self._settings.options,
            **self._settings.consumer_options,
        }
