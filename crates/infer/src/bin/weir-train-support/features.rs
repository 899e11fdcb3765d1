//! `features`: little-endian binary, made for `numpy.frombuffer`.
//!
//! u64 rows, u64 windows, u64 ids, u64 words; u32 x (rows + 1): first window of each row; u64 x (windows + 1):
//! first id of each window; u64 x (windows + 1): its first word; u32 x ids; u32 x words: their numbers.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use weir_infer::features::{BUCKET_BITS, Features, Featuriser, Words};
use weir_infer::window::Windowing;

use crate::{Outcome, text};

pub(crate) fn run(
    bits: u32,
    window: usize,
    most: usize,
    list: &Path,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Outcome {
    if !BUCKET_BITS.contains(&bits) {
        return Err(format!("BITS is {bits}, not within 8 to 24").into());
    }
    let windowing = Windowing::new(window, most);
    let list = std::fs::read_to_string(list)
        .map_err(|error| format!("cannot read {}: {error}", list.display()))?;
    let mut featuriser = Featuriser::new(bits, Arc::new(Words::parse(&list)?));
    let mut features = Features::default();
    let mut first_windows = vec![0_u32];
    let mut first_ids = vec![0_u64];
    let mut first_words = vec![0_u64];
    let (mut ids, mut words) = (Vec::new(), Vec::new());
    for (number, line) in input.lines().enumerate() {
        features.clear();
        featuriser.append(&text(&line?, number + 1)?, windowing.cap(), &mut features);
        for window in windowing.cut(0..features.ids.len(), &features.token_starts) {
            for word in features.words_in(&window) {
                words.extend_from_slice(&word.number.to_le_bytes());
            }
            for id in &features.ids[window] {
                ids.extend_from_slice(&id.to_le_bytes());
            }
            first_ids.push(u64::try_from(ids.len() / size_of::<u32>())?);
            first_words.push(u64::try_from(words.len() / size_of::<u32>())?);
        }
        first_windows.push(u32::try_from(first_ids.len() - 1)?);
    }
    for length in [
        first_windows.len() - 1,
        first_ids.len() - 1,
        ids.len() / size_of::<u32>(),
        words.len() / size_of::<u32>(),
    ] {
        output.write_all(&u64::try_from(length)?.to_le_bytes())?;
    }
    for first in &first_windows {
        output.write_all(&first.to_le_bytes())?;
    }
    for first in first_ids.iter().chain(&first_words) {
        output.write_all(&first.to_le_bytes())?;
    }
    output.write_all(&ids)?;
    output.write_all(&words)?;
    Ok(())
}

/// Lines that can stand in a list of words, the others left out.
pub(crate) fn words(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    for line in input.lines() {
        let line = line?;
        if Words::accepts(&line) {
            writeln!(output, "{line}")?;
        }
    }
    Ok(())
}
