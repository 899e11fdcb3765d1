"""For tests, examples and benchmarks: Kafka within the process, and a gate that knows a few literals."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from .types import Channel, StreamId
from .wire import CHUNK, PROMPT, VERDICT

_TOPICS = ("weir.prompts.v1", "weir.chunks.v1", "weir.verdicts.v1")
# The mock cluster sleeps for all of it, even when data comes.
MOCK_CONSUMER_OPTIONS = {"fetch.wait.max.ms": 1}


class MockKafka:
    """librdkafka's own mock cluster, on a free port of this machine: real TCP, everything in memory."""

    def __init__(self) -> None:
        self._client = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        brokers = self._client.list_topics(timeout=10).brokers.values()
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
        """`host:port`, reachable while this object lives."""
        # Naming a topic makes it.
        for topic in _TOPICS:
            self._client.list_topics(topic, timeout=10)


@dataclass
class Rules:
    """What a `FakeGate` does. `contract` and `verdict` override fields of the records that it writes."""

    blocked: tuple[str, ...] = ("forbidden",)
    masked: tuple[str, ...] = ("4111 1111 1111 1111",)
    disposition: str = "retract"
    completion: str | None = "I can't continue with this."
    contract: Mapping[str, Any] = field(default_factory=dict)
    verdict: Mapping[str, Any] = field(default_factory=dict)
    delay_s: float = 0.0
    answers_prompts: bool = True
    answers_chunks: bool = True


@dataclass
class _Stream:
    text: bytes = b""
    released_to: int = 0
    blocked_at: int | None = None


