//! Curves of a policy: what they make of scores, and what is refused.

use super::*;
use crate::{PolicyError, PolicySet, SourceFile};

const MODEL: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn set(files: &[&str]) -> Result<PolicySet, PolicyError> {
    let sources: Vec<_> = files
        .iter()
        .map(|text| SourceFile {
            path: "p.yaml".into(),
            text: (*text).to_owned(),
        })
        .collect();
    PolicySet::parse(Path::new("policies"), &sources, &[])
}

fn policy(categories: &str) -> String {
    format!(
        "id: p\nversion: \"1\"\ntenants: [\"*\"]\ncalibration:\n  model: {MODEL}\n  categories:\n{categories}"
    )
}

fn scores(raw: f32) -> ModelScores {
    ModelScores {
        raw: [raw; Category::COUNT],
        calibrated: [0.25; Category::COUNT],
        any_harm: 0.75,
        truncated: true,
    }
}

fn model(hash: &str) -> ModelRef {
    ModelRef {
        name: "m".to_owned(),
        hash: hash.to_owned(),
    }
}

const HATE: &str = "    hate: { slope: 2.0, intercept: -1.0, locales: { de: 0.5, hi: { slope: 4.0, shift: 1.0 }, HI-latn: -3, \
    zh: { slope: 0.5, shift: 1 } } }\n";

#[test]
fn scores_of_its_model_are_calibrated_by_language() {
    let set = set(&[&policy(HATE)]).unwrap();
    let policy = set.for_tenant("");
    for (language, logit) in [
        ("en", 0.0),
        ("und", 0.0),
        ("", 0.0),
        ("de", 0.5),
        ("DE-at", 0.5),
        ("de_CH", 0.5),
        ("den", 0.0),
        ("d\u{e9}", 0.0),
        ("hi-Deva", 2.0),
        // Its own shift, and not the slope of hi.
        ("hi-Latn-IN", -3.0),
        ("zh", 0.25),
    ] {
        let found = policy.calibrated(&scores(0.5), &model(MODEL), language);
        let mut expected = scores(0.5);
        expected.calibrated[Category::Hate.index()] = logistic(logit);
        assert_eq!(found, expected, "{language}");
    }
    let other = policy.calibrated(&scores(0.5), &model(OTHER), "de");
    assert_eq!(other, scores(0.5));
}

#[test]
fn children_inherit_what_is_of_the_same_model() {
    let child = |model: &str| {
        format!(
            "id: c\nversion: \"1\"\nextends: p\ntenants: [acme]\ncalibration:\n  model: {model}\n  categories:\n    \
             violence: {{ slope: 1.0, intercept: 0.0 }}\n"
        )
    };
    let of = |child: &str| {
        let set = set(&[&policy(HATE), child]).unwrap();
        let calibration = set.for_tenant("acme").calibration.clone().unwrap();
        let has = |category| calibration.curve(category).is_some();
        (has(Category::Hate), has(Category::Violence))
    };
    assert_eq!(of(&child(MODEL)), (true, true));
    assert_eq!(of(&child(OTHER)), (false, true));
    assert_eq!(
        of("id: c\nversion: \"1\"\nextends: p\ntenants: [acme]\n"),
        (true, false)
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (categories, line, why) in [
        (
            "    hate: { slope: 0, intercept: 1 }\n",
            7,
            "slope 0 is not above 0",
        ),
        (
            "    hate: { slope: .inf, intercept: 1 }\n",
            7,
            "slope inf is no finite number",
        ),
        (
            "    hate: { slope: 1, intercept: .nan }\n",
            7,
            "intercept NaN",
        ),
        (
            "    hate: { slope: 1, intercept: 1, locales: { de: -.inf } }\n",
            7,
            "non-finite float `-.inf`",
        ),
        (
            "    hate: { slope: 1, intercept: 1, locales: { de: { slope: -2.5, shift: 1 } } }\n",
            7,
            "slope -2.5 is not above 0",
        ),
        (
            "    hate:\n      slope: 1\n      intercept: 1\n      locales:\n        de:\n          shift: 1\n          slope: .nan\n",
            13,
            "slope NaN is no finite number",
        ),
        (
            "    hate:\n      slope: 1\n      intercept: 1\n      locales:\n        en: 1\n        de: .inf\n",
            12,
            "non-finite float `.inf`",
        ),
        (
            "    hate: { slope: 1, intercept: 1, locales: { de: { slope: 1, shift: .inf } } }\n",
            7,
            "shift inf is no finite number",
        ),
        (
            "    hate: { slope: 1, intercept: 1, locales: { de: { slope: 1 } } }\n",
            7,
            "shift",
        ),
        (
            "    hate: { slope: 1, intercept: 1, locales: { de: { slope: 1, shift: 1, b: 1 } } }\n",
            7,
            "b",
        ),
        (
            "    hate: { slope: 1, intercept: 1, locales: { de: steep } }\n",
            7,
            "{ slope: NUMBER, shift: NUMBER }",
        ),
        (
            "    hate: { slope: 1, intercept: 1, locales: { \"d e\": 1 } }\n",
            7,
            "\"d e\" is no language tag",
        ),
        ("    hatred: { slope: 1, intercept: 1 }\n", 7, "hatred"),
        ("    hate: { slope: 1 }\n", 7, "intercept"),
        ("    hate: { slope: 1, intercept: 0, b: 1 }\n", 7, "b"),
    ] {
        let problems = set(&[&policy(categories)]).unwrap_err().problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].line, line, "{problems:?}");
        assert!(problems[0].message.contains(why), "{problems:?}");
    }
    let unknown = policy(HATE).replace(MODEL, "fast-words-2");
    let problems = set(&[&unknown]).unwrap_err().problems;
    assert!(
        problems[0].message.contains("64 hex digits"),
        "{problems:?}"
    );
}

#[test]
fn a_locale_is_a_shift_or_a_slope_and_a_shift() {
    let set = set(&[&policy(HATE)]).unwrap();
    let calibration = set.for_tenant("").calibration.clone().unwrap();
    let curve = calibration.curve(Category::Hate).unwrap();
    let shift = |tag: &str, shift| (tag.to_owned(), Local { slope: None, shift });
    let both = |tag: &str, slope: f64, shift| {
        let slope = Some(slope);
        (tag.to_owned(), Local { slope, shift })
    };
    let locales = [
        shift("de", 0.5),
        both("hi", 4.0, 1.0),
        shift("HI-Latn", -3.0),
        both("zh", 0.5, 1.0),
    ];
    assert_eq!(curve, &Curve::new(2.0, -1.0, locales));
    assert_eq!(curve.line("de"), (2.0, -0.5));
    assert_eq!(curve.line("hi-IN"), (4.0, 0.0));
    assert_eq!(curve.line("fr"), (2.0, -1.0));
}
