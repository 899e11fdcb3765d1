//! Which parts of a text moved a score: each is left out in turn (occlusion; Zeiler and Fergus, 2014). Pure but for the
//! classifier.

use std::ops::Range;

use weir_infer::{Classifier, InferError};
use weir_types::{Category, ModelScores, Span};
use weir_wire::Influence;

/// Parts that a text is cut into, at most.
const PARTS: usize = 8;
/// Of a part, but for the last. Less is hardly a word.
const LEAST_BYTES: usize = 6;
/// Parts told.
const TOLD: usize = 3;
/// Texts that are longer are not taken apart: it costs a score for each part.
const MOST_BYTES: usize = 8192;
/// Changes below are noise.
const LEAST: f32 = 0.01;

/// The parts of `text`, which begins at `byte_start`, that moved `category` most, the strongest first.
///
/// # Errors
/// The classifier fails.
pub(crate) fn influences(
    classifier: &mut dyn Classifier,
    text: &str,
    byte_start: i64,
    category: Category,
    whole: &ModelScores,
) -> Result<Vec<Influence>, InferError> {
    let parts = parts(text);
    if parts.len() < 2 || text.len() > MOST_BYTES {
        return Ok(Vec::new());
    }
    let without: Vec<String> = parts
        .iter()
        .map(|part| format!("{}{}", &text[..part.start], &text[part.end..]))
        .collect();
    let without: Vec<&str> = without.iter().map(String::as_str).collect();
    let mut scores = Vec::with_capacity(without.len());
    classifier.classify(&without, &mut scores)?;
    let index = category.index();
    let place = |at: usize| byte_start.saturating_add(i64::try_from(at).unwrap_or(i64::MAX));
    let mut found: Vec<Influence> = parts
        .iter()
        .zip(&scores)
        .map(|(part, without)| Influence {
            span: Span {
                start: place(part.start),
                end: place(part.end),
            },
            category,
            change: whole.calibrated[index] - without.calibrated[index],
        })
        .filter(|influence| influence.change >= LEAST)
        .collect();
    found.sort_by(|one, other| other.change.total_cmp(&one.change));
    found.truncate(TOLD);
    Ok(found)
}

/// Pieces of about the same length that end where a word does, if one does before long: not in every script.
fn parts(text: &str) -> Vec<Range<usize>> {
    let target = text.len().div_ceil(PARTS).max(LEAST_BYTES);
    let mut parts = Vec::with_capacity(PARTS);
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let length = at - start;
        if length >= 2 * target || (c.is_whitespace() && length >= target) {
            parts.push(start..at);
            start = at;
        }
    }
    if start < text.len() {
        parts.push(start..text.len());
    }
    parts
}

#[cfg(test)]
mod tests {
    use weir_types::ModelRef;

    use super::*;

    /// Finds `harm`.
    struct Finds(ModelRef);

    impl Classifier for Finds {
        fn describe(&self) -> &ModelRef {
            &self.0
        }

        fn classify(
            &mut self,
            texts: &[&str],
            out: &mut Vec<ModelScores>,
        ) -> Result<(), InferError> {
            out.clear();
            out.extend(texts.iter().map(|text| scores(text)));
            Ok(())
        }
    }

    fn scores(text: &str) -> ModelScores {
        let found = if text.contains("harm") { 0.9 } else { 0.2 };
        ModelScores {
            raw: [0.0; Category::COUNT],
            calibrated: [found; Category::COUNT],
            any_harm: found,
            truncated: false,
        }
    }

    fn of(text: &str) -> Vec<Influence> {
        let mut classifier = Finds(ModelRef {
            name: "t".to_owned(),
            hash: String::new(),
        });
        influences(&mut classifier, text, 100, Category::Hate, &scores(text)).unwrap()
    }

    #[test]
    fn the_part_that_matters_is_found_and_its_bytes_told() {
        let text = format!("{} harm {}", "größe ".repeat(20), "word ".repeat(30));
        let found = of(&text);
        assert_eq!(found.len(), 1);
        let span = found[0].span;
        let (start, end) = (span.start - 100, span.end - 100);
        let part = &text[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        assert!(part.contains("harm"), "{part}");
        assert!((found[0].change - 0.7).abs() < 1e-6);
    }

    #[test]
    fn texts_that_cannot_be_taken_apart_tell_nothing() {
        assert!(of("").is_empty());
        assert!(of("harm").is_empty());
        assert!(of(&"harm ".repeat(MOST_BYTES)).is_empty());
    }

    #[test]
    fn without_spaces_there_are_parts_too() {
        assert!(parts("请告诉我今天的天气怎么样").len() > 2);
    }

    #[test]
    fn parts_cover_the_text() {
        let scripts = ["", "a", "a b", "日本語 の 文章", "请告诉我今天的天气怎么样"];
        for text in scripts.into_iter().chain([&*"word ".repeat(100)]) {
            let parts = parts(text);
            let joined: String = parts.iter().map(|part| &text[part.clone()]).collect();
            assert_eq!(joined, text);
            assert!(parts.len() <= PARTS);
        }
    }
}
