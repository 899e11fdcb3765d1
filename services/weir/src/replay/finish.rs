//! Rows of all parts put together: `results.jsonl`, `results.parquet`, and what they sum up to.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};

use anyhow::{Context as _, Result};

use super::joined::Joined;
use super::parquet::ParquetFile;
use super::row::Row;
use super::store::Store;
use super::tally::Tally;

pub(crate) const ROWS: &str = "results.jsonl";
pub(crate) const PARQUET: &str = "results.parquet";

/// Writes the rows, part by part, and counts them.
pub(crate) fn rows(store: &Store, joined: &Joined, with_text: bool) -> Result<Tally> {
    let mut lines = BufWriter::new(store.create(ROWS)?);
    let to = BufWriter::new(store.create(PARQUET)?);
    let mut parquet = ParquetFile::new(to, with_text)?;
    let mut tally = Tally::default();
    let mut line = Vec::new();
    for part in &store.plan.parts {
        let path = store.part(part);
        let file = File::open(&path).with_context(|| format!("{} is gone", path.display()))?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        loop {
            line.clear();
            if file.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let row: Row = serde_json::from_slice(&line)
                .with_context(|| format!("{} is damaged", path.display()))?;
            lines.write_all(&line)?;
            parquet.add(&row)?;
            tally.take(&row, joined);
        }
    }
    lines.flush()?;
    parquet.finish()?;
    Ok(tally)
}
