//! Scored texts, and what makes probabilities of their scores. Pure.

use std::collections::BTreeMap;

use weir_infer::calibrate::Shipped;
use weir_policy::{Curve, Policy, Tiers};
use weir_telemetry::language_label;
use weir_types::{Action, Category, Verdict};

/// A text of the traffic, without its words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    /// Logits; `None`: the classifier had no say.
    pub(crate) raw: Option<[f32; Category::COUNT]>,
    /// The language that it was judged as.
    pub(crate) locale: &'static str,
    /// What the rules ask for; with no logits, what the verdict did.
    pub(crate) by_rules: Action,
    /// For how many texts it stands, above 0.
    pub(crate) weight: f64,
}

impl Scored {
    /// What a verdict tells.
    pub(crate) fn of(verdict: &Verdict, policy: &Policy, weight: f64) -> Self {
        let mut raw = [f32::NAN; Category::COUNT];
        for score in &verdict.scores {
            raw[score.category.index()] = score.raw;
        }
        let raw = raw.iter().all(|logit| logit.is_finite()).then_some(raw);
        let asked = verdict.findings.iter().map(|finding| {
            policy.action_for_finding(&finding.detector, &finding.rule, finding.score)
        });
        Self {
            raw,
            locale: language_label(&verdict.provenance.language),
            by_rules: match raw {
                Some(_) => asked.max().unwrap_or_default(),
                None => verdict.would_action,
            },
            weight,
        }
    }
}

/// A text of which it is known what it is.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    /// The request's; parts are drawn by it.
    pub(crate) id: String,
    /// `None`: not known.
    pub(crate) truth: [Option<bool>; Category::COUNT],
    pub(crate) raw: [f32; Category::COUNT],
    pub(crate) locale: &'static str,
    pub(crate) weight: f64,
}

/// Curves of all categories.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale(Vec<Curve>);

impl Scale {
    /// What is in force: the policy's, where it has any for this model, else the model's own.
    pub(crate) fn present(shipped: &Shipped, policy: &Policy) -> Self {
        let own = policy.calibration.as_ref();
        let own = own.filter(|calibration| calibration.model == shipped.model.hash);
        let curves: &BTreeMap<_, _> = &shipped.curves;
        let of = |category: Category| {
            let named = own.and_then(|calibration| calibration.curve(category));
            let shipped = || {
                let (a, b) = curves
                    .get(&category)
                    .map_or((1.0, 0.0), |platt| (platt.a, platt.b));
                Curve::new(a, b, [])
            };
            named.cloned().unwrap_or_else(shipped)
        };
        Self(Category::ALL.map(of).to_vec())
    }

    pub(crate) fn curve(&self, category: Category) -> &Curve {
        &self.0[category.index()]
    }

    pub(crate) fn set(&mut self, category: Category, curve: Curve) {
        self.0[category.index()] = curve;
    }

    /// As the lane works it out.
    pub(crate) fn probability(&self, category: Category, row: &Labelled) -> f64 {
        let curve = self.curve(category);
        f64::from(curve.probability(row.raw[category.index()], row.locale))
    }
}

/// What decides about a text besides its rules.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Terms {
    pub(crate) scale: Scale,
    pub(crate) tiers: [Tiers; Category::COUNT],
    /// The same on windows of streams.
    pub(crate) stream_tiers: [Tiers; Category::COUNT],
    /// How close to a threshold a text is uncertain.
    pub(crate) uncertain: f32,
}

impl Terms {
    pub(crate) fn present(shipped: &Shipped, policy: &Policy) -> Self {
        Self {
            scale: Scale::present(shipped, policy),
            tiers: Category::ALL.map(|category| *policy.tiers(category)),
            stream_tiers: Category::ALL.map(|category| *policy.stream_tiers(category)),
            uncertain: policy.second_look.uncertain,
        }
    }

    /// What is done with a text.
    pub(crate) fn action(&self, text: &Scored) -> Action {
        let Some(raw) = text.raw else {
            return text.by_rules;
        };
        let of = |category: Category| {
            let at = category.index();
            let curve = self.scale.curve(category);
            self.tiers[at].action(curve.probability(raw[at], text.locale))
        };
        Category::ALL
            .into_iter()
            .map(of)
            .fold(text.by_rules, Action::max)
    }
}
