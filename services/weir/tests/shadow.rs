//! `weir shadow report` reads what is on the topic of moderation records: on the embedded broker, and on Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::cluster::{PARTITIONS, frame};
use common::tool::{Finished, finish, weir};
use serde_json::Value;
use weir_bus::admin::make_topics;
use weir_bus::admin::plan::TopicSpec;
use weir_bus::{BusConfig, EmbeddedBroker, Linger, OutRecord, Publisher};
use weir_testkit::{kafka_or_skip, unique_name};
use weir_types::{Action, Category, CategoryScore, Outcome, SelectionReason};
use weir_wire::Moderation;

/// Stands where a client could put text; must not be seen.
const MARKER: &str = "zwiebelfisch";

/// Of acme's, with scores for hate, on which the policy acts from 0.5 on.
fn moderation(number: u32, probability: f64, fast: f32, heavy: f32) -> Moderation {
    let example = include_str!("../../../schemas/examples/moderation.json");
    let score = |calibrated: f32| CategoryScore {
        category: Category::Hate,
        raw: 0.0,
        calibrated,
        threshold: 0.5,
        margin: calibrated - 0.5,
    };
    let action = |calibrated: f32| {
        if calibrated >= 0.5 {
            Action::Block
        } else {
            Action::Allow
        }
    };
    Moderation {
        moderation_id: format!("{number:032x}"),
        selection_reason: if probability < 1.0 {
            SelectionReason::Sample
        } else {
            SelectionReason::Flagged
        },
        inclusion_probability: probability,
        outcome: Outcome::Confirmed,
        fast_action: action(fast),
        fast_scores: vec![score(fast)],
        heavy_action: action(heavy),
        heavy_scores: vec![score(heavy)],
        language: "de-AT".to_owned(),
        locale_hint: Some(MARKER.to_owned()),
        ..serde_json::from_str(example).unwrap()
    }
}

/// Writes records over all partitions, in turn.
fn write(bus: &BusConfig, topic: &str, payloads: &[Vec<u8>]) {
    let mut publisher = Publisher::new(bus, Linger::Always).unwrap();
    for (partition, payload) in (0..PARTITIONS).cycle().zip(payloads) {
        let record = OutRecord {
            topic,
            partition: Some(partition),
            key: Some(b"r"),
            payload,
            header: None,
        };
        publisher.send(&record, ()).unwrap();
    }
    publisher.flush(Duration::from_secs(60)).unwrap();
}

/// 40 flagged texts, on which both act 30 times and the fast model alone 10 times; 20 of 1 in 50, on which neither acts 19
/// times and the heavy model alone once; and what does not count.
fn records() -> Vec<Vec<u8>> {
    let mut numbers = 0..;
    let mut records = Vec::new();
    for (times, probability, fast, heavy) in [
        (30, 1.0, 0.9, 0.9),
        (10, 1.0, 0.9, 0.1),
        (19, 0.02, 0.1, 0.1),
        (1, 0.02, 0.1, 0.9),
    ] {
        for number in numbers.by_ref().take(times) {
            records.push(frame(&moderation(number, probability, fast, heavy)));
        }
    }
    let repeated = records[0].clone();
    let other_tenant = Moderation {
        tenant: "other".to_owned(),
        ..moderation(1000, 1.0, 0.9, 0.1)
    };
    let unjudged = Moderation {
        outcome: Outcome::Unjudged,
        heavy_scores: Vec::new(),
        ..moderation(1001, 0.02, 0.1, 0.1)
    };
    let rules_only = Moderation {
        outcome: Outcome::Rule,
        fast_scores: Vec::new(),
        ..moderation(1002, 1.0, 0.9, 0.1)
    };
    let certain = Moderation {
        inclusion_probability: 1.5,
        ..moderation(1003, 1.0, 0.9, 0.1)
    };
    records.extend([
        repeated,
        frame(&other_tenant),
        frame(&unjudged),
        frame(&rules_only),
        frame(&certain),
        MARKER.as_bytes().to_vec(),
    ]);
    records
}

fn report(broker: &[&str], topic: &str, options: &[&str]) -> Finished {
    let mut command = weir(["shadow", "report", "--moderation-topic", topic]);
    finish(command.args(broker).args(options))
}

