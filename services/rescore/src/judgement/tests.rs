use weir_policy::PolicySet;
use weir_types::{SelectionReason, Severity, Source};

use super::*;

const POLICY: &str = "
id: test
version: \"1\"
tenants: [\"*\"]
categories:
  hate: { warn: 0.4, block: 0.9 }
  violence: { warn: 0.5, block: 0.95 }
stream:
  categories:
    hate: { warn: 0.4, block: 0.99 }
";

pub(crate) fn policies(more: &str) -> PolicySet {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("test.yaml"), format!("{POLICY}{more}")).unwrap();
    PolicySet::load(dir.path()).unwrap()
}

/// A prompt that was allowed.
pub(crate) fn flagged(verdict_id: &str) -> Flagged {
    Flagged {
        verdict_id: verdict_id.to_owned(),
        request_id: "r".to_owned(),
        stream_id: None,
        tenant: "acme".to_owned(),
        subject_id: None,
        worker_id: "w".to_owned(),
        policy_hash: "p".to_owned(),
        text: b"some text".to_vec(),
        byte_start: 0,
        source: Source {
            topic: "weir.prompts.v1".into(),
            partition: 0,
            offset: 7,
        },
        released_to: 0,
        selection_reason: SelectionReason::Sample,
        inclusion_probability: 0.01,
        fast_action: Action::Allow,
        fast_scores: Vec::new(),
        locale_hint: None,
        language: "en".to_owned(),
        enc: None,
    }
}

fn fast(category: Category, calibrated: f32) -> CategoryScore {
    CategoryScore {
        category,
        raw: 0.0,
        calibrated,
        threshold: 0.4,
        margin: calibrated - 0.4,
    }
}

fn heavy(hate: f32, violence: f32) -> Look {
    let mut calibrated = [0.0; Category::COUNT];
    calibrated[Category::Hate.index()] = hate;
    calibrated[Category::Violence.index()] = violence;
    Look::Judged(ModelScores {
        raw: [0.0; Category::COUNT],
        calibrated,
        any_harm: hate.max(violence),
        truncated: false,
    })
}

fn of(flagged: &Flagged, look: &Look, policies: &PolicySet) -> Moderation {
    let model = ModelRef {
        name: "heavy".to_owned(),
        hash: "h".to_owned(),
    };
    let beside = Beside {
        flagged_at_ms: 1000,
        ..Beside::default()
    };
    moderation(flagged, look, policies.for_tenant("acme"), &model, beside)
}

/// Of a text that was allowed, at byte 100 if it is of a stream.
pub(crate) fn moderation_of(verdict_id: &str, stream: Option<&str>, hate: f32) -> Moderation {
    let mut flagged = flagged(verdict_id);
    flagged.stream_id = stream.map(str::to_owned);
    flagged.byte_start = if stream.is_some() { 100 } else { 0 };
    of(&flagged, &heavy(hate, 0.0), &policies(""))
}

#[test]
fn the_outcome_says_what_became_of_the_first_action() {
    let policies = policies("");
    let case = |action, fast_hate: f32, look: &Look| {
        let mut flagged = flagged("0");
        flagged.fast_action = action;
        flagged.fast_scores = vec![fast(Category::Hate, fast_hate)];
        of(&flagged, look, &policies)
    };
    let allowed = case(Action::Allow, 0.1, &heavy(0.2, 0.0));
    assert_eq!(
        (allowed.outcome, allowed.clause.as_str()),
        (Outcome::Confirmed, "")
    );
    assert_eq!(
        (allowed.queue.as_str(), allowed.supersedes),
        ("sample", None)
    );

    let tightened = case(Action::Allow, 0.1, &heavy(0.95, 0.6));
    assert_eq!(tightened.outcome, Outcome::Tightened);
    assert_eq!(tightened.clause, "categories.hate.block");
    assert_eq!(tightened.supersedes.as_deref(), Some("0"));
    assert_eq!(tightened.disagreements, [Category::Hate]);
    assert_eq!(
        (tightened.queue.as_str(), tightened.severity),
        ("disputed", Severity::Medium)
    );
    assert_eq!(tightened.due_at_ms, 1000 + 8 * 3_600_000);

    let overturned = case(Action::Block, 0.95, &heavy(0.1, 0.0));
    assert_eq!(
        (overturned.outcome, overturned.supersedes),
        (Outcome::Overturned, None)
    );
    assert_eq!(overturned.clause, "categories.hate.block");
    assert_eq!(overturned.disagreements, [Category::Hate]);

    let milder = case(Action::Block, 0.95, &heavy(0.5, 0.0));
    assert_eq!(
        (milder.outcome, milder.disagreements),
        (Outcome::Overturned, Vec::new())
    );

    let rule = case(Action::Block, 0.1, &heavy(0.1, 0.0));
    assert_eq!(
        (rule.outcome, rule.clause.as_str()),
        (Outcome::Rule, "rules")
    );

    let unjudged = case(Action::Warn, 0.5, &Look::Unjudged(UnjudgedCause::Failed));
    assert_eq!((unjudged.outcome, unjudged.risk), (Outcome::Unjudged, None));
    assert_eq!(unjudged.unjudged[0].cause, UnjudgedCause::Failed);
    assert!(unjudged.heavy_scores.is_empty() && unjudged.supersedes.is_none());
}

#[test]
fn streams_have_their_own_thresholds_and_places() {
    let policies = policies("");
    let mut flagged = flagged("0");
    flagged.stream_id = Some("r/0/0/content".to_owned());
    flagged.byte_start = 100;
    let below = of(&flagged, &heavy(0.95, 0.0), &policies);
    assert_eq!(
        (below.outcome, below.heavy_action),
        (Outcome::Tightened, Action::Warn)
    );
    assert_eq!(
        below.span,
        Span {
            start: 100,
            end: 109
        }
    );
    let above = of(&flagged, &heavy(0.995, 0.0), &policies);
    assert_eq!(above.clause, "stream.categories.hate.block");
}

#[test]
fn a_policy_that_watches_is_not_made_to_act() {
    let policies = policies("enforce: false\n");
    let mut flagged = flagged("0");
    flagged.fast_scores = vec![fast(Category::Hate, 0.95)];
    // It would have blocked, and let it pass.
    let same = of(&flagged, &heavy(0.95, 0.0), &policies);
    assert_eq!((same.outcome, same.supersedes), (Outcome::Confirmed, None));
    flagged.fast_scores = vec![fast(Category::Hate, 0.5)];
    let more = of(&flagged, &heavy(0.95, 0.0), &policies);
    assert_eq!((more.outcome, more.supersedes), (Outcome::Tightened, None));
}

#[test]
fn ids_depend_on_verdict_and_model() {
    let id = |verdict: &str, hash: &str| {
        let model = ModelRef {
            name: "any".to_owned(),
            hash: hash.to_owned(),
        };
        moderation_id(verdict, &model)
    };
    assert_eq!(id("v", "h").len(), 32);
    assert_eq!(id("v", "h"), id("v", "h"));
    assert_ne!(id("v", "h"), id("v", "i"));
    assert_ne!(id("v", "h"), id("vh", ""));
}
