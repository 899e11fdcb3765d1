//! Labels that people gave, for `weir calibrate` and `weir replay`.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use weir_types::{Category, hex};

use crate::eval::data::DataFile;
use crate::eval::labels::{Annotations, Labels as Known};
use crate::eval::subject::Subject;

/// What is known of a text; `None`: not known.
pub(crate) type Truth = [Option<bool>; Category::COUNT];

/// One label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Label {
    pub(crate) truth: Truth,
    /// For how many texts it stands; `None`: the file does not say.
    pub(crate) weight: Option<f64>,
}

/// All labels of a file.
#[derive(Debug)]
pub(crate) struct Labels {
    pub(crate) file: DataFile,
    by_name: HashMap<Name, Label>,
}

/// What a label names its text by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    Verdict(String),
    Request(String),
    Stream(String),
    /// Its record: topic-partition-offset.
    Place(String),
}

#[derive(Debug, Deserialize)]
struct Line {
    request_id: Option<String>,
    verdict_id: Option<String>,
    stream_id: Option<String>,
    #[serde(rename = "ref")]
    place: Option<String>,
    /// Names what the text is; it is nothing else.
    categories: Option<BTreeSet<String>>,
    inclusion_probability: Option<f64>,
}

impl Labels {
    /// Reads a file. No error quotes what stands in it.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut labels = Self {
            file: data_file(path, &bytes),
            by_name: HashMap::new(),
        };
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            labels
                .take(line)
                .map_err(|error| anyhow::anyhow!("{}:{number}: {error}", path.display()))?;
        }
        if labels.by_name.is_empty() {
            bail!("{} holds no labels", path.display());
        }
        Ok(labels)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// The first that is there.
    pub(crate) fn find(&self, names: &[Name]) -> Option<&Label> {
        names.iter().find_map(|name| self.by_name.get(name))
    }

    fn take(&mut self, line: &[u8]) -> Result<(), String> {
        let line: &str = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
        let read: Line = parsed(line)?;
        let truth = truth(line, read.categories.as_ref())?;
        let weight = read.inclusion_probability.map(weight).transpose()?;
        let label = Label { truth, weight };
        let names = [
            read.verdict_id.map(Name::Verdict),
            read.request_id.map(Name::Request),
            read.stream_id.map(Name::Stream),
            read.place.map(Name::Place),
        ];
        let mut names = names.into_iter().flatten();
        let (Some(name), None) = (names.next(), names.next()) else {
            return Err("expected one of request_id, verdict_id, stream_id and ref".to_owned());
        };
        let twice = self.by_name.insert(name, label);
        match twice {
            Some(other) if other != label => {
                Err("the same text has another label above: which is meant?".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// What a line says of its text, by `categories`, or by `labels` and `benign` as `weir eval` reads them.
pub(crate) fn truth(line: &str, categories: Option<&BTreeSet<String>>) -> Result<Truth, String> {
    let annotations: Annotations = serde_json::from_str(line).map_err(|error| {
        let column = error.column();
        format!("expected \"labels\": {{name: 0|1}}, \"benign\": true|false (column {column})")
    })?;
    let known: Known = annotations.labels()?;
    let told = Category::ALL.map(|category| known.truth(Subject::Of(category)));
    let Some(names) = categories else {
        return Ok(told);
    };
    if told.iter().any(Option::is_some) {
        return Err("has both categories and labels: which is meant?".to_owned());
    }
    let mut truth = [Some(false); Category::COUNT];
    for name in names {
        let category: Category = name.parse().map_err(|_| {
            let known = Category::ALL.map(Category::as_str).join(", ");
            format!("a category is unknown (known: {known})")
        })?;
        truth[category.index()] = Some(true);
    }
    Ok(truth)
}

/// For how many texts one stands that was drawn with this probability.
pub(crate) fn weight(probability: f64) -> Result<f64, String> {
    let weight = 1.0 / probability;
    if probability > 0.0 && probability <= 1.0 && weight.is_finite() {
        Ok(weight)
    } else {
        Err("inclusion_probability must be above 0, at most 1".to_owned())
    }
}

/// The error says where, without quoting.
pub(crate) fn parsed<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| {
        format!(
            "not JSON of the shape that --help describes (column {})",
            error.column()
        )
    })
}

pub(crate) fn data_file(path: &Path, bytes: &[u8]) -> DataFile {
    DataFile {
        name: path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned(),
        sha256: hex(&Sha256::digest(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Labels> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.jsonl");
        std::fs::write(&path, text).unwrap();
        Labels::read(&path)
    }

    fn find<'a>(labels: &'a Labels, verdict: &str, request: &str) -> Option<&'a Label> {
        labels.find(&[
            Name::Verdict(verdict.to_owned()),
            Name::Request(request.to_owned()),
        ])
    }

    #[test]
    fn labels_are_found_by_verdict_or_request() {
        let labels = read(
            r#"{"verdict_id":"v","categories":["hate"],"inclusion_probability":0.25}
{"request_id":"r","labels":{"hate":0}}

{"request_id":"s","benign":true,"locale":"de"}
{"ref":"t-0-1","categories":[]}
{"stream_id":"r/0/0/content","categories":[]}
"#,
        )
        .unwrap();
        assert_eq!(labels.len(), 5);
        let named = [
            Name::Stream("t-0-1".to_owned()),
            Name::Place("t-0-1".to_owned()),
        ];
        assert!(labels.find(&named).is_some());
        let hate = Category::Hate.index();
        let own = find(&labels, "v", "r").unwrap();
        assert_eq!((own.truth[hate], own.weight), (Some(true), Some(4.0)));
        assert_eq!(own.truth.iter().filter(|it| **it == Some(false)).count(), 8);
        let request = find(&labels, "w", "r").unwrap();
        assert_eq!(request.truth.iter().flatten().count(), 1);
        assert_eq!((request.truth[hate], request.weight), (Some(false), None));
        // Harmless texts hold personal data, too.
        let harmless = find(&labels, "w", "s").unwrap().truth;
        assert_eq!(harmless[Category::Pii.index()], None);
        assert_eq!(find(&labels, "w", "t"), None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_quoting() {
        for (line, why) in [
            (r#"{"categories":[]}"#, "one of request_id, verdict_id"),
            (
                r#"{"request_id":"a","verdict_id":"b","categories":[]}"#,
                "one of",
            ),
            (r#"{"ref":"a","stream_id":"b","categories":[]}"#, "one of"),
            (
                r#"{"request_id":"a","categories":["secret"]}"#,
                "category is unknown",
            ),
            (
                r#"{"request_id":"a","categories":["hate"],"labels":{"hate":1}}"#,
                "both",
            ),
            (
                r#"{"request_id":"a","labels":{"hate":2}}"#,
                "neither 0 nor 1",
            ),
            (r#"{"request_id":["secret"],"benign":true}"#, "column"),
            ("secret", "column"),
            (
                r#"{"request_id":"a","benign":true,"inclusion_probability":0}"#,
                "above 0",
            ),
            (
                r#"{"request_id":"a","benign":true,"inclusion_probability":1.5}"#,
                "at most 1",
            ),
            (
                r#"{"request_id":"r","categories":["hate"]}"#,
                "another label above",
            ),
        ] {
            let file = format!("{{\"request_id\":\"r\",\"categories\":[]}}\n{line}\n");
            let error = format!("{:#}", read(&file).unwrap_err());
            assert!(error.contains("labels.jsonl:2: "), "{error}");
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(
            read("\n")
                .unwrap_err()
                .to_string()
                .contains("holds no labels")
        );
    }
}
