//! The same windows as training's code cuts (`heavy_fixtures.py` runs it).

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use serde::Deserialize;
use weir_encoder::{Tokenizer, Windowing};

#[derive(Deserialize)]
struct Row {
    text: String,
    windows: Vec<Vec<u32>>,
}

#[derive(Deserialize)]
struct Expected {
    rows: Vec<Row>,
}

const MASK: u32 = 250_001;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn check(tokenizer: &[u8], windowing: Windowing, rows: &[Row]) {
    let tokenizer = Tokenizer::parse(tokenizer, "query: ", windowing).unwrap();
    let mut longest = 0;
    for row in rows {
        let encoded = tokenizer.encode(&row.text).unwrap();
        let found: Vec<_> = encoded
            .windows
            .into_iter()
            .map(|window| window.ids)
            .collect();
        let expected: Vec<_> = row.windows.iter().map(|ids| unmarked(ids)).collect();
        assert_eq!(found, expected, "{:?}", row.text);
        assert!(found.iter().all(|ids| ids.len() <= windowing.tokens));
        assert!(!encoded.truncated || found.len() == windowing.most);
        longest = longest.max(found.len());
    }
    // Some text is cut as often as texts are.
    assert_eq!(longest, windowing.most);
}

/// The one difference: training leaves marks in a text as they are.
fn unmarked(ids: &[u32]) -> Vec<u32> {
    let mut ids = ids.to_vec();
    let inner = 1..ids.len() - 1;
    for id in &mut ids[inner] {
        if *id < 4 || *id == MASK {
            *id = 3;
        }
    }
    ids
}

#[test]
fn a_small_tokenizer_cuts_as_in_training() {
    let folder = fixtures().join("heavy");
    let expected = std::fs::read(folder.join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&expected).unwrap();
    let windowing = Windowing {
        tokens: 24,
        overlap: 4,
        most: 3,
    };
    let tokenizer = std::fs::read(folder.join("e5/tokenizer.json")).unwrap();
    check(&tokenizer, windowing, &expected.rows);
}

/// The real tokenizer, where `WEIR_E5_FILES` says that `scripts/e5` put it.
#[test]
fn the_tokenizer_of_e5_cuts_as_in_training() {
    let Some(folder) = std::env::var_os("WEIR_E5_FILES").map(PathBuf::from) else {
        return;
    };
    let rows = std::fs::read(fixtures().join("windows.json")).unwrap();
    let rows: Vec<Row> = serde_json::from_slice(&rows).unwrap();
    assert_eq!(rows.len(), 21);
    let windowing = Windowing {
        tokens: 192,
        overlap: 32,
        most: 8,
    };
    let tokenizer = std::fs::read(folder.join("tokenizer.json")).unwrap();
    check(&tokenizer, windowing, &rows);
}
