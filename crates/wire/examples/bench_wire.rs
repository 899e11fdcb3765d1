//! What decoding and encoding cost: one JSON object of nanoseconds a record.
//!
//! `cargo run --release -p weir-wire --example bench_wire`
//!
//! Each figure is the median of the per-record means of many short rounds, and beside it the
//! lowest: on a shared machine the two lie apart, and the lowest is the code's own cost.
#![expect(clippy::print_stdout, reason = "its output")]

use std::hint::black_box;
use std::time::Instant;

use weir_types::Verdict;
use weir_wire::{
    Chunk, Prompt, Record, Role, SchemaIds, Segment, Subject, WriterSchema, Written, decode,
    decode_with, encode,
};

const ROUNDS: usize = 301;
const RECORDS_A_ROUND: u32 = 1000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    weir_wire::prepare();
    let preparing = start.elapsed().as_micros();

    let prompt = Prompt {
        budget_us: Some(25_000),
        locale_hint: Some("de-CH".to_owned()),
        segments: vec![Segment {
            role: Role::User,
            name: None,
            text: vec![b'a'; 150],
        }],
        ..Prompt::new("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "acme", "worker-3")
    };
    let chunk = Chunk {
        opening: None,
        enc: None,
        text: b" twelve bytes".to_vec(),
        ..serde_json::from_str(include_str!("../../../schemas/examples/chunk.json"))?
    };
    // Nine scores, one finding.
    let verdict: Verdict =
        serde_json::from_str(include_str!("../../../schemas/examples/verdict.json"))?;

    let figures = serde_json::json!({
        "prepare_us": preparing,
        "prompt_150_bytes_of_text": both(&prompt)?,
        "chunk_13_bytes_of_text": both(&chunk)?,
        "verdict_9_scores_1_finding": both(&verdict)?,
    });
    println!("{}", serde_json::to_string_pretty(&figures)?);
    Ok(())
}

fn both<T: Record>(record: &T) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let mut frame = Vec::new();
    encode(record, &mut frame)?;
    decode::<T>(&frame)?;
    let other = OtherVersion(WriterSchema::parse(T::SUBJECT, T::SUBJECT.schema_json())?);

    let mut out = Vec::new();
    let encoding = nanoseconds(|| {
        out.clear();
        let _ = black_box(encode(black_box(record), &mut out));
    });
    let decoding = nanoseconds(|| drop(black_box(decode::<T>(black_box(&frame)))));
    let resolving = nanoseconds(|| drop(black_box(decode_with::<T>(&other, black_box(&frame)))));
    Ok(serde_json::json!({
        "frame_bytes": frame.len(),
        "encode_ns": encoding,
        "decode_ns": decoding,
        "decode_other_version_ns": resolving,
    }))
}

fn nanoseconds(mut work: impl FnMut()) -> serde_json::Value {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..RECORDS_A_ROUND {
                work();
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(RECORDS_A_ROUND)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    serde_json::json!({ "median": rounds[ROUNDS / 2].round(), "lowest": rounds[0].round() })
}

/// Reads every frame by way of schema resolution.
struct OtherVersion(WriterSchema);

impl SchemaIds for OtherVersion {
    fn id_of(&self, subject: Subject) -> u32 {
        subject.id()
    }

    fn find(&self, _: u32) -> Option<Written<'_>> {
        Some(Written::Otherwise(self.0.subject(), &self.0))
    }
}
