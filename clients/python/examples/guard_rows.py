"""Guards answers that come as rows, through a running Weir: what its users would have seen.

    weir up                                                       # in another terminal; prints its brokers
    echo '{"chunks": ["My card is 4111 ", "1111 1111 1111."]}' | python examples/guard_rows.py --brokers ADDRESS

Rows are those of `weir check --jsonl`: {"id", "chunks": [...]}. Each gives {"id", "released", "truncate_at",
"timeouts"}, which says of the real pipeline what `weir check` says of the same code without Kafka.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from weir_client import Contract, Cutoff, FailMode, Retraction, Text, Worker


async def model(chunks: list[str]) -> AsyncIterator[str]:
    """Stands in for an engine."""
    for chunk in chunks:
        # A turn for everybody else, so that chunks go out one by one and together, as it happens.
        await asyncio.sleep(0)
        yield chunk


async def guard(worker: Worker, row: dict[str, Any], tenant: str) -> dict[str, Any]:
    """What a user would have seen of one row."""
    request = worker.submit_prompt("", tenant=tenant)
    shown, truncate_at = "", None
    stream = worker.guard(request, model(row["chunks"]))
    async for event in stream.events():
        match event:
            case Text(text):
                shown += text
            case Retraction(keep_chars):
                shown = shown[:keep_chars]
            case Cutoff(cut):
                truncate_at = cut.truncate_at
    timeouts = stream.result.summary.timeouts
    return {"id": row.get("id"), "released": shown, "truncate_at": truncate_at, "timeouts": timeouts}


async def main() -> None:
    """Guards all rows at once and answers in their order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", required=True, help="host:port[,host:port...]")
    parser.add_argument("--tenant", default="default")
    for name in ("prompts", "chunks", "verdicts"):
        parser.add_argument(f"--{name}-topic", default=f"weir.{name}.v1")
    args = parser.parse_args()
    rows = [json.loads(line) for line in sys.stdin if line.strip()]
    worker = Worker(
        brokers=args.brokers,
        worker_id="guard-rows",
        fallback=Contract(budget_us=60_000_000, fail_mode=FailMode.CLOSED),
        prompts_topic=args.prompts_topic,
        chunks_topic=args.chunks_topic,
        verdicts_topic=args.verdicts_topic,
    )
    async with worker:
        for answer in await asyncio.gather(*(guard(worker, row, args.tenant) for row in rows)):
            print(json.dumps(answer))


if __name__ == "__main__":
    asyncio.run(main())
