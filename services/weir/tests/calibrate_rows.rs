//! `weir calibrate` on files, and what it refuses; what a gate makes of a policy that is calibrated for another model.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use common::repository;
use common::tool::{Finished, finish, finish_with, weir};
use serde_json::{Value, json};

/// Stands where a text stands; must not be seen.
const MARKER: &str = "zwiebelfisch";
const POLICY: &str = "id: default\nversion: \"1\"\ntenants: [\"*\"]\n";

fn json_of(finished: &Finished) -> Value {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

fn category<'a>(report: &'a Value, name: &str) -> &'a Value {
    let categories = report["categories"].as_array().unwrap();
    categories
        .iter()
        .find(|one| one["category"] == name)
        .unwrap()
}

/// Texts of which half are hate speech by their labels, as far as a model can tell from a word.
fn texts() -> String {
    let mut lines = String::new();
    for number in 0..1200 {
        let (text, label) = if number % 2 == 0 {
            (
                format!(
                    "I hate those people number {number}, they are vermin and should all be driven out"
                ),
                1,
            )
        } else {
            (
                format!(
                    "The weather in valley {number} will be fine, and the path to the hut is open again"
                ),
                0,
            )
        };
        // Some are labelled against their look, or there were nothing to fit.
        let label = if number % 9 == 0 { 1 - label } else { label };
        let row = json!({"id": format!("t-{number}"), "text": text, "lang": "en", "labels": {"hate": label}});
        writeln!(lines, "{row}").unwrap();
    }
    lines
}

fn from_rows(rows: &Path, more: &[&str]) -> Finished {
    let mut command = weir(["calibrate", "--json", "--bootstrap", "50"]);
    command.arg("--rows").arg(rows).args(more);
    finish(&mut command)
}

#[test]
fn texts_and_what_check_says_of_them_come_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let lines = texts();
    let of_texts = json_of(&from_rows(&file("texts.jsonl", &lines), &[]));
    assert_eq!(of_texts["target"]["kind"], "human_labels");

    let checked = finish_with(&mut weir(["check", "--jsonl"]), lines.as_bytes());
    let rows = file("checked.jsonl", &checked.stdout);
    let labels: String = lines
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            json!({"request_id": row["id"], "labels": row["labels"]}).to_string() + "\n"
        })
        .collect();
    let labels = file("labels.jsonl", &labels);
    let of_scores = json_of(&from_rows(&rows, &["--labels", labels.to_str().unwrap()]));
    assert_eq!(of_scores["categories"], of_texts["categories"]);
    assert_eq!(of_scores["impact"], of_texts["impact"]);
    assert!(!category(&of_texts, "hate")["curve"].is_null());

    // A block that begins before warnings did is told.
    let recall = json_of(&from_rows(
        &rows,
        &[
            "--labels",
            labels.to_str().unwrap(),
            "--target-recall",
            "0.8",
        ],
    ));
    let warnings = recall["warnings"].to_string();
    assert!(
        warnings.contains("hate: block at") && warnings.contains("displaces another tier"),
        "{warnings}"
    );

    // With rows to report on, all others are fitted on.
    let held_out = file(
        "held-out.jsonl",
        &lines
            .lines()
            .take(400)
            .fold(String::new(), |all, line| all + line + "\n"),
    );
    let parted = json_of(&from_rows(
        &rows,
        &[
            "--labels",
            labels.to_str().unwrap(),
            "--held-out",
            held_out.to_str().unwrap(),
        ],
    ));
    assert_eq!(
        parted["split"],
        json!({"by": "files", "fit": 1200, "report": 400})
    );
    assert_eq!(parted["impact"][0]["texts"], 400);
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.jsonl");
    std::fs::write(
        &rows,
        "{\"id\":\"a\",\"text\":\"zwiebelfisch\",\"benign\":true}\n",
    )
    .unwrap();
    let file = rows.to_str().unwrap();
    let nothing = finish(weir(["calibrate", "--rows", file]).current_dir(repository()));
    assert_eq!(nothing.code, Some(3), "{nothing:?}");
    assert!(
        nothing
            .stdout
            .contains("hate              all       0 positives of at least 100"),
        "{nothing:?}"
    );
    assert!(
        nothing.stdout.contains("nothing is proposed"),
        "{nothing:?}"
    );

    let bad = folder.path().join("bad.jsonl");
    for (row, why) in [
        (
            "{\"id\":\"a\",\"labels\":{\"hate\":1}}",
            "neither text nor raw",
        ),
        (
            "{\"raw\":{\"hate\":1.0},\"labels\":{\"hate\":1}}",
            "raw.self_harm is missing",
        ),
        (
            "{\"raw\":{},\"weight\":0,\"benign\":true}",
            "weight must be",
        ),
        (
            "{\"raw\":{},\"inclusion_probability\":2,\"benign\":true}",
            "above 0, at most 1",
        ),
        ("zwiebelfisch", "column 1"),
    ] {
        std::fs::write(&bad, row).unwrap();
        let refused = finish(&mut weir(["calibrate", "--rows", bad.to_str().unwrap()]));
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(
            refused.stderr.contains("bad.jsonl:1: ") && refused.stderr.contains(why),
            "{refused:?}"
        );
        assert!(!refused.stderr.contains(MARKER), "{refused:?}");
    }
    for (options, code, why) in [
        (&[][..], 1, "against what?"),
        (
            &["--target", "moderation", "--rows", file],
            1,
            "drop one of them",
        ),
        (
            &["--target", "moderation", "--labels", file],
            1,
            "which of the two",
        ),
        (
            &["--rows", file, "--rules-only"],
            1,
            "--rules-only leaves no scores",
        ),
        (
            &["--rows", file, "--target-fpr", "2"],
            2,
            "not between 0 and 1",
        ),
        (
            &[
                "--rows",
                file,
                "--target-fpr",
                "0.1",
                "--target-recall",
                "0.1",
            ],
            2,
            "cannot be used with",
        ),
        (
            &["--rows", file, "--category", "hate=0.1"],
            2,
            "as in hate=fpr:0.001",
        ),
        (
            &["--rows", file, "--category", "hatred=fpr:0.1"],
            2,
            "hatred",
        ),
        (&["--rows", file, "--tier", "allow"], 2, "expected warn"),
        (
            &["--rows", file, "--since", "24h"],
            2,
            "cannot be used with",
        ),
        (&["--rows", file, "--out", "x"], 2, "--apply-to"),
        (
            &["--target", "moderation", "--until", "2h", "--since", "1h"],
            1,
            "ends before it begins",
        ),
    ] {
        let refused = finish(weir(["calibrate"]).args(options));
        assert_eq!(refused.code, Some(code), "{options:?} {refused:?}");
        assert!(refused.stderr.contains(why), "{options:?} {refused:?}");
    }
}

/// A model that a policy was not calibrated for is not judged by it.
#[test]
fn a_gate_does_not_start_with_a_model_that_its_policy_is_not_calibrated_for() {
    let policies = tempfile::tempdir().unwrap();
    let calibration = format!("{POLICY}calibration: {{ model: {} }}\n", "0".repeat(64));
    std::fs::write(policies.path().join("default.yaml"), calibration).unwrap();
    let mut command = weir(["check", "--json", "Hello"]);
    let refused = finish(command.arg("--policies").arg(policies.path()));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("\"default\" is calibrated for the model"),
        "{refused:?}"
    );
    let mut command = weir(["check", "--json", "--rules-only", "Hello"]);
    let by_rules = finish(command.arg("--policies").arg(policies.path()));
    assert_eq!(by_rules.code, Some(0), "{by_rules:?}");
}
