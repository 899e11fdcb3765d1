//! Records that no well-behaved client writes: each is answered or kept for a person to look at,
//! none stops the lane, and none of their text gets out. Real Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use common::cluster::{self, Answered, Cluster, frame};
use common::gate::{self, Gate};
use common::load::Verdicts;
use common::tool;
use weir_bus::OutRecord;
use weir_testkit::{Kafka, kafka_or_skip};
use weir_types::{Action, Category, DeadLetterReason, Source, UnjudgedCause};
use weir_wire::{DeadLetter, Enc, Prompt, Segment};

/// Stands in every text and every broken value; must not be seen anywhere else.
const MARKER: &str = "zwiebelfisch";

/// Partition of all records, so that one after the other comes to the same lane.
const PARTITION: i32 = 2;

/// A record and what is to become of it.
struct Case {
    key: Option<&'static [u8]>,
    payload: Vec<u8>,
    outcome: Outcome,
}

enum Outcome {
    /// A verdict on this request, which these have not judged.
    Judged(&'static str, &'static [(&'static str, UnjudgedCause)]),
    /// A dead letter, and an error verdict on the request if one is known.
    Dead(DeadLetterReason, Option<&'static str>),
}

use Outcome::{Dead, Judged};

fn text(request_id: &str, text: impl Into<Vec<u8>>) -> Prompt {
    let mut text: Vec<u8> = text.into();
    text.extend_from_slice(format!(" {MARKER}@example.org").as_bytes());
    cluster::prompt(request_id, text)
}

fn broken(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = frame(&text("r", "broken"));
    change(&mut frame);
    frame
}

fn undecodable() -> Vec<Case> {
    let garbage = format!("{{\"text\": \"{MARKER}\"}}").into_bytes();
    let case = |key, payload, reason, request| Case {
        key,
        payload,
        outcome: Dead(reason, request),
    };
    let unknown_schema = broken(|frame| frame[1..5].copy_from_slice(&77_777_u32.to_be_bytes()));
    let truncated = broken(|frame| frame.truncate(frame.len() - MARKER.len()));
    let trailing = broken(|frame| frame.extend_from_slice(MARKER.as_bytes()));
    let other_subject = frame(&DeadLetter {
        source: Source {
            topic: "t".into(),
            partition: 0,
            offset: 0,
        },
        source_timestamp_ms: None,
        key: None,
        payload: Some(garbage.clone()),
        headers: Vec::new(),
        reason: DeadLetterReason::Other,
        detail: MARKER.to_owned(),
        stage: "test".to_owned(),
        failed_at_ms: 0,
    });
    let encrypted = frame(&Prompt {
        enc: Some(Enc {
            key_id: "k".to_owned(),
            nonce: vec![0; 12],
        }),
        ..text("encrypted", "")
    });
    use DeadLetterReason::{Invalid, MalformedFrame, Undecodable, UnknownSchema};
    vec![
        case(
            Some(b"garbage"),
            garbage.clone(),
            MalformedFrame,
            Some("garbage"),
        ),
        case(
            Some(b"short"),
            b"\0\0".to_vec(),
            MalformedFrame,
            Some("short"),
        ),
        case(Some(b"empty"), Vec::new(), MalformedFrame, Some("empty")),
        case(
            Some(b"schema"),
            unknown_schema,
            UnknownSchema,
            Some("schema"),
        ),
        case(
            Some(b"truncated"),
            truncated,
            Undecodable,
            Some("truncated"),
        ),
        case(Some(b"trailing"), trailing, Undecodable, Some("trailing")),
        case(
            Some(b"other subject"),
            other_subject,
            Undecodable,
            Some("other subject"),
        ),
        case(None, encrypted, Invalid, Some("encrypted")),
        case(
            Some(b"nameless"),
            frame(&text("", "")),
            Invalid,
            Some("nameless"),
        ),
        case(None, [b"\x01", &garbage[..]].concat(), MalformedFrame, None),
        // Too long for a request id.
        case(
            Some(&[b'k'; 1025]),
            [b"\x03", &garbage[..]].concat(),
            MalformedFrame,
            None,
        ),
        case(
            Some(b"\xff\xfe"),
            [b"\x02", &garbage[..]].concat(),
            MalformedFrame,
            None,
        ),
    ]
}

fn decodable() -> Vec<Case> {
    let case = |key, prompt: &Prompt, request, unjudged| Case {
        key,
        payload: frame(prompt),
        outcome: Judged(request, unjudged),
    };
    let no_segments = Prompt {
        segments: Vec::new(),
        ..text("no segments", "")
    };
    let empty_text = Prompt {
        segments: vec![Segment {
            text: Vec::new(),
            ..text("", "").segments.remove(0)
        }],
        ..text("empty text", "")
    };
    let unknown_tenant = Prompt {
        tenant: "nobody-knows".to_owned(),
        ..text("unknown tenant", "Hello")
    };
    let budget = |request, budget| Prompt {
        budget_us: Some(budget),
        ..text(request, "Hello")
    };
    let expired: &[_] = &[("classifier", UnjudgedCause::Expired)];
    let truncated: &[_] = &[("classifier", UnjudgedCause::Truncated)];
    vec![
        case(None, &text("no key", "Hello"), "no key", &[]),
        case(Some(b"\xff"), &text("odd key", "Hello"), "odd key", &[]),
        case(
            Some(b"invalid utf-8"),
            &text(
                "invalid utf-8",
                b"\xff\xc3\x28 \xf0\x9f Hello \x80".to_vec(),
            ),
            "invalid utf-8",
            &[],
        ),
        case(Some(b"empty text"), &empty_text, "empty text", &[]),
        case(Some(b"no segments"), &no_segments, "no segments", &[]),
        case(
            Some(b"megabyte"),
            &text("megabyte", "lorem ipsum ".repeat(83_333)),
            "megabyte",
            truncated,
        ),
        case(
            Some(b"unknown tenant"),
            &unknown_tenant,
            "unknown tenant",
            &[],
        ),
        case(Some(b"spent"), &budget("spent", 0), "spent", expired),
        case(
            Some(b"overspent"),
            &budget("overspent", -5),
            "overspent",
            expired,
        ),
        case(
            Some(b"overspent at most"),
            &budget("overspent at most", i64::MIN),
            "overspent at most",
            expired,
        ),
        case(Some(b"twice"), &text("twice", "Hello"), "twice", &[]),
        case(Some(b"twice"), &text("twice", "Hello"), "twice", &[]),
    ]
}

#[test]
fn every_record_is_answered_or_kept_and_none_gets_out() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let mut cases = undecodable();
    cases.extend(decodable());
    cases.push(Case {
        key: Some(b"good"),
        payload: frame(&text("good", "Hello")),
        outcome: Judged("good", &[]),
    });

    let verdicts = Verdicts::follow(&cluster);
    let gate = Gate::spawn(gate::command(&cluster).env("WEIR_LOG", "trace"));
    gate.wait_until_ready();
    let records: Vec<_> = cases
        .iter()
        .map(|case| OutRecord {
            topic: &cluster.prompts,
            partition: Some(PARTITION),
            key: case.key,
            payload: &case.payload,
            header: None,
        })
        .collect();
    cluster.produce(&records);
    verdicts.wait_for_all(&["good".to_owned()].into());
    let metrics = gate.get("/metrics");
    let log = gate.stop();

    check_verdicts(&cases, &cluster.all_verdicts());
    check_dead_letters(&cases, &cluster);
    for line in log.iter().map(String::as_str).chain(metrics.lines()) {
        assert!(!line.contains(MARKER), "{line}");
    }
}

fn check_verdicts(cases: &[Case], all: &[Answered]) {
    let mut expected: BTreeMap<&str, Vec<(&str, UnjudgedCause)>> = BTreeMap::new();
    let mut records = 0;
    for case in cases {
        match case.outcome {
            Judged(request, unjudged) => {
                expected.insert(request, unjudged.to_vec());
                records += 1;
            }
            Dead(_, Some(request)) => {
                let cause = UnjudgedCause::Malformed;
                expected.insert(request, vec![("record", cause)]);
                records += 1;
            }
            Dead(_, None) => {}
        }
    }
    // One for each record, and for each its own: two of the same request are two records.
    assert_eq!(all.len(), records);
    let ids: BTreeMap<_, _> = all
        .iter()
        .map(|answered| (&answered.verdict.verdict_id, answered))
        .collect();
    assert_eq!(ids.len(), records);

    for answered in all {
        let verdict = &answered.verdict;
        let request = verdict.request_id.as_str();
        assert_eq!(answered.partition, PARTITION, "{request}");
        let unjudged: Vec<_> = verdict
            .unjudged
            .iter()
            .map(|it| (it.detector.as_str(), it.cause))
            .collect();
        let Some(expected) = expected.get(request) else {
            panic!("nobody asked for {request}");
        };
        assert_eq!(&unjudged, expected, "{request}");

        let judged_by: &[&str] = match expected[..] {
            [("record", _)] => &[],
            [(_, UnjudgedCause::Expired)] => &["rules"],
            _ => &["rules", "classifier"],
        };
        assert_eq!(verdict.judged_by, judged_by, "{request}");
        let has_text = !matches!(expected[..], [("record", _)])
            && !["empty text", "no segments"].contains(&request);
        let addresses = verdict
            .findings
            .iter()
            .filter(|it| it.category == Category::Pii);
        assert_eq!(addresses.count(), usize::from(has_text), "{request}");
        if !has_text {
            // The default policy is open: what cannot be read passes, and the verdict says so.
            assert_eq!(verdict.action, Action::Allow, "{request}");
        }
        let tenant = match request {
            "unknown tenant" => "nobody-knows",
            _ if judged_by.is_empty() => "",
            _ => "acme",
        };
        assert_eq!(verdict.tenant, tenant, "{request}");
        assert_eq!(verdict.provenance.policy_id, "default", "{request}");
        let json = serde_json::to_string(verdict).unwrap();
        assert!(!json.contains(MARKER), "{json}");
    }
    let twice = |answered: &&Answered| answered.verdict.request_id == "twice";
    assert_eq!(all.iter().filter(twice).count(), 2);
}

fn check_dead_letters(cases: &[Case], cluster: &Cluster) {
    let mut letters: Vec<DeadLetter> = cluster
        .everything(&cluster.dead_letters)
        .iter()
        .map(|record| {
            let letter: DeadLetter = weir_wire::decode(record.payload.as_deref().unwrap()).unwrap();
            assert_eq!(letter.key, record.key);
            letter
        })
        .collect();
    letters.sort_by_key(|letter| letter.source.offset);
    let dead: Vec<(usize, &Case, DeadLetterReason)> = cases
        .iter()
        .enumerate()
        .filter_map(|(index, case)| match case.outcome {
            Dead(reason, _) => Some((index, case, reason)),
            Judged(..) => None,
        })
        .collect();
    assert_eq!(letters.len(), dead.len());
    for (letter, (offset, case, reason)) in letters.iter().zip(dead) {
        assert_eq!(letter.reason, reason, "{letter:?}");
        assert_eq!(letter.key.as_deref(), case.key, "{letter:?}");
        assert_eq!(
            letter.payload.as_deref(),
            Some(&case.payload[..]),
            "{letter:?}"
        );
        assert_eq!(&*letter.source.topic, cluster.prompts);
        assert_eq!(letter.source.partition, PARTITION);
        assert_eq!(letter.source.offset, i64::try_from(offset).unwrap());
        assert!(letter.source_timestamp_ms.is_some_and(|at| at > 0));
        assert!(!letter.detail.contains(MARKER), "{letter:?}");
        assert!(!letter.detail.is_empty() && !letter.stage.is_empty());
    }
}

#[test]
fn a_tombstone_is_a_dead_letter_without_a_value() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let verdicts = Verdicts::follow(&cluster);
    let gate = Gate::start(&cluster);
    produce_tombstone(kafka, &cluster.prompts, "buried");
    verdicts.wait_for_all(&["buried".to_owned()].into());
    gate.stop();

    let all = cluster.all_verdicts();
    let [answered] = &all[..] else {
        panic!("{all:?}")
    };
    assert_eq!(answered.verdict.unjudged[0].cause, UnjudgedCause::Malformed);
    let letters = cluster.everything(&cluster.dead_letters);
    assert_eq!(letters.len(), 1);
    let letter: DeadLetter = weir_wire::decode(letters[0].payload.as_deref().unwrap()).unwrap();
    assert_eq!(letter.reason, DeadLetterReason::Invalid);
    assert_eq!(letter.key.as_deref(), Some(&b"buried"[..]));
    assert_eq!(letter.payload, None);
}

/// Kafka's own producer, as Weir's always gives a value.
fn produce_tombstone(kafka: &Kafka, topic: &str, key: &str) {
    let libraries: Vec<PathBuf> = std::fs::read_dir(common::repository().join(".tools/kafka"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("lib"))
        .filter(|path| path.is_dir())
        .collect();
    let mut command = Command::new("java");
    command
        .args(["-XX:TieredStopAtLevel=1", "-cp"])
        .arg(libraries[0].join("*"))
        .args(["org.apache.kafka.tools.ConsoleProducer"])
        .args(["--bootstrap-server", kafka.bootstrap(), "--topic", topic])
        .args(["--reader-property", "parse.key=true"])
        .args(["--reader-property", "null.marker=NULL"]);
    let finished = tool::finish_with(&mut command, format!("{key}\tNULL\n").as_bytes());
    assert_eq!(finished.code, Some(0), "{finished:?}");
}
