from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import weir_client
from weir_client.errors import WireError
from weir_client.types import Action, OnExpiry, Unjudged
from weir_client.wire import CHUNK, PROMPT, VERDICT, Subject, decode_verdict

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
    verdict = decode_verdict(example("verdict")[1])
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
            decode_verdict(bad)


def test_every_cut_of_a_frame_is_refused() -> None:
    frame = example("verdict")[1]
    for length in range(len(frame)):
        with pytest.raises(WireError):
            decode_verdict(frame[:length])


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
