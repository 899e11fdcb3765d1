//! A classifier that panics or fails harms the text that made it do so and no other.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use weir_gate::{Answer, Clock, Judge, Judges, keep_text_out_of_panics};
use weir_infer::{Classifier, InferError};
use weir_lane::{Arrival, PromptInput};
use weir_types::{
    Action, Category, FingerprintKey, Micros, ModelRef, ModelScores, Source, UnjudgedCause,
};

/// The stub panics on texts that hold this word, its message quoting the text.
const PANIC: &str = "boom";
/// The stub fails on calls with a text that holds this word.
const ERROR: &str = "fizzle";
/// The stub forgets the score of texts that hold this word.
const FORGET: &str = "forget";
/// Blocked by the rule of [`POLICY`].
const FORBIDDEN: &str = "forbidden phrase";

const POLICY: &str = "
id: test
version: \"1\"
tenants: [\"*\"]
budget_ms: 60000
";
const RULES: &str = "
rules:
  - id: test.forbidden
    category: illicit
    severity: high
    score: 0.9
    action: block
    literals: [forbidden phrase]
";

/// A classifier made to order.
struct Stub {
    model: ModelRef,
    /// Texts seen, in all calls.
    asked: Arc<AtomicUsize>,
}

impl Classifier for Stub {
    fn describe(&self) -> &ModelRef {
        &self.model
    }

    fn classify(&mut self, texts: &[&str], out: &mut Vec<ModelScores>) -> Result<(), InferError> {
        self.asked.fetch_add(texts.len(), Ordering::SeqCst);
        out.clear();
        for text in texts {
            assert!(!text.contains(PANIC), "cannot judge {text}");
            if text.contains(ERROR) {
                out.clear();
                return Err(InferError::Failed {
                    model: self.model.name.clone(),
                    texts: texts.len(),
                    reason: "made to fail".to_owned(),
                });
            }
            if !text.contains(FORGET) {
                out.push(scores(text));
            }
        }
        Ok(())
    }
}

/// Says of each text how long it is, so that scores that end up at another text are noticed.
fn scores(text: &str) -> ModelScores {
    let length = u16::try_from(text.len()).unwrap();
    ModelScores {
        raw: [0.0; Category::COUNT],
        calibrated: [0.0; Category::COUNT],
        any_harm: f32::from(length) / 1000.0,
        truncated: false,
    }
}

/// A judge with the stub, and how many texts the stub was asked about.
fn judge() -> (Judge, Arc<AtomicUsize>) {
    // What the process does at its start: without it the hook would print the quoted text.
    keep_text_out_of_panics();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    fs::write(folder.path().join("rules/test.yaml"), RULES).unwrap();
    let key = FingerprintKey::new(b"test");
    let judges = Judges::load(folder.path(), None, key, 1000).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let stub = Stub {
        model: ModelRef {
            name: "stub-1".to_owned(),
            hash: "0".repeat(64),
        },
        asked: Arc::clone(&asked),
    };
    (
        judges.judge_with(Some(Box::new(stub)), Clock::start()),
        asked,
    )
}

/// Judges texts together and gives the answers in the order of the texts: one for each.
fn answers(judge: &mut Judge, texts: &[&str]) -> Vec<Answer> {
    let prompts = texts
        .iter()
        .zip(0..)
        .map(|(text, offset)| PromptInput {
            source: Source {
                topic: "prompts".into(),
                partition: 0,
                offset,
            },
            owner_epoch: 7,
            request_id: format!("r-{offset}"),
            tenant: "acme".to_owned(),
            worker_id: "w".to_owned(),
            locale_hint: None,
            budget: Some(Micros::from_millis(600_000)),
            segments: vec![text.as_bytes().to_vec()],
            arrival: Arrival::default(),
        })
        .collect();
    let mut answers = judge.judge(prompts);
    answers.sort_by_key(|answer| answer.index);
    assert_eq!(answers.len(), texts.len());
    for (position, answer) in answers.iter().enumerate() {
        assert_eq!(answer.index, position, "exactly one answer each");
        let verdict = &answer.judged.verdict;
        assert_eq!(verdict.request_id, format!("r-{position}"));
        assert_eq!(
            answer.judged.source.offset,
            i64::try_from(position).unwrap()
        );
        assert_eq!(verdict.owner_epoch, 7);
    }
    answers
}

fn assert_judged(answer: &Answer, text: &str) {
    let verdict = &answer.judged.verdict;
    assert!(!answer.panicked, "{text}");
    assert_eq!(verdict.unjudged, [], "{text}");
    assert_eq!(verdict.judged_by, ["rules", "classifier"], "{text}");
    let own = scores(text).any_harm;
    assert!(
        verdict.risk.is_some_and(|risk| risk >= own),
        "{text}: {:?}",
        verdict.risk
    );
}

/// The rules judged it, the classifier did not.
fn assert_failed(answer: &Answer, panicked: bool) {
    let verdict = &answer.judged.verdict;
    assert_eq!(answer.panicked, panicked, "{}", verdict.request_id);
    let [unjudged] = &verdict.unjudged[..] else {
        panic!("{:?}", verdict.unjudged)
    };
    assert_eq!(unjudged.detector, "classifier");
    assert_eq!(unjudged.cause, UnjudgedCause::Failed);
    assert_eq!(verdict.judged_by, ["rules"]);
    assert!(verdict.scores.is_empty());
}

#[test]
fn a_panic_harms_no_neighbour() {
    // First, last, in between, and alone.
    let batches: [&[&str]; 4] = [
        &["boom", "one", "two", "three"],
        &["one", "two three four", "boom"],
        &[
            "one",
            "two",
            "boom goes a forbidden phrase",
            "three",
            "four",
        ],
        &["boom"],
    ];
    for texts in batches {
        let (mut judge, _) = judge();
        for (answer, text) in answers(&mut judge, texts).iter().zip(texts) {
            if !text.contains(PANIC) {
                assert_judged(answer, text);
                continue;
            }
            assert_failed(answer, true);
            // What the rules found holds all the same.
            let action = if text.contains(FORBIDDEN) {
                Action::Block
            } else {
                Action::Allow
            };
            assert_eq!(answer.judged.verdict.action, action);
        }
        // The judge goes on.
        assert_judged(&answers(&mut judge, &["next"])[0], "next");
    }
}

#[test]
fn an_error_harms_no_neighbour() {
    let (mut judge, _) = judge();
    let texts = ["one", "fizzle", "two", "fizzle too", "three"];
    for (answer, text) in answers(&mut judge, &texts).iter().zip(texts) {
        if text.contains(ERROR) {
            assert_failed(answer, false);
        } else {
            assert_judged(answer, text);
        }
    }
    assert!(!judge.circuit_open(), "failures between successes");
}

#[test]
fn a_missing_score_ends_up_at_no_other_text() {
    let (mut judge, _) = judge();
    let texts = ["one", "forget me", "two three", "four five six"];
    for (answer, text) in answers(&mut judge, &texts).iter().zip(texts) {
        if text.contains(FORGET) {
            assert_failed(answer, false);
        } else {
            assert_judged(answer, text);
            assert_eq!(answer.judged.verdict.risk, Some(scores(text).any_harm));
        }
    }
}

#[test]
fn failures_in_a_row_open_the_circuit_and_everyone_is_answered() {
    for word in [ERROR, PANIC] {
        let (mut judge, asked) = judge();
        let texts = vec![word; 40];
        for answer in answers(&mut judge, &texts) {
            assert_failed(&answer, word == PANIC);
        }
        assert!(judge.circuit_open(), "{word}");

        // The classifier is left alone for a second, then asked about one text only: of twenty
        // it sees next to none, however slow the machine. All are answered by rules.
        let before = asked.load(Ordering::SeqCst);
        let after = answers(&mut judge, &[FORBIDDEN; 20]);
        assert!(asked.load(Ordering::SeqCst) - before < 5, "{word}");
        let failed = after
            .iter()
            .filter(|answer| !answer.judged.verdict.unjudged.is_empty());
        assert!(failed.count() > 15, "{word}");
        for answer in &after {
            assert_eq!(answer.judged.verdict.action, Action::Block);
        }

        // A success closes the circuit.
        let deadline = Instant::now() + Duration::from_secs(60);
        while judge.circuit_open() {
            assert!(Instant::now() < deadline, "{word}");
            answers(&mut judge, &["fine"]);
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_judged(&answers(&mut judge, &["fine"])[0], "fine");
    }
}
