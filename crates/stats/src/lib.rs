//! Figures of merit of a binary classifier, with intervals, and its calibration; how far two agree.
//!
//! Pure: no I/O, no clock; what is drawn at random comes from a seed. A figure that is not defined, such as
//! the recall of a set without positives, is `None`, never 0 or NaN.
//!
//! | | where |
//! |---|---|
//! | scores with labels, ordered | [`Ranking`] |
//! | ROC curve, AUROC, recall at a given false positive rate | `roc.rs` |
//! | average precision (AUPRC) | `average_precision.rs` |
//! | precision, recall, false positive rate from counts | [`Confusion`] |
//! | exact binomial intervals (Clopper-Pearson) | [`binomial_interval`], [`binomial_upper`] |
//! | reliability and expected calibration error | [`reliability`], [`calibration_error`] |
//! | a share from rows of unequal weight, Wilson's interval | [`WeightedShare`], [`wilson_interval_95`] |
//! | agreement beyond chance (Cohen's kappa) | [`cohen_kappa`] |
//! | the same by weight | [`weighted_reliability`] |
//! | by how much one calibration is better than another on the same rows | [`paired_calibration_errors`] |
//! | bootstrap intervals | [`Bootstrap`] |
//! | Platt scaling, by group where groups differ | [`Platt`], [`GroupedPlatt`] |
//! | thresholds that keep a false positive rate or a recall | [`threshold`] |

mod average_precision;
mod beta;
mod binomial;
mod bootstrap;
mod calibration;
mod confusion;
mod grouped;
mod kappa;
mod logistic;
mod paired;
mod platt;
mod random;
mod random_effects;
mod ranking;
mod roc;
mod threshold;
mod weighted;

pub use binomial::{Interval, binomial_interval, binomial_upper};
pub use bootstrap::Bootstrap;
pub use calibration::{Bin, calibration_error, reliability, weighted_reliability};
pub use confusion::{Confusion, predictive_value};
pub use grouped::{GroupCurve, GroupedPlatt, NoSlope};
pub use kappa::cohen_kappa;
pub use paired::{Paired, PairedErrors, paired_calibration_errors};
pub use platt::{Example, Platt, PlattError};
pub use random::SplitMix64;
pub use ranking::{NotFinite, Ranking, Tie};
pub use roc::RocPoint;
pub use threshold::{Target, threshold};
pub use weighted::{BadWeight, WeightedShare, wilson_interval_95};

/// A share of `whole`; `None` of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
