"""Which partition a request's records go to: Kafka's default partitioner, `murmur2_random` with a key."""

from __future__ import annotations

import secrets

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """The hash of `key`, 0 to 2^32 - 1; Java prints it as a signed number."""
    h = _SEED ^ len(key)
    whole = len(key) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if whole < len(key):
        h = (h ^ int.from_bytes(key[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """The partition, 0 to `partitions` - 1, that Kafka's clients choose for `key`."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


class OwnPartitions:
    """The few partitions that a worker produces to and reads verdicts from.

    They follow from the worker's id, so a worker that starts again has the same ones, and workers spread evenly.
    """

    def __init__(self, worker_id: str, partitions: int, wanted: int = 2) -> None:
        """`partitions`: how many the topics have, 1 or more. `wanted`: how many to own, 1 or more."""
        if partitions < 1 or wanted < 1:
            raise ValueError("partitions and wanted must be 1 or more")
        count = min(wanted, partitions)
        first = partition_of(worker_id.encode(), partitions)
        self._partitions = partitions
        self.numbers: tuple[int, ...] = tuple(sorted((first + i) % partitions for i in range(count)))

    def draw(self) -> tuple[str, int]:
        """A new request id that hashes into one of the worker's partitions, and that partition."""
        while True:
            request_id = secrets.token_hex(16)
            partition = partition_of(request_id.encode(), self._partitions)
            if partition in self.numbers:
                return request_id, partition

    def place(self, request_id: str) -> int:
        """The worker's partition for the records of a request whose id it did not draw; always the same one."""
        hashed = partition_of(request_id.encode(), self._partitions)
        return hashed if hashed in self.numbers else self.numbers[hashed % len(self.numbers)]
