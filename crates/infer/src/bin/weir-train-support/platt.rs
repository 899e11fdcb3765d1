//! `platt`: fits calibration parameters.

use std::io::{BufRead, Write};

use weir_infer::calibrate::Platt;

use crate::Outcome;

pub(crate) fn run(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    let mut rows = Vec::new();
    for (number, line) in input.lines().enumerate() {
        let line = line?;
        let row =
            parse(&line).ok_or_else(|| format!("line {} is not a logit and 0 or 1", number + 1))?;
        rows.push(row);
    }
    serde_json::to_writer(&mut *output, &Platt::fit(&rows)?)?;
    writeln!(output)?;
    Ok(())
}

fn parse(line: &str) -> Option<(f32, bool)> {
    let (logit, label) = line.trim().split_once(' ')?;
    let label = match label {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    Some((logit.parse().ok()?, label))
}
