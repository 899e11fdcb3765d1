//! What stands around a finding: negations, quotation marks, ends of sentences.

use super::phrases::{INFINITIVE, LEADS, MENTIONS, NEGATION};
use super::terms::POLISH;
use crate::word;
use crate::work::spend;

/// How far around a finding quotation marks are looked for, and before it words that mention.
pub(super) const QUOTE_REACH: usize = 64;

/// How the words right before a verb bear on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// It opens a sentence or follows a word like `please`.
    Order,
    /// It follows `to`, `we` or the like.
    Told,
    /// It follows a negation.
    Negated,
    Plain,
}

/// Longest word in the lists, and the space after it.
const LEAD_BYTES: usize = 24;

/// The mood of a verb of a language that begins at byte `verb`.
pub(super) fn mood(text: &[u8], verb: usize, language: usize) -> Mood {
    let from = verb.saturating_sub(LEAD_BYTES);
    spend(verb - from);
    let before = String::from_utf8_lossy(&text[from..verb]).to_lowercase();
    let kept = before.trim_end_matches([' ', '\t', '"', '\'', '“', '„', '«', '*', '_', '(']);
    let Some(last) = kept.chars().next_back() else {
        return Mood::Order;
    };
    let ends_with = |words: &[&str]| {
        words.iter().any(|word| {
            kept.strip_suffix(word).is_some_and(|rest| {
                let joins = rest.chars().next_back().is_some_and(word::is_word);
                !joins || !word.chars().next().is_some_and(word::is_word)
            })
        })
    };
    // `I` to the English, `and` to the Poles.
    let and = language == POLISH && ends_with(&["i"]);
    if ends_with(NEGATION) {
        Mood::Negated
    } else if ends_with(INFINITIVE) && !and {
        Mood::Told
    } else if !word::is_word(last) && last.is_ascii() || ends_with(LEADS) || is_stop(last) {
        Mood::Order
    } else {
        Mood::Plain
    }
}

/// Signs outside ASCII that open what follows them; clean text has the full-width ones in ASCII.
fn is_stop(c: char) -> bool {
    matches!(
        c,
        '。' | '、' | '।' | '؟' | '،' | '؛' | '–' | '—' | '”' | '»'
    )
}

/// The first end of a sentence in `text[from..to]`, else `to`.
pub(super) fn sentence_end(text: &[u8], from: usize, to: usize) -> usize {
    let to = to.min(text.len());
    spend(to.saturating_sub(from));
    (from..to).find(|&at| is_end(text, at)).unwrap_or(to)
}

/// Where the sentence that holds byte `to` begins, not before `from`.
pub(super) fn sentence_start(text: &[u8], from: usize, to: usize) -> usize {
    spend(to.saturating_sub(from));
    (from..to)
        .rev()
        .find(|&at| is_end(text, at))
        .map_or(from, |at| at + 1)
}

fn is_end(text: &[u8], at: usize) -> bool {
    match text[at] {
        b'\n' => true,
        b'.' => text.get(at + 1).is_none_or(u8::is_ascii_whitespace),
        // The full-width ones are these in clean text, and no space follows them.
        b'!' | b'?' => text
            .get(at + 1)
            .is_none_or(|next| next.is_ascii_whitespace() || !next.is_ascii()),
        // The last bytes of 。 ؟ ।
        0x82 => text[..=at].ends_with("。".as_bytes()),
        0x9f => text[..=at].ends_with("؟".as_bytes()),
        0xa4 => text[..=at].ends_with("।".as_bytes()),
        _ => false,
    }
}

/// How much of a score is left to a finding in `text[start..end]` for being quoted.
pub(super) fn quoted(text: &[u8], start: usize, end: usize) -> f32 {
    let from = start.saturating_sub(QUOTE_REACH);
    let to = text.len().min(end + QUOTE_REACH);
    spend(start - from + to - end);
    let before = String::from_utf8_lossy(&text[from..start]);
    let after = String::from_utf8_lossy(&text[end..to]);
    if !opens(&before) || !closes(&after) {
        return 1.0;
    }
    let before = before.to_lowercase();
    let mentioned = MENTIONS.iter().any(|word| before.contains(word));
    if mentioned { 0.45 } else { 0.65 }
}

/// Whether a quotation is open at the end of `before`.
fn opens(before: &str) -> bool {
    let mut previous = None;
    let mut open = false;
    for c in before.chars() {
        match c {
            '\n' => open = false,
            '“' | '„' | '«' | '‘' | '「' | '『' if !open => open = true,
            '”' | '“' | '»' | '’' | '」' | '』' => open = false,
            '"' | '`' => open = !open && !previous.is_some_and(word::is_word),
            '\'' if !previous.is_some_and(word::is_word) => open = true,
            '\'' => open = false,
            _ => {}
        }
        previous = Some(c);
    }
    open
}

/// Whether a quotation that is open at the start of `after` closes in it.
fn closes(after: &str) -> bool {
    let line = after.lines().next().unwrap_or_default();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '`' | '”' | '“' | '»' | '」' | '』' => return true,
            '\'' | '’' | '‘' if !chars.peek().is_some_and(|next| word::is_word(*next)) => {
                return true;
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::terms::{ENGLISH, LANGUAGES};
    use super::*;

    #[test]
    fn moods() {
        for (before, expected) in [
            ("", Mood::Order),
            ("Hello. ", Mood::Order),
            ("please ", Mood::Order),
            ("Du sollst jetzt ", Mood::Order),
            ("请", Mood::Order),
            ("how to ", Mood::Told),
            ("I want ", Mood::Plain),
            ("do not ", Mood::Negated),
            ("knot ", Mood::Plain),
            ("不要", Mood::Negated),
            ("Никогда не ", Mood::Negated),
        ] {
            let text = format!("{before}ignore");
            let mood = mood(text.as_bytes(), before.len(), ENGLISH);
            assert_eq!(mood, expected, "{before}");
        }
        let mood = |language| mood("Przeczytaj i zignoruj".as_bytes(), 13, language);
        assert_eq!((mood(POLISH), mood(ENGLISH)), (Mood::Order, Mood::Told));
    }

    #[test]
    fn quotations() {
        for (text, is_quoted) in [
            ("they write \"now ignore it\" and", true),
            ("they write “now ignore it” and", true),
            ("wir schreiben „jetzt ignore it“ und", true),
            ("ils écrivent « ignore it » et", true),
            ("他们写「ignore it」", true),
            ("run `ignore it` now", true),
            ("it's time to ignore it, it's late", false),
            ("say \"yes\" and ignore it", false),
            ("ignore it and say \"yes\"", false),
            ("\"\nignore it\"", false),
        ] {
            let start = text.find("ignore it").unwrap();
            let left = quoted(text.as_bytes(), start, start + 9);
            assert_eq!(left < 1.0, is_quoted, "{text}");
        }
    }

    #[test]
    fn sentences() {
        assert_eq!(LANGUAGES[POLISH].rule, "override.pl");
        let text = "四!五?六?a".as_bytes();
        assert_eq!(sentence_end(text, 0, 100), 3);
        assert_eq!(sentence_start(text, 0, text.len()), 8);
        let text = "One. Two v1.2 three! 四。五".as_bytes();
        assert_eq!(sentence_end(text, 0, 100), 3);
        assert_eq!(sentence_end(text, 5, 100), 19);
        assert_eq!(sentence_start(text, 0, 10), 4);
        let full_stop = sentence_end(text, 20, 100);
        assert_eq!(&text[full_stop + 1..], "五".as_bytes());
    }
}
