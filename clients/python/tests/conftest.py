from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from hypothesis import settings

from weir_client import Contract, FailMode, Worker
from weir_client.testing import MOCK_CONSUMER_OPTIONS, FakeGate, MockKafka, Rules

# The same examples each time, and nothing written down.
settings.register_profile("weir", derandomize=True, database=None)
settings.load_profile("weir")

T = TypeVar("T")


class Cluster:
    """Somebody else's Kafka, with the topics of topics/topics.yaml."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap


@pytest.fixture(scope="session")
def kafka() -> Iterator[MockKafka | Cluster]:
    """The mock cluster, or the one that WEIR_TEST_BROKERS names."""
    brokers = os.environ.get("WEIR_TEST_BROKERS")
    yield Cluster(brokers) if brokers else MockKafka()


@pytest.fixture
def gate(kafka: MockKafka) -> Iterator[FakeGate]:
    with FakeGate(kafka.bootstrap, Rules()) as gate:
        yield gate


# Tests wait as long as a busy machine makes them; those that are about time set their own.
PATIENT = Contract(budget_us=20_000_000, fail_mode=FailMode.CLOSED, completion="Stopped.")


@asynccontextmanager
async def a_worker(kafka: MockKafka, name: str = "w-1", **settings: Any) -> AsyncIterator[Worker]:
    settings = {"fallback": PATIENT, "linger_ms": 0, **settings}
    async with Worker(
        brokers=kafka.bootstrap,
        worker_id=name,
        consumer_options=MOCK_CONSUMER_OPTIONS,
        **settings,
    ) as worker:
        yield worker


def in_loop(test: Callable[[], Awaitable[T]]) -> T:
    """Runs a test in a loop of its own, for 60 s at most."""

    async def limited() -> T:
        return await asyncio.wait_for(test(), 60)

    return asyncio.run(limited())


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Waits for something that another thread will make true."""
    for _ in range(int(seconds / 0.005)):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come true in time")
