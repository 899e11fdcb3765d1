//! What the tests of several modules share.

use proptest::prelude::ProptestConfig;
use weir_policy::TextRule;
use weir_types::{Category, Severity};

use crate::{Detector, Match, matched};

/// As many cases of a property, or as many as `PROPTEST_CASES` says.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|asked| asked.parse().ok()).unwrap_or(cases),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

pub(crate) fn rule(id: &str, literals: &[&str]) -> TextRule {
    TextRule {
        id: id.to_owned(),
        category: Category::Harassment,
        severity: Severity::Medium,
        score: 0.8,
        literals: literals.iter().map(|&literal| literal.to_owned()).collect(),
        patterns: Vec::new(),
        except: Vec::new(),
        near: None,
    }
}

/// What the rules find in a text: rule and original bytes, lossily as text.
pub(crate) fn places(rules: &[TextRule], text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    Detector::compile(rules)
        .unwrap()
        .scan(text.as_bytes(), 0, &mut out);
    out.retain(|found| matches!(found.detector, "literal" | "pattern"));
    out.into_iter()
        .map(|m| {
            let range =
                usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
            let bytes = &text.as_bytes()[range];
            (
                m.rule.to_string(),
                String::from_utf8_lossy(bytes).into_owned(),
            )
        })
        .collect()
}

/// What a scan of the pieces finds, merged and in order.
pub(crate) fn scan_pieces(detector: &Detector, pieces: &[&[u8]], base: i64) -> Vec<Match> {
    let mut out = Vec::new();
    let mut scanner = crate::Scanner::new(detector, base);
    for piece in pieces {
        scanner.push(piece, &mut out);
    }
    scanner.finish(&mut out);
    matched::settle(&mut out, 0);
    out
}

/// The same, saved and restored after every piece.
pub(crate) fn scan_with_pauses(detector: &Detector, pieces: &[&[u8]], base: i64) -> Vec<Match> {
    let mut out = Vec::new();
    let mut scanner = crate::Scanner::new(detector, base);
    for piece in pieces {
        scanner.push(piece, &mut out);
        let saved = scanner.save().unwrap();
        scanner = crate::Scanner::restore(detector, Default::default(), &saved).unwrap();
    }
    scanner.finish(&mut out);
    matched::settle(&mut out, 0);
    out
}
