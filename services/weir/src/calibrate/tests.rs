//! From rows with a known truth to a policy that the lane's code judges by.

use std::path::Path;

use proptest::prelude::*;
use weir_infer::calibrate::{Platt, Shipped};
use weir_policy::{Curve, Local, NEVER, Policy, PolicySet, SourceFile, Sources, Tiers};
use weir_stats::{Bootstrap, SplitMix64, Target};
use weir_types::{Action, Category, ModelRef, ModelScores};

use super::choose;
use super::fit::fit;
use super::impact::impact;
use super::patch::{self, Patch};
use super::propose::{Goals, Parts, Proposal, propose};
use super::row::{Labelled, Scored, Terms};

mod slopes;

const MODEL: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const HATE: usize = Category::Hate as usize;
const POLICY: &str = "\
id: default
version: \"1\"
tenants: [\"*\"]
second_look: { uncertain: 0.1, sample: 0.01 }
categories:
  # Of hate.
  hate: { warn: 0.5, block: 0.9 }
  self_harm: { warn: 0.3 }
";
/// Extends the default one; has a threshold of its own for hate.
const CHILD: &str = "\
id: acme
version: \"1\"
extends: default
tenants: [acme]
categories:
  hate: { block: 0.7 }
";

fn sources() -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("default.yaml"), POLICY).unwrap();
    std::fs::create_dir(folder.path().join("tenants")).unwrap();
    std::fs::write(folder.path().join("tenants/acme.yaml"), CHILD).unwrap();
    let sources = Sources::read(folder.path()).unwrap();
    (folder, sources)
}

fn policy() -> Policy {
    let file = SourceFile {
        path: "default.yaml".into(),
        text: POLICY.to_owned(),
    };
    let set = PolicySet::parse(Path::new("."), &[file], &[]).unwrap();
    set.for_tenant("").as_ref().clone()
}

fn model() -> ModelRef {
    ModelRef {
        name: "test".to_owned(),
        hash: MODEL.to_owned(),
    }
}

fn shipped() -> Shipped {
    let curve = Platt { a: 1.0, b: 0.5 };
    Shipped {
        model: model(),
        curves: Category::ALL.map(|category| (category, curve)).into(),
    }
}

fn present() -> Terms {
    Terms::present(&shipped(), &policy())
}