fn json(broker: &[&str], topic: &str, options: &[&str]) -> Value {
    let finished = report(broker, topic, &[options, &["--json"]].concat());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

fn near(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
}

fn check(bus: &BusConfig, broker: &[&str], topic: &str) {
    let empty = json(broker, topic, &[]);
    assert_eq!(empty["records"]["read"], 0);
    assert_eq!(empty["agreement"], Value::Array(Vec::new()));

    write(bus, topic, &records());
    let all = json(broker, topic, &["--tenant", "acme"]);
    let counts: BTreeMap<&str, u64> = all["records"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, count)| (name.as_str(), count.as_u64().unwrap()))
        .filter(|(_, count)| *count > 0)
        .collect();
    let expected = [
        ("read", 66),
        ("undecodable", 1),
        ("other_tenants", 1),
        ("refused", 1),
        ("repeated", 1),
        ("counted", 62),
        ("not_judged_by_heavy", 1),
        ("not_judged_by_fast", 1),
        ("judged_by_both", 60),
        ("of_streams", 60),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    assert_eq!(all["represents"], "traffic");

    let rows = all["agreement"].as_array().unwrap();
    let named: Vec<_> = rows
        .iter()
        .map(|row| (row["category"].as_str(), row["language"].as_str()))
        .collect();
    let hate = Some("hate");
    assert_eq!(named, [(hate, Some("all")), (hate, Some("de"))]);
    for row in rows {
        assert_eq!(row["records"], 60);
        // 40 * 1 + 20 * 50 = 1040 texts; squares 40 + 20 * 2500 = 50040.
        near(&row["effective_size"], 1040.0 * 1040.0 / 50_040.0);
        for (cell, weight) in [
            ("both", 30.0),
            ("fast_only", 10.0),
            ("heavy_only", 50.0),
            ("neither", 950.0),
        ] {
            near(&row["table"][cell]["weight"], weight);
        }
        near(&row["agreement"], 980.0 / 1040.0);
        // 2 (30 * 950 - 10 * 50) / ((30 + 10)(10 + 950) + (30 + 50)(50 + 950)).
        near(&row["kappa"], 56_000.0 / (40.0 * 960.0 + 80.0 * 1000.0));
        // Wilson, z = 1.96, n = 21.61, p = 0.9423.
        let end = |at: usize| row["interval"][at].as_f64().unwrap();
        assert!((end(0) - 0.7630).abs() < 5e-4, "{row}");
        assert!((end(1) - 0.9881).abs() < 5e-4, "{row}");
        assert_eq!(row["unproven"], true);
    }
    assert_eq!(all["not_compared"]["violence"], 60);
    assert!(all["not_compared"]["hate"].is_null());
    let outcomes: Vec<_> = all["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let name = |field: &str| row[field].as_str().unwrap().to_owned();
            (
                name("selection_reason"),
                name("outcome"),
                row["records"].as_u64().unwrap(),
                row["weight"].as_f64().unwrap(),
            )
        })
        .collect();
    let row = |reason: &str, outcome: &str, records, weight| {
        (reason.to_owned(), outcome.to_owned(), records, weight)
    };
    assert_eq!(
        outcomes,
        [
            row("flagged", "confirmed", 40, 40.0),
            row("flagged", "rule", 1, 1.0),
            row("sample", "confirmed", 20, 1000.0),
            row("sample", "unjudged", 1, 50.0),
        ]
    );

    // Everybody's, one record more.
    assert_eq!(json(broker, topic, &[])["records"]["judged_by_both"], 61);
    // What has been written in the last hour is all of it; in no time, nothing.
    let since = |time| json(broker, topic, &["--since", time])["records"]["read"].clone();
    assert_eq!((since("1h"), since("0s")), (66.into(), 0.into()));

    let for_people = report(broker, topic, &[]);
    assert_eq!(for_people.code, Some(0), "{for_people:?}");
    let all = for_people.stdout + &for_people.stderr;
    for wanted in [
        "unproven",
        "disagreement is no false-positive rate",
        "offset",
    ] {
        assert!(all.contains(wanted), "{wanted}\n{all}");
    }
    assert!(!all.contains(MARKER), "{all}");
}

fn check_missing(broker: &[&str], topic: &str) {
    let missing = report(broker, topic, &["--json"]);
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(1), ""));
    let wanted = format!("topic {topic} does not exist");
    assert!(missing.stderr.contains(&wanted), "{missing:?}");
}

#[test]
fn on_the_embedded_broker() {
    let topic = "moderation";
    let embedded = EmbeddedBroker::start([(topic, PARTITIONS)]).unwrap();
    let address = embedded.bootstrap();
    let broker = ["--brokers", &address, "--embedded-broker"];
    check(&embedded.config(), &broker, topic);
    check_missing(&broker, "missing");
}

#[test]
fn on_apache_kafka() {
    let Some(kafka) = kafka_or_skip() else {
        return;
    };
    let bus = BusConfig::new(kafka.bootstrap());
    let topic = unique_name("moderation");
    let spec = TopicSpec {
        name: topic.clone(),
        partitions: PARTITIONS,
        replication: 1,
        config: BTreeMap::new(),
    };
    make_topics(&bus, [spec]).unwrap();
    let broker = ["--brokers", kafka.bootstrap()];
    check(&bus, &broker, &topic);
    check_missing(&broker, &unique_name("missing"));
}

#[test]
fn a_time_that_is_none_is_wrong_usage() {
    for time in ["yesterday", "24", "-1h"] {
        let option = format!("--since={time}");
        let refused = report(&["--brokers", "127.0.0.1:1"], "t", &[&option]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("as in 24h"), "{refused:?}");
    }
}
