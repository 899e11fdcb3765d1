//! How the parts of a scenario are read.

pub(crate) mod breaker;
pub(crate) mod guard;
pub(crate) mod mask;
pub(crate) mod partition;
pub(crate) mod prompt;

use serde_json::{Map, Value, json};
use weir_types::{
    Action, Category, CategoryScore, FailMode, Finding, Provenance, Severity, Span, Stage,
    StageTimes, StreamContract, Unjudged, Verdict,
};

/// What a scenario did that it should not have done.
pub(crate) type Played = Result<(), String>;

/// A string, `{"hex": ...}` or `{"repeat": [string, count]}`.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(hex) = value["hex"].as_str() {
        let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        return (0..hex.len()).step_by(2).map(digits).collect();
    }
    let [text, count] = &value["repeat"].as_array().unwrap()[..] else {
        panic!("not bytes: {value}");
    };
    let count = usize::try_from(count.as_u64().unwrap()).unwrap();
    text.as_str().unwrap().repeat(count).into_bytes()
}

/// `defaults` with what `given` says. A key that `defaults` lacks is an error.
fn over(defaults: Value, given: &Value) -> Map<String, Value> {
    let Value::Object(mut all) = defaults else {
        panic!("not an object");
    };
    for (key, value) in given.as_object().into_iter().flatten() {
        let old = all.insert(key.clone(), value.clone());
        assert!(old.is_some(), "unknown key {key} in {given}");
    }
    all
}

pub(crate) fn contract(given: &Value) -> StreamContract {
    let defaults = json!({
        "budget_us": 100_000, "hold_chars": 200, "hold_ms": 40, "on_expiry": "hold",
        "fail_mode": "open", "disposition": "retract", "completion": "Stopped.",
    });
    serde_json::from_value(Value::Object(over(defaults, given))).unwrap()
}

pub(crate) fn unjudged(given: &Value) -> Vec<Unjudged> {
    let pairs: Vec<(String, Value)> = serde_json::from_value(given.clone()).unwrap();
    pairs
        .into_iter()
        .map(|(detector, cause)| Unjudged {
            detector,
            cause: serde_json::from_value(cause).unwrap(),
        })
        .collect()
}

/// Of `[category, margin]` each; that is all that a client looks at.
fn scores(given: &Value) -> Vec<CategoryScore> {
    let pairs: Vec<(Category, f32)> = serde_json::from_value(given.clone()).unwrap();
    pairs
        .into_iter()
        .map(|(category, margin)| CategoryScore {
            category,
            raw: 0.0,
            calibrated: 0.0,
            threshold: 0.0,
            margin,
        })
        .collect()
}

pub(crate) fn finding(given: &Value) -> Finding {
    let all = over(
        json!({"start": null, "end": null, "mask": null, "detector": "card", "category": "pii"}),
        given,
    );
    let read = |key: &str| all[key].clone();
    Finding {
        detector: serde_json::from_value(read("detector")).unwrap(),
        rule: String::new(),
        category: serde_json::from_value(read("category")).unwrap(),
        span: Span {
            start: all["start"].as_i64().unwrap(),
            end: all["end"].as_i64().unwrap(),
        },
        score: 1.0,
        severity: Severity::Low,
        fingerprint: String::new(),
        mask: serde_json::from_value(read("mask")).unwrap(),
    }
}

pub(crate) fn verdict(given: &Value) -> Verdict {
    let all = over(
        json!({
            "seq": 0, "owner_epoch": 1, "action": "allow", "final": false, "checked_to": 0,
            "released_to": null, "truncate_at": null, "hold_from": null, "findings": [],
            "unjudged": [], "hold_expired": false, "disposition": null, "completion": null,
            "contract": null, "verdict_id": "v", "scores": [], "supersedes": null,
        }),
        given,
    );
    let (seq_from, seq_to) = match &all["seq"] {
        Value::Array(range) => (range[0].as_i64().unwrap(), range[1].as_i64().unwrap()),
        seq => (seq.as_i64().unwrap(), seq.as_i64().unwrap()),
    };
    let action: Action = serde_json::from_value(all["action"].clone()).unwrap();
    let checked_to = all["checked_to"].as_i64().unwrap();
    Verdict {
        verdict_id: all["verdict_id"].as_str().unwrap().to_owned(),
        owner_epoch: all["owner_epoch"].as_i64().unwrap(),
        request_id: "r".to_owned(),
        stream_id: None,
        tenant: String::new(),
        worker_id: String::new(),
        seq_from,
        seq_to,
        supersedes: all["supersedes"].as_str().map(str::to_owned),
        is_final: all["final"].as_bool().unwrap(),
        action,
        would_action: action,
        enforced: true,
        checked_to,
        released_to: all["released_to"].as_i64().unwrap_or(checked_to),
        truncate_at: all["truncate_at"].as_i64(),
        hold_from: all["hold_from"].as_i64(),
        findings: all["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(finding)
            .collect(),
        scores: scores(&all["scores"]),
        risk: None,
        judged_by: Vec::new(),
        unjudged: unjudged(&all["unjudged"]),
        fail_mode: FailMode::Open,
        provenance: Provenance {
            policy_id: String::new(),
            policy_version: String::new(),
            policy_hash: String::new(),
            models: Vec::new(),
            language: String::new(),
            language_confidence: 0.0,
            arm: String::new(),
            stage: Stage::Fast,
        },
        times: StageTimes::default(),
        hold_expired: all["hold_expired"].as_bool().unwrap(),
        disposition: serde_json::from_value(all["disposition"].clone()).unwrap(),
        completion: all["completion"].as_str().map(str::to_owned),
        contract: all["contract"]
            .is_object()
            .then(|| contract(&all["contract"])),
    }
}

/// Errors unless both are alike.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, wanted: &T) -> Played {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: got {got:?}, wanted {wanted:?}"))
}
