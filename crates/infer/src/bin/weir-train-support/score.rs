//! `score`, `score-heavy`: what a shipped model says, for checking training against it and for
//! evaluation.

use std::io::{BufRead, Write};

use serde::Serialize;
use weir_infer::Classifier;
use weir_types::{Category, ModelScores};

use crate::{Outcome, text};

/// Texts a call.
const BATCH: usize = 64;

#[derive(Serialize)]
struct Line {
    raw: [f32; Category::COUNT],
    calibrated: [f32; Category::COUNT],
    any_harm: f32,
    truncated: bool,
}

/// Scores come out in the order of the texts, and a batch's before the next batch is read: the
/// heavy model takes hours for large sets, and what is out need not be done again.
pub(crate) fn run(
    model: &mut dyn Classifier,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Outcome {
    let mut texts = Vec::with_capacity(BATCH);
    for (number, line) in input.lines().enumerate() {
        texts.push(text(&line?, number + 1)?);
        if texts.len() == BATCH {
            write(model, &texts, output)?;
            texts.clear();
        }
    }
    write(model, &texts, output)
}

fn write(model: &mut dyn Classifier, texts: &[String], output: &mut dyn Write) -> Outcome {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut scores = Vec::new();
    model.classify(&texts, &mut scores)?;
    for ModelScores {
        raw,
        calibrated,
        any_harm,
        truncated,
    } in scores
    {
        serde_json::to_writer(
            &mut *output,
            &Line {
                raw,
                calibrated,
                any_harm,
                truncated,
            },
        )?;
        writeln!(output)?;
    }
    output.flush()?;
    Ok(())
}
