//! `persona`: phrases of jailbreaks. One is a hint, two different ones near each other are more.
//!
//! A pair of which one is an assistant's `as an AI` stays a hint: nine of 2,482 harmless answers of
//! assistants decline in such words, and of 744 jailbreaks three need the pair to reach 0.5.

use super::Found;
use super::cues::{Cue, Cues, Role};
use super::nearby;

const RULE: &str = "persona";

/// How far after the first phrase others count.
pub(super) const REACH: usize = 160;

pub(super) fn judge(cues: &Cues, text: &[u8], first: Cue) -> Option<Found> {
    let mut jailbreak = first.role == Role::Jailbreak;
    let mut told = !is_disclaimer(text, first);
    let (mut pairs, mut end, mut last) = (0_u8, first.end, first.end);
    for cue in cues.within(text, first.end, first.end + REACH) {
        // Phrases inside phrases count once.
        if matches!(cue.role, Role::Jailbreak | Role::Persona) && cue.start >= last {
            jailbreak |= cue.role == Role::Jailbreak;
            told &= !is_disclaimer(text, cue);
            pairs += u8::from(pairs < 3);
            (end, last) = (cue.end, cue.end);
        }
    }
    let score = match (jailbreak, pairs) {
        (true, 0) => 0.35,
        // An assistant that declines: "immoral ... As an AI, I cannot".
        (true, 1) if !told => 0.42,
        (true, 1) => 0.52,
        (true, 2) => 0.60,
        (true, _) => 0.66,
        (false, 0) => return None,
        (false, 1) => 0.25,
        (false, _) => 0.35,
    };
    Some(Found {
        rule: RULE,
        start: first.start,
        end,
        score: score * nearby::quoted(text, first.start, end),
    })
}

/// What assistants say of themselves, and jailbreaks forbid them to say.
fn is_disclaimer(text: &[u8], cue: Cue) -> bool {
    text[cue.start..cue.end].eq_ignore_ascii_case(b"as an ai")
}
