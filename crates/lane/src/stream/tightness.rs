//! How little of harmless text is held under the shipped policies, and under stricter ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;
use weir_detect::Detector;
use weir_policy::{PolicySet, SourceFile};
use weir_types::{FingerprintKey, Micros, Source};

use super::{ChunkInput, StreamEnd, StreamStep};
use crate::{Arrival, Lane, LaneConfig};

/// Policies by what their streams wait for beside what the default one's do, and the most of harmless
/// text, in per mille of its bytes, that the verdict on its own chunk may hold, and the next one.
///
/// What is held are digits, mostly. No blocking literal of the shipped rules is about streams; one that is
/// holds words that may be its letters, `a` as in `a b o r t`. Any word may begin a mail address, so each but
/// the space before it waits for the next.
const BOUNDS: [(&str, usize, usize); 8] = [
    ("", 5, 1),
    ("email", 800, 32),
    ("phone", 6, 1),
    ("ip", 6, 1),
    ("jwt", 7, 1),
    ("secret", 6, 1),
    ("phone, ip, jwt, secret", 8, 1),
    ("email, phone, ip, jwt, secret", 800, 32),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn yaml(folder: &str) -> Vec<SourceFile> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    paths.sort();
    let read = |path: PathBuf| SourceFile {
        text: std::fs::read_to_string(&path).unwrap(),
        path,
    };
    paths.into_iter().map(read).collect()
}

/// The shipped policies, and one for each of [`BOUNDS`], whose tenant is called like what it adds.
fn policies() -> PolicySet {
    let mut policies = yaml("policies");
    for (number, (more, ..)) in BOUNDS.iter().enumerate().skip(1) {
        let acts: String = more
            .split(", ")
            .map(|name| format!("  {name}: {{ action: attenuate }}\n"))
            .collect();
        policies.push(SourceFile {
            path: format!("{number}.yaml").into(),
            text: format!(
                "id: p{number}\nversion: \"1\"\nextends: default\ntenants: [\"{more}\"]\n\
                 detectors:\n{acts}stream:\n  required: [literal, pattern, card, iban, national_id, \
                 passport, api_key, private_key, {more}]\n"
            ),
        });
    }
    PolicySet::parse(&root(), &policies, &yaml("policies/rules")).unwrap()
}

/// The harmless prompts of the demo, in eleven languages.
fn texts() -> Vec<String> {
    let rows = std::fs::read_to_string(root().join("evals/demo/prompts.jsonl")).unwrap();
    rows.lines()
        .map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap())
        .filter(|row| row["kind"].as_str().unwrap().ends_with("benign"))
        .map(|row| row["text"].as_str().unwrap().to_owned())
        .collect()
}

/// Where models put their tokens, more or less: a word with the space before it, a sign, a letter of a
/// script that spaces no words.
fn chunks(text: &str) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let mut space = String::new();
    for word in text.split_word_bounds() {
        if word.trim().is_empty() {
            space.push_str(word);
            continue;
        }
        chunks.push(std::mem::take(&mut space) + word);
    }
    chunks.extend((!space.is_empty()).then_some(space));
    chunks
}

fn lane() -> Lane {
    let policies = Arc::new(policies());
    let detector = Arc::new(Detector::compile(policies.rules()).unwrap());
    let config = LaneConfig {
        fingerprint_key: FingerprintKey::new(b"test"),
        classifier: None,
        shed_above: 10,
    };
    Lane::new(policies, detector, config)
}

/// Bytes of chunks, and how many of them were held.
#[derive(Debug, Default)]
struct Held {
    all: usize,
    /// By the verdict on their own chunk.
    at_first: usize,
    /// By the one after it.
    still: usize,
}

/// Streams a text and counts, but for the last chunk, which holds nothing.
fn stream(lane: &mut Lane, tenant: &str, id: &str, text: &str, held: &mut Held) {
    let chunks = chunks(text);
    let (mut before, mut from) = (0, 0);
    for (seq, piece) in chunks.iter().enumerate() {
        let last = seq + 1 == chunks.len();
        let input = ChunkInput {
            source: Source {
                topic: "chunks".into(),
                partition: 0,
                offset: 0,
            },
            owner_epoch: 0,
            request_id: id.to_owned(),
            stream_id: id.to_owned(),
            seq: i64::try_from(seq).unwrap(),
            byte_start: i64::try_from(from).unwrap(),
            text: piece.as_bytes().to_vec(),
            end: last.then_some(StreamEnd::Complete),
            tenant: tenant.to_owned(),
            worker_id: "w".to_owned(),
            opening: None,
            arrival: Arrival::default(),
        };
        lane.on_chunk(input, Micros::ZERO);
        let Some(StreamStep::Verdict(judged)) = lane.answer(Micros::ZERO).pop() else {
            panic!("no verdict");
        };
        if judged.closed {
            break;
        }
        let released = usize::try_from(judged.judged.verdict.released_to).unwrap();
        let to = from + piece.len();
        held.all += piece.len();
        held.at_first += to - released.clamp(from, to);
        held.still += from - released.clamp(before, from);
        (before, from) = (from, to);
    }
}

#[test]
fn harmless_text_is_released_in_its_own_verdict() {
    let mut lane = lane();
    let texts = texts();
    for (more, at_first, still) in BOUNDS {
        let mut held = Held::default();
        for (number, text) in texts.iter().enumerate() {
            stream(
                &mut lane,
                more,
                &format!("{more} {number}"),
                text,
                &mut held,
            );
        }
        assert!(held.all > 25_000);
        assert!(
            held.at_first * 1000 <= at_first * held.all,
            "{more:?}: {held:?}"
        );
        assert!(held.still * 1000 <= still * held.all, "{more:?}: {held:?}");
    }
}
