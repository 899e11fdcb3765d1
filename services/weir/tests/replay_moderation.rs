//! `weir replay --moderation`: agreement with the heavy model, counted by hand from what a rescorer wrote. Real Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::cluster::{Cluster, frame, prompt};
use common::gate::Gate;
use common::replay::{json, records, replay};
use common::{repository, rescorer, wait_until};
use serde_json::Value;
use weir_bus::{InRecord, OutRecord};
use weir_testkit::{kafka_or_skip, unique_name};
use weir_types::{Category, CategoryScore};
use weir_wire::{Chunk, End, Flagged, Moderation};

/// Texts of every kind: harmless, harmful, with personal data, in many languages.
const TEXTS: &str = include_str!("../../../evals/demo/prompts.jsonl");
const PROMPTS: usize = 100;
/// What the second policies act upon from another score on. What the first find is flagged, so that none of it is left to
/// the sample, which is drawn anew each time.
const OTHERWISE: Category = Category::PromptInjection;
const FROM: f32 = 0.99;

/// The shipped policies, but every second text is looked at again, and with further changes.
fn policies(dir: &Path, changes: &[(&str, &str)]) -> String {
    let shipped = repository().join("policies");
    std::fs::create_dir_all(dir.join("rules")).unwrap();
    for rules in std::fs::read_dir(shipped.join("rules")).unwrap() {
        let rules = rules.unwrap();
        std::fs::copy(rules.path(), dir.join("rules").join(rules.file_name())).unwrap();
    }
    let mut policy = std::fs::read_to_string(shipped.join("default.yaml")).unwrap();
    for (from, to) in [("sample: 0.01", "sample: 0.5")].iter().chain(changes) {
        assert!(policy.contains(from), "{from}");
        policy = policy.replace(from, to);
    }
    std::fs::write(dir.join("default.yaml"), policy).unwrap();
    dir.to_str().unwrap().to_owned()
}

/// Prompts, and a stream, whose windows are looked at, too.
fn write(cluster: &Cluster) {
    let texts = TEXTS.lines().take(PROMPTS);
    let mut records: Vec<(String, &str, Vec<u8>)> = (0..)
        .zip(texts)
        .map(|(number, line)| {
            let id = format!("prompt-{number}");
            let row: Value = serde_json::from_str(line).unwrap();
            let payload = frame(&prompt(&id, row["text"].as_str().unwrap()));
            (id, cluster.prompts.as_str(), payload)
        })
        .collect();
    let example = include_str!("../../../schemas/examples/chunk.json");
    let example: Chunk = serde_json::from_str(example).unwrap();
    let stream = Chunk {
        request_id: "stream".to_owned(),
        seq: 0,
        byte_start: 0,
        text: b"My card is 4111 1111 1111 1111.".to_vec(),
        end: End::Complete,
        policy_hash: String::new(),
        enc: None,
        ..example
    };
    records.push(("stream".to_owned(), &cluster.chunks, frame(&stream)));
    let sent = records.iter().map(|(key, topic, payload)| OutRecord {
        topic,
        partition: None,
        key: Some(key.as_bytes()),
        payload,
        header: None,
    });
    let records: Vec<_> = sent.collect();
    cluster.produce(&records);
}

fn read(cluster: &Cluster, topic: &str) -> Vec<InRecord> {
    records(&cluster.bus.read_committed(), topic)
}

/// What a gate and a rescorer make of the records.
fn judged(cluster: &Cluster, moderation: &str, policies: &str) -> Vec<Moderation> {
    let gate = Gate::start_under(cluster, policies);
    let rescorer = rescorer::start_on(cluster, moderation, &["--policies", policies]);
    write(cluster);
    wait_until("every prompt and the stream have a verdict", || {
        read(cluster, &cluster.verdicts).len() > PROMPTS
    });
    gate.stop();
    let flagged = read(cluster, &cluster.flagged).into_iter();
    let flagged: BTreeSet<String> = flagged
        .map(|record| weir_wire::decode::<Flagged>(&record.payload.unwrap()).unwrap())
        .map(|flagged| flagged.verdict_id)
        .collect();
    let decode = |record: InRecord| weir_wire::decode(&record.payload.unwrap()).unwrap();
    let looks = || -> Vec<Moderation> {
        let records = read(cluster, moderation).into_iter();
        records.map(decode).collect()
    };
    wait_until("all that was flagged has been looked at", || {
        flagged.len() == looks().len()
    });
    rescorer.stop();
    let looks = looks();
    let seen: BTreeSet<_> = looks.iter().map(|it| it.verdict_id.clone()).collect();
    assert_eq!(seen, flagged);
    looks
}

