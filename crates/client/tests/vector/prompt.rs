//! The check of one prompt.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_client::{PromptCheck, PromptOutcome};
use weir_types::Micros;

use super::{Played, contract, same, verdict};

pub(crate) fn play(scenario: &Value) -> Played {
    let setup = &scenario["setup"];
    let fallback = Arc::new(contract(&setup["fallback"]));
    let mut check = if setup["bypassed"] == true {
        PromptCheck::bypassed(fallback)
    } else {
        PromptCheck::sent(fallback, Micros(setup["sent_at_us"].as_u64().unwrap()))
    };
    for (number, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
        if let Some(given) = step.get("verdict") {
            check.on_verdict(&verdict(given));
        }
        check.on_tick(Micros(step["at_us"].as_u64().unwrap()));
        let wanted = wanted(&step["outcome"]);
        same(&format!("step {number}"), &outcome(&check), &wanted)?;
        if let Some(wanted) = step.get("deadline_us") {
            let deadline = check.next_deadline().map(|at| at.0);
            same(
                &format!("step {number}: deadline"),
                &json!(deadline),
                wanted,
            )?;
        }
    }
    Ok(())
}

/// A contract in full.
fn wanted(outcome: &Value) -> Value {
    let mut outcome = outcome.clone();
    if let Some(given) = outcome.pointer("/passed/contract").cloned() {
        outcome["passed"]["contract"] = json!(contract(&given));
    }
    outcome
}

fn outcome(check: &PromptCheck) -> Value {
    let unjudged: Vec<Value> = check
        .unjudged()
        .iter()
        .map(|unjudged| json!([unjudged.detector, unjudged.cause]))
        .collect();
    match check.outcome() {
        PromptOutcome::Waiting => json!("waiting"),
        PromptOutcome::Passed => json!({"passed": {
            "unjudged": unjudged, "verdict_id": check.verdict_id(), "contract": check.contract(),
        }}),
        PromptOutcome::Blocked(block) => json!({"blocked": {
            "completion": block.completion, "unjudged": unjudged,
        }}),
    }
}
