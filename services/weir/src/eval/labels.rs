//! What is known of a row, and what is not.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_types::Category;

use super::subject::{Subject, harms};

/// Labels that some sources have and no figure uses.
const AUXILIARY: [&str; 3] = ["offensive", "sexism", "hate_or_harassment"];
/// Harm of any kind, where a source tells no more.
const UNSAFE: &str = "unsafe";

/// A row's labels; `None` is unknown, not 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    categories: [Option<bool>; Category::COUNT],
    any: Option<bool>,
    /// The source regards the text as harmless.
    pub(crate) benign: bool,
}

/// The keys of a row that say what is known of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Annotations {
    #[serde(default)]
    labels: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    benign: bool,
    #[serde(default)]
    pub(crate) split: Option<String>,
}

impl Annotations {
    /// Checks them. The error quotes no value, and a key only if it could be a label's name.
    pub(crate) fn labels(&self) -> Result<Labels, String> {
        let mut labels = Labels {
            benign: self.benign,
            ..Labels::default()
        };
        for (name, value) in &self.labels {
            let positive = match value.as_u64() {
                Some(0) => false,
                Some(1) => true,
                _ => return Err(format!("label {} is neither 0 nor 1", shown(name))),
            };
            match name.parse::<Category>() {
                Ok(category) => labels.categories[category.index()] = Some(positive),
                Err(_) if name == UNSAFE => labels.any = Some(positive),
                Err(_) if AUXILIARY.contains(&name.as_str()) => {}
                Err(_) => {
                    let known = Category::ALL.map(Category::as_str).join(", ");
                    let others = AUXILIARY.join(", ");
                    let name = shown(name);
                    return Err(format!(
                        "label {name} is unknown (known: {known}, {UNSAFE}, {others})"
                    ));
                }
            }
        }
        if labels.benign && labels.harmful() {
            return Err("benign is true and so is a label of harm".to_owned());
        }
        Ok(labels)
    }
}

/// A name that may be shown: a row that is out of order may have text for a key.
fn shown(name: &str) -> String {
    let is_name = name.len() <= 40
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_name {
        format!("\"{name}\"")
    } else {
        "whose name is no word in small letters".to_owned()
    }
}

impl Labels {
    /// Whether a text is a positive of `subject`; `None`: not known. Benign texts are negatives of all but
    /// personal data, which harmless texts hold too.
    pub(crate) fn truth(&self, subject: Subject) -> Option<bool> {
        match subject {
            Subject::Of(category) => self.categories[category.index()]
                .or_else(|| (self.benign && category != Category::Pii).then_some(false)),
            Subject::AnyUnsafe | Subject::Verdict => {
                let harmless = self.benign || self.any == Some(false);
                if self.harmful() {
                    Some(true)
                } else {
                    harmless.then_some(false)
                }
            }
        }
    }

    /// Whether they say nothing that any figure uses.
    pub(crate) fn is_silent(&self) -> bool {
        Subject::all().all(|subject| self.truth(subject).is_none())
    }

    fn harmful(&self) -> bool {
        self.any == Some(true)
            || harms().any(|category| self.categories[category.index()] == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Labels, String> {
        serde_json::from_str::<Annotations>(json).unwrap().labels()
    }

    fn truth(json: &str, subject: Subject) -> Option<bool> {
        read(json).unwrap().truth(subject)
    }

    const HATE: Subject = Subject::Of(Category::Hate);
    const PII: Subject = Subject::Of(Category::Pii);

    #[test]
    fn what_is_missing_is_unknown() {
        let row = r#"{"labels":{"hate":0}}"#;
        assert_eq!(truth(row, HATE), Some(false));
        assert_eq!(truth(row, Subject::Of(Category::Violence)), None);
        // No hate, but perhaps something else.
        assert_eq!(truth(row, Subject::AnyUnsafe), None);
        assert_eq!(
            truth(r#"{"labels":{"hate":1}}"#, Subject::AnyUnsafe),
            Some(true)
        );
    }

    #[test]
    fn benign_says_no_to_all_but_personal_data() {
        let row = r#"{"benign":true}"#;
        assert_eq!(truth(row, HATE), Some(false));
        assert_eq!(truth(row, Subject::Verdict), Some(false));
        assert_eq!(truth(row, PII), None);
        assert_eq!(
            truth(r#"{"benign":true,"labels":{"pii":1}}"#, PII),
            Some(true)
        );
    }

    #[test]
    fn unsafe_is_any_harm() {
        assert_eq!(
            truth(r#"{"labels":{"unsafe":1}}"#, Subject::Verdict),
            Some(true)
        );
        assert_eq!(
            truth(r#"{"labels":{"unsafe":0}}"#, Subject::Verdict),
            Some(false)
        );
        assert_eq!(truth(r#"{"labels":{"unsafe":1}}"#, HATE), None);
        assert_eq!(truth(r#"{"labels":{"pii":1}}"#, Subject::AnyUnsafe), None);
    }

    #[test]
    fn rows_that_tell_nothing_are_told_apart() {
        assert!(read(r#"{"benign":false}"#).unwrap().is_silent());
        assert!(
            read(r#"{"labels":{"offensive":1,"sexism":0}}"#)
                .unwrap()
                .is_silent()
        );
        assert!(!read(r#"{"labels":{"pii":0}}"#).unwrap().is_silent());
    }

    #[test]
    fn labels_that_cannot_be_meant_are_refused() {
        for (row, why) in [
            (
                r#"{"labels":{"hate":2}}"#,
                "label \"hate\" is neither 0 nor 1",
            ),
            (r#"{"labels":{"hate":"1"}}"#, "neither 0 nor 1"),
            (r#"{"labels":{"hate":true}}"#, "neither 0 nor 1"),
            (
                r#"{"labels":{"hatred":1}}"#,
                "label \"hatred\" is unknown (known: self_harm",
            ),
            (r#"{"labels":{"Some Secret":1}}"#, "whose name is no word"),
            (r#"{"benign":true,"labels":{"hate":1}}"#, "benign is true"),
            (r#"{"benign":true,"labels":{"unsafe":1}}"#, "benign is true"),
        ] {
            let error = read(row).unwrap_err();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("Secret"), "{error}");
        }
    }
}
