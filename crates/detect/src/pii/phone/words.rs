//! Words that say that a number is a telephone's, or something else's.

use std::ops::Range;

use super::vocabulary::{LANGUAGES, MORE_OTHERS};
use crate::pii::words::{Meanings, OTHER, OTHER_NUMBERS, Words};

/// The number is a telephone's. Below it, a bit for each language.
const PHONE: Meanings = 1 << 62;
/// Somebody is reached, perhaps by telephone: tells only with a number grouped like one.
const REACH: Meanings = 1 << 61;

/// What the words near a number say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Nearby {
    pub(super) phone: bool,
    pub(super) reach: bool,
    pub(super) other: bool,
    /// The languages of those for [`Nearby::phone`] and [`Nearby::reach`], a bit each.
    pub(super) languages: u64,
}

#[derive(Debug, Clone)]
pub(super) struct PhoneWords(Words);

impl PhoneWords {
    pub(super) fn new() -> Self {
        let named = LANGUAGES.iter().enumerate().flat_map(|(bit, language)| {
            let phone = language.phone.iter().map(|word| (*word, PHONE));
            let reach = language.reach.iter().map(|word| (*word, REACH));
            phone
                .chain(reach)
                .map(move |(word, says)| (word, says | 1 << bit))
        });
        let others = OTHER_NUMBERS
            .iter()
            .chain(&MORE_OTHERS)
            .map(|word| (*word, OTHER));
        Self(Words::new(named.chain(others)))
    }

    pub(super) fn near(&self, text: &[u8], range: &Range<usize>) -> Nearby {
        let meanings = self.0.near(text, range);
        Nearby {
            phone: meanings & PHONE != 0,
            reach: meanings & REACH != 0,
            other: meanings & OTHER != 0,
            languages: meanings & ((1 << LANGUAGES.len()) - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(text: &str) -> Nearby {
        let at = text.find("42").unwrap();
        PhoneWords::new().near(text.as_bytes(), &(at..at + 2))
    }

    #[test]
    fn tells_languages_and_meanings() {
        assert_eq!(near("My PHONE: 42").languages, 1 << 1);
        assert_eq!(near("ТЕЛЕФОН 42").languages, 1 << 9);
        assert_eq!(near("Téléphone 42").languages, 1 << 3);
        assert_eq!(near("请打手机42").languages, 1 << 10);
        assert!(near("fax: 42").languages.count_ones() > 3);
        assert!(near("call 42").reach && !near("call 42").phone);
        assert!(near("order 42").other);
        assert_eq!(near("telephones and ordering 42"), Nearby::default());
        assert_eq!(near("42"), Nearby::default());
    }

    #[test]
    fn edges_inside_letters_do_no_harm() {
        let text = format!("{}42{}", "é".repeat(99), "é".repeat(99));
        assert_eq!(near(&text), Nearby::default());
    }
}
