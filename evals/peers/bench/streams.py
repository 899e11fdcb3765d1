"""Trials on streams: how much of what is forbidden each lets through.

Every answer is sent chunk by chunk, the next when the one before has its verdict, many answers at
a time. Shown is what verdicts released. Time plays no part: no late verdict has anything shown.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Producer

from bench.cluster import Cluster
from bench.planted import Answer, answers
from bench.subject import Subject, Task, Tools
from python_job.wire import Codec

PATIENCE_S = 20.0
OPENING = {
    "locale_hint": None,
    "budget_us": 3_600_000_000,
    "hold_chars": None,
    "hold_ms": None,
    "on_expiry": "hold",
    "fail_mode": "open",
    "prompt_verdict_id": None,
    "prompt_categories": [],
}


@dataclass(frozen=True)
class Leaks:
    """What came of some answers."""

    streams: int
    blocked: int
    forbidden_bytes: int
    released_bytes: int
    """Of the forbidden ones."""
    held_bytes: float
    """Not released after a verdict, on average; of text in which nothing was found."""

    @staticmethod
    def of(some: list[Answer]) -> Leaks:
        """Adds up."""
        verdicts = sum(one.verdicts for one in some)
        return Leaks(
            len(some),
            sum(one.blocked for one in some),
            sum(one.end - one.start for one in some),
            sum(one.leaked for one in some),
            sum(one.held for one in some) / max(verdicts, 1),
        )


def trial(
    tools: Tools, cluster: Cluster, name: str, hold_back: int, count: int
) -> dict[str, Leaks]:
    """Streams through one program, rules alone; plain and disguised ones apart."""
    topics = cluster.topics("chunks", "verdicts", "prompts", "checkpoints", "flagged", "dead")
    chunks, verdicts, prompts, *others = topics
    task = Task(
        brokers=cluster.brokers,
        group=cluster.name("group"),
        prompts=prompts if name == "weir" else "",
        chunks=chunks,
        verdicts=verdicts,
        others=others,
        kind="rules",
        hold_back=hold_back,
    )
    made = answers(count)
    with Subject(tools, name, task) as subject:
        _send(cluster, subject, chunks, verdicts, made)
    cluster.delete(topics)
    return {
        "plain": Leaks.of([one for one in made if not one.disguise]),
        "disguised": Leaks.of([one for one in made if one.disguise]),
    }


def _send(
    cluster: Cluster, subject: Subject, chunks: str, verdicts: str, made: list[Answer]
) -> None:
    codec, verdict_codec = Codec("chunk"), Codec("verdict")
    by_key = {one.key: one for one in made}
    sent = dict.fromkeys(by_key, 0)
    consumer = cluster.consumer(verdicts, cluster.ends(verdicts))
    producer = cluster.producer(0)
    for one in made:
        _next(producer, codec, chunks, one, 0)
    left, quiet_since = len(made), time.monotonic()
    while left:
        producer.poll(0)
        first = consumer.poll(0.1)
        if first is None:
            if time.monotonic() - quiet_since > PATIENCE_S:
                subject.check()
                raise RuntimeError(f"{subject.name} left {left} of {len(made)} streams unanswered")
            continue
        quiet_since = time.monotonic()
        for message in [first, *consumer.consume(500, timeout=0)]:
            verdict = verdict_codec.decode(message.value())
            answer = by_key.get(verdict["request_id"])
            if answer is None or answer.over:
                continue
            number = sent[answer.key]
            obey(answer, verdict, number)
            if answer.over:
                left -= 1
            elif verdict["seq_to"] >= number and number + 1 < len(answer.cuts):
                sent[answer.key] = number + 1
                _next(producer, codec, chunks, answer, number + 1)
    producer.flush(PATIENCE_S)
    consumer.close()


def obey(answer: Answer, verdict: dict[str, Any], number: int) -> None:
    """Shows what the verdict on a text of `number` + 1 chunks lets be shown."""
    if verdict["action"] == "block":
        answer.shown = max(answer.shown, verdict["truncate_at"] or 0)
        answer.blocked = answer.over = True
        return
    answer.shown = max(answer.shown, verdict["released_to"])
    if verdict["final"]:
        answer.over = True
    elif answer.cuts[number] <= answer.start:
        answer.held += answer.cuts[number] - answer.shown
        answer.verdicts += 1


def _next(producer: Producer, codec: Codec, topic: str, answer: Answer, number: int) -> None:
    start = answer.cuts[number - 1] if number else 0
    end = answer.cuts[number]
    record = {
        "request_id": answer.key,
        "seq": number,
        "byte_start": start,
        "text": answer.text[start:end],
        "end": "complete" if number + 1 == len(answer.cuts) else "none",
        "tenant": "peers",
        "worker_id": "peers",
        "opening": OPENING if number == 0 else None,
    }
    producer.produce(topic, codec.encode(record), answer.key)
