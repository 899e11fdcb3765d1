//! One stream.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_client::{Effect, Guard, PromptCheck};
use weir_types::Micros;
use weir_wire::End;

use super::{Played, bytes, contract, same, verdict};

const INPUTS: [&str; 5] = ["push", "finish", "prompt_verdict", "verdict", "tick"];
const STEP_KEYS: [&str; 3] = ["at_us", "expect", "deadline_us"];

pub(crate) fn play(scenario: &Value) -> Played {
    let mut guard = Guard::new(prompt(&scenario["setup"]));
    for (number, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
        take(&mut guard, step).map_err(|failure| format!("step {number}: {failure}"))?;
    }
    Ok(())
}

fn prompt(setup: &Value) -> PromptCheck {
    for key in setup.as_object().into_iter().flat_map(|it| it.keys()) {
        let known = ["prompt", "contract", "fallback"].contains(&key.as_str());
        assert!(known, "unknown key {key}");
    }
    let fallback = Arc::new(contract(&setup["fallback"]));
    let sent_at = &setup["prompt"]["sent_at_us"];
    if setup["prompt"] == "bypassed" {
        PromptCheck::bypassed(fallback)
    } else if let Some(sent_at) = sent_at.as_u64() {
        PromptCheck::sent(fallback, Micros(sent_at))
    } else {
        let mut check = PromptCheck::sent(fallback, Micros::ZERO);
        let given = setup.get("contract").cloned().unwrap_or(json!({}));
        check.on_verdict(&verdict(&json!({"verdict_id": "p", "contract": given})));
        check
    }
}

fn take(guard: &mut Guard, step: &Value) -> Played {
    let (input, value) = step
        .as_object()
        .unwrap()
        .iter()
        .find(|(key, _)| INPUTS.contains(&key.as_str()))
        .unwrap();
    for key in step.as_object().unwrap().keys() {
        assert!(
            key == input || STEP_KEYS.contains(&key.as_str()),
            "unknown key {key}"
        );
    }
    let now = Micros(step["at_us"].as_u64().unwrap());
    let effects = match input.as_str() {
        "push" => match guard.push(&bytes(value), now) {
            Ok(effects) => effects,
            Err(_) => {
                return same(
                    "refused",
                    &json!([{"refused": "too_long"}]),
                    &step["expect"],
                );
            }
        },
        "finish" => guard.finish(end(value), now),
        "prompt_verdict" => guard.on_prompt_verdict(&verdict(value), now),
        "verdict" => guard.on_verdict(&verdict(value), now),
        _ => guard.on_tick(now),
    };
    let wanted = joined(step["expect"].as_array().unwrap().clone());
    let got: Vec<Value> = effects.iter().map(effect).collect();
    let got = joined(got);
    if got.len() != wanted.len() {
        return same("effects", &got, &wanted);
    }
    for (got, wanted) in got.iter().zip(&wanted) {
        same("effect", &as_far_as(got, wanted), wanted)?;
    }
    let deadline = guard.next_deadline().map(|at| at.0);
    match step.get("deadline_us") {
        Some(wanted) => same("deadline", &json!(deadline), wanted),
        None => Ok(()),
    }
}

fn end(name: &Value) -> End {
    match name.as_str().unwrap() {
        "complete" => End::Complete,
        "client_abort" => End::ClientAbort,
        "error" => End::Error,
        other => panic!("unknown end {other}"),
    }
}

/// An effect as a vector writes it, all of it, bytes as lists of numbers.
fn effect(effect: &Effect) -> Value {
    match effect {
        Effect::Send(chunk) => {
            let opening = chunk.opening.as_ref().map(|opening| {
                json!({
                    "budget_us": opening.budget_us, "hold_chars": opening.hold_chars,
                    "hold_ms": opening.hold_ms, "on_expiry": opening.on_expiry,
                    "fail_mode": opening.fail_mode,
                    "prompt_verdict_id": opening.prompt_verdict_id,
                    "prompt_categories": opening.prompt_categories,
                })
            });
            json!({"send": {
                "seq": chunk.seq, "byte_start": chunk.byte_start, "text": chunk.text,
                "end": chunk.end, "opening": opening,
            }})
        }
        Effect::Show(text) => json!({"show": text}),
        Effect::AbortEngine => json!("abort_engine"),
        Effect::Retract { keep_bytes } => json!({"retract": {"keep_bytes": keep_bytes}}),
        Effect::Cut(cut) => json!({"cut": {
            "truncate_at": cut.truncate_at, "shown_to": cut.shown_to,
            "disposition": cut.disposition, "completion": cut.completion,
        }}),
        Effect::Done(summary) => {
            let unjudged: Vec<Value> = summary
                .unjudged
                .iter()
                .map(|unjudged| json!([unjudged.detector, unjudged.cause]))
                .collect();
            json!({"done": {
                "ended": summary.ended.as_str(), "shown_to": summary.shown_to,
                "sent_to": summary.sent_to, "chunks": summary.chunks, "stale": summary.stale,
                "timeouts": summary.timeouts, "hold_expired": summary.hold_expired,
                "bypassed": summary.bypassed, "unjudged": unjudged,
            }})
        }
    }
}

/// Neighbouring shows as one, bytes as lists of numbers.
fn joined(effects: Vec<Value>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for mut effect in effects {
        for (kind, key) in [("show", None), ("send", Some("text"))] {
            let text = match (effect.get_mut(kind), key) {
                (Some(value), None) => value,
                (Some(value), Some(key)) => &mut value[key],
                (None, _) => continue,
            };
            if !text.is_array() {
                *text = json!(bytes(text));
            }
        }
        match (out.last_mut(), effect.get("show")) {
            (Some(last), Some(more)) if last.get("show").is_some() => {
                let more = more.as_array().unwrap().clone();
                last["show"].as_array_mut().unwrap().extend(more);
            }
            _ => out.push(effect),
        }
    }
    out
}

/// `got` as far as `wanted` says something of it, with what a vector may leave out.
fn as_far_as(got: &Value, wanted: &Value) -> Value {
    let mut got = got.clone();
    if let Some(send) = got.get_mut("send").and_then(Value::as_object_mut) {
        let asked = &wanted["send"];
        if asked["opening"] == true && send["opening"].is_object() {
            send["opening"] = json!(true);
        }
        for (key, absent) in [("end", json!("none")), ("opening", Value::Null)] {
            if asked.get(key).is_none() && send[key] == absent {
                send.remove(key);
            }
        }
    }
    if let (Some(done), Some(asked)) = (
        got.get_mut("done").and_then(Value::as_object_mut),
        wanted["done"].as_object(),
    ) {
        done.retain(|key, _| asked.contains_key(key));
    }
    got
}