class FakeGate:
    """Reads prompts and chunks, writes verdicts; blocks and masks by literals, and holds what could become one.

    Runs in a thread of its own from `start` (or entering) to `stop`. `rules` may be changed meanwhile.
    """

    def __init__(self, brokers: str, rules: Rules | None = None, options: Mapping[str, Any] | None = None) -> None:
        self.rules = rules or Rules()
        self.prompts: list[dict[str, Any]] = []
        self.chunks: list[dict[str, Any]] = []
        self.keeps_records = True
        self._streams: dict[str, _Stream] = {}
        self._closing = threading.Event()
        self._serial = 0
        common = {"bootstrap.servers": brokers, "log_level": 0, **(options or {})}
        self._producer = Producer({**common, "linger.ms": 0.2})
        self._consumer = Consumer(
            {**common, "group.id": "unused", "enable.auto.commit": False, "fetch.queue.backoff.ms": 10}
            | MOCK_CONSUMER_OPTIONS
        )
        self._consumer.assign([self._end_of(topic, number) for topic in _TOPICS[:2] for number in self._numbers(topic)])
        self._thread = threading.Thread(target=self.run, name="fake-gate", daemon=True)

    def __enter__(self) -> FakeGate:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stops answering."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._producer.flush(5)
        self._consumer.close()

    def run(self) -> None:
        """Answers until it is stopped, in the caller's thread."""
        while not self._closing.is_set():
            first = self._consumer.poll(0.02)
            self._producer.poll(0)
            if first is None:
                continue
            batch = [first, *self._consumer.consume(500, 0)]
            if self.rules.delay_s:
                time.sleep(self.rules.delay_s)
            for message in batch:
                self._answer(message)

    def send(self, record: Mapping[str, Any], partition: int) -> None:
        """Writes a verdict: the given fields in place of the plainest one's."""
        verdict = self._plain() | dict(record)
        self._producer.produce(_TOPICS[2], VERDICT.encode(verdict), verdict["request_id"].encode(), partition)
        self._producer.poll(0)

    def _numbers(self, topic: str) -> Iterable[int]:
        return list(self._producer.list_topics(topic, timeout=10).topics[topic].partitions)

    def _end_of(self, topic: str, partition: int) -> TopicPartition:
        place = TopicPartition(topic, partition)
        place.offset = self._consumer.get_watermark_offsets(place, timeout=10)[1]
        return place

    def _answer(self, message: Message) -> None:
        frame, partition = message.value(), message.partition()
        if frame is None or partition is None or message.error() is not None:
            return
        if message.topic() == _TOPICS[0]:
            self._answer_prompt(PROMPT.decode(frame), partition)
        else:
            self._answer_chunk(CHUNK.decode(frame), partition)

    def _answer_prompt(self, prompt: dict[str, Any], partition: int) -> None:
        if self.keeps_records:
            self.prompts.append(prompt)
        if not self.rules.answers_prompts:
            return
        text = b"\n".join(segment["text"] for segment in prompt["segments"])
        record = self._for(prompt) | {"final": True, "checked_to": len(text), "released_to": len(text)}
        record["contract"] = {
            "budget_us": 1_000_000,
            "hold_chars": 200,
            "hold_ms": 40,
            "on_expiry": "hold",
            "fail_mode": "open",
            "disposition": self.rules.disposition,
            "completion": self.rules.completion,
        } | dict(self.rules.contract)
        if self._first(text, self.rules.blocked) is not None:
            record |= self._block(0)
        self.send(record | dict(self.rules.verdict), partition)

    def _answer_chunk(self, chunk: dict[str, Any], partition: int) -> None:
        if self.keeps_records:
            self.chunks.append(chunk)
        if not self.rules.answers_chunks:
            return
        stream_id = str(StreamId(chunk["request_id"], chunk["attempt"], chunk["choice"], Channel(chunk["channel"])))
        stream = self._streams.setdefault(stream_id, _Stream())
        stream.text += chunk["text"]
        final = chunk["end"] != "none"
        record = self._for(chunk) | {
            "stream_id": stream_id,
            "seq_from": chunk["seq"],
            "seq_to": chunk["seq"],
            "final": final,
            "checked_to": len(stream.text),
        }
        found = self._first(stream.text, self.rules.blocked)
        if found is not None:
            stream.released_to = found
            record |= self._block(found)
        else:
            held_from = len(stream.text) if final else self._held_from(stream.text)
            stream.released_to = max(stream.released_to, held_from)
            if stream.released_to < len(stream.text):
                record["hold_from"] = stream.released_to
            record["findings"] = self._findings(stream.text)
            if record["findings"]:
                record["action"] = "attenuate"
        record["released_to"] = stream.released_to
        if final:
            del self._streams[stream_id]
        self.send(record | dict(self.rules.verdict), partition)

    def _first(self, text: bytes, literals: tuple[str, ...]) -> int | None:
        places = [at for literal in literals if (at := text.find(literal.encode())) >= 0]
        return min(places, default=None)

    def _held_from(self, text: bytes) -> int:
        """Where the longest end of `text` begins that a literal could begin with; whole characters only."""
        longest = 0
        for literal in (*self.rules.blocked, *self.rules.masked):
            encoded = literal.encode()
            for length in range(min(len(encoded) - 1, len(text)), longest, -1):
                if text.endswith(encoded[:length]):
                    longest = length
                    break
        return len(text[: len(text) - longest].decode(errors="ignore").encode())

    def _findings(self, text: bytes) -> list[dict[str, Any]]:
        found = []
        for literal in self.rules.masked:
            at = text.find(literal.encode())
            while at >= 0:
                span = {"start": at, "end": at + len(literal.encode())}
                found.append({"detector": "card", "category": "pii", "span": span, "mask": "label"})
                at = text.find(literal.encode(), span["end"])
        return found

    def _block(self, at: int) -> dict[str, Any]:
        return {
            "action": "block",
            "would_action": "block",
            "truncate_at": at,
            "disposition": self.rules.disposition,
            "completion": self.rules.completion,
        }

    def _for(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {name: asked[name] for name in ("request_id", "tenant", "worker_id")}

    def _plain(self) -> dict[str, Any]:
        self._serial += 1
        return {
            "verdict_id": f"{self._serial:032x}",
            "request_id": "",
            "tenant": "",
            "owner_epoch": 1,
            "action": "allow",
            "would_action": "allow",
            "judged_by": ["rules"],
            "provenance": {"policy_id": "fake"},
            "times": {},
        }
