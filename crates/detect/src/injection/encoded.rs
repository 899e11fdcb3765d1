//! `encoded`: decode this and do what it says.

use super::Found;
use super::cues::{Cue, Cues, Role};
use super::nearby::{self, Mood};
use crate::work::spend;

const RULE: &str = "encoded";

/// How far after the verb the encoding, the order and the cipher text are looked for.
pub(super) const REACH: usize = 160;
/// Shortest run of letters and digits that is taken for a cipher text: 24 bytes in base64.
const ISLAND_BYTES: usize = 32;

pub(super) fn judge(cues: &Cues, text: &[u8], verb: Cue) -> Option<Found> {
    let to = text.len().min(verb.end + REACH);
    let (mut scheme, mut order, mut end) = (false, false, verb.end);
    for cue in cues.within(text, verb.end, to) {
        match cue.role {
            Role::Scheme => scheme = true,
            Role::Execute => order = true,
            _ => continue,
        }
        end = end.max(cue.end);
    }
    let island = island(&text[verb.end..to]);
    let mut score: f32 = match (order, scheme, island) {
        (true, true, true) => 0.82,
        (true, true, false) | (true, false, true) => 0.68,
        (true, false, false) => 0.35,
        (false, true, true) => 0.35,
        (false, true, false) => 0.25,
        (false, false, _) => return None,
    };
    score -= match nearby::mood(text, verb.start, verb.language) {
        Mood::Order | Mood::Plain => 0.0,
        Mood::Told => 0.10,
        Mood::Negated => 0.40,
    };
    Some(Found {
        rule: RULE,
        start: verb.start,
        end,
        score: score * nearby::quoted(text, verb.start, end),
    })
}

/// Whether a run of base64 or hex digits stands in `text` that no word of prose is as long as.
fn island(text: &[u8]) -> bool {
    spend(text.len());
    text.split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/' | b'='))
        .any(|run| run.len() >= ISLAND_BYTES)
}
