//! Rows of a file: texts with labels, judged here and now; or what `weir check --jsonl` said of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use weir_gate::{Clock, Judge, Judges};
use weir_policy::Policy;
use weir_telemetry::language_label;
use weir_types::Category;

use super::input::{Counts, Input, Target};
use super::row::{Labelled, Scored};
use crate::args::JudgeArgs;
use crate::check::{BYTES_TOGETHER, ROWS_TOGETHER, Terms, judge_together};
use crate::eval::data::DataFile;
use crate::labels::{self, Labels, Name, Truth};
use crate::progress::progress_bar;
use crate::rows::{self, Row};
use crate::stage::NO_HURRY;

/// A row of scores.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(alias = "request_id")]
    id: Option<String>,
    text: Option<serde::de::IgnoredAny>,
    raw: Option<BTreeMap<Category, f32>>,
    language: Option<Language>,
    lang: Option<String>,
    #[serde(default)]
    findings: Vec<Found>,
    weight: Option<f64>,
    inclusion_probability: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Language {
    Tag(String),
    Told { tag: String },
}

#[derive(Debug, Deserialize)]
struct Found {
    detector: String,
    rule: String,
    score: f32,
}

/// A row whose text is still to be judged, and one that is.
enum Read {
    Text(Box<Row>, Truth, f64),
    Scored(String, Truth, Scored),
}

/// What files hold.
#[derive(Default)]
struct Rows {
    labelled: Vec<Labelled>,
    traffic: Vec<Scored>,
    files: Vec<DataFile>,
    counts: Counts,
}

/// Reads `rows`, and `held_out` as the rows to report on.
pub(crate) fn read(
    rows: &[PathBuf],
    held_out: &[PathBuf],
    labels: Option<Labels>,
    policy: &Policy,
    judge: &JudgeArgs,
) -> anyhow::Result<Input> {
    let mut reader = Reader {
        labels: labels.as_ref(),
        policy,
        judge,
        judging: None,
    };
    let mut all = Rows::default();
    for path in rows {
        reader.file(path, &mut all)?;
    }
    let mut reported = Rows::default();
    for path in held_out {
        reader.file(path, &mut reported)?;
    }
    let mut counts = all.counts;
    counts.read += reported.counts.read;
    counts.without_scores += reported.counts.without_scores;
    counts.of_unknown_probability += reported.counts.of_unknown_probability;
    counts.labelled = (all.labelled.len() + reported.labelled.len()) as u64;
    // What is fitted on is no news: a change is estimated on the rows that are reported on, where they are named.
    let traffic = if held_out.is_empty() {
        all.traffic
    } else {
        reported.traffic
    };
    counts.traffic = traffic.len() as u64;
    if all.labelled.is_empty() {
        bail!("no row has both scores and a label: see --rows in weir calibrate --help");
    }
    let names: Vec<String> = rows.iter().map(|path| name(path)).collect();
    let target = labels.as_ref().map_or_else(
        || Target::labels(names.join(", ")),
        |labels| Target::labels(labels.file.name.clone()),
    );
    let mut files = all.files;
    files.extend(reported.files);
    files.extend(labels.into_iter().map(|labels| labels.file));
    Ok(Input {
        source: names.join(", "),
        target,
        files,
        counts,
        labelled: all.labelled,
        held_out: (!held_out.is_empty()).then_some(reported.labelled),
        traffic,
    })
}

