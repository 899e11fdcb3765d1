"""Schema ids of a registry, in place of the compiled-in ones: `schemas/README.md`, "With a registry".

No loop and no reader waits for HTTP: verdicts of a version that is new to this process are parked until a thread of its
own has asked the registry.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from fastavro.schema import to_parsing_canonical_form

from .errors import ConfigError, NotConnected
from .wire import Codec

log = logging.getLogger("weir_client")

_FRAME_HEADER = 5
# For so long it holds that an id is none of the verdicts'. A registry's copies may lag.
_UNKNOWN_FOR_S = 30.0
_RETRY_AFTER_S = 0.5


class SchemaRegistry:
    """What a registry says of prompts, chunks and verdicts. `open` before use; `close` after it."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        try:
            from confluent_kafka.schema_registry import SchemaRegistryClient
        except ImportError as error:
            raise ConfigError("a registry needs more packages: pip install 'weir-client[registry]'") from error
        try:
            self._client = SchemaRegistryClient({"url": url, "timeout": timeout_s, "max.retries": 0})
        except ValueError:
            # Without its message, which may quote the address and its password.
            raise ConfigError("the registry's address is none; give one like http://localhost:8081") from None
        self._verdicts = ""
        self._schemas: dict[int, Any] = {}
        self._unknown: dict[int, float] = {}
        self._wanted: set[int] = set()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="weir-client-schemas", daemon=True)

    def open(self, codec: Codec, prompts_topic: str, chunks_topic: str, verdicts_topic: str) -> Codec:
        """The codec that writes this registry's ids and reads no others. Blocks.

        Raises `NotConnected` if the registry does not answer, `ConfigError` where what is written is not registered.
        """
        self._verdicts = f"{verdicts_topic}-value"
        prompt = self._id_of(f"{prompts_topic}-value", codec.prompt.schema)
        chunk = self._id_of(f"{chunks_topic}-value", codec.chunk.schema)
        self._schemas = self._versions(self._verdicts)
        self._thread.start()
        return codec.registered(prompt, chunk, self._schemas)

    def is_waiting(self, frame: bytes) -> bool:
        """Whether the frame's schema has still to be asked for, which is under way."""
        if len(frame) < _FRAME_HEADER or frame[0] != 0:
            return False
        schema_id = int.from_bytes(frame[1:_FRAME_HEADER], "big")
        if schema_id in self._schemas or self._is_unknown(schema_id):
            return False
        with self._wake:
            self._wanted.add(schema_id)
            self._wake.notify()
        return True

    def close(self) -> None:
        """Stops asking."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _is_unknown(self, schema_id: int) -> bool:
        since = self._unknown.get(schema_id)
        return since is not None and time.monotonic() - since < _UNKNOWN_FOR_S

    def _id_of(self, subject: str, own: Any) -> int:
        wanted = to_parsing_canonical_form(own)
        found = [
            schema_id
            for schema_id, schema in self._versions(subject).items()
            if to_parsing_canonical_form(schema) == wanted
        ]
        if not found:
            raise ConfigError(f"{subject} is not registered as this version writes it: run weir schemas register")
        return found[-1]

    def _versions(self, subject: str) -> dict[int, Any]:
        """Schemas by id, the oldest version first; none if the subject is not there."""
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        def call(what: Callable[..., Any], *of: object) -> Any:
            try:
                return what(*of)
            except SchemaRegistryError as error:
                if error.error_code in (40401, 40402):
                    return None
                raise NotConnected(f"the schema registry answers with an error ({error.error_code})") from None
            except Exception as error:
                raise NotConnected(f"the schema registry does not answer ({type(error).__name__})") from None

        schemas = {}
        for number in call(self._client.get_versions, subject) or []:
            version = call(self._client.get_version, subject, number)
            if version is not None:
                schemas[version.schema_id] = json.loads(version.schema.schema_str)
        return schemas

    def _serve(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closing or self._wanted)
                if self._closing:
                    return
                wanted = set(self._wanted)
            try:
                self._schemas.update(self._versions(self._verdicts))
            except NotConnected as error:
                log.warning("verdicts wait for their schema: %s", error)
                with self._wake:
                    self._wake.wait_for(lambda: self._closing, _RETRY_AFTER_S)
                continue
            now = time.monotonic()
            # Replaced, not grown: ids that nobody knows are as many as somebody likes to write.
            self._unknown = {
                schema_id: since for schema_id, since in self._unknown.items() if now - since < _UNKNOWN_FOR_S
            } | {schema_id: now for schema_id in wanted - self._schemas.keys()}
            with self._wake:
                self._wanted -= wanted
