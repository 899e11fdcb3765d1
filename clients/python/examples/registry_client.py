"""An ordinary Avro client: confluent-kafka's serializers and a schema registry, and nothing of Weir's.

Sends prompts and reads verdicts or moderation records, against `weir up` (which serves its schemas) or any cluster
with a registry:

    registry_client.py --brokers ADDRESS --registry URL \\
        send --topic weir.prompts.v1 --schema schemas/prompt.avsc r-1 "Hello"
    registry_client.py --brokers ADDRESS --registry URL read --topic weir.verdicts.v1 r-1
"""

import argparse
import json
import pathlib
import sys
import time
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

PATIENCE_S = 60.0


def send(arguments: argparse.Namespace, registry: SchemaRegistryClient) -> None:
    """Sends one prompt and waits until it is acknowledged."""
    # Schemas are registered by `weir schemas register` alone; here they are looked up.
    serialize = AvroSerializer(
        registry,
        arguments.schema.read_text(),
        conf={"auto.register.schemas": False, "use.latest.version": arguments.latest},
    )
    prompt = {
        "request_id": arguments.request_id,
        "tenant": "acme",
        "worker_id": "registry-client",
        "budget_us": 600_000_000,
        "segments": [{"role": "user", "text": arguments.text.encode()}],
    }
    value = serialize(prompt, SerializationContext(arguments.topic, MessageField.VALUE))
    producer = Producer({"bootstrap.servers": arguments.brokers})
    producer.produce(arguments.topic, key=arguments.request_id.encode(), value=value)
    if producer.flush(PATIENCE_S) > 0:
        sys.exit("the prompt was not acknowledged")


def read(arguments: argparse.Namespace, registry: SchemaRegistryClient) -> None:
    """Prints records as JSON, one a line, until there was one of each request.

    They are as the reader's schema has them, or the writer's, if none is named.
    """
    reader = arguments.reader.read_text() if arguments.reader else None
    deserialize = AvroDeserializer(registry, reader)
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.brokers,
            "group.id": "registry-client",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            # The embedded broker sleeps out the whole wait.
            "fetch.wait.max.ms": 10,
        }
    )
    partitions = consumer.list_topics(arguments.topic, timeout=PATIENCE_S).topics[arguments.topic].partitions
    consumer.assign([TopicPartition(arguments.topic, number, OFFSET_BEGINNING) for number in partitions])
    deadline = time.monotonic() + PATIENCE_S
    left = set(arguments.request_ids)
    while left:
        if time.monotonic() > deadline:
            sys.exit(f"no record of {sorted(left)} came within {PATIENCE_S:.0f} s")
        message = consumer.poll(0.2)
        if message is None or message.error() or not message.value():
            continue
        record: Any = deserialize(message.value(), SerializationContext(arguments.topic, MessageField.VALUE))
        print(json.dumps(record, default=lambda value: value.decode(errors="replace")))
        left.discard(record["request_id"])
    consumer.close()


def main() -> None:
    """Parses the arguments and does what they say."""
    parser = argparse.ArgumentParser(description="An ordinary Avro client.")
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--registry", required=True)
    commands = parser.add_subparsers(required=True)
    sending = commands.add_parser("send")
    sending.set_defaults(run=send)
    sending.add_argument("--topic", required=True)
    sending.add_argument("--schema", required=True, type=pathlib.Path)
    sending.add_argument(
        "--latest", action="store_true", help="under the subject's latest version, whatever its spelling"
    )
    sending.add_argument("request_id")
    sending.add_argument("text")
    reading = commands.add_parser("read")
    reading.set_defaults(run=read)
    reading.add_argument("--topic", required=True)
    reading.add_argument("--reader", type=pathlib.Path, help="schema to read as")
    reading.add_argument("request_ids", nargs="+")
    arguments = parser.parse_args()
    arguments.run(arguments, SchemaRegistryClient({"url": arguments.registry}))


if __name__ == "__main__":
    main()
