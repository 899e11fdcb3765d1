//! What a match of a pattern may begin with.

use regex_syntax::hir::{Hir, HirKind, Look, Repetition};

/// Matches, at the end of a text only, whatever a match of `pattern` may begin with: there a match
/// may be under way. Nothing at all is such a beginning too.
///
/// Assertions that stand where the text ends say nothing yet, so they are taken to hold.
pub(super) fn at_end(pattern: &Hir) -> Hir {
    Hir::concat(vec![beginning(pattern), Hir::look(Look::End)])
}

fn beginning(pattern: &Hir) -> Hir {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Class(_) => perhaps(pattern.clone()),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => letters(text.chars().map(|c| c.to_string().into_bytes())),
            Err(_) => letters(literal.0.iter().map(|byte| vec![*byte])),
        },
        HirKind::Repetition(repetition) => match repetition.max {
            Some(0) => Hir::empty(),
            most => {
                let whole = Hir::repetition(Repetition {
                    min: 0,
                    max: most.map(|most| most - 1),
                    greedy: repetition.greedy,
                    sub: repetition.sub.clone(),
                });
                Hir::concat(vec![whole, beginning(&repetition.sub)])
            }
        },
        HirKind::Capture(capture) => beginning(&capture.sub),
        HirKind::Concat(parts) => row(parts.iter().cloned()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(beginning).collect()),
    }
}

/// A beginning of the parts in a row: whole ones, then a beginning of the next.
fn row(parts: impl DoubleEndedIterator<Item = Hir>) -> Hir {
    parts.rev().fold(Hir::empty(), |rest, part| {
        let begun = beginning(&part);
        Hir::alternation(vec![Hir::concat(vec![part, rest]), begun])
    })
}

/// The same of characters, of which one has no beginning but itself and nothing.
fn letters(characters: impl DoubleEndedIterator<Item = Vec<u8>>) -> Hir {
    characters.rev().fold(Hir::empty(), |rest, character| {
        perhaps(Hir::concat(vec![Hir::literal(character), rest]))
    })
}

fn perhaps(pattern: Hir) -> Hir {
    Hir::alternation(vec![pattern, Hir::empty()])
}

#[cfg(test)]
mod tests {
    use regex_automata::meta::Regex;

    use super::*;

    /// What of `text` may be the beginning of a match.
    fn open(pattern: &str, text: &str) -> String {
        let hir = regex_syntax::parse(pattern).unwrap();
        let regex = Regex::builder().build_from_hir(&at_end(&hir)).unwrap();
        text[regex.find(text).unwrap().range()].to_owned()
    }

    #[test]
    fn beginnings_reach_the_end_of_the_text() {
        for (pattern, text, expected) in [
            ("abc", "xab", "ab"),
            ("abc", "abx", ""),
            ("abc", "abab", "ab"),
            ("abc", "xabc", "abc"),
            ("é+x{1,3}", "aé", "é"),
            (r"\d{3}-[a-z]{2,5}", "4123-a", "123-a"),
            (r"\d{3}-[a-z]{2,5}", "4123-a ", ""),
            (r"\bkill\b", "skil", ""),
            (r"\bkill\b", "s kil", "kil"),
            (r"\bkill\b", "kill", "kill"),
            (r"a(?:bc|de){2}f", "abcd", "abcd"),
            (r"a(?:bc|de){2}f", "abcde", "abcde"),
            (r"a(?:bc|de){2}f", "abcdeb", ""),
            (r"(?i)straße \d", "STRAß", "STRAß"),
            (r"x{0}y", "xy", "y"),
            ("自杀.{0,3}方法", "说自杀的", "自杀的"),
        ] {
            assert_eq!(open(pattern, text), expected, "{pattern} {text}");
        }
    }
}
