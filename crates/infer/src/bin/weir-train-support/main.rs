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
  weir-train-support features BITS WINDOW MOST WORDS
                                                 JSONL rows with \"text\" -> windows of feature ids (binary);
                                                 WORDS is a list with a word a line
  weir-train-support words                       lines -> those that are words of such a list
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
        ["features", bits, window, most, words] => features::run(
            bits.parse()?,
            window.parse()?,
            most.parse()?,
            Path::new(words),
            input,
            output,
        ),
        ["words"] => features::words(input, output),
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

    /// A list of words in a folder of its own.
    fn list(words: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.txt");
        std::fs::write(&path, words).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn features_are_laid_out_as_documented() {
        let (_folder, list) = list("no\nab\n");
        let input = b"{\"text\":\"ab\",\"id\":1}\n{\"text\":\"\"}\n";
        let output = call(&["features", "8", "1024", "4", &list], input).unwrap();
        let long = |at: usize| u64::from_le_bytes(output[at..at + 8].try_into().unwrap());
        let short = |at: usize| u32::from_le_bytes(output[at..at + 4].try_into().unwrap());
        let longs = |from: usize, count: usize| -> Vec<u64> {
            (0..count).map(|index| long(from + 8 * index)).collect()
        };
        let ids = long(16);
        assert!(ids > 0);
        assert_eq!(longs(0, 4), [2, 2, ids, 1]);
        assert_eq!([short(32), short(36), short(40)], [0, 1, 2]);
        assert_eq!(longs(44, 3), [0, ids - 1, ids]);
        assert_eq!(longs(68, 3), [0, 1, 1]);
        let words = 92 + 4 * usize::try_from(ids).unwrap();
        assert_eq!((short(words), output.len()), (1, words + 4));
    }

    #[test]
    fn lines_that_are_no_words_are_left_out() {
        let output = call(&["words"], "kill\nTwo\ntwo words\n\n你好\n".as_bytes()).unwrap();
        assert_eq!(output, "kill\n你好\n".as_bytes());
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
        let (_folder, list) = list("");
        let error = call(&["features", "8", "1024", "4", &list], b"{}\n").unwrap_err();
        assert!(error.starts_with("line 1 is not a JSON object"), "{error}");
        assert!(
            call(&["features", "99", "1024", "4", &list], b"")
                .unwrap_err()
                .contains("99")
        );
        let error = call(&["features", "8", "1024", "4", "/nowhere"], b"").unwrap_err();
        assert!(error.starts_with("cannot read /nowhere"), "{error}");
        assert!(call(&["nonsense"], b"").unwrap_err().starts_with("usage"));
    }
}