fn uniform(random: &mut SplitMix64) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Rows of these locales in turn, known to be hate or not by `truth`; harmless-looking ones are kept one time in five, and
/// weigh so much more.
fn rows(truth: &Curve, locales: &[&'static str], count: usize, seed: u64) -> Vec<Labelled> {
    let mut random = SplitMix64::new(seed);
    let mut kept = Vec::new();
    for number in 0..count {
        let locale = locales[number % locales.len()];
        #[expect(clippy::cast_possible_truncation, reason = "a logit")]
        let raw = (8.0 * uniform(&mut random) - 5.0) as f32;
        let positive = uniform(&mut random) < f64::from(truth.probability(raw, locale));
        let drawn = if raw > 0.0 { 1.0 } else { 0.2 };
        if uniform(&mut random) < drawn {
            let mut known = [None; Category::COUNT];
            known[HATE] = Some(positive);
            kept.push(Labelled {
                id: format!("{seed}-{number}"),
                truth: known,
                raw: [raw; Category::COUNT],
                locale,
                weight: 1.0 / drawn,
            });
        }
    }
    kept
}

fn own(tag: &str, slope: Option<f64>, shift: f64) -> (String, Local) {
    (tag.to_owned(), Local { slope, shift })
}

fn truth() -> Curve {
    Curve::new(1.5, -1.0, [own("de", None, 1.5), own("es", None, -1.0)])
}

fn proposed(parts: &Parts, target: Option<Target>) -> Proposal {
    let goals = Goals {
        usual: target,
        named: Vec::new(),
        tier: Action::Block,
    };
    let bootstrap = Bootstrap {
        seed: 1,
        resamples: 200,
        confidence: 0.95,
    };
    propose(parts, &present(), &goals, &bootstrap, || ())
}

#[test]
fn finds_the_truth_and_is_better_where_it_was_not_fitted() {
    let parts = Parts::halves(rows(&truth(), &["en", "de", "es"], 30_000, 1));
    let proposal = proposed(&parts, Some(Target::FalsePositiveRate(0.02)));
    assert_eq!(proposal.fitted, [Category::Hate]);
    let curve = proposal.terms.scale.curve(Category::Hate);
    assert!((curve.slope - 1.5).abs() < 0.1, "{curve:?}");
    for locale in ["en", "de", "es"] {
        let ((slope, offset), wanted) = (curve.line(locale), truth().line(locale));
        assert!(
            (slope - wanted.0).abs() < 0.1 && (offset - wanted.1).abs() < 0.2,
            "{locale} {curve:?}"
        );
    }
    let hate = &proposal.categories[HATE];
    let locales: Vec<_> = hate.errors.iter().map(|errors| errors.locale).collect();
    assert_eq!(locales, ["all", "de", "en", "es"]);
    for errors in &hate.errors {
        assert!(errors.interval.unwrap()[1] < 0.0, "{errors:?}");
    }
    // Nothing is known of the other categories, which stay.
    for category in Category::ALL.into_iter().filter(|it| *it != Category::Hate) {
        let at = category.index();
        assert!(proposal.categories[at].kept_because.is_some());
        assert_eq!(proposal.terms.tiers[at], present().tiers[at]);
        assert_eq!(
            proposal.terms.scale.curve(category),
            present().scale.curve(category)
        );
    }
}

#[test]
fn thresholds_keep_their_target_where_they_were_not_chosen() {
    let parts = Parts::halves(rows(&truth(), &["en", "de"], 40_000, 2));
    for (target, wanted) in [
        (Target::FalsePositiveRate(0.02), 0.02),
        (Target::Recall(0.6), 0.6),
    ] {
        let proposal = proposed(&parts, Some(target));
        let threshold = proposal.categories[HATE].threshold.as_ref().unwrap();
        assert_eq!(threshold.kept_because, None);
        let rates = threshold.reported_after.unwrap();
        let rate = match target {
            Target::FalsePositiveRate(_) => rates.fpr,
            Target::Recall(_) => rates.recall,
        };
        let [low, high] = rate.interval.unwrap();
        assert!(low <= wanted && wanted <= high, "{rate:?}");
        let tiers = proposal.terms.tiers[HATE];
        assert_eq!(Some(tiers.block), threshold.after);
        // Half of the positives are found only from where warnings begin on.
        assert_eq!(threshold.displaces, tiers.warn == tiers.block);
        assert!(tiers.warn <= tiers.block);
    }
}

#[test]
fn cells_with_too_little_are_refused_by_name_and_keep_what_is_common() {
    let mut some = rows(&truth(), &["en", "de"], 4000, 3);
    // Texts of a language with 30 rows, of one that Weir does not tell apart, and of one script of Hindi.
    some.extend(rows(&truth(), &["sv"], 60, 4));
    some.extend(rows(&truth(), &["other"], 4000, 5));
    some.extend(rows(&truth(), &["hi"], 3000, 6));
    some.extend(rows(&truth(), &["hi-Latn"], 60, 7));
    let of: Vec<&Labelled> = some.iter().collect();
    let fitted = fit(&of, Category::Hate);
    let refused: Vec<_> = fitted
        .cells
        .iter()
        .filter(|cell| cell.refused.is_some())
        .map(|cell| cell.locale)
        .collect();
    assert_eq!(refused, ["hi-Latn", "other", "sv"]);
    let curve = fitted.curve.unwrap();
    let named: Vec<_> = curve.locales().map(|(tag, _)| tag).collect();
    assert_eq!(named, ["de", "en", "hi", "hi-latn"]);
    for unknown in ["sv", "hi-Latn", "tlh"] {
        assert_eq!(curve.line(unknown), (curve.slope, curve.intercept));
    }
    assert!(curve.line("hi-Deva").1 != curve.intercept);

    let none = fit(&of, Category::Violence);
    assert!(
        none.curve
            .unwrap_err()
            .contains("0 positives of at least 100")
    );
}

#[test]
fn heavy_weights_make_a_cell_too_small() {
    // 1,000 rows, of which one in ten stands for a thousand: they tell as much as 100 rows.
    let mut some = rows(&truth(), &["en"], 2000, 8);
    for (number, row) in some.iter_mut().enumerate() {
        row.weight = if number % 25 == 0 { 1000.0 } else { 1.0 };
    }
    let of: Vec<&Labelled> = some.iter().collect();
    let why = fit(&of, Category::Hate).curve.unwrap_err();
    assert!(why.starts_with("an effective size of "), "{why}");
    assert!(why.ends_with("at least 100"), "{why}");
}

#[test]
fn scores_that_tell_nothing_or_lie_are_refused() {
    let mut upside_down = rows(&truth(), &["en"], 4000, 9);
    for row in &mut upside_down {
        row.truth[HATE] = row.truth[HATE].map(|positive| !positive);
    }
    let of: Vec<&Labelled> = upside_down.iter().collect();
    let why = fit(&of, Category::Hate).curve.unwrap_err();
    assert!(why.starts_with("a slope of -1."), "{why}");
}

#[test]
fn no_threshold_is_chosen_that_the_rows_cannot_tell() {
    let parts = Parts::halves(rows(&truth(), &["en"], 4000, 10));
    let told = |target| {
        let proposal = proposed(&parts, Some(target));
        let threshold = proposal.categories[HATE].threshold.as_ref().unwrap();
        (threshold.kept_because.clone(), threshold.after)
    };
    let moved = proposed(&parts, None).terms.tiers[HATE].block;
    let (why, after) = told(Target::FalsePositiveRate(0.001));
    assert!(why.unwrap().contains("at least 3000 negatives"));
    // It goes where the old one was.
    assert_eq!(after, Some(moved));
    assert_eq!(told(Target::FalsePositiveRate(0.05)).0, None);
    // A tier that the policy does not have is not made.
    let mut some = rows(&truth(), &["en"], 4000, 11);
    for row in &mut some {
        row.truth[Category::SelfHarm.index()] = row.truth[HATE];
    }
    let proposal = proposed(&Parts::halves(some), Some(Target::Recall(0.5)));
    let at = Category::SelfHarm.index();
    assert_eq!(proposal.terms.tiers[at].block, NEVER);
    let why = proposal.categories[at].threshold.as_ref().unwrap();
    assert_eq!(
        why.kept_because.as_deref(),
        Some("the policy has no block here")
    );
}

#[test]
fn without_a_target_nothing_changes_where_there_is_no_shift() {
    let parts = Parts::halves(rows(&Curve::new(0.7, -2.0, []), &["other"], 20_000, 12));
    let proposal = proposed(&parts, None);
    let traffic: Vec<Scored> = (-500..500)
        .map(|step: i16| Scored {
            raw: Some([f32::from(step) / 100.0; Category::COUNT]),
            locale: "other",
            by_rules: Action::Allow,
            weight: 2.0,
        })
        .collect();
    let all = impact(&traffic, &present(), &proposal.terms);
    assert_eq!(
        (all[0].texts, all[0].blocked.newly, all[0].blocked.no_longer),
        (1000, 0, 0)
    );
    assert_eq!(all[0].acted_upon.change, Some(0.0));
    assert!(all[0].blocked.before.unwrap() > 0.2);
}

#[test]
fn a_change_in_block_rate_is_counted_by_weight() {
    let mut after = present();
    after.tiers[HATE].block = 0.5;
    let text = |raw: f32, by_rules, weight, locale| Scored {
        raw: Some([raw; Category::COUNT]),
        locale,
        by_rules,
        weight,
    };
    let traffic = [
        // Logits 2.5, 1.5 and -0.5 under the shipped curve: 0.92, 0.82, 0.38.
        text(2.0, Action::Allow, 10.0, "en"),
        text(1.0, Action::Allow, 30.0, "de"),
        text(1.0, Action::Block, 20.0, "de"),
        text(-1.0, Action::Allow, 40.0, "en"),
        Scored {
            raw: None,
            ..text(0.0, Action::Block, 100.0, "en")
        },
    ];
    let found = impact(&traffic, &present(), &after);
    let of = |locale| found.iter().find(|one| one.locale == locale).unwrap();
    let all = of("all");
    assert_eq!(
        (all.texts, all.blocked.newly, all.blocked.no_longer),
        (5, 1, 0)
    );
    assert!((all.blocked.before.unwrap() - 130.0 / 200.0).abs() < 1e-12);
    assert!((all.blocked.change.unwrap() - 30.0 / 200.0).abs() < 1e-12);
    let [low, high] = all.blocked.interval.unwrap();
    assert!(low < 0.15 && 0.15 < high);
    assert_eq!(all.acted_upon.newly, 0);
    assert_eq!((of("en").blocked.newly, of("de").blocked.newly), (0, 1));
}

#[test]
fn a_patch_becomes_a_policy_that_judges_so() {
    let (folder, sources) = sources();
    let truth = Curve::new(1.5, -1.0, [own("de", Some(0.8), 1.5)]);
    let parts = Parts::halves(rows(&truth, &["en", "de"], 20_000, 13));
    let proposal = proposed(&parts, Some(Target::FalsePositiveRate(0.02)));
    let old = PolicySet::parse(folder.path(), &sources.policies, &sources.rules).unwrap();
    let (before, after) = (present(), &proposal.terms);
    let version = "2: \"it's\"".to_owned();
    let policy = old.for_tenant("");
    let patch = Patch::new(policy, MODEL, version, &proposal.fitted, &before, after).unwrap();
    let file = folder.path().join("default.yaml");
    let text = patch.apply(POLICY).unwrap();
    let set = patch.check(folder.path(), &sources, &file, &text).unwrap();
    assert!(text.contains("# Of hate."), "{text}");
    assert!(text.contains("locales: { \"de\": { slope: 0."), "{text}");
    let new = set.for_tenant("");
    assert_eq!(new.version, "2: \"it's\"");
    for (locale, row) in [("de-AT", 0.3), ("en", -1.0), ("fr", 2.0)] {
        let scores = ModelScores {
            raw: [row; Category::COUNT],
            calibrated: [0.5; Category::COUNT],
            any_harm: 0.5,
            truncated: false,
        };
        let judged = new.calibrated(&scores, &model(), locale);
        let wanted = after.scale.curve(Category::Hate).probability(row, locale);
        assert_eq!(judged.calibrated[HATE], wanted);
        assert_eq!(judged.calibrated[Category::Violence.index()], 0.5);
    }
    // The patch alone is YAML of the same shape, and all comments stay comments.
    let alone = patch.yaml(&["a: b".to_owned()]);
    let lines = format!("{alone}tenants: [\"*\"]\n");
    let file_of = SourceFile {
        path: "patch.yaml".into(),
        text: lines,
    };
    let alone = PolicySet::parse(Path::new("."), &[file_of], &[]).unwrap();
    assert_eq!(alone.for_tenant("").calibration, new.calibration);
    assert_eq!(
        alone.for_tenant("").tiers(Category::Hate),
        new.tiers(Category::Hate)
    );
    // acme's own threshold would now be measured on another scale.
    let behind = patch::left_behind(&old, &set, &patch);
    assert_eq!(behind, [("acme".to_owned(), vec![Category::Hate])]);
    // Nor is a file taken that is no policy of theirs.
    let other = folder.path().join("other.yaml");
    let error = patch
        .check(folder.path(), &sources, &other, &text)
        .unwrap_err();
    assert!(error.contains("none of the policies"), "{error}");
}

#[test]
fn a_band_that_would_hold_every_text_is_narrowed() {
    // As in traffic of which little is harmful: probabilities are small, and so are thresholds.
    let rare = Curve::new(1.0, -5.0, []);
    let parts = Parts::halves(rows(&rare, &["en"], 40_000, 14));
    let proposal = proposed(&parts, None);
    let lowest = proposal.terms.tiers[HATE].warn;
    assert!(lowest < 0.1, "{lowest}");
    assert!(proposal.terms.uncertain < lowest && proposal.terms.uncertain > 0.0);
    let (folder, sources) = sources();
    let patch = Patch::new(
        &policy(),
        MODEL,
        "2".to_owned(),
        &proposal.fitted,
        &present(),
        &proposal.terms,
    )
    .unwrap();
    let text = patch.apply(POLICY).unwrap();
    let set = patch.check(
        folder.path(),
        &sources,
        &folder.path().join("default.yaml"),
        &text,
    );
    assert!(set.unwrap().for_tenant("").second_look.uncertain < lowest);
}

#[test]
fn halves_are_the_same_every_time_and_part_requests() {
    let all = rows(&truth(), &["en"], 4000, 15);
    let one = Parts::halves(all.clone());
    let mut backwards = all.clone();
    backwards.reverse();
    let other = Parts::halves(backwards);
    let ids = |rows: &[Labelled]| {
        let mut ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&one.fit), ids(&other.fit));
    assert_eq!(one.fit.len() + one.report.len(), all.len());
    let share = one.fit.len() as f64 / all.len() as f64;
    assert!((0.45..0.55).contains(&share), "{share}");
    let twice = Parts::halves(vec![all[0].clone(), all[0].clone()]);
    assert!(twice.fit.len() == 2 || twice.report.len() == 2);
}

proptest! {
    #[test]
    fn a_threshold_moves_to_where_the_same_raw_scores_reach_it(
        a in 0.5..2.0_f64, b in -2.0..2.0_f64, c in 0.5..2.0_f64, d in -2.0..2.0_f64, at in 0.05..0.95_f32, raw in -4.0..4.0_f32,
    ) {
        let (from, to) = (Curve::new(a, b, []), Curve::new(c, d, []));
        let tiers = Tiers { warn: at, attenuate: NEVER, block: 1.0 };
        let moved = choose::translated(&tiers, &from, &to, &[("en", 2.0)].into());
        prop_assert_eq!((moved.attenuate, moved.block), (NEVER, 1.0));
        // But for what is lost by rounding to six places.
        let threshold = (f64::from(at) / (1.0 - f64::from(at))).ln();
        prop_assume!((a * f64::from(raw) + b - threshold).abs() > 1e-2);
        let new = to.probability(raw, "en");
        prop_assume!((new - moved.warn).abs() > 2e-6);
        prop_assert_eq!(from.probability(raw, "en") >= at, new >= moved.warn);
        prop_assert!(moved.warn > 0.0 && moved.warn <= 1.0);
    }
}
