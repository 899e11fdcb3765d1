//! `weir bench detect`: what the rules engine costs, by number of rules and length of text.

use std::collections::HashSet;
use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use weir_detect::{Detector, Match, identify_bytes};
use weir_policy::TextRule;
use weir_types::{Category, Severity};

use super::report::{self, Machine};
use super::texts::{TEXT_BYTES, texts};

/// Rule counts that are measured; the targets are stated for these.
const RULES: [usize; 4] = [0, 100, 1_000, 10_000];
/// Text lengths that are measured, in bytes.
const LENGTHS: [usize; 5] = [150, 1_500, 15_000, 150_000, 1_500_000];
/// Rules for the measurement by length and for the headline.
const TYPICAL_RULES: usize = 1_000;
/// Each measurement reads at least so many bytes in a round.
const BYTES_A_ROUND: usize = 3_000_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir bench detect         a table
  weir bench detect --json  for figures to publish

One thread, no broker, no model. Rules are made up of two or three made-up words each, so that they
share beginnings as real ones do; every built-in detector is on.")]
pub(crate) struct DetectArgs {
    /// Rounds over all measurements in turn; the median counts.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: u8,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct DetectReport {
    /// With 1,000 rules and every built-in detector, language identification apart.
    us_per_prompt_32_tokens: f64,
    /// Language identification of the same prompts.
    language_us_per_prompt_32_tokens: f64,
    cost_10k_rules_over_100: f64,
    load_10k_rules_ms: f64,
    /// On the longest text, with 1,000 rules.
    mb_per_s: f64,
    by_rules: Vec<ByRules>,
    by_length: Vec<ByLength>,
    findings_in_prompts: usize,
    prompts: usize,
    rounds: u8,
    machine: Machine,
    commit: &'static str,
    date: String,
}

#[derive(Debug, Serialize)]
struct ByRules {
    rules: usize,
    load_ms: f64,
    us_per_prompt: f64,
}

#[derive(Debug, Serialize)]
struct ByLength {
    bytes: usize,
    us: f64,
    mb_per_s: f64,
}

