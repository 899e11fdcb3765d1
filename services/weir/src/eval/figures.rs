//! Figures of one subject in one locale.

use serde::Serialize;
use weir_policy::{NEVER, Policy};
use weir_stats::{
    Bin, Bootstrap, Confusion, Interval, Ranking, binomial_interval, binomial_upper,
    calibration_error, predictive_value, reliability,
};
use weir_types::Action;

use super::outcome::Outcome;
use super::subject::Subject;

/// Of intervals and bounds.
pub(crate) const CONFIDENCE: f64 = 0.95;
/// At which precision is told: what share of the traffic is positive.
pub(crate) const PREVALENCES: [f64; 3] = [0.001, 0.01, 0.05];
/// At which recall is told.
pub(crate) const FALSE_POSITIVE_RATE: f64 = 0.005;
/// Harmless rows from which on something is shown of a false positive rate: none flagged of so many bounds it by 0.2 %.
pub(crate) const ENOUGH_HARMLESS: usize = 1500;
/// Positives or negatives below which a figure of scores says nothing and is left out.
const FEWEST: u64 = 8;
/// Of reliability diagrams and of the calibration error.
const BINS: u32 = 15;
/// Points of a ROC curve are at least this far apart.
const APART: f64 = 0.02;

/// What `--seed` and `--bootstrap` ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draws {
    pub(crate) seed: u64,
    pub(crate) resamples: usize,
}

/// Figures of one subject in one locale; null: not defined, or of too few rows.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) category: &'static str,
    pub(crate) locale: String,
    pub(crate) positives: u64,
    pub(crate) negatives: u64,
    pub(crate) fpr_claims: &'static str,
    pub(crate) scores: Option<Scores>,
    /// Of the model alone at the policy's thresholds.
    pub(crate) model: Points,
    /// Of rules and model.
    pub(crate) actions: Points,
}

/// How well scores rank and how well they are calibrated.
#[derive(Debug, Serialize)]
pub(crate) struct Scores {
    pub(crate) rows: u64,
    pub(crate) auroc: Option<f64>,
    pub(crate) auroc_interval: Option<[f64; 2]>,
    pub(crate) auprc: Option<f64>,
    pub(crate) auprc_interval: Option<[f64; 2]>,
    pub(crate) recall_at_fpr: Option<f64>,
    pub(crate) recall_at_fpr_interval: Option<[f64; 2]>,
    pub(crate) ece: Option<f64>,
    pub(crate) ece_interval: Option<[f64; 2]>,
}

/// Operating points; null: the policy has none there.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Points {
    /// Acted upon at all: warn or stricter.
    pub(crate) warn: Option<Point>,
    pub(crate) block: Option<Point>,
}

/// One operating point.
#[derive(Debug, Serialize)]
pub(crate) struct Point {
    /// The policy's, of the model alone.
    pub(crate) threshold: Option<f64>,
    pub(crate) true_positives: u64,
    pub(crate) false_positives: u64,
    pub(crate) precision: Option<f64>,
    pub(crate) precision_interval: Option<[f64; 2]>,
    pub(crate) recall: Option<f64>,
    pub(crate) recall_interval: Option<[f64; 2]>,
    pub(crate) fpr: Option<f64>,
    pub(crate) fpr_interval: Option<[f64; 2]>,
    /// One-sided.
    pub(crate) fpr_upper: Option<f64>,
    /// At each of [`PREVALENCES`], from recall and false positive rate.
    pub(crate) precision_at: [Option<f64>; 3],
    /// The same from the bound of the false positive rate: what the set shows even where it holds no false alarm.
    pub(crate) precision_at_least: [Option<f64>; 3],
}

/// Diagrams of one subject, all locales.
#[derive(Debug, Serialize)]
pub(crate) struct Curves {
    pub(crate) category: &'static str,
    /// False positive rate, recall.
    pub(crate) roc: Vec<[f64; 2]>,
    /// Mean score, share of positives, rows.
    pub(crate) reliability: Vec<(f64, f64, u64)>,
}

