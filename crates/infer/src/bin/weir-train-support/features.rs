//! `features`: little-endian binary, made for `numpy.frombuffer`.
//!
//! u64 rows, u64 windows, u64 ids; u32 x (rows + 1): first window of each row; u64 x (windows + 1):
//! first id of each window; u32 x ids.

use std::io::{BufRead, Write};

use weir_infer::features::{BUCKET_BITS, Features, Featuriser};
use weir_infer::window::Windowing;

use crate::{Outcome, text};

pub(crate) fn run(
    bits: u32,
    window: usize,
    most: usize,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Outcome {
    if !BUCKET_BITS.contains(&bits) {
        return Err(format!("BITS is {bits}, not within 8 to 24").into());
    }
    let windowing = Windowing::new(window, most);
    let mut featuriser = Featuriser::new(bits);
    let mut features = Features::default();
    let mut first_windows = vec![0_u32];
    let mut first_ids = vec![0_u64];
    let mut ids = Vec::new();
    for (number, line) in input.lines().enumerate() {
        features.clear();
        featuriser.append(&text(&line?, number + 1)?, windowing.cap(), &mut features);
        for window in windowing.cut(0..features.ids.len(), &features.token_starts) {
            for id in &features.ids[window] {
                ids.extend_from_slice(&id.to_le_bytes());
            }
            first_ids.push(u64::try_from(ids.len() / size_of::<u32>())?);
        }
        first_windows.push(u32::try_from(first_ids.len() - 1)?);
    }
    for length in [
        first_windows.len() - 1,
        first_ids.len() - 1,
        ids.len() / size_of::<u32>(),
    ] {
        output.write_all(&u64::try_from(length)?.to_le_bytes())?;
    }
    for first in &first_windows {
        output.write_all(&first.to_le_bytes())?;
    }
    for first in &first_ids {
        output.write_all(&first.to_le_bytes())?;
    }
    output.write_all(&ids)?;
    Ok(())
}
