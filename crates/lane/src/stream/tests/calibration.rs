//! A policy's calibration, on prompts and on windows of streams.

use super::*;
use crate::tests::prompt;
use crate::{Completion, Step};

const GERMAN: &str =
    "Wie wird das Wetter heute in den Bergen, und wann gehen wir dann endlich los?";
const ENGLISH: &str =
    "What is the weather going to be like in the mountains today, and when do we leave?";

/// A lane with a classifier, under a policy with a calibration for the model of this hash.
fn lane_calibrated(model: &str) -> Lane {
    let policy = format!(
        "id: default\nversion: \"1\"\ntenants: [\"*\"]\ncategories:\n  hate: {{ warn: 0.5, block: 0.9 }}\ncalibration:\n  \
         model: \"{model}\"\n  categories:\n    hate: {{ slope: 2.0, intercept: -1.0, locales: {{ de: 4.0 }} }}\n"
    );
    let mut lane = lane_under(&policy, RULES);
    lane.config.classifier = Some(ModelRef {
        name: "test".to_owned(),
        hash: "00".repeat(32),
    });
    lane
}

/// What the model says of every text: a logit of 0, which it takes for 0.6.
fn said(id: crate::JobId) -> Completion {
    Completion {
        id,
        scores: Some(ModelScores {
            raw: [0.0; Category::COUNT],
            calibrated: [0.6; Category::COUNT],
            any_harm: 0.7,
            truncated: false,
        }),
        rules_us: 0,
        classify_us: 0,
    }
}

fn of_prompt(lane: &mut Lane, text: &str) -> Verdict {
    let Step::Judge(job) = lane.on_prompt(prompt(text), Micros(1)) else {
        panic!("the classifier is not asked");
    };
    lane.on_completion(&said(job.id), Micros(2))
        .unwrap()
        .verdict
}

fn of_stream(lane: &mut Lane, text: &str) -> Verdict {
    lane.on_chunk(chunk("", 0, 0, text.as_bytes(), true), Micros(1));
    let Some(StreamStep::Judge(job)) = lane.answer(Micros(1)).pop() else {
        panic!("the classifier is not asked");
    };
    let judged = lane.on_window(&said(job.id), Micros(2)).unwrap();
    judged.judged.verdict
}

#[test]
fn scores_are_calibrated_by_language_and_raw_ones_stay() {
    let mut lane = lane_calibrated(&"00".repeat(32));
    for judge in [of_prompt, of_stream] {
        for (text, language, logit, action) in [
            (GERMAN, "de", 3.0, Action::Block),
            (ENGLISH, "en", -1.0, Action::Allow),
        ] {
            let verdict = judge(&mut lane, text);
            lane.streams = super::super::Streams::new(&lane.policies, &lane.detector);
            assert_eq!(verdict.provenance.language, language);
            let hate = &verdict.scores[Category::Hate.index()];
            assert_eq!(hate.raw, 0.0);
            assert_eq!(hate.calibrated, weir_types::logistic(logit));
            assert_eq!(hate.margin, hate.calibrated - hate.threshold);
            // What the policy does not calibrate is as the model has it.
            assert_eq!(verdict.scores[Category::Violence.index()].calibrated, 0.6);
            assert_eq!(verdict.risk, Some(0.7));
            assert_eq!(verdict.action, action, "{text}");
        }
    }
}

#[test]
fn another_models_scores_are_left_alone() {
    let mut lane = lane_calibrated(&"11".repeat(32));
    for text in [GERMAN, ENGLISH] {
        let verdict = of_prompt(&mut lane, text);
        assert_eq!(verdict.scores[Category::Hate.index()].calibrated, 0.6);
        assert_eq!(verdict.action, Action::Warn);
    }
}
