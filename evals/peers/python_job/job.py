"""The job: prompts and chunks in, verdicts out, each at least once.

Offsets are committed after everything before them was delivered. Prints `ready` when it has its
partitions; stops on SIGTERM.
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from python_job.judge import Judge, now_us
from python_job.streams import Streams
from python_job.wire import Codec

BATCH = 256
COMMIT_EVERY_S = 0.25
POLL_S = 0.1
DELIVERY_S = 30.0

Work = Callable[[list[Message]], list[tuple[Message, bytes]]]


class Job:
    """A consumer, a producer, and what is done in between."""

    def __init__(self, args: argparse.Namespace, work: Work) -> None:
        self._work = work
        self._to = args.verdicts
        self._running = True
        self._producer = Producer(
            {
                "bootstrap.servers": args.brokers,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 1,
                # A callback for each of thousands of records a second would be most of the work.
                "delivery.report.only.error": True,
                "on_delivery": self._undelivered,
            }
        )
        self._consumer = Consumer(
            {
                "bootstrap.servers": args.brokers,
                "group.id": args.group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        self._consumer.subscribe(
            [topic for topic in (args.prompts, args.chunks) if topic],
            on_assign=self._assigned,
            on_revoke=self._revoked,
        )

    def stop(self, *_signal: object) -> None:
        """Ends the loop."""
        self._running = False

    def run(self) -> None:
        """Works until stopped."""
        committed = time.monotonic()
        dirty = False
        while self._running:
            batch = self._next_batch()
            if batch:
                dirty = True
                for source, frame in self._work(batch):
                    self._send(source, frame)
            self._producer.poll(0)
            if dirty and time.monotonic() - committed >= COMMIT_EVERY_S:
                self._commit(asynchronous=True)
                committed, dirty = time.monotonic(), False
        if dirty:
            self._commit(asynchronous=False)
        self._consumer.close()

    def _next_batch(self) -> list[Message]:
        """One record as soon as there is one, and what else is there by then."""
        first = self._consumer.poll(POLL_S)
        if first is None:
            return []
        batch = [first, *self._consumer.consume(BATCH - 1, timeout=0)]
        for message in batch:
            if message.error():
                raise KafkaException(message.error())
        return batch

    def _send(self, source: Message, frame: bytes) -> None:
        while True:
            try:
                self._producer.produce(self._to, frame, source.key(), source.partition())
                return
            except BufferError:
                self._producer.poll(0.05)

    def _commit(self, *, asynchronous: bool) -> None:
        if self._producer.flush(DELIVERY_S):
            raise RuntimeError("verdicts were not delivered")
        self._consumer.commit(asynchronous=asynchronous)

    def _undelivered(self, error: KafkaError, _message: Message) -> None:
        # Nothing was committed since, so that whoever comes next judges it again.
        raise KafkaException(error)

    def _assigned(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        print("ready", flush=True)

    def _revoked(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self._producer.flush(DELIVERY_S)


def judging(judge: Judge, streams: Streams, args: argparse.Namespace) -> Work:
    """Work that judges."""
    prompt_codec, chunk_codec = Codec("prompt"), Codec("chunk")

    def work(batch: list[Message]) -> list[tuple[Message, bytes]]:
        taken_us = now_us()
        answers = []
        prompts = [message for message in batch if message.topic() == args.prompts]
        if prompts:
            records = [prompt_codec.decode(message.value()) for message in prompts]
            verdicts = judge.prompts(records, [origin(message) for message in prompts], taken_us)
            answers += zip(prompts, verdicts, strict=True)
        for message in batch:
            if message.topic() == args.chunks:
                verdict = streams.judge(chunk_codec.decode(message.value()), origin(message))
                if verdict:
                    answers.append((message, verdict))
        return answers

    return work


def origin(message: Message) -> str:
    """Where a record stands: the same whenever it is read again."""
    return f"{message.topic()}/{message.partition()}/{message.offset()}"


def echo(batch: list[Message]) -> list[tuple[Message, bytes]]:
    """Work that passes everything on."""
    return [(message, message.value()) for message in batch]


def time_rules(judge: Judge, file: Path, seconds: float) -> None:
    """Prints the microseconds of processor time that the rules take for a text of `file`."""
    texts = file.read_bytes().split(b"\0")
    for measured in (0.2, seconds):
        count, began = 0, time.process_time()
        while time.process_time() - began < measured:
            for text in texts:
                judge.rules.scan(text)
            count += len(texts)
    print((time.process_time() - began) * 1e6 / count)


def main() -> None:
    """Reads the command line and works."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers")
    parser.add_argument("--group")
    parser.add_argument("--prompts", default="")
    parser.add_argument("--chunks", default="")
    parser.add_argument("--verdicts")
    parser.add_argument("--settings", type=Path, required=True, help="policy and rules, JSON")
    parser.add_argument("--model", type=Path, help="folder; without it, rules alone")
    parser.add_argument("--hold-back", type=int, default=0, help="bytes not released on streams")
    parser.add_argument("--echo", action="store_true", help="pass records on, as they are")
    parser.add_argument("--time-rules", type=Path, help="time the rules on texts of this file")
    parser.add_argument("--seconds", type=float, default=2)
    args = parser.parse_args()
    if args.echo:
        job = Job(args, echo)
    else:
        judge = Judge(args.settings, args.model)
        if args.time_rules:
            time_rules(judge, args.time_rules, args.seconds)
            return
        job = Job(args, judging(judge, Streams(judge, args.hold_back), args))
    # What is loaded stays; the collector need not look at it again.
    gc.freeze()
    signal.signal(signal.SIGTERM, job.stop)
    job.run()


if __name__ == "__main__":
    sys.exit(main())
