//! Cuts text into tokens as a byte-pair tokeniser does, near enough: words with the space before them,
//! long ones in parts, digits by threes, and rare characters cut in the middle.
//!
//! No vocabulary: what matters to a gate is how long tokens are and where they end.

use std::ops::Range;

/// Letters of an alphabet that a token holds at most: common words are whole, rarer ones are not.
const LETTERS: usize = 6;
/// Letters of a part of a longer word.
const PART: usize = 4;
/// Characters of a script without spaces, in a token.
const IDEOGRAPHS: usize = 2;
const DIGITS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    /// Of a script that writes no spaces.
    Ideograph,
    Digit,
    Space,
    /// Outside the planes that vocabularies cover: emoji, mostly.
    Rare,
    Other,
}

/// The tokens of `text`, in order and without gaps. They may end inside a character.
pub(crate) fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < text.len() {
        let kind = kind_at(text, at);
        let end = run(text, at, kind);
        match kind {
            // One space goes with what follows.
            Kind::Space if end < text.len() && text.as_bytes()[end - 1] == b' ' => {
                if end - 1 > start {
                    tokens.push(start..end - 1);
                    start = end - 1;
                }
                at = end;
                continue;
            }
            Kind::Rare => tokens.extend([start..at + 2, at + 2..end]),
            Kind::Space | Kind::Other => tokens.push(start..end),
            Kind::Letter => cut(text, start, at..end, LETTERS, PART, &mut tokens),
            Kind::Ideograph => cut(text, start, at..end, IDEOGRAPHS, IDEOGRAPHS, &mut tokens),
            Kind::Digit => cut(text, start, at..end, DIGITS, DIGITS, &mut tokens),
        }
        (start, at) = (end, end);
    }
    tokens
}

/// A word as one token if it has at most `whole` characters, else by parts of `part`; the first one
/// begins at `start`.
fn cut(
    text: &str,
    start: usize,
    word: Range<usize>,
    whole: usize,
    part: usize,
    tokens: &mut Vec<Range<usize>>,
) {
    let places: Vec<usize> = text[word.clone()]
        .char_indices()
        .map(|(at, _)| word.start + at)
        .collect();
    let step = if places.len() <= whole { whole } else { part };
    let mut from = start;
    for place in places.into_iter().step_by(step).skip(1) {
        tokens.push(from..place);
        from = place;
    }
    tokens.push(from..word.end);
}

fn kind_at(text: &str, at: usize) -> Kind {
    let Some(character) = text[at..].chars().next() else {
        return Kind::Other;
    };
    match character {
        ' ' => Kind::Space,
        '\u{10000}'.. => Kind::Rare,
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => {
            Kind::Ideograph
        }
        _ if character.is_numeric() => Kind::Digit,
        // Marks belong to the letters that they stand on.
        _ if character.is_alphabetic() || !character.is_ascii() && !is_separator(character) => {
            Kind::Letter
        }
        _ => Kind::Other,
    }
}

fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}')
}

/// Where the run of one kind ends that begins at `at`; a rare character is a run of its own.
fn run(text: &str, at: usize, kind: Kind) -> usize {
    let first = text[at..].chars().next().map_or(1, char::len_utf8);
    let mut end = at + first;
    while kind != Kind::Rare && end < text.len() && kind_at(text, end) == kind {
        end += text[end..].chars().next().map_or(1, char::len_utf8);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelt(text: &str) -> Vec<String> {
        tokens(text)
            .into_iter()
            .map(|token| String::from_utf8_lossy(&text.as_bytes()[token]).into_owned())
            .collect()
    }

    #[test]
    fn words_keep_the_space_before_them_and_long_ones_are_cut() {
        assert_eq!(
            spelt("Is it considerable, at 4111 or 12?\n\nYes  no "),
            [
                "Is", " it", " cons", "ider", "able", ",", " at", " 411", "1", " or", " 12",
                "?\n\n", "Yes", " ", " no", " "
            ]
        );
        assert_eq!(
            spelt("番茄炒蛋怎么做？"),
            ["番茄", "炒蛋", "怎么", "做", "？"]
        );
        assert_eq!(spelt(""), [""; 0]);
    }

    #[test]
    fn nothing_is_lost_and_rare_characters_are_cut_in_the_middle() {
        for text in [
            "a 👨\u{200d}👩 b",
            " e\u{301}é  हिन्दी में, العربية 3x+7",
            "\n \n",
            "  ",
        ] {
            let tokens = tokens(text);
            assert!(tokens.iter().all(|token| !token.is_empty()), "{text:?}");
            let joined: Vec<u8> = tokens
                .iter()
                .flat_map(|token| text.as_bytes()[token.clone()].iter().copied())
                .collect();
            assert_eq!(joined, text.as_bytes());
        }
        assert!(tokens("👨").contains(&(0..2)));
    }

    #[test]
    fn english_has_about_four_bytes_a_token() {
        let text = "The hall is warm and bright, and the municipal orchestra will begin playing at half past seven.";
        let mean = text.len() * 10 / tokens(text).len();
        assert!((30..55).contains(&mean), "{mean}");
    }
}
