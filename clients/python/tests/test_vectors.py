"""Every client plays the scenarios of `clients/vectors` alike; its README gives the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from weir_client import masks, partition
from weir_client.breaker import Breaker
from weir_client.effects import AbortEngine, CutStream, Done, Effect, Retract, Send, Show
from weir_client.errors import TextTooLong
from weir_client.guard import Guard
from weir_client.prompt import PromptCheck, PromptState
from weir_client.types import (
    Action,
    Contract,
    Disposition,
    End,
    FailMode,
    Finding,
    OnExpiry,
    Score,
    Unjudged,
    Verdict,
)

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


KINDS = ("guard", "prompt", "breaker", "mask", "partition")


def scenarios(*kinds: str) -> list[Any]:
    found = []
    for path in sorted(VECTORS.glob("*.json")):
        file = json.loads(path.read_text(encoding="utf-8"))
        assert file["kind"] in KINDS, path
        if file["kind"] in kinds:
            found += [pytest.param(scenario, id=f"{path.stem}: {scenario['name']}") for scenario in file["scenarios"]]
    return found or [pytest.param(None, marks=pytest.mark.skip(f"no vectors of kind {kinds} in {VECTORS}"))]


def as_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    text, count = value["repeat"]
    return bytes(text.encode() * count)


def as_contract(given: dict[str, Any]) -> Contract:
    whole: dict[str, Any] = {
        "budget_us": 100_000,
        "hold_chars": 200,
        "hold_ms": 40,
        "on_expiry": "hold",
        "fail_mode": "open",
        "disposition": "retract",
        "completion": "Stopped.",
    }
    assert given.keys() <= whole.keys()
    whole |= given
    whole["on_expiry"] = OnExpiry(whole["on_expiry"])
    whole["fail_mode"] = FailMode(whole["fail_mode"])
    whole["disposition"] = Disposition(whole["disposition"])
    return Contract(**whole)


def as_finding(given: dict[str, Any]) -> Finding:
    whole: dict[str, Any] = {
        "detector": "card",
        "category": "pii",
        "rule": "",
        "score": 1.0,
        "severity": "high",
    } | given
    return Finding(**whole)


def as_verdict(given: dict[str, Any]) -> Verdict:
    given = dict(given)
    seq = given.pop("seq", 0)
    seq_from, seq_to = seq if isinstance(seq, list) else (seq, seq)
    checked_to = given.pop("checked_to", 0)
    whole: dict[str, Any] = {
        "owner_epoch": 1,
        "action": "allow",
        "final": False,
        "released_to": checked_to,
        "truncate_at": None,
        "hold_from": None,
        "findings": [],
        "unjudged": [],
        "hold_expired": False,
        "disposition": None,
        "completion": None,
        "contract": None,
        "verdict_id": "v",
        "scores": [],
        "supersedes": None,
    }
    assert given.keys() <= whole.keys()
    whole |= given
    whole["action"] = Action(whole["action"])
    whole["findings"] = tuple(as_finding(finding) for finding in whole["findings"])
    whole["unjudged"] = tuple(Unjudged(*entry) for entry in whole["unjudged"])
    whole["scores"] = tuple(Score(*entry) for entry in whole["scores"])
    if whole["disposition"] is not None:
        whole["disposition"] = Disposition(whole["disposition"])
    if whole["contract"] is not None:
        whole["contract"] = as_contract(whole["contract"])
    return Verdict(
        request_id="r",
        stream_id="r/0/0/content",
        worker_id="w",
        seq_from=seq_from,
        seq_to=seq_to,
        checked_to=checked_to,
        **whole,
    )


def a_guard(setup: dict[str, Any]) -> Guard:
    assert setup.keys() <= {"prompt", "contract", "fallback"}
    fallback = as_contract(setup.get("fallback", {}))
    how = setup.get("prompt", "passed")
    if how == "bypassed":
        return Guard(PromptCheck.bypass(fallback))
    if how == "passed":
        check = PromptCheck(0, fallback)
        check.on_verdict(as_verdict({"seq": 0, "verdict_id": "p", "contract": setup.get("contract", {})}), 0)
        return Guard(check)
    return Guard(PromptCheck(how["sent_at_us"], fallback))


def take_step(guard: Guard, step: dict[str, Any]) -> list[Any]:
    now_us = step["at_us"]
    try:
        if "push" in step:
            effects = guard.push(as_bytes(step["push"]), now_us)
        elif "finish" in step:
            effects = guard.finish(End(step["finish"]), now_us)
        elif "prompt_verdict" in step:
            effects = guard.on_prompt_verdict(as_verdict(step["prompt_verdict"]), now_us)
        elif "verdict" in step:
            effects = guard.on_verdict(as_verdict(step["verdict"]), now_us)
        else:
            assert step["tick"] is True
            effects = guard.on_tick(now_us)
    except TextTooLong:
        return [{"refused": "too_long"}]
    return [as_json(effect) for effect in effects]


def as_json(effect: Effect) -> Any:
    match effect:
        case Send(seq, byte_start, text, end, opening):
            told = None
            if opening is not None:
                told = {name: getattr(opening, name) for name in OPENING_KEYS}
                told["prompt_categories"] = list(opening.prompt_categories)
            return {"send": {"seq": seq, "byte_start": byte_start, "text": text, "end": end.value, "opening": told}}
        case Show(text):
            return {"show": text}
        case AbortEngine():
            return "abort_engine"
        case Retract(keep_bytes):
            return {"retract": {"keep_bytes": keep_bytes}}
        case CutStream(cut):
            return {"cut": {name: getattr(cut, name) for name in CUT_KEYS}}
        case Done(summary):
            done = {name: getattr(summary, name) for name in summary.__dataclass_fields__}
            return {"done": done | {"unjudged": [list(entry) for entry in summary.unjudged]}}


OPENING_KEYS = (
    "budget_us",
    "hold_chars",
    "hold_ms",
    "on_expiry",
    "fail_mode",
    "prompt_verdict_id",
    "prompt_categories",
)
CUT_KEYS = ("truncate_at", "shown_to", "disposition", "completion")


def joined(effects: list[Any]) -> list[Any]:
    out: list[Any] = []
    for effect in effects:
        if "show" in effect and out and "show" in out[-1]:
            out[-1] = {"show": out[-1]["show"] + effect["show"]}
        else:
            out.append(effect)
    return out


def expected(effect: Any, got: Any) -> Any:
    """What the scenario asks for, with the keys that it leaves open as they were found."""
    if effect == "abort_engine" or "refused" in effect or "retract" in effect or "cut" in effect:
        return effect
    if "show" in effect:
        return {"show": as_bytes(effect["show"])}
    found = got if isinstance(got, dict) else {}
    if "done" in effect:
        return {"done": found.get("done", {}) | effect["done"]}
    send = {"end": "none", "opening": None} | effect["send"]
    send["text"] = as_bytes(send["text"])
    if send["opening"] is True:
        send["opening"] = found.get("send", {}).get("opening") or "an opening"
    return {"send": send}


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no {VECTORS}")
def test_every_kind_has_vectors() -> None:
    kinds = {json.loads(path.read_text(encoding="utf-8"))["kind"] for path in VECTORS.glob("*.json")}
    assert kinds == set(KINDS)


@pytest.mark.parametrize("scenario", scenarios("guard"))
def test_guard(scenario: dict[str, Any]) -> None:
    assert scenario.keys() <= {"name", "setup", "steps"}
    guard = a_guard(scenario.get("setup", {}))
    for step in scenario["steps"]:
        got = joined(take_step(guard, step))
        wanted = [expected(effect, got[at] if at < len(got) else {}) for at, effect in enumerate(step["expect"])]
        assert got == joined(wanted), step
        if "deadline_us" in step:
            assert guard.deadline_us == step["deadline_us"], step


@pytest.mark.parametrize("scenario", scenarios("prompt"))
def test_prompt(scenario: dict[str, Any]) -> None:
    setup = scenario["setup"]
    assert setup.keys() <= {"sent_at_us", "fallback", "bypassed"}
    fallback = as_contract(setup.get("fallback", {}))
    check = PromptCheck.bypass(fallback) if setup.get("bypassed") else PromptCheck(setup["sent_at_us"], fallback)
    for step in scenario["steps"]:
        if "verdict" in step:
            check.on_verdict(as_verdict(step["verdict"]), step["at_us"])
        check.on_tick(step["at_us"])
        assert outcome_of(check) == wanted_outcome(step["outcome"]), step
        if "deadline_us" in step:
            assert check.next_deadline_us() == step["deadline_us"], step


def outcome_of(check: PromptCheck) -> Any:
    unjudged = [list(entry) for entry in sorted(check.unjudged)]
    if check.state is PromptState.WAITING:
        return "waiting"
    if check.state is PromptState.BLOCKED:
        return {"blocked": {"completion": check.completion, "unjudged": unjudged}}
    verdict_id = check.verdict.verdict_id if check.verdict else None
    return {"passed": {"unjudged": unjudged, "verdict_id": verdict_id, "contract": check.contract}}


def wanted_outcome(outcome: Any) -> Any:
    if outcome != "waiting" and "passed" in outcome:
        passed = outcome["passed"]
        return {"passed": passed | {"contract": as_contract(passed["contract"])}}
    return outcome


@pytest.mark.parametrize("scenario", scenarios("breaker"))
def test_breaker(scenario: dict[str, Any]) -> None:
    setup = scenario["setup"]
    breaker = Breaker(setup["threshold"], setup["probe_every_us"])
    for step in scenario["steps"]:
        if "admit" in step:
            assert breaker.admit(step["at_us"]).value == step["admit"], step
        elif "timeout" in step:
            breaker.on_timeout(step["at_us"])
        else:
            assert step["answer"] is True
            breaker.on_answer()


@pytest.mark.parametrize("scenario", scenarios("mask"))
def test_mask(scenario: dict[str, Any]) -> None:
    findings = [as_finding(finding) for finding in scenario["findings"]]
    spans = [masks.Masked(f.start, f.end, f.mask, f.label) for f in findings if f.mask is not None]
    assert masks.apply(as_bytes(scenario["text"]), 0, spans) == as_bytes(scenario["shown"])


@pytest.mark.parametrize("scenario", scenarios("partition"))
def test_partition(scenario: dict[str, Any]) -> None:
    key = as_bytes(scenario["key"])
    hashed = partition.murmur2(key)
    assert (hashed - (1 << 32) if hashed >> 31 else hashed) == scenario["murmur2"]
    for count, wanted in scenario["partitions"].items():
        assert partition.partition_of(key, int(count)) == wanted
