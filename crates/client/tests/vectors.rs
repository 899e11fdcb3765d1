//! Plays `clients/vectors/*.json`, which every client must play alike. Its README is the format.
#![allow(clippy::unwrap_used, reason = "tests")]

mod vector;

use std::path::PathBuf;

use serde_json::Value;

/// Files, scenarios.
const AT_LEAST: (usize, usize) = (6, 60);

#[test]
fn every_scenario_plays_as_written() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/vectors");
    let mut count = (0, 0);
    let mut failures = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        count.0 += 1;
        let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for scenario in file["scenarios"].as_array().unwrap() {
            count.1 += 1;
            let played = match file["kind"].as_str().unwrap() {
                "guard" => vector::guard::play(scenario),
                "prompt" => vector::prompt::play(scenario),
                "breaker" => vector::breaker::play(scenario),
                "mask" => vector::mask::play(scenario),
                "partition" => vector::partition::play(scenario),
                kind => Err(format!("unknown kind {kind}")),
            };
            if let Err(failure) = played {
                let name = scenario["name"].as_str().unwrap();
                failures.push(format!("{}: {name}\n    {failure}", path.display()));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(count.0 >= AT_LEAST.0 && count.1 >= AT_LEAST.1, "{count:?}");
}