/// Rows of one locale, or of all.
pub(crate) struct Slice<'a> {
    pub(crate) locale: &'a str,
    pub(crate) rows: Vec<&'a Outcome>,
}

impl Slice<'_> {
    pub(crate) fn harmless(&self) -> usize {
        self.rows.iter().filter(|row| row.labels.benign).count()
    }

    /// `None`: no row of it is labelled for `subject`.
    pub(crate) fn figures(
        &self,
        subject: Subject,
        policy: &Policy,
        draws: Draws,
    ) -> anyhow::Result<Option<Figures>> {
        let actions = self.ranking(subject, |row| Some(strictness(row.action(subject))))?;
        let (positives, negatives) = (actions.positives(), actions.negatives());
        if positives + negatives == 0 {
            return Ok(None);
        }
        let enough = self.harmless().min(usize::try_from(negatives)?) >= ENOUGH_HARMLESS;
        let by_model = self.ranking(subject, |row| row.model_action(subject).map(strictness))?;
        let point = |level, limit: Limit| limit.point(&by_model, level, draws);
        Ok(Some(Figures {
            category: subject.as_str(),
            locale: self.locale.to_owned(),
            positives,
            negatives,
            fpr_claims: if enough { "supported" } else { "unproven" },
            scores: self.scores(subject, draws)?,
            model: Points {
                warn: point(Action::Warn, Limit::of(policy, subject, Action::Warn)),
                block: point(Action::Block, Limit::of(policy, subject, Action::Block)),
            },
            actions: Points {
                warn: Limit::Unnamed.point(&actions, Action::Warn, draws),
                block: Limit::Unnamed.point(&actions, Action::Block, draws),
            },
        }))
    }

    /// Empty where there are too few rows.
    pub(crate) fn curves(&self, subject: Subject) -> anyhow::Result<Curves> {
        let ranking = self.ranking(subject, |row| row.score(subject))?;
        let (roc, bins) = if says_something(&ranking) {
            (thinned(&ranking), reliability(&ranking, BINS))
        } else {
            (Vec::new(), Vec::new())
        };
        let triple = |bin: Bin| (rounded(bin.mean_score), rounded(bin.observed), bin.rows);
        Ok(Curves {
            category: subject.as_str(),
            roc,
            reliability: bins.into_iter().map(triple).collect(),
        })
    }

    fn scores(&self, subject: Subject, draws: Draws) -> anyhow::Result<Option<Scores>> {
        let ranking = self.ranking(subject, |row| row.score(subject))?;
        if !says_something(&ranking) {
            return Ok(None);
        }
        let figures = |ranking: &Ranking| {
            [
                ranking.auroc(),
                ranking.average_precision(),
                ranking.recall_at(FALSE_POSITIVE_RATE),
                calibration_error(&reliability(ranking, BINS)),
            ]
        };
        let [auroc, auprc, recall_at_fpr, ece] = figures(&ranking).map(round);
        let intervals = draws.bootstrap().intervals(&ranking, figures);
        let [
            auroc_interval,
            auprc_interval,
            recall_at_fpr_interval,
            ece_interval,
        ] = intervals.map(ends);
        Ok(Some(Scores {
            rows: ranking.positives() + ranking.negatives(),
            auroc,
            auroc_interval,
            auprc,
            auprc_interval,
            recall_at_fpr,
            recall_at_fpr_interval,
            ece,
            ece_interval,
        }))
    }

    /// Rows that are labelled for `subject` and have a `score`.
    fn ranking(
        &self,
        subject: Subject,
        score: impl Fn(&Outcome) -> Option<f64>,
    ) -> anyhow::Result<Ranking> {
        let scored = self
            .rows
            .iter()
            .filter_map(|row| Some((score(row)?, row.labels.truth(subject)?)));
        Ok(Ranking::new(scored)?)
    }
}

