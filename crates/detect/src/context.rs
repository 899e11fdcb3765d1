//! Words near a candidate that make it more or less likely to be what its form says.

use std::ops::Range;

use crate::word::is_word;
use crate::work::spend;

/// How far before a candidate words count, in bytes. A label stands before what it labels.
pub(crate) const BEFORE: usize = 64;
/// How far after it.
pub(crate) const AFTER: usize = 32;

/// Whether one of `words` stands near `range`, any case, as whole words.
///
/// `words` are lower case. Costs a constant for each word, so ask only about candidates that have
/// passed every other check.
pub(crate) fn near(text: &[u8], range: &Range<usize>, words: &[&str]) -> bool {
    let after = lower(text, range.end..text.len().min(range.end + AFTER));
    before(text, range.start, words) || words.iter().any(|word| holds(&after, word))
}

/// Whether one of `words` stands near before `start`, any case, as whole words.
pub(crate) fn before(text: &[u8], start: usize, words: &[&str]) -> bool {
    let before = lower(text, start.saturating_sub(BEFORE)..start);
    words.iter().any(|word| holds(&before, word))
}

/// That part of the text in lower case. Letters cut at its edges are dropped.
fn lower(text: &[u8], range: Range<usize>) -> String {
    spend(range.len());
    String::from_utf8_lossy(&text[range]).to_lowercase()
}

fn holds(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        // Scripts without spaces have no words to stand alone.
        let joins = |neighbour: Option<char>, own: Option<char>| {
            neighbour.is_some_and(is_word) && own.is_some_and(is_word)
        };
        !joins(before, word.chars().next()) && !joins(after, word.chars().next_back())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near_42(text: &str, words: &[&str]) -> bool {
        let at = text.find("42").unwrap();
        near(text.as_bytes(), &(at..at + 2), words)
    }

    #[test]
    fn whole_words_on_either_side_any_case() {
        for (text, word) in [
            ("My SSN: 42", "ssn"),
            ("42 (ssn)", "ssn"),
            ("Steuer-ID 42", "steuer-id"),
            ("СНИЛС 42", "снилс"),
            ("身份证号码42", "身份证"),
            ("आधार संख्या 42", "आधार"),
        ] {
            assert!(near_42(text, &["nothing", word]), "{text:?}");
        }
        for (text, word) in [
            ("assn 42", "ssn"),
            ("42 ssns", "ssn"),
            ("no label 42", "ssn"),
            ("42", "ssn"),
        ] {
            assert!(!near_42(text, &[word]), "{text:?}");
        }
    }

    #[test]
    fn far_words_do_not_count() {
        let text = format!("ssn{}42", " ".repeat(BEFORE));
        assert!(!near_42(&text, &["ssn"]));
        let text = format!("42{}ssn", " ".repeat(AFTER));
        assert!(!near_42(&text, &["ssn"]));
        // An edge inside a letter neither panics nor matches.
        let text = format!("{}42", "é".repeat(BEFORE));
        assert!(!near_42(&text, &["ssn"]));
    }
}