pub(crate) fn run(args: &DetectArgs) -> anyhow::Result<ExitCode> {
    let report = measure(args)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        print(&mut out, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(args: &DetectArgs) -> anyhow::Result<DetectReport> {
    let prompts = texts()?;
    let prose = prompts.concat();
    let lengths: Vec<Vec<u8>> = LENGTHS
        .iter()
        .map(|&length| prose.iter().copied().cycle().take(length).collect())
        .collect();
    let mut detectors = Vec::new();
    for count in RULES {
        let rules = rules(count);
        let began = Instant::now();
        let detector = Detector::compile(&rules)?;
        detectors.push((count, began.elapsed().as_secs_f64() * 1e3, detector));
    }
    let typical = &detectors
        .iter()
        .find(|(count, ..)| *count == TYPICAL_RULES)
        .context("the typical number of rules is measured")?
        .2;

    let mut found = Vec::new();
    let mut by_rules = vec![Vec::new(); detectors.len()];
    let mut by_length = vec![Vec::new(); lengths.len()];
    let mut language = Vec::new();
    // One round is not counted: it warms caches and makes lazy tables.
    for round in 0..=args.rounds {
        for ((_, _, detector), times) in detectors.iter().zip(&mut by_rules) {
            let us = scan_all(detector, &prompts, &mut found);
            if round > 0 {
                times.push(us);
            }
        }
        for (text, times) in lengths.iter().zip(&mut by_length) {
            let us = scan_all(typical, std::slice::from_ref(text), &mut found);
            if round > 0 {
                times.push(us);
            }
        }
        let us = identify_all(&prompts);
        if round > 0 {
            language.push(us);
        }
    }
    found.clear();
    for prompt in &prompts {
        typical.scan(prompt, 0, &mut found);
    }

    let by_rules: Vec<ByRules> = detectors
        .iter()
        .zip(by_rules)
        .map(|((rules, load_ms, _), times)| ByRules {
            rules: *rules,
            load_ms: *load_ms,
            us_per_prompt: median(times),
        })
        .collect();
    let by_length: Vec<ByLength> = lengths
        .iter()
        .zip(by_length)
        .map(|(text, times)| {
            let us = median(times);
            ByLength {
                bytes: text.len(),
                us,
                mb_per_s: bytes(text.len()) / us,
            }
        })
        .collect();
    let cost = |count: usize| {
        by_rules
            .iter()
            .find(|line| line.rules == count)
            .map_or(f64::NAN, |line| line.us_per_prompt)
    };
    Ok(DetectReport {
        us_per_prompt_32_tokens: cost(TYPICAL_RULES),
        language_us_per_prompt_32_tokens: median(language),
        cost_10k_rules_over_100: cost(10_000) / cost(100),
        load_10k_rules_ms: by_rules.last().map_or(f64::NAN, |line| line.load_ms),
        mb_per_s: by_length.last().map_or(f64::NAN, |line| line.mb_per_s),
        by_rules,
        by_length,
        findings_in_prompts: found.len(),
        prompts: prompts.len(),
        rounds: args.rounds,
        machine: report::machine(),
        commit: env!("WEIR_COMMIT"),
        date: report::date()?,
    })
}

/// Microseconds a text.
fn scan_all(detector: &Detector, texts: &[Vec<u8>], found: &mut Vec<Match>) -> f64 {
    each(texts, |text| {
        found.clear();
        detector.scan(black_box(text), 0, found);
        black_box(&found);
    })
}

fn identify_all(texts: &[Vec<u8>]) -> f64 {
    each(texts, |text| {
        black_box(identify_bytes(black_box(text)));
    })
}

fn each(texts: &[Vec<u8>], mut work: impl FnMut(&[u8])) -> f64 {
    let size: usize = texts.iter().map(Vec::len).sum();
    let passes = (BYTES_A_ROUND / size.max(1)).max(1);
    let began = Instant::now();
    for _ in 0..passes {
        texts.iter().for_each(|text| work(text));
    }
    began.elapsed().as_secs_f64() * 1e6 / bytes(passes * texts.len())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Counts here are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn bytes(count: usize) -> f64 {
    count as f64
}

/// Rules of two literals each, two or three words a literal, the same in every run.
pub(super) fn rules(count: usize) -> Vec<TextRule> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut taken = HashSet::new();
    let mut literal = || loop {
        let words = 2 + random.below(2);
        let words: Vec<String> = (0..words).map(|_| random.word()).collect();
        let literal = words.join(" ");
        if taken.insert(literal.clone()) {
            return literal;
        }
    };
    (0..count)
        .map(|number| TextRule {
            id: format!("bench.{number}"),
            category: Category::Harassment,
            severity: Severity::Medium,
            score: 0.5,
            literals: vec![literal(), literal()],
            patterns: Vec::new(),
            except: Vec::new(),
            near: None,
        })
        .collect()
}

/// Xorshift: repeatable, and good enough to make up words.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).map_or(0, |value| value % limit)
    }

    /// Two to four syllables: as in a language, the same ones come again.
    fn word(&mut self) -> String {
        const ONSETS: &[u8] = b"bcdfghklmnprstvw";
        const VOWELS: &[u8] = b"aeiou";
        let mut word = String::new();
        for _ in 0..2 + self.below(3) {
            word.push(char::from(ONSETS[self.below(ONSETS.len())]));
            word.push(char::from(VOWELS[self.below(VOWELS.len())]));
        }
        word
    }
}

fn print(out: &mut impl Write, report: &DetectReport) -> std::io::Result<()> {
    writeln!(
        out,
        "{:>9}  {:>9}  {:>12}",
        "rules", "load ms", "us a prompt"
    )?;
    for line in &report.by_rules {
        writeln!(
            out,
            "{:>9}  {:>9.1}  {:>12.2}",
            line.rules, line.load_ms, line.us_per_prompt
        )?;
    }
    writeln!(out, "\n{:>9}  {:>9}  {:>12}", "bytes", "us", "MB/s")?;
    for line in &report.by_length {
        writeln!(
            out,
            "{:>9}  {:>9.1}  {:>12.1}",
            line.bytes, line.us, line.mb_per_s
        )?;
    }
    writeln!(
        out,
        "\na prompt of {TEXT_BYTES} bytes with {TYPICAL_RULES} rules: {:.2} us, and {:.2} us for its language",
        report.us_per_prompt_32_tokens, report.language_us_per_prompt_32_tokens
    )?;
    writeln!(
        out,
        "10,000 rules cost {:.2} times what 100 do",
        report.cost_10k_rules_over_100
    )
}
