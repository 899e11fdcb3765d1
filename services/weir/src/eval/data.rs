//! Reading labelled rows.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::labels::{Annotations, Labels};
use crate::rows::{self, Row};

/// What gzip files begin with.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// A row to be judged.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) row: Row,
    /// Primary language subtag, `und` if the row names none.
    pub(crate) locale: String,
    pub(crate) labels: Labels,
}

/// A file that was read.
#[derive(Debug, Serialize)]
pub(crate) struct DataFile {
    /// Its name, without folders: reports must not tell how someone's disk is laid out.
    pub(crate) name: String,
    /// SHA-256 of its bytes, 64 hex digits.
    pub(crate) sha256: String,
}

/// What became of the rows.
#[derive(Debug, Default, Serialize)]
pub(crate) struct RowCounts {
    /// All but blank lines.
    pub(crate) read: usize,
    /// Of another split than the one asked for.
    pub(crate) other_split: usize,
    /// Without a label that any figure uses.
    pub(crate) unlabelled: usize,
    /// That could not be read; only with `--skip-bad`.
    pub(crate) bad: usize,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(crate) struct Data {
    pub(crate) examples: Vec<Example>,
    pub(crate) files: Vec<DataFile>,
    pub(crate) counts: RowCounts,
}

/// Which rows are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Only this split; `None`: all.
    pub(crate) split: Option<&'a str>,
    /// Count bad rows in place of failing at the first one.
    pub(crate) skip_bad: bool,
}

/// What a line comes to.
enum Line {
    Wanted(Box<Example>),
    OtherSplit,
    Unlabelled,
}

/// Reads the files. No error quotes a text.
pub(crate) fn read(paths: &[PathBuf], wanted: Wanted<'_>) -> anyhow::Result<Data> {
    let mut data = Data::default();
    for path in paths {
        let bytes =
            std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        if bytes.starts_with(GZIP) {
            bail!(
                "{path} is compressed; unpack it first: gunzip -c {path} > rows.jsonl",
                path = path.display()
            );
        }
        data.files.push(DataFile {
            name: name(path),
            sha256: weir_types::hex(&Sha256::digest(&bytes)),
        });
        data.take(path, &bytes, wanted)?;
    }
    if data.examples.is_empty() {
        let RowCounts {
            read,
            other_split,
            unlabelled,
            bad,
        } = data.counts;
        bail!(
            "no rows to evaluate: of {read} read, {other_split} are of another split, {unlabelled} \
             have no label that is used, {bad} cannot be read"
        );
    }
    Ok(data)
}

impl Data {
    fn take(&mut self, path: &Path, bytes: &[u8], wanted: Wanted<'_>) -> anyhow::Result<()> {
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            self.counts.read += 1;
            match parse(line, wanted.split) {
                Ok(Line::Wanted(mut example)) => {
                    let id = || format!("{}:{number}", name(path));
                    example.row.id.get_or_insert_with(id);
                    self.examples.push(*example);
                }
                Ok(Line::OtherSplit) => self.counts.other_split += 1,
                Ok(Line::Unlabelled) => self.counts.unlabelled += 1,
                Err(_) if wanted.skip_bad => self.counts.bad += 1,
                Err(error) => bail!(
                    "{}:{number}: {error}; mend the row, or count such rows and go on with --skip-bad",
                    path.display()
                ),
            }
        }
        Ok(())
    }
}

fn parse(line: &[u8], split: Option<&str>) -> Result<Line, String> {
    let line = std::str::from_utf8(line)
        .map_err(|error| format!("not UTF-8 (byte {})", error.valid_up_to() + 1))?;
    let row = rows::parse(line)?;
    if row.text.is_none() {
        return Err("the row has chunks; only rows of text are evaluated".to_owned());
    }
    // Types are all that can be wrong here; serde's own words may quote values.
    let annotations: Annotations = serde_json::from_str(line).map_err(|error| {
        format!(
            "expected \"labels\": {{name: 0|1}}, \"benign\": true|false, \"split\": string (column {})",
            error.column()
        )
    })?;
    let labels = annotations.labels()?;
    if split.is_some() && split != annotations.split.as_deref() {
        return Ok(Line::OtherSplit);
    }
    if labels.is_silent() {
        return Ok(Line::Unlabelled);
    }
    Ok(Line::Wanted(Box::new(Example {
        locale: locale(row.lang.as_deref()),
        row,
        labels,
    })))
}