struct Reader<'a> {
    labels: Option<&'a Labels>,
    policy: &'a Policy,
    judge: &'a JudgeArgs,
    judging: Option<(Judge, Clock)>,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, into: &mut Rows) -> anyhow::Result<()> {
        let bytes =
            std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        into.files.push(labels::data_file(path, &bytes));
        let mut texts = Vec::new();
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            into.counts.read += 1;
            let read = self.line(line, &format!("{}:{number}", name(path)));
            match read.map_err(|error| anyhow::anyhow!("{}:{number}: {error}", path.display()))? {
                Read::Text(row, truth, weight) => texts.push((*row, truth, weight)),
                Read::Scored(id, truth, scored) => into.take(id, truth, scored),
            }
        }
        self.judge(texts, into)
    }

    fn line(&self, line: &[u8], place: &str) -> Result<Read, String> {
        let line = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
        let read: Line = labels::parsed(line)?;
        let own = labels::truth(line, None)?;
        let id = read.id.clone().unwrap_or_else(|| place.to_owned());
        let label = self.labels.and_then(|labels| {
            labels.find(&[Name::Verdict(id.clone()), Name::Request(id.clone())])
        });
        let truth = label.map_or(own, |label| label.truth);
        let drawn = read.inclusion_probability.map(labels::weight).transpose()?;
        let weight = read
            .weight
            .or(drawn)
            .or(label.and_then(|label| label.weight));
        let weight = weight.unwrap_or(1.0);
        if !(weight.is_finite() && weight > 0.0) {
            return Err("weight must be a finite number above 0".to_owned());
        }
        if read.text.is_some() {
            let mut row = rows::parse(line)?;
            row.id = Some(id);
            // A public row's tenant would be someone else's policy.
            row.tenant = None;
            return Ok(Read::Text(Box::new(row), truth, weight));
        }
        let raw = read.raw.ok_or("the row has neither text nor raw scores")?;
        let tag = match read.language {
            Some(Language::Tag(tag) | Language::Told { tag }) => tag,
            None => read.lang.unwrap_or_else(|| "und".to_owned()),
        };
        let asked = read.findings.iter().map(|found| {
            self.policy
                .action_for_finding(&found.detector, &found.rule, found.score)
        });
        let scored = Scored {
            raw: logits(&raw)?,
            locale: language_label(&tag),
            by_rules: asked.max().unwrap_or_default(),
            weight,
        };
        Ok(Read::Scored(id, truth, scored))
    }

    /// By the lane itself, so that rules and languages are those of a gate.
    fn judge(&mut self, texts: Vec<(Row, Truth, f64)>, into: &mut Rows) -> anyhow::Result<()> {
        if texts.is_empty() {
            return Ok(());
        }
        if self.judging.is_none() {
            let clock = Clock::start();
            let judges: Judges = self.judge.judges()?;
            self.judging = Some((judges.judge(clock)?, clock));
        }
        let Some((judge, clock)) = &mut self.judging else {
            return Ok(());
        };
        let bar = progress_bar(texts.len(), "rows");
        let mut counted = 0;
        let mut texts = texts.into_iter().peekable();
        while texts.peek().is_some() {
            let (mut rows, mut known, mut bytes) = (Vec::new(), Vec::new(), 0);
            while rows.len() < ROWS_TOGETHER
                && bytes < BYTES_TOGETHER
                && let Some((row, truth, weight)) = texts.next()
            {
                bytes += row.text.as_ref().map_or(0, String::len);
                rows.push(row);
                known.push((truth, weight));
            }
            let terms = Terms {
                tenant: "",
                lang: None,
                budget: Some(NO_HURRY),
                received: clock.now(),
            };
            let judged = judge_together(judge, rows, &mut counted, &terms);
            bar.inc(judged.len() as u64);
            for (judged, (truth, weight)) in judged.into_iter().zip(known) {
                let verdict = judged.verdict;
                let scored = Scored::of(&verdict, self.policy, weight);
                into.take(verdict.request_id, truth, scored);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}

impl Rows {
    fn take(&mut self, id: String, truth: Truth, scored: Scored) {
        self.traffic.push(scored);
        let Some(raw) = scored.raw else {
            self.counts.without_scores += 1;
            return;
        };
        if truth.iter().any(Option::is_some) {
            self.labelled.push(Labelled {
                id,
                truth,
                raw,
                locale: scored.locale,
                weight: scored.weight,
            });
        }
    }
}

/// Of every category; none at all: the classifier had no say.
fn logits(raw: &BTreeMap<Category, f32>) -> Result<Option<[f32; Category::COUNT]>, String> {
    if raw.is_empty() {
        return Ok(None);
    }
    let mut logits = [0.0; Category::COUNT];
    for category in Category::ALL {
        let logit = raw.get(&category).copied().unwrap_or(f32::NAN);
        if !logit.is_finite() {
            return Err(format!("raw.{category} is missing or no finite number"));
        }
        logits[category.index()] = logit;
    }
    Ok(Some(logits))
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
