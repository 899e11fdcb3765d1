"""What a worker does without its registry's answer; with a real registry, `services/weir/tests/workers.rs`."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import Cluster, a_worker, in_loop
from weir_client import ConfigError, NotConnected
from weir_client.bus import Bus, BusSettings
from weir_client.testing import MockKafka


def test_a_registry_that_is_away_is_an_error(kafka: MockKafka | Cluster) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def test(url: str) -> None:
        async with a_worker(kafka, registry=url):  # type: ignore[arg-type]
            raise AssertionError("it opened")

    with pytest.raises(NotConnected) as caught:
        in_loop(lambda: test(f"http://user:hidden@127.0.0.1:{port}"))
    assert "hidden" not in str(caught.value)
    with pytest.raises(ConfigError) as refused:
        in_loop(lambda: test("no address:hidden"))
    assert "hidden" not in str(refused.value)


@dataclass
class Mail:
    frame: bytes | None

    def value(self) -> bytes | None:
        return self.frame

    def error(self) -> None:
        return None


class Registry:
    """Knows ids once it is told."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()

    def is_waiting(self, frame: bytes) -> bool:
        return frame not in self.known


def test_verdicts_wait_for_their_schema_and_no_longer_than_there_is_room(kafka: MockKafka | Cluster) -> None:
    bus = Bus(BusSettings(brokers=kafka.bootstrap, worker_id="w-1"))
    registry: Any = Registry()
    messages: Any = [Mail(b"first"), Mail(b"second"), Mail(None)]
    _, second, nothing = messages
    assert bus._readable(registry, messages) == [nothing]
    registry.known.add(b"second")
    assert bus._readable(registry, []) == [second]
    crowd: Any = [Mail(b"%d" % number) for number in range(1_000)]
    assert bus._readable(registry, crowd) == []
    assert bus.undecodable == 1
    registry.known.update([b"first", b"0"])
    # The oldest was given up.
    assert bus._readable(registry, []) == [crowd[0]]
    bus.close()