/// `de` of `de-CH`: there are too few rows to tell regions apart.
fn locale(lang: Option<&str>) -> String {
    let primary = lang.and_then(|tag| tag.split(['-', '_']).next());
    let letters = |tag: &&str| {
        (2..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    primary
        .filter(letters)
        .map_or_else(|| "und".to_owned(), str::to_ascii_lowercase)
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wanted<'static> = Wanted {
        split: None,
        skip_bad: false,
    };

    fn file(content: &[u8]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        std::fs::write(&path, content).unwrap();
        (folder, vec![path])
    }

    #[test]
    fn rows_are_taken_passed_over_and_counted() {
        let (_folder, paths) = file(
            br#"{"id":"a","text":"x","lang":"de-CH","labels":{"hate":1},"split":"dev"}

{"text":"x","benign":true,"split":"dev"}
{"id":"b","text":"x","benign":true,"split":"train"}
{"id":"c","text":"x","labels":{"offensive":1},"benign":false,"split":"dev"}
{"id":"d","text":"x","benign":true}
"#,
        );
        let dev = Wanted {
            split: Some("dev"),
            ..ALL
        };
        let data = read(&paths, dev).unwrap();
        let ids: Vec<_> = data
            .examples
            .iter()
            .map(|example| (example.row.id.as_deref().unwrap(), example.locale.as_str()))
            .collect();
        assert_eq!(ids, [("a", "de"), ("rows.jsonl:3", "und")]);
        let counts = data.counts;
        assert_eq!(
            (
                counts.read,
                counts.other_split,
                counts.unlabelled,
                counts.bad
            ),
            (5, 2, 1, 0)
        );
        assert_eq!(read(&paths, ALL).unwrap().examples.len(), 4);
    }

    #[test]
    fn files_are_named_and_hashed() {
        let (_folder, paths) = file(br#"{"text":"x","benign":true}"#);
        let files = read(&paths, ALL).unwrap().files;
        assert_eq!(files[0].name, "rows.jsonl");
        // By sha256sum.
        assert_eq!(
            files[0].sha256,
            "b6a6fa4a5f47d5cfa1eff2a57f83ecffc84f4c28ba113d95fb832cbf82badb50"
        );
    }

    #[test]
    fn bad_rows_are_named_or_counted() {
        for (bad, why) in [
            (&b"{"[..], "cut off"),
            (
                b"{\"text\":\"secret\",\"benign\":1}",
                "\"benign\": true|false",
            ),
            (
                b"{\"text\":\"secret\",\"labels\":[\"secret\"]}",
                "\"labels\": {name: 0|1}",
            ),
            (
                b"{\"text\":\"secret\",\"labels\":{\"hate\":\"secret\"}}",
                "neither 0 nor 1",
            ),
            (
                b"{\"text\":\"secret\",\"benign\":true,\"split\":7}",
                "\"split\": string",
            ),
            (b"{\"id\":\"a\",\"benign\":true}", "neither text nor chunks"),
            (
                b"{\"chunks\":[\"secret\"],\"benign\":true}",
                "only rows of text",
            ),
            (
                b"{\"text\":\"secret\xff\",\"benign\":true}",
                "not UTF-8 (byte 16)",
            ),
        ] {
            let good = b"{\"text\":\"x\",\"benign\":true}\n";
            let (_folder, paths) = file(&[good, bad].concat());
            let error = format!("{:#}", read(&paths, ALL).unwrap_err());
            assert!(error.contains("rows.jsonl:2: "), "{error}");
            assert!(error.contains(why), "{error}");
            assert!(error.contains("--skip-bad"), "{error}");
            assert!(!error.contains("secret"), "{error}");
            let lenient = Wanted {
                skip_bad: true,
                ..ALL
            };
            let data = read(&paths, lenient).unwrap();
            assert_eq!((data.examples.len(), data.counts.bad), (1, 1));
        }
    }

    #[test]
    fn files_that_hold_nothing_usable_are_said() {
        for (content, why) in [
            (&b""[..], "no rows to evaluate: of 0 read"),
            (b"{\"text\":\"x\"}", "1 have no label"),
            (b"\x1f\x8b\x08", "is compressed; unpack it"),
        ] {
            let (_folder, paths) = file(content);
            let error = format!("{:#}", read(&paths, ALL).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
        let error = read(&[PathBuf::from("/no/such.jsonl")], ALL).unwrap_err();
        assert!(format!("{error:#}").contains("/no/such.jsonl cannot be read"));
    }

    #[test]
    fn locales_are_primary_subtags() {
        for (lang, expected) in [
            (Some("pt-BR"), "pt"),
            (Some("ZH_hans"), "zh"),
            (Some("en"), "en"),
            (Some(""), "und"),
            (Some("<b>"), "und"),
            (None, "und"),
        ] {
            assert_eq!(locale(lang), expected);
        }
    }
}
