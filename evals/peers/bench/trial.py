"""Trials on prompts: working off a backlog, and a steady rate."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from bench.cluster import Cluster
from bench.subject import Subject, Task, Tools
from python_job.classifier import CATEGORIES
from python_job.wire import Codec

LOOK_S = 0.02
PATIENCE_S = 30.0
SETTLE_S = 0.5
"""For what is on its way, and the commit."""
SAMPLE = 250
"""Verdicts of each partition that are looked at."""
BUDGET_US = 3_600_000_000


Frame = tuple[str, bytes]
"""A record's key and value."""


def prompts(texts: list[bytes], first: int, count: int) -> list[Frame]:
    """Prompts with their numbers as keys."""
    codec = Codec("prompt")
    return [
        (str(number), prompt(codec, str(number), texts[number % len(texts)]))
        for number in range(first, first + count)
    ]


def prompt(codec: Codec, key: str, text: bytes) -> bytes:
    """A prompt's frame. Its budget is long: the wait in a backlog must not change what is done."""
    return codec.encode(
        {
            "request_id": key,
            "tenant": "peers",
            "worker_id": "peers",
            "budget_us": BUDGET_US,
            "segments": [{"role": "user", "name": None, "text": text}],
        }
    )


@contextmanager
def running(
    tools: Tools, cluster: Cluster, name: str, prompts_topic: str, kind: str
) -> Iterator[tuple[Subject, str]]:
    """A program that reads a topic of prompts; and the topic that it writes to."""
    chunks, verdicts, *others = cluster.topics(
        "chunks", "verdicts", "checkpoints", "flagged", "dead-letters"
    )
    task = Task(
        brokers=cluster.brokers,
        group=cluster.name("group"),
        prompts=prompts_topic,
        chunks=chunks if name == "weir" else "",
        verdicts=verdicts,
        others=others,
        kind=kind,
    )
    with Subject(tools, name, task) as subject:
        yield subject, verdicts
    cluster.delete([chunks, verdicts, *others])


def wait_for(cluster: Cluster, subject: Subject, topic: str, count: int) -> None:
    """Waits until a topic has so many records."""
    seen, changed = -1, time.monotonic()
    while (now := cluster.count(topic)) < count:
        if now != seen:
            seen, changed = now, time.monotonic()
        elif time.monotonic() - changed > PATIENCE_S:
            subject.check()
            raise RuntimeError(f"{subject.name} stopped at {now} of {count} records")
        time.sleep(LOOK_S)


def require_judged(name: str, verdicts: list[dict[str, Any]]) -> None:
    """Raises where the rules or the classifier had no say: its costs would not compare."""
    for one in verdicts:
        if one["unjudged"] or len(one["scores"]) != len(CATEGORIES):
            raise RuntimeError(f"{name} did not judge all of {one['request_id']}")


@dataclass(frozen=True)
class Drained:
    """What working off a backlog came to."""

    records: int
    wall_s: float
    cpu_s: float
    rss_mib: float

    @property
    def cpu_us(self) -> float:
        """Processor time a record."""
        return self.cpu_s * 1e6 / self.records


def drain(
    tools: Tools, cluster: Cluster, name: str, kind: str, warm: list[Frame], counted: list[Frame]
) -> Drained:
    """Works off a backlog.

    Processor time is read before it is there, with all of the warm-up answered and committed, and
    when it is gone: a program may read far ahead of what it has answered.
    """
    (topic,) = cluster.topics("backlog")
    cluster.fill(topic, warm)
    with running(tools, cluster, name, topic, kind) as (subject, verdicts):
        wait_for(cluster, subject, verdicts, len(warm))
        time.sleep(SETTLE_S)
        cpu_before, began = subject.cpu_s(), time.monotonic()
        # Written many times faster than any of them judges.
        cluster.fill(topic, counted)
        wait_for(cluster, subject, verdicts, len(warm) + len(counted))
        wall_s = time.monotonic() - began
        time.sleep(SETTLE_S)
        cpu_s = subject.cpu_s() - cpu_before
        if kind == "judge":
            codec = Codec("verdict")
            sample = [codec.decode(one.value()) for one in cluster.read(verdicts, SAMPLE)]
            require_judged(name, sample)
        rss_mib = subject.rss_mib()
    cluster.delete([topic])
    return Drained(len(counted), wall_s, cpu_s, rss_mib)


@dataclass(frozen=True)
class Steady:
    """What a steady rate came to; latencies count from when a record was due."""

    latencies_ms: list[float]
    missing: int
    cpu_us: float
    late_ms: list[float]
    """How late the sender itself was; part of the latencies."""


def steady(
    cluster: Cluster,
    subject: Subject,
    topics: tuple[str, str],
    frames: list[Frame],
    rate: int,
    warm_s: float,
) -> Steady:
    """Sends frames at a rate, whatever has come back by then; keys are numbers from `first` on."""
    prompts_topic, verdicts = topics
    here, there = multiprocessing.get_context("spawn").Pipe()
    first = int(frames[0][0])
    arguments = (there, cluster.brokers, verdicts, cluster.ends(verdicts), first, len(frames))
    reader = multiprocessing.get_context("spawn").Process(
        target=collect, args=arguments, daemon=True
    )
    reader.start()
    here.recv()
    producer = cluster.producer(0)
    skipped = int(rate * warm_s)
    cpu_before = 0.0
    sent_ns = np.zeros(len(frames), np.int64)
    start_ns = time.monotonic_ns() + 200_000_000
    interval_ns = 1_000_000_000 / rate
    for number, (key, frame) in enumerate(frames):
        due_ns = start_ns + number * interval_ns
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            producer.poll(0)
            time.sleep(min(left_ns, 1_000_000) / 1e9)
        if number == skipped:
            cpu_before = subject.cpu_s()
        sent_ns[number] = time.monotonic_ns()
        producer.produce(prompts_topic, frame, key)
    producer.flush(PATIENCE_S)
    here.send(None)
    seen_ns = np.frombuffer(here.recv_bytes(), np.int64)
    # When all is answered: what fell behind has its costs, too.
    cpu_s = subject.cpu_s() - cpu_before
    reader.join()
    due_ns_all = start_ns + np.arange(len(frames)) * interval_ns
    counted = seen_ns[skipped:]
    there_at = counted > 0
    latencies = (counted - due_ns_all[skipped:])[there_at] / 1e6
    late = (sent_ns - due_ns_all)[skipped:] / 1e6
    return Steady(
        latencies.tolist(),
        int((~there_at).sum()),
        cpu_s * 1e6 / (len(frames) - skipped),
        late.tolist(),
    )


def collect(
    pipe: Connection, brokers: str, topic: str, offsets: list[int], first: int, count: int
) -> None:
    """A process of its own: notes when the answer to each record came."""
    consumer = Cluster(brokers).consumer(topic, offsets)
    consumer.poll(0.5)
    pipe.send(None)
    seen_ns = np.zeros(count, np.int64)
    left, sent_all, quiet_since = count, False, time.monotonic()
    while left and not (sent_all and time.monotonic() - quiet_since > PATIENCE_S / 3):
        sent_all = sent_all or pipe.poll()
        one = consumer.poll(0.1)
        if one is None:
            continue
        batch = [one, *consumer.consume(500, timeout=0)]
        now_ns = time.monotonic_ns()
        quiet_since = time.monotonic()
        for message in batch:
            number = int(message.key()) - first
            if 0 <= number < count and not seen_ns[number]:
                seen_ns[number] = now_ns
                left -= 1
    pipe.send_bytes(seen_ns.tobytes())
    consumer.close()
