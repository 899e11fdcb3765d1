//! The examples beside the schemas are what the codec reads and writes.
//!
//! `UPDATE_GOLDENS=1 cargo test -p weir-wire --test goldens` rewrites them from their JSON.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::path::PathBuf;

use weir_types::Verdict;
use weir_wire::{Checkpoint, Chunk, DeadLetter, Flagged, Moderation, Prompt, Record};

#[test]
fn prompt() {
    check::<Prompt>("prompt");
}

#[test]
fn chunk() {
    check::<Chunk>("chunk");
}

#[test]
fn verdict() {
    check::<Verdict>("verdict");
}

#[test]
fn flagged() {
    check::<Flagged>("flagged");
}

#[test]
fn dead_letter() {
    check::<DeadLetter>("dead-letter");
}

#[test]
fn checkpoint() {
    check::<Checkpoint>("checkpoint");
}

#[test]
fn moderation() {
    check::<Moderation>("moderation");
}

fn check<T: Record + PartialEq + std::fmt::Debug>(name: &str) {
    let path = |extension| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../schemas/examples")
            .join(format!("{name}.{extension}"))
    };
    let record: T = serde_json::from_str(&std::fs::read_to_string(path("json")).unwrap()).unwrap();
    let mut frame = Vec::new();
    weir_wire::encode(&record, &mut frame).unwrap();
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        let json = serde_json::to_string_pretty(&record).unwrap();
        std::fs::write(path("json"), json + "\n").unwrap();
        std::fs::write(path("hex"), to_hex(&frame)).unwrap();
    }
    let golden = std::fs::read_to_string(path("hex")).unwrap();
    assert_eq!(to_hex(&frame), golden);
    assert_eq!(weir_wire::decode::<T>(&from_hex(&golden)).unwrap(), record);
}

/// 32 bytes a line, so that a diff shows where they differ.
fn to_hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for line in bytes.chunks(32) {
        for byte in line {
            write!(out, "{byte:02x}").unwrap();
        }
        out.push('\n');
    }
    out
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}
