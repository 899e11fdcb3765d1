"""Guards a token generator.

    python examples/guard_tokens.py                                  # offline: Kafka and a gate of its own
    python examples/guard_tokens.py --brokers localhost:9092 --prompt "Tell me about weirs"

Offline the gate knows two literals: it blocks "forbidden" and masks a card number.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from weir_client import Contract, Cutoff, FailMode, Request, Retraction, Text, Worker
from weir_client.testing import MOCK_CONSUMER_OPTIONS, FakeGate, MockKafka

ANSWERS = [
    "A weir is a low dam: it raises the water a little, and lets it pass.",
    "Sure, the card is 4111 1111 1111 1111, and it is Zoë's.",
    "It begins well, and then comes something forbidden that nobody will see.",
]


async def model(answer: str) -> AsyncIterator[str]:
    """Stands in for an engine: a few characters at a time."""
    for at in range(0, len(answer), 4):
        await asyncio.sleep(0.02)
        yield answer[at : at + 4]


async def show(worker: Worker, request: Request, answer: str) -> None:
    """Prints what the user may see, as it comes; what was taken back stays on a terminal, so it is only said."""
    stream = worker.guard(request, model(answer), on_abort=lambda: print(" (the engine is stopped) ", end=""))
    async for event in stream.events():
        match event:
            case Text(text):
                print(text, end="", flush=True)
            case Retraction(keep_chars):
                print(f" (only the first {keep_chars} characters stay) ", end="")
            case Cutoff(cut):
                print(f" (cut: {cut.reason}) {cut.completion or ''}", end="")
    result = stream.result
    unjudged = ", ".join(f"{detector} {cause}" for detector, cause in result.unjudged) or "nothing"
    print(f"\n  ended: {result.ended}, chunks: {result.summary.chunks}, unjudged: {unjudged}\n")


async def main() -> None:
    """Shows each answer in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", help="host:port[,host:port...]; without it all is within this process")
    parser.add_argument("--registry", help="a schema registry's Confluent interface, http://host:port")
    parser.add_argument("--kafka-options", type=Path, help="a file of key=value lines, options of librdkafka")
    parser.add_argument("--topics", nargs=3, metavar=("PROMPTS", "CHUNKS", "VERDICTS"), help="if they are others")
    parser.add_argument("--tenant", default="default")
    parser.add_argument("--prompt", default="Tell me about weirs")
    args = parser.parse_args()
    async with AsyncExitStack() as stack:
        settings: dict[str, Any] = {"brokers": args.brokers, "registry": args.registry}
        if args.kafka_options is not None:
            lines = args.kafka_options.read_text(encoding="utf-8").splitlines()
            settings["kafka_options"] = dict(line.split("=", 1) for line in lines if line)
        if args.topics is not None:
            settings |= zip(("prompts_topic", "chunks_topic", "verdicts_topic"), args.topics, strict=True)
        if args.brokers is None:
            kafka = MockKafka()
            stack.enter_context(FakeGate(kafka.bootstrap))
            settings = {"brokers": kafka.bootstrap, "consumer_options": MOCK_CONSUMER_OPTIONS}
        # What holds until the policy's own contract has come with the prompt's verdict.
        fallback = Contract(budget_us=2_000_000, fail_mode=FailMode.CLOSED, completion="(no verdict came)")
        worker = await stack.enter_async_context(Worker(worker_id="guard-tokens", fallback=fallback, **settings))
        for answer in ANSWERS:
            verdict = await worker.check_prompt(args.prompt, tenant=args.tenant)
            if verdict.blocked:
                print(verdict.completion)
                continue
            await show(worker, verdict.request, answer)


if __name__ == "__main__":
    asyncio.run(main())
