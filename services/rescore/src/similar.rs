//! Earlier decisions on the same text. Pure.

use std::collections::{HashMap, VecDeque};

use weir_types::FingerprintKey;

/// Records remembered.
const REMEMBERED: usize = 100_000;
/// Earlier decisions told of one text.
const TOLD: usize = 5;

/// The fingerprint of a text as readers see it: case and white space make no difference.
pub(crate) fn fingerprint(key: &FingerprintKey, text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    key.fingerprint(words.join(" ").as_bytes())
}

/// Decisions on one text.
#[derive(Debug, Default)]
struct Decisions {
    /// The latest first.
    ids: VecDeque<String>,
    /// How often the text stands in the order of what is remembered.
    remembered: usize,
}

/// Moderation ids by fingerprint.
#[derive(Debug, Default)]
pub(crate) struct Similar {
    by_text: HashMap<String, Decisions>,
    order: VecDeque<String>,
}

impl Similar {
    /// Earlier records of a text, the latest first.
    pub(crate) fn to(&self, fingerprint: &str) -> Vec<String> {
        let known = self.by_text.get(fingerprint);
        known.map_or_else(Vec::new, |known| known.ids.iter().cloned().collect())
    }

    pub(crate) fn insert(&mut self, fingerprint: &str, moderation_id: &str) {
        if fingerprint.is_empty() {
            return;
        }
        let known = self.by_text.entry(fingerprint.to_owned()).or_default();
        let ids = &mut known.ids;
        if ids.iter().any(|known| known == moderation_id) {
            return;
        }
        ids.push_front(moderation_id.to_owned());
        ids.truncate(TOLD);
        known.remembered += 1;
        self.order.push_back(fingerprint.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
            && let Some(known) = self.by_text.get_mut(&oldest)
        {
            known.remembered -= 1;
            // It stays if the text has come again since.
            if known.remembered == 0 {
                self.by_text.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_decisions_on_a_text_are_told() {
        let key = FingerprintKey::new(b"test");
        let print = fingerprint(&key, "  The SAME\ntext ");
        assert_eq!(print, fingerprint(&key, "the same text"));
        assert_ne!(print, fingerprint(&key, "another text"));
        let mut similar = Similar::default();
        assert!(similar.to(&print).is_empty());
        for number in 0..7 {
            similar.insert(&print, &number.to_string());
            similar.insert(&print, &number.to_string());
        }
        assert_eq!(similar.to(&print), ["6", "5", "4", "3", "2"]);
        for number in 0..REMEMBERED {
            similar.insert(&format!("other {}", number / 2), &number.to_string());
        }
        assert!(similar.to(&print).is_empty());
        assert_eq!(
            (similar.order.len(), similar.by_text.len()),
            (REMEMBERED, REMEMBERED / 2)
        );
        similar.insert("", "7");
        assert!(similar.to("").is_empty());
    }
}