impl Draws {
    const fn bootstrap(self) -> Bootstrap {
        Bootstrap {
            seed: self.seed,
            resamples: self.resamples,
            confidence: CONFIDENCE,
        }
    }
}

/// Where a tier of the model begins.
#[derive(Clone, Copy)]
enum Limit {
    At(f32),
    /// At a threshold of its own for each category, or at none of scores.
    Unnamed,
    /// The policy never gets there on the model's word.
    Never,
}

impl Limit {
    fn of(policy: &Policy, subject: Subject, level: Action) -> Self {
        let Subject::Of(category) = subject else {
            return Self::Unnamed;
        };
        let tiers = policy.tiers(category);
        let begins = if level == Action::Block {
            tiers.block
        } else {
            tiers.lowest()
        };
        if begins < NEVER {
            Self::At(begins)
        } else {
            Self::Never
        }
    }

    /// The point at which actions of at least `level` are taken; `None` without rows.
    fn point(self, actions: &Ranking, level: Action, draws: Draws) -> Option<Point> {
        let threshold = match self {
            Self::Never => return None,
            Self::At(begins) => Some(rounded(f64::from(begins))),
            Self::Unnamed => None,
        };
        if actions.positives() + actions.negatives() == 0 {
            return None;
        }
        let begins = strictness(level);
        let confusion = actions.confusion(begins);
        let both = actions.positives() > 0 && actions.negatives() > 0;
        let precision = |actions: &Ranking| [actions.confusion(begins).precision()];
        let [precision_interval] = if both {
            draws.bootstrap().intervals(actions, precision)
        } else {
            [None]
        };
        Some(Point {
            threshold,
            // Among positives alone precision is 1 whatever is done, among negatives alone 0.
            precision: round(confusion.precision().filter(|_| both)),
            precision_interval: ends(precision_interval),
            ..Point::of(&confusion)
        })
    }
}

impl Point {
    fn of(confusion: &Confusion) -> Self {
        let hits = (confusion.true_positives, confusion.positives());
        let alarms = (confusion.false_positives, confusion.negatives());
        let upper = binomial_upper(alarms.0, alarms.1, CONFIDENCE);
        Self {
            threshold: None,
            true_positives: confusion.true_positives,
            false_positives: confusion.false_positives,
            precision: None,
            precision_interval: None,
            recall: round(confusion.recall()),
            recall_interval: ends(binomial_interval(hits.0, hits.1, CONFIDENCE)),
            fpr: round(confusion.false_positive_rate()),
            fpr_interval: ends(binomial_interval(alarms.0, alarms.1, CONFIDENCE)),
            fpr_upper: round(upper),
            precision_at: PREVALENCES.map(|prevalence| round(confusion.precision_at(prevalence))),
            precision_at_least: PREVALENCES
                .map(|prevalence| round(predictive_value(confusion.recall()?, upper?, prevalence))),
        }
    }
}

/// Actions as scores: their order is all that counts.
fn strictness(action: Action) -> f64 {
    f64::from(action as u8)
}

fn says_something(ranking: &Ranking) -> bool {
    ranking.positives().min(ranking.negatives()) >= FEWEST
}

/// The curve's ends and points between them that a reader can tell apart.
fn thinned(ranking: &Ranking) -> Vec<[f64; 2]> {
    let mut kept: Vec<[f64; 2]> = Vec::new();
    let points = ranking.roc();
    for (index, point) in points.iter().enumerate() {
        let here = [point.false_positive_rate, point.recall];
        let far = kept.last().is_none_or(|last| {
            (here[0] - last[0]).abs() >= APART || (here[1] - last[1]).abs() >= APART
        });
        if far || index + 1 == points.len() {
            kept.push(here.map(rounded));
        }
    }
    kept
}

fn round(value: Option<f64>) -> Option<f64> {
    value.map(rounded)
}

/// To six places: more would only look exact.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn ends(interval: Option<Interval>) -> Option<[f64; 2]> {
    interval.map(|interval| [rounded(interval.low), rounded(interval.high)])
}