/// In one category: records with both, fast only, heavy only, neither; and the texts that they stand for.
type Cells = [(u64, f64); 4];

/// By hand: which of the two models is above its threshold, of prompts on which both have a score. `fast`: its threshold.
fn cells(records: &[&Moderation], category: Category, fast: Option<f32>) -> Cells {
    let of = |scores: &[CategoryScore]| scores.iter().find(|it| it.category == category).cloned();
    let mut cells = Cells::default();
    for record in records {
        let (Some(light), Some(heavy)) = (of(&record.fast_scores), of(&record.heavy_scores)) else {
            continue;
        };
        // The policy never acts on it, so that there is nothing to agree on.
        let light_threshold = fast.unwrap_or(light.threshold);
        if light_threshold > 1.0 && heavy.threshold > 1.0 {
            continue;
        }
        let over = [
            light.calibrated >= light_threshold,
            heavy.calibrated >= heavy.threshold,
        ];
        let cell = match over {
            [true, true] => 0,
            [true, false] => 1,
            [false, true] => 2,
            [false, false] => 3,
        };
        cells[cell].0 += 1;
        cells[cell].1 += 1.0 / record.inclusion_probability;
    }
    cells
}

/// The same as the report tells it; there is no row where there is nothing to compare.
fn reported(report: &Value, category: Category) -> Cells {
    let rows = report["heavy"]["agreement"].as_array().unwrap();
    let is_it = |row: &&Value| row["category"] == category.as_str() && row["language"] == "all";
    let Some(row) = rows.iter().find(is_it) else {
        return Cells::default();
    };
    let table = &row["table"];
    ["both", "fast_only", "heavy_only", "neither"].map(|cell| {
        let cell = &table[cell];
        let (records, weight) = (cell["records"].as_u64(), cell["weight"].as_f64());
        (records.unwrap(), weight.unwrap())
    })
}

fn assert_same(report: &Value, by_hand: &BTreeMap<Category, Cells>) {
    for (category, expected) in by_hand {
        for (found, expected) in reported(report, *category).iter().zip(expected) {
            assert_eq!(found.0, expected.0, "{category}");
            assert!((found.1 - expected.1).abs() < 1e-6, "{category}");
        }
    }
}

