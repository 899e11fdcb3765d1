//! What training needs of the code that judges: the same features, calibration and scores.
//!
//! Called by `models/train`; every subcommand reads standard input and writes standard output.

mod bench;
mod features;
mod platt;
mod score;

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use weir_infer::{FastModel, HeavyModel};

const USAGE: &str = "usage:
  weir-train-support features BITS WINDOW MOST   JSONL rows with \"text\" -> windows of feature ids (binary)
  weir-train-support platt                       lines \"LOGIT 0|1\" -> {\"a\":..,\"b\":..}
  weir-train-support score [MODEL_FOLDER]        JSONL rows with \"text\" -> JSONL scores
  weir-train-support score-heavy MODEL_FOLDER E5_FOLDER
                                                 the same by the heavy model, a batch at a time
  weir-train-support bench [MODEL_FOLDER]        microseconds a text, as JSON
MODEL_FOLDER is models/fast when not given.
";

/// Anything that ends the program, in words.
type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut input = io::stdin().lock();
    let mut output = io::BufWriter::new(io::stdout().lock());
    let outcome = command(&arguments, &mut input, &mut output)
        .and_then(|()| output.flush().map_err(Into::into));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when standard error is closed.
            let _ = writeln!(io::stderr(), "weir-train-support: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command(arguments: &[&str], input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    match arguments {
        ["features", bits, window, most] => {
            features::run(bits.parse()?, window.parse()?, most.parse()?, input, output)
        }
        ["platt"] => platt::run(input, output),
        ["score", folder @ ..] if folder.len() <= 1 => {
            score::run(&mut FastModel::load(&model(folder))?, input, output)
        }
        ["score-heavy", folder, e5] => {
            let mut model = HeavyModel::load(Path::new(folder), Path::new(e5))?;
            score::run(&mut model, input, output)
        }
        ["bench", folder @ ..] if folder.len() <= 1 => bench::run(&model(folder), output),
        _ => Err(USAGE.into()),
    }
}

fn model(folder: &[&str]) -> PathBuf {
    PathBuf::from(folder.first().copied().unwrap_or("models/fast"))
}

/// A row of JSONL; other fields are ignored.
#[derive(serde::Deserialize)]
struct Row {
    text: String,
}

/// The text on one line; `number` counts from 1.
fn text(line: &str, number: usize) -> Result<String, String> {
    let row: Row = serde_json::from_str(line)
        .map_err(|error| format!("line {number} is not a JSON object with \"text\": {error}"))?;
    Ok(row.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(arguments: &[&str], mut input: &[u8]) -> Result<Vec<u8>, String> {
        let mut output = Vec::new();
        command(arguments, &mut input, &mut output).map_err(|error| error.to_string())?;
        Ok(output)
    }

    #[test]
    fn features_are_laid_out_as_documented() {
        let input = b"{\"text\":\"ab\",\"id\":1}\n{\"text\":\"\"}\n";
        let output = call(&["features", "8", "1024", "4"], input).unwrap();
        let (header, rest) = output.split_at(24);
        let header: Vec<u64> = header
            .as_chunks::<8>()
            .0
            .iter()
            .copied()
            .map(u64::from_le_bytes)
            .collect();
        let ids = header[2];
        assert!(ids > 0);
        assert_eq!(header, [2, 2, ids]);
        let (windows, rest) = rest.split_at(12);
        let windows: Vec<u32> = windows
            .as_chunks::<4>()
            .0
            .iter()
            .copied()
            .map(u32::from_le_bytes)
            .collect();
        assert_eq!(windows, [0, 1, 2]);
        let (firsts, rest) = rest.split_at(24);
        let firsts: Vec<u64> = firsts
            .as_chunks::<8>()
            .0
            .iter()
            .copied()
            .map(u64::from_le_bytes)
            .collect();
        assert_eq!(firsts, [0, ids - 1, ids]);
        assert_eq!(u64::try_from(rest.len()).unwrap(), 4 * ids);
    }

    #[test]
    fn platt_reads_lines_and_writes_json() {
        let output = call(&["platt"], b"-2 0\n-1 0\n1 1\n2 1\n-3 0\n3 1\n").unwrap();
        let fit: weir_infer::calibrate::Platt = serde_json::from_slice(&output).unwrap();
        assert!(fit.a > 0.0);
    }

    /// The small heavy model that `crates/encoder` is tested with.
    fn score_heavy(input: &str, output: &mut Vec<u8>) -> Result<(), String> {
        let fixtures = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../encoder/tests/fixtures/heavy"
        );
        let (model, e5) = (format!("{fixtures}/model"), format!("{fixtures}/e5"));
        command(&["score-heavy", &model, &e5], &mut input.as_bytes(), output)
            .map_err(|error| error.to_string())
    }

    #[derive(serde::Deserialize)]
    struct Scored {
        raw: Vec<f64>,
    }

    /// Sums are taken in another order in another pass.
    fn apart(a: &Scored, b: &Scored) -> f64 {
        let pairs = a.raw.iter().zip(&b.raw);
        pairs.fold(0.0, |most, (a, b)| most.max((a - b).abs()))
    }

    #[test]
    fn heavy_scores_come_in_the_order_of_the_texts() {
        let row = |index: usize| format!("{{\"text\":\"{}\"}}\n", "ab ".repeat(index % 7));
        let score = |input: &str| -> Vec<Scored> {
            let mut output = Vec::new();
            score_heavy(input, &mut output).unwrap();
            let lines = std::str::from_utf8(&output).unwrap().lines();
            lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        };
        let all = score(&(0..150).map(row).collect::<String>());
        assert_eq!(all.len(), 150);
        for index in 0..7 {
            let alone = score(&row(index)).remove(0);
            for (other, scored) in all.iter().enumerate() {
                assert_eq!(apart(&alone, scored) < 1e-4, other % 7 == index);
            }
        }
    }

    #[test]
    fn what_was_scored_before_a_bad_line_is_out() {
        let mut output = Vec::new();
        let input = "{\"text\":\"a\"}\n".repeat(64) + "{}\n";
        let error = score_heavy(&input, &mut output).unwrap_err();
        assert!(error.starts_with("line 65 is not"), "{error}");
        assert_eq!(output.iter().filter(|byte| **byte == b'\n').count(), 64);
    }

    #[test]
    fn a_missing_model_is_named() {
        let error = call(&["score-heavy", "/nowhere/model", "/nowhere/e5"], b"").unwrap_err();
        assert!(error.contains("/nowhere/model"), "{error}");
        let error = call(&["score-heavy", "/nowhere/model"], b"").unwrap_err();
        assert!(error.starts_with("usage"), "{error}");
    }

    #[test]
    fn bad_input_is_named_by_line() {
        let error = call(&["platt"], b"1 1\n1 maybe\n").unwrap_err();
        assert_eq!(error, "line 2 is not a logit and 0 or 1");
        let error = call(&["features", "8", "1024", "4"], b"{}\n").unwrap_err();
        assert!(error.starts_with("line 1 is not a JSON object"), "{error}");
        assert!(
            call(&["features", "99", "1024", "4"], b"")
                .unwrap_err()
                .contains("99")
        );
        assert!(call(&["nonsense"], b"").unwrap_err().starts_with("usage"));
    }
}
