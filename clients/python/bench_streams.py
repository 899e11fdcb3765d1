"""Many guarded streams in one process, against a fake gate in another, on librdkafka's mock cluster. JSON out.

Each stream gets its tokens at its own pace, like an engine that serves all of them at once; a new stream takes the
place of one that is done. What is measured is the client: the mock cluster keeps everything in memory and the fake gate
knows two literals. Latencies are the worker's own, by its monotonic clock: from a chunk's send to the event loop's
handling of its verdict, and from a stream's first token to the first text shown.

    python bench_streams.py --streams 4000 --tokens-per-s 10 --seconds 20
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import os
import platform
import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import confluent_kafka

from weir_client import Contract, FailMode, Worker
from weir_client.latency import Latencies
from weir_client.testing import MOCK_CONSUMER_OPTIONS, FakeGate, MockKafka, Rules

WORDS = ["the ", "weir ", "holds ", "a ", "stream ", "back ", "just ", "enough ", "to ", "keep ", "it ", "safe. "]


class Collector:
    """Times the collector of garbage, which stops the loop."""

    def __init__(self) -> None:
        self.pauses = Latencies()
        self._start = 0.0
        gc.callbacks.append(self)

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        """What the interpreter calls before and after."""
        if phase == "start":
            self._start = time.perf_counter()
        else:
            self.pauses.record(int((time.perf_counter() - self._start) * 1e6))


class Bench:
    """Keeps `streams` streams open for a while and counts what they do."""

    def __init__(self, worker: Worker, args: argparse.Namespace) -> None:
        self.worker = worker
        self.args = args
        self.lag = Latencies()
        self.collector = Collector()
        self.tokens = 0
        self.shown_chars = 0
        self.streams_done = 0
        self.ended: dict[str, int] = {}
        self.measuring = False
        self.stopping = False

    async def tokens_of(self, chance: random.Random) -> AsyncIterator[str]:
        """A model that writes a token every so often, and no faster when it was held up."""
        pause_s = 1 / self.args.tokens_per_s
        loop = asyncio.get_running_loop()
        due = loop.time() + chance.random() * pause_s
        for _ in range(self.args.tokens):
            if self.stopping:
                return
            await asyncio.sleep(due - loop.time())
            due = max(due + pause_s, loop.time())
            self.tokens += self.measuring
            yield chance.choice(WORDS)

    async def one_after_the_other(self, number: int) -> None:
        """A place that always has a stream open."""
        chance = random.Random(number)
        # Streams do not all begin at once.
        await asyncio.sleep(chance.random() * min(5.0, self.args.warm_up))
        while not self.stopping:
            request = self.worker.submit_prompt("A prompt of a few words", tenant="bench")
            stream = self.worker.guard(request, self.tokens_of(chance))
            async for text in stream:
                if self.measuring:
                    self.shown_chars += len(text)
            if self.measuring:
                self.streams_done += 1
                ended = str(stream.result.ended)
                self.ended[ended] = self.ended.get(ended, 0) + 1

    async def watch_the_loop(self) -> None:
        """How late the event loop is for what it has to do."""
        loop = asyncio.get_running_loop()
        while not self.stopping:
            due = loop.time() + 0.01
            await asyncio.sleep(0.01)
            if self.measuring:
                self.lag.record(int((loop.time() - due) * 1e6))


def cpu_by_thread() -> dict[str, float]:
    """Seconds of processor time by kind of thread: the event loop, the reader of verdicts, librdkafka's own."""
    spent: dict[str, float] = {}
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    kinds = {"MainThread": "loop", "weir-client-bus": "reader", "fake-gate": "gate"}
    for task in Path("/proc/self/task").iterdir():
        try:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        name = kinds.get(names.get(int(task.name), ""), "librdkafka")
        spent[name] = spent.get(name, 0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


async def run(brokers: str, args: argparse.Namespace) -> dict[str, Any]:
    """Warms up, measures, and says what was measured."""
    fallback = Contract(budget_us=int(args.budget_ms * 1000), fail_mode=FailMode.OPEN)
    async with Worker(
        brokers=brokers,
        worker_id="bench",
        fallback=fallback,
        own_partitions=args.partitions,
        linger_ms=args.linger_ms,
        late_window_s=args.late_window,
        consumer_options={} if args.brokers else MOCK_CONSUMER_OPTIONS,
    ) as worker:
        bench = Bench(worker, args)
        tasks = [asyncio.ensure_future(bench.one_after_the_other(number)) for number in range(args.streams)]
        watcher = asyncio.ensure_future(bench.watch_the_loop())
        await asyncio.sleep(args.warm_up)
        for latencies in (worker.chunk_latencies, worker.prompt_latencies, worker.first_text_latencies):
            latencies.reset()
        bench.collector.pauses.reset()
        before, cpu_before, start = worker.stats(), cpu_by_thread(), time.monotonic()
        bench.measuring = True
        await asyncio.sleep(args.seconds)
        bench.measuring = False
        wall_s = time.monotonic() - start
        cpu = {name: spent - cpu_before.get(name, 0) for name, spent in cpu_by_thread().items()}
        after = worker.stats()
        bench.stopping = True
        await asyncio.gather(*tasks, watcher)
    counts = {
        name: after[name] - before[name]
        for name in ("prompts_sent", "chunks_sent", "verdicts", "timeouts", "bypassed", "undelivered")
    }
    return {
        "streams": args.streams,
        "tokens_per_s_asked": args.streams * args.tokens_per_s,
        "tokens_per_s": round(bench.tokens / wall_s),
        "chunks_per_s": round(counts["chunks_sent"] / wall_s),
        "prompts_per_s": round(counts["prompts_sent"] / wall_s),
        "streams_done": bench.streams_done,
        "ended": bench.ended,
        "wall_s": round(wall_s, 2),
        "worker_cores": {name: round(spent / wall_s, 3) for name, spent in cpu.items()},
        "worker_cpu_us_per_chunk": {
            name: round(spent / max(counts["chunks_sent"], 1) * 1e6, 1) for name, spent in cpu.items()
        },
        "worker_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "loop_lag_us": bench.lag.summary(),
        "gc_share_of_a_core": round(bench.collector.pauses.total_us / wall_s / 1e6, 3),
        "gc_longest_us": bench.collector.pauses.max_us,
        **counts,
        **{name: after[name] for name in ("chunk_us", "prompt_us", "first_text_us")},
    }


def serve(connection: Any, args: argparse.Namespace) -> None:
    """The gate's process: broker and gate."""
    kafka = None if args.brokers else MockKafka()
    brokers = kafka.bootstrap if kafka else args.brokers
    rules = Rules(contract={"budget_us": int(args.budget_ms * 1000), "fail_mode": "open"})
    gate = FakeGate(brokers, rules)
    gate.keeps_records = False
    gate.start()
    connection.send(brokers)
    connection.recv()
    connection.send(cpu_by_thread())
    gate.stop()


def main() -> None:
    """Reads the command line, runs, prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--brokers", help="a cluster with the topics; without it the mock cluster in the gate's process"
    )
    parser.add_argument("--streams", type=int, default=4000, help="open at once")
    parser.add_argument("--tokens-per-s", type=float, default=10, help="of each stream")
    parser.add_argument("--tokens", type=int, default=100, help="of each stream in all")
    parser.add_argument("--seconds", type=float, default=20, help="measured, after the warm-up")
    parser.add_argument("--warm-up", type=float, default=8, help="seconds")
    parser.add_argument("--budget-ms", type=float, default=10_000, help="large, so that time-outs do not hide latency")
    parser.add_argument("--linger-ms", type=float, default=0.5)
    parser.add_argument("--partitions", type=int, default=4, help="of the worker, out of 4")
    parser.add_argument("--late-window", type=float, default=30.0, help="seconds")
    parser.add_argument("--gc-threshold", type=int, help="of the collector of garbage; without it Python's 700")
    parser.add_argument("--profile", metavar="FILE", help="write a profile of the worker's loop")
    args = parser.parse_args()
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, args), daemon=True)
    process.start()
    brokers = here.recv()
    if args.gc_threshold:
        gc.set_threshold(args.gc_threshold, 20, 100)
    if args.profile:
        import cProfile

        profile = cProfile.Profile()
        result = profile.runcall(asyncio.run, run(brokers, args))
        profile.dump_stats(args.profile)
    else:
        result = asyncio.run(run(brokers, args))
    here.send(None)
    gate_cpu = here.recv()
    process.join()
    result["gate_and_broker_cores"] = {
        name: round(spent / (result["wall_s"] + args.warm_up), 3) for name, spent in gate_cpu.items() if name != "loop"
    }
    result["on"] = {
        "python": platform.python_version(),
        "confluent_kafka": confluent_kafka.version(),
        "librdkafka": confluent_kafka.libversion()[0],
        "cores": os.cpu_count(),
        "kafka": "given" if args.brokers else "mock",
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
        "load_before": os.getloadavg()[0],
    }
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
