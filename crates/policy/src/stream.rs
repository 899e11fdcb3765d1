//! How the streams of a policy are held and ended.

use std::collections::BTreeMap;
use std::path::Path;

use weir_types::{Category, Disposition, Micros, OnExpiry, StreamContract};

use crate::document::{HoldDocument, PolicyDocument, StreamDocument};
use crate::error::{Problem, Problems};
use crate::policy::{Policy, Tiers};
use crate::resolve::{DETECTORS, apply_tiers, known};

/// What text waits for where no policy says otherwise: rules, and what a few characters can tell.
const REQUIRED: [&str; 8] = [
    "literal",
    "pattern",
    "card",
    "iban",
    "national_id",
    "passport",
    "api_key",
    "private_key",
];
/// The key of the completion for languages without their own.
const ANY_LANGUAGE: &str = "und";
/// Longest completion, bytes: it travels on every prompt's verdict.
const MAX_COMPLETION_BYTES: usize = 2048;
/// Longest hold on suspicion, ms: longer ones are felt as a stall.
const MAX_HOLD_MS: u64 = 10_000;
/// Most characters held on suspicion.
const MAX_HOLD_CHARS: u64 = 4096;
/// Bounds of the time after which a silent stream is closed, ms.
const IDLE_MS: std::ops::RangeInclusive<u64> = 100..=3_600_000;

/// How the streams of a policy are held and ended.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamPolicy {
    /// Detectors that text waits for, sorted: nothing that they might yet act upon is released.
    pub required: Vec<String>,
    /// Most characters that are held on the classifier's suspicion.
    pub hold_chars: usize,
    /// Longest time that text is held on suspicion.
    pub hold: Micros,
    /// What follows when that time is over.
    pub on_expiry: OnExpiry,
    /// Text is released in whole words, in scripts that part them.
    pub whole_words: bool,
    /// A stream that says nothing for so long is closed.
    pub idle: Micros,
    /// What becomes of text that was shown before it was blocked.
    pub disposition: Disposition,
    /// Tiers on windows; `None`: those of whole texts. [`Policy::stream_tiers`] tells which hold.
    pub(crate) tiers: [Option<Tiers>; Category::COUNT],
}

impl Default for StreamPolicy {
    fn default() -> Self {
        let mut required = REQUIRED.map(str::to_owned).to_vec();
        required.sort_unstable();
        Self {
            required,
            hold_chars: 200,
            hold: Micros::from_millis(40),
            on_expiry: OnExpiry::Hold,
            whole_words: false,
            idle: Micros::from_millis(30_000),
            disposition: Disposition::Retract,
            tiers: [None; Category::COUNT],
        }
    }
}

impl Policy {
    /// What is shown in place of blocked text in a language (a BCP 47 tag): the tag's own words, else
    /// those of its language, else those for all languages.
    #[must_use]
    pub fn completion(&self, language: &str) -> Option<&str> {
        let primary = language.split('-').next().unwrap_or(language);
        [language, primary, ANY_LANGUAGE]
            .into_iter()
            .find_map(|tag| self.completions.get(tag))
            .map(String::as_str)
    }

    /// What a worker needs to know of this policy to guard the answer to a prompt.
    #[must_use]
    pub fn contract(&self, completion: Option<String>) -> StreamContract {
        let stream = &self.stream;
        StreamContract {
            budget_us: i64::try_from(self.budget.0).unwrap_or(i64::MAX),
            hold_chars: i32::try_from(stream.hold_chars).unwrap_or(i32::MAX),
            hold_ms: i32::try_from(stream.hold.0 / 1000).unwrap_or(i32::MAX),
            on_expiry: stream.on_expiry,
            fail_mode: self.fail_mode,
            disposition: stream.disposition,
            completion,
        }
    }
}

pub(crate) fn apply(
    policy: &mut Policy,
    file: &Path,
    document: &PolicyDocument,
    problems: &mut Problems,
) {
    if let Some(stream) = &document.stream {
        apply_stream(&mut policy.stream, file, stream, problems);
    }
    apply_completions(&mut policy.completions, file, document, problems);
}

fn apply_stream(
    stream: &mut StreamPolicy,
    file: &Path,
    document: &StreamDocument,
    problems: &mut Problems,
) {
    if let Some(required) = &document.required {
        for name in required {
            known(file, name, &DETECTORS, "detector", problems);
        }
        stream.required = required.iter().map(|name| name.value.clone()).collect();
        stream.required.sort_unstable();
        stream.required.dedup();
    }
    if let Some(hold) = &document.hold {
        apply_hold(stream, file, hold, problems);
    }
    stream.whole_words = document.whole_words.unwrap_or(stream.whole_words);
    if let Some(idle) = &document.idle_ms {
        if IDLE_MS.contains(&idle.value) {
            stream.idle = Micros::from_millis(idle.value);
        } else {
            let message = format!(
                "idle_ms {} is outside {}..{}",
                idle.value,
                IDLE_MS.start(),
                IDLE_MS.end()
            );
            problems.push(Problem::at(file, idle, message));
        }
    }
    stream.disposition = document.disposition.unwrap_or(stream.disposition);
    apply_tiers(file, &document.categories, problems, |category, tiers| {
        stream.tiers[category.index()] = Some(tiers);
    });
}

fn apply_hold(
    stream: &mut StreamPolicy,
    file: &Path,
    hold: &HoldDocument,
    problems: &mut Problems,
) {
    if let Some(chars) = &hold.chars {
        match usize::try_from(chars.value) {
            Ok(count) if chars.value <= MAX_HOLD_CHARS => stream.hold_chars = count,
            _ => {
                let message = format!("chars {} is above {MAX_HOLD_CHARS}", chars.value);
                problems.push(Problem::at(file, chars, message));
            }
        }
    }
    if let Some(ms) = &hold.ms {
        if ms.value <= MAX_HOLD_MS {
            stream.hold = Micros::from_millis(ms.value);
        } else {
            let message = format!("ms {} is above {MAX_HOLD_MS}", ms.value);
            problems.push(Problem::at(file, ms, message));
        }
    }
    stream.on_expiry = hold.on_expiry.unwrap_or(stream.on_expiry);
}

fn apply_completions(
    completions: &mut BTreeMap<String, String>,
    file: &Path,
    document: &PolicyDocument,
    problems: &mut Problems,
) {
    for (tag, text) in &document.completions {
        if text.value.len() > MAX_COMPLETION_BYTES {
            let message = format!(
                "the completion for \"{}\" has {} bytes; at most {MAX_COMPLETION_BYTES}",
                tag.value,
                text.value.len()
            );
            problems.push(Problem::at(file, text, message));
        }
        completions.insert(tag.value.clone(), text.value.clone());
    }
}
