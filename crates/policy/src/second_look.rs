//! Which texts the rescorer is to look at, besides those that the policy acts on.

use std::path::Path;

use serde_saphyr::Spanned;
use weir_types::Category;

use crate::document::SecondLookDocument;
use crate::error::{Problem, Problems};

/// Which texts get a second look. Those that the policy acts on, or would act on, always do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SecondLook {
    /// Probability with which an allowed text is drawn, `0.0..=1.0`.
    pub sample: f64,
    /// An allowed text gets one if a score of it is this close to the lowest threshold of its category,
    /// or closer; `0.0..=1.0`. 0: none for that.
    pub uncertain: f32,
    /// Every text gets one.
    pub all: bool,
}

impl SecondLook {
    /// Only what the policy acts on.
    pub(crate) const FLAGGED_ONLY: Self = Self {
        sample: 0.0,
        uncertain: 0.0,
        all: false,
    };
}

pub(crate) fn apply(
    look: &mut SecondLook,
    file: &Path,
    document: &SecondLookDocument,
    problems: &mut Problems,
) {
    let mut probability = |value: &Option<Spanned<f64>>, what: &str| {
        let value = value.as_ref()?;
        if !(0.0..=1.0).contains(&value.value) {
            let message = format!("{what} {} is outside 0..1", value.value);
            problems.push(Problem::at(file, value, message));
            return None;
        }
        Some(value.value)
    };
    look.sample = probability(&document.sample, "sample").unwrap_or(look.sample);
    if let Some(uncertain) = probability(&document.uncertain, "uncertain") {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "scores are no more precise"
        )]
        let uncertain = uncertain as f32;
        look.uncertain = uncertain;
    }
    look.all = document.all.unwrap_or(look.all);
}

/// Refuses a band that reaches down to 0: every text would be in it, and the rescorer flooded. `lowest` tells a category's
/// lowest threshold.
pub(crate) fn check(
    look: &SecondLook,
    lowest: impl Fn(Category) -> f32,
    file: &Path,
    document: Option<&SecondLookDocument>,
    problems: &mut Problems,
) {
    let uncertain = look.uncertain;
    if uncertain <= 0.0 || look.all {
        return;
    }
    for category in Category::ALL {
        let threshold = lowest(category);
        if threshold - uncertain > 0.0 {
            continue;
        }
        let message = format!(
            "uncertain {uncertain} reaches from the lowest threshold of {category} ({threshold}) down to 0, so that every \
             text would get a second look: raise the threshold, lower uncertain, or say all: true"
        );
        let own = document.and_then(|document| document.uncertain.as_ref());
        problems.push(match own {
            Some(uncertain) => Problem::at(file, uncertain, message),
            None => Problem::whole_file(file, message),
        });
    }
}
