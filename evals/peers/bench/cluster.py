"""Topics of a run's own on a cluster, filling them, and counting what is in them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 4
PATIENCE_S = 60.0
NOT_YET = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)


class Cluster:
    """A cluster that can be reached."""

    def __init__(self, brokers: str) -> None:
        self.brokers = brokers
        self._admin = AdminClient({"bootstrap.servers": brokers})
        self._run = uuid.uuid4().hex[:8]
        self._made = 0
        # Asks for offsets, consumes nothing.
        self._watcher = Consumer({"bootstrap.servers": brokers, "group.id": f"peers-{self._run}"})

    def name(self, what: str) -> str:
        """A name that nothing else has."""
        self._made += 1
        return f"weir-peers-{self._run}-{self._made}-{what}"

    def topics(self, *what: str) -> list[str]:
        """Makes topics; their names."""
        names = [self.name(one) for one in what]
        config = {"retention.ms": "3600000"}
        specs = [
            NewTopic(name, num_partitions=PARTITIONS, replication_factor=1, config=config)
            for name in names
        ]
        for future in self._admin.create_topics(specs).values():
            future.result(PATIENCE_S)
        return names

    def delete(self, names: list[str]) -> None:
        """Deletes topics, so that the disk does not fill."""
        for future in self._admin.delete_topics(names).values():
            try:
                future.result(PATIENCE_S)
            except KafkaException as failed:
                # Deleted already, and still listed.
                if failed.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise

    def delete_all(self) -> None:
        """Deletes every topic of this run."""
        known = self._admin.list_topics(timeout=PATIENCE_S).topics
        mine = [name for name in known if name.startswith(f"weir-peers-{self._run}-")]
        if mine:
            self.delete(mine)

    def count(self, topic: str) -> int:
        """How many records a topic has had."""
        return sum(self.ends(topic))

    def ends(self, topic: str) -> list[int]:
        """Where each partition ends."""
        return [self._end(TopicPartition(topic, partition)) for partition in range(PARTITIONS)]

    def _end(self, partition: TopicPartition) -> int:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._watcher.get_watermark_offsets(partition, PATIENCE_S, cached=False)[1]
            except KafkaException as failed:
                # A topic that was just made has no leader for a moment.
                if time.monotonic() > deadline or failed.args[0].code() not in NOT_YET:
                    raise
                time.sleep(0.1)

    def producer(self, linger_ms: float) -> Producer:
        """A producer that chooses partitions as Weir's clients do."""
        return Producer(
            {
                "bootstrap.servers": self.brokers,
                "acks": "all",
                "linger.ms": linger_ms,
                "partitioner": "murmur2_random",
                "delivery.report.only.error": True,
                "on_delivery": _undelivered,
                "queue.buffering.max.messages": 1_000_000,
            }
        )

    def fill(self, topic: str, records: Iterable[tuple[str, bytes]]) -> None:
        """Writes records and waits until all are there."""
        producer = self.producer(50)
        for key, value in records:
            while True:
                try:
                    producer.produce(topic, value, key)
                    break
                except BufferError:
                    producer.poll(0.1)
        if producer.flush(PATIENCE_S):
            raise RuntimeError(f"{topic} could not be filled")

    def consumer(self, topic: str, offsets: list[int]) -> Consumer:
        """Reads all partitions of a topic from there on."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.brokers,
                "group.id": self.name("reader"),
                "enable.auto.commit": False,
            }
        )
        consumer.assign([TopicPartition(topic, *pair) for pair in enumerate(offsets)])
        return consumer

    def read(self, topic: str, last: int = 1_000_000) -> Iterator[Message]:
        """What is in a topic by now, of each partition the last so many."""
        ends = self.ends(topic)
        starts = [max(end - last, 0) for end in ends]
        left = sum(ends) - sum(starts)
        consumer = self.consumer(topic, starts)
        while left:
            batch = consumer.consume(min(left, 1000), PATIENCE_S)
            if not batch:
                raise RuntimeError(f"{topic} could not be read")
            for message in batch:
                if message.error():
                    raise KafkaException(message.error())
                yield message
            left -= len(batch)
        consumer.close()


def _undelivered(error: object, _message: Message) -> None:
    raise RuntimeError(f"a record was not delivered: {error}")