/// Every name in a report.
fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let inner = fields.values().flat_map(names);
            fields.keys().map(String::as_str).chain(inner).collect()
        }
        Value::Array(items) => items.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn agreement_with_the_heavy_model_is_what_its_records_say() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let moderation = unique_name("moderation");
    cluster.make(&moderation, 1 << 20);
    let dir = tempfile::tempdir().unwrap();
    let live = policies(&dir.path().join("live"), &[]);
    let warn = (
        "prompt_injection: { warn: 0.3, block: 0.9 }",
        format!("prompt_injection: {{ warn: {FROM}, block: 0.999 }}"),
    );
    let milder = policies(&dir.path().join("milder"), &[(warn.0, &warn.1)]);
    let looks = judged(&cluster, &moderation, &live);
    let prompts: Vec<_> = looks.iter().filter(|it| it.stream_id.is_none()).collect();
    let of_streams = looks.len() - prompts.len();
    assert!(
        prompts.len() > 20 && of_streams > 0,
        "{} {of_streams}",
        prompts.len()
    );
    assert!(prompts.iter().any(|it| it.inclusion_probability < 1.0));

    // One that came twice, as from a rescorer without transactions, and one that is none.
    let again = frame(prompts[0]);
    for payload in [again.as_slice(), b"no frame"] {
        cluster.produce(&[OutRecord {
            topic: &moderation,
            partition: Some(prompts[0].source.partition),
            key: Some(prompts[0].request_id.as_bytes()),
            payload,
            header: None,
        }]);
    }
    let with = |policies: &str, more: &[&str]| {
        let common = [
            "--moderation",
            "--moderation-topic",
            &moderation,
            "--policy",
            policies,
        ];
        let finished = replay(&cluster, &[&common[..], more].concat());
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished
    };

    // As it was judged live.
    let report = json(&with(&live, &["--json"]));
    let expected = serde_json::json!({
        "read": looks.len() + 2,
        "undecodable": 1,
        "of_streams": of_streams,
        "repeated": 1,
        "not_replayed": 0,
        "joined": prompts.len(),
    });
    assert_eq!(report["moderation"], expected);
    let both = |it: &&&Moderation| !it.fast_scores.is_empty() && !it.heavy_scores.is_empty();
    let records = &report["heavy"]["records"];
    assert_eq!(records["counted"], prompts.len());
    assert_eq!(
        records["judged_by_both"],
        prompts.iter().filter(both).count()
    );
    assert_eq!(
        (&records["of_streams"], &records["repeated"]),
        (&0.into(), &0.into())
    );
    let by_hand: BTreeMap<_, _> = Category::ALL
        .into_iter()
        .map(|category| (category, cells(&prompts, category, None)))
        .collect();
    assert_same(&report, &by_hand);
    // The models do not always say the same, or there would be nothing to mix up.
    let sum = |cell: usize| by_hand.values().map(|cells| cells[cell].0).sum::<u64>();
    assert!(sum(1) + sum(2) > 0 && sum(3) > 0, "{by_hand:?}");

    // Under other policies the fast model's part is the replay's, the heavy one's what it was.
    let report = json(&with(&milder, &["--json"]));
    let mut otherwise = by_hand.clone();
    otherwise.insert(OTHERWISE, cells(&prompts, OTHERWISE, Some(FROM)));
    assert_ne!(otherwise[&OTHERWISE], by_hand[&OTHERWISE]);
    assert_same(&report, &otherwise);

    // Of a part of the range, its part of the records.
    let report = json(&with(&live, &["--json", "--partition", "1"]));
    let here: Vec<_> = prompts
        .iter()
        .copied()
        .filter(|it| it.source.partition == 1)
        .collect();
    assert_eq!(report["moderation"]["joined"], here.len());
    assert_eq!(
        report["moderation"]["not_replayed"],
        prompts.len() - here.len()
    );
    let of_it = BTreeMap::from([(OTHERWISE, cells(&here, OTHERWISE, None))]);
    assert_same(&report, &of_it);

    // Nobody knows the truth here: it is called agreement, and nothing that is measured against truth.
    let told = [report["heavy"].clone(), report["moderation"].clone()];
    for name in told.iter().flat_map(names) {
        let of_truth = ["precision", "recall", "accuracy", "positive", "ece"];
        assert!(!of_truth.iter().any(|word| name.contains(word)), "{name}");
    }
    assert_eq!(report["labels"], Value::Null);
    let out = dir.path().join("out");
    let for_people = with(&live, &["--out", out.to_str().unwrap()]).stdout;
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    for told in [&for_people, &page] {
        assert!(told.contains("Agreement with the heavy model"), "{told}");
        assert!(told.contains("agreement no accuracy"), "{told}");
        for word in ["precision", "recall", "ECE", "Precision"] {
            assert!(!told.contains(word), "{word}: {told}");
        }
    }

    // People's labels are a section of their own.
    let labels = dir.path().join("labels.jsonl");
    let label = serde_json::json!({"request_id": prompts[0].request_id, "labels": {"hate": 1}});
    std::fs::write(&labels, label.to_string()).unwrap();
    let out = dir.path().join("labelled");
    let more = [
        "--labels",
        labels.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    with(&live, &more);
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Beside people's labels"), "{page}");
    assert!(
        page.contains("<th scope=\"row\">hate</th><td>1</td><td>0</td>"),
        "{page}"
    );
}
