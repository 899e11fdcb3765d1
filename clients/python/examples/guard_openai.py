"""Guards a stream of the OpenAI SDK, whatever speaks its protocol at the other end.

    pip install 'weir-client[openai]'
    python examples/guard_openai.py                                  # offline: model, Kafka and gate of its own
    OPENAI_API_KEY=... python examples/guard_openai.py --brokers localhost:9092 --base-url URL --model NAME

`guarded_chat` is what to copy. The prompt's check runs while the model begins to generate. Further choices, reasoning
and tool arguments are streams of their own: `worker.guard(request, ..., choice=1, channel=Channel.REASONING)`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from typing import Any

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from weir_client import Contract, FailMode, Retracted, Segment, StreamResult, Worker
from weir_client.testing import MOCK_CONSUMER_OPTIONS, FakeGate, MockKafka

ANSWER = "A weir is a low dam. The card is 4111 1111 1111 1111. Then comes something forbidden, and more."


async def guarded_chat(
    worker: Worker,
    client: AsyncOpenAI,
    *,
    model: str,
    messages: list[ChatCompletionMessageParam],
    tenant: str,
    results: list[StreamResult],
) -> AsyncIterator[str]:
    """The text that may be shown, as it comes. Appends to `results` how the stream ended.

    Raises `Retracted` if text must be taken back, and what the SDK raises.
    """
    request = worker.submit_prompt(segments_of(messages), tenant=tenant)
    response = await client.chat.completions.create(model=model, messages=messages, stream=True)

    async def tokens() -> AsyncIterator[str]:
        async for chunk in response:
            for choice in chunk.choices:
                if choice.index == 0 and choice.delta.content:
                    yield choice.delta.content

    # Closing the response ends the request at the model's end too.
    stream = worker.guard(request, tokens(), on_abort=response.close)
    try:
        async for text in stream:
            yield text
    finally:
        if stream.is_over:
            results.append(stream.result)
        await response.close()


def segments_of(messages: Iterable[ChatCompletionMessageParam]) -> list[Segment]:
    """The text of a chat, in the order in which the model sees it."""
    segments = []
    for message in messages:
        content = message.get("content")
        parts = [content] if isinstance(content, str) else [part.get("text") for part in content or ()]
        role = message["role"] if message["role"] in ("system", "user", "assistant", "tool") else "other"
        segments += [Segment(text, role) for text in parts if isinstance(text, str)]
    return segments


class FakeModel:
    """The least of an OpenAI-compatible server: it answers every chat with `ANSWER`, a word at a time."""

    def __init__(self) -> None:
        self._answering: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> FakeModel:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._answering)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
            for word in ANSWER.split(" "):
                writer.write(self._event({"content": word + " "}, None))
                await writer.drain()
                await asyncio.sleep(0.05)
            writer.write(self._event({}, "stop") + b"data: [DONE]\n\n")
            await writer.drain()
        except ConnectionError:
            print("\n  (the model was stopped)")
        finally:
            writer.close()

    def _event(self, delta: dict[str, str], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "fake", "choices": [choice]}
        return f"data: {json.dumps(chunk)}\n\n".encode()


async def main() -> None:
    """Asks once and prints what may be shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", help="host:port[,host:port...]; without it Kafka and gate are in this process")
    parser.add_argument("--base-url", help="of an OpenAI-compatible API; without it the model is in this process")
    parser.add_argument("--model", default="fake")
    parser.add_argument("--tenant", default="default")
    parser.add_argument("--prompt", default="What is a weir?")
    args = parser.parse_args()
    async with AsyncExitStack() as stack:
        settings: dict[str, Any] = {"brokers": args.brokers}
        if args.brokers is None:
            kafka = MockKafka()
            stack.enter_context(FakeGate(kafka.bootstrap))
            settings = {"brokers": kafka.bootstrap, "consumer_options": MOCK_CONSUMER_OPTIONS}
        base_url, api_key = args.base_url, os.environ.get("OPENAI_API_KEY")
        if base_url is None:
            base_url, api_key = (await stack.enter_async_context(FakeModel())).base_url, "none"
        fallback = Contract(budget_us=2_000_000, fail_mode=FailMode.CLOSED, completion="(no verdict came)")
        worker = await stack.enter_async_context(Worker(worker_id="guard-openai", fallback=fallback, **settings))
        client = await stack.enter_async_context(AsyncOpenAI(base_url=base_url, api_key=api_key))
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": args.prompt}]
        results: list[StreamResult] = []
        try:
            async for text in guarded_chat(
                worker, client, model=args.model, messages=messages, tenant=args.tenant, results=results
            ):
                print(text, end="", flush=True)
        except Retracted as retracted:
            print(f"\n  only the first {retracted.keep_chars} characters stay; {retracted.completion or ''}")
        for result in results:
            print(f"\n  ended: {result.ended}, why cut: {result.why_cut}, chunks: {result.summary.chunks}")


if __name__ == "__main__":
    asyncio.run(main())
