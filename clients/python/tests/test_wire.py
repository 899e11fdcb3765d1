from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import weir_client
from weir_client.errors import WireError
from weir_client.types import Action, OnExpiry, Unjudged, Verdict
from weir_client.wire import CHUNK, PROMPT, VERDICT, Codec, Subject, verdict_of

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
SUBJECTS = {"prompt": PROMPT, "chunk": CHUNK, "verdict": VERDICT}
BYTES = {"text", "nonce"}


def example(name: str) -> tuple[dict[str, Any], bytes]:
    record = json.loads((SCHEMAS / "examples" / f"{name}.json").read_text(encoding="utf-8"))
    frame = bytes.fromhex("".join((SCHEMAS / "examples" / f"{name}.hex").read_text().split()))
    return as_bytes(record), frame


def as_bytes(value: Any, key: str = "") -> Any:
    """In the JSON, bytes are a string or a list of numbers."""
    if isinstance(value, dict):
        return {name: as_bytes(entry, name) for name, entry in value.items()}
    if key in BYTES and value is not None:
        return value.encode() if isinstance(value, str) else bytes(value)
    return [as_bytes(entry) for entry in value] if isinstance(value, list) else value


def verdict_of_frame(frame: bytes) -> Verdict:
    return verdict_of(VERDICT.decode(frame))


@pytest.mark.parametrize("name", SUBJECTS)
def test_the_schemas_of_the_package_are_the_projects(name: str) -> None:
    packaged = Path(weir_client.__file__).parent / "schemas" / f"{name}.avsc"
    assert packaged.read_bytes() == (SCHEMAS / f"{name}.avsc").read_bytes()


@pytest.mark.parametrize("name", SUBJECTS)
def test_frames_are_those_of_the_examples(name: str) -> None:
    record, frame = example(name)
    subject = SUBJECTS[name]
    assert subject.encode(record) == frame
    assert subject.decode(frame) == record


def test_a_verdict_is_read_whole() -> None:
    verdict = verdict_of_frame(example("verdict")[1])
    assert verdict.action is Action.ATTENUATE
    assert (verdict.checked_to, verdict.released_to, verdict.hold_from) == (412, 380, 380)
    assert verdict.findings[0].label == "email"
    assert (verdict.findings[0].start, verdict.findings[0].end) == (385, 403)
    assert verdict.unjudged == (Unjudged("classifier", "truncated"),)
    assert verdict.contract is not None
    assert verdict.contract.on_expiry is OnExpiry.RELEASE
    assert len(verdict.scores) == 9
    assert verdict.named_categories == ("pii", "prompt_injection")
    assert verdict.record["times"]["total_us"] == 395


def test_what_is_no_frame_is_refused() -> None:
    frame = example("verdict")[1]
    other = example("chunk")[1]
    broken = [b"", frame[:4], frame[:5], b"\1" + frame[1:], frame[:-1], frame + b"\0", other, frame[:5] + other[5:]]
    for bad in broken:
        with pytest.raises(WireError):
            verdict_of_frame(bad)


def test_every_cut_of_a_frame_is_refused() -> None:
    frame = example("verdict")[1]
    for length in range(len(frame)):
        with pytest.raises(WireError):
            verdict_of_frame(frame[:length])


def test_errors_do_not_quote_the_record() -> None:
    record = example("prompt")[0]
    record["segments"][0]["text"] = "a secret that is no bytes"
    with pytest.raises(WireError) as caught:
        PROMPT.encode(record)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_id_belongs_to_a_subject() -> None:
    with pytest.raises(WireError):
        Subject("verdict", 100_006).decode(example("verdict")[1])


def under(schema_id: int, datum: bytes) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big") + datum


def test_with_a_registry_its_ids_alone_are_written_and_read() -> None:
    record, frame = example("prompt")
    codec = Codec().registered(7, 8, {9: VERDICT.schema})
    assert codec.prompt.encode(record) == under(7, frame[5:])
    verdict = example("verdict")
    assert codec.verdict.decode(under(9, verdict[1][5:])) == verdict[0]
    for schema_id in (7, 100_007):
        with pytest.raises(WireError):
            codec.verdict.decode(under(schema_id, verdict[1][5:]))
    # What is compiled in stays as it was.
    assert VERDICT.decode(verdict[1]) == verdict[0]
    assert PROMPT.encode(record) == frame


def test_other_versions_are_read_as_this_one() -> None:
    record, frame = example("verdict")
    newer, older = (json.loads(json.dumps(VERDICT.schema)) for _ in range(2))
    newer["fields"].append({"name": "added", "type": ["null", "long"], "default": None})
    gone = older["fields"].pop()
    assert gone["name"] == "contract"
    versions = {10: newer}
    codec = Codec().registered(7, 8, versions)
    assert codec.verdict.decode(under(10, frame[5:] + b"\0")) == record
    # One that was registered meanwhile.
    versions[11] = older
    brief = {**record, "contract": None}
    assert VERDICT.encode(brief)[-1:] == b"\0"
    assert codec.verdict.decode(under(11, VERDICT.encode(brief)[5:-1])) == brief
