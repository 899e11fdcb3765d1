//! `bench`: microseconds for a text of about 32 tokens, by batch size.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use weir_infer::features::Features;
use weir_infer::{Classifier as _, FastModel};

use crate::Outcome;

/// Texts in the pool: more than a cache holds the table rows of.
const POOL: usize = 4096;
/// Words in a text: about 27 words and their punctuation make 32 model tokens.
const WORDS: usize = 27;

pub(crate) fn run(folder: &Path, output: &mut dyn Write) -> Outcome {
    let mut model = FastModel::load(folder)?;
    let pool = texts();
    let pool: Vec<&str> = pool.iter().map(String::as_str).collect();
    let mut batches = serde_json::Map::new();
    for batch in [1_usize, 4, 16, 64] {
        let (features, total) = time(&mut model, &pool, batch)?;
        batches.insert(
            batch.to_string(),
            serde_json::json!({
                "features_us": round(features),
                "ort_us": round(total - features),
                "total_us": round(total),
            }),
        );
    }
    let bytes = pool.iter().map(|text| text.len()).sum::<usize>() / pool.len();
    let report = serde_json::json!({
        "model": model.describe().name,
        "text_bytes": bytes,
        "p50_us_a_text_by_batch": batches,
    });
    serde_json::to_writer_pretty(&mut *output, &report)?;
    writeln!(output)?;
    Ok(())
}

/// Median microseconds a text: featurising alone, and all of `classify`.
fn time(
    model: &mut FastModel,
    pool: &[&str],
    batch: usize,
) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let mut featuriser = model.featuriser();
    let mut features = Features::default();
    let mut scores = Vec::new();
    let mut featurising = Vec::new();
    let mut whole = Vec::new();
    for round in 0..5 {
        for texts in pool.chunks_exact(batch) {
            let start = Instant::now();
            features.clear();
            for text in texts {
                featuriser.append(text, usize::MAX / 2, &mut features);
            }
            let middle = Instant::now();
            model.classify(texts, &mut scores)?;
            // The first round warms the caches.
            if round > 0 {
                featurising.push((middle - start).as_secs_f64());
                whole.push(middle.elapsed().as_secs_f64());
            }
        }
    }
    let per_text = 1e6 / f64::from(u32::try_from(batch)?);
    Ok((median(featurising) * per_text, median(whole) * per_text))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn round(us: f64) -> f64 {
    (us * 100.0).round() / 100.0
}

/// Everyday texts, put together by a fixed pseudo-random sequence.
fn texts() -> Vec<String> {
    let words: Vec<&str> = include_str!("words.txt").split_whitespace().collect();
    let mut state = 1_u64;
    let mut next = || {
        // Constants of Knuth's MMIX generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        words[usize::try_from(state >> 33).unwrap_or(0) % words.len()]
    };
    (0..POOL)
        .map(|_| {
            let mut text: Vec<&str> = (0..WORDS).map(|_| next()).collect();
            text.push("?");
            text.join(" ")
        })
        .collect()
}
