//! `role_forgery`: delimiters with which chat templates and agents part the roles, in a text that
//! should have none.

use super::Found;
use super::cues::{Cue, Cues, Role};
use super::marks::MARKS;
use super::nearby;

const RULE: &str = "role_forgery";

/// How far after a label like `System:` an order is looked for.
const ORDER_REACH: usize = 96;

pub(super) fn judge(cues: &Cues, text: &[u8], cue: Cue) -> Option<Found> {
    let (end, score) = match cue.role {
        Role::Mark(index) => (cue.end, MARKS.get(usize::from(index))?.score),
        Role::SystemLabel if opens_line(text, cue.start) => {
            let order = cues
                .within(text, cue.end, cue.end + ORDER_REACH)
                .find(|near| matches!(near.role, Role::Order | Role::Verb))?;
            (order.end, 0.62)
        }
        Role::JsonKey => (system_value(text, cue.end)?, 0.55),
        _ => return None,
    };
    Some(Found {
        rule: RULE,
        start: cue.start,
        end,
        score: score * nearby::quoted(text, cue.start, end),
    })
}

/// Whether only white space and signs stand between byte `at` and the start of its line.
fn opens_line(text: &[u8], at: usize) -> bool {
    let from = at.saturating_sub(8);
    let before = &text[from..at];
    let line = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map(|place| &before[place + 1..])
        .or_else(|| (from == 0).then_some(before));
    let is_sign =
        |byte: &u8| matches!(byte, b' ' | b'\t' | b'#' | b'*' | b'[' | b'>' | b'-' | b'"');
    line.is_some_and(|line| line.iter().all(is_sign)) || before.ends_with(b"\\n")
}

/// The end of `: "system"` after a `"role"` that ends at `at`.
fn system_value(text: &[u8], at: usize) -> Option<usize> {
    let skip = |from: usize| {
        let blanks = text.get(from..)?.iter().take(4);
        Some(from + blanks.take_while(|byte| byte.is_ascii_whitespace()).count())
    };
    let colon = skip(at)?;
    if text.get(colon) != Some(&b':') {
        return None;
    }
    let value = skip(colon + 1)?;
    let rest = text.get(value..)?;
    [
        &b"\"system\""[..],
        b"'system'",
        b"\"developer\"",
        b"'developer'",
    ]
    .iter()
    .find(|name| rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name))
    .map(|name| value + name.len())
}
