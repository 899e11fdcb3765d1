//! What is deployed for Prometheus and Grafana: rules, runbooks and dashboard ask for what is there, and a real Prometheus
//! that scrapes a real gate and rescorer answers them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;

use common::cluster::{self, Cluster};
use common::compose::Compose;
use common::gate::Gate;
use common::load::Load;
use common::prometheus::{
    Prometheus, RULES, RULES_TEST, code, dashboard, list, promtool, read, rules, runbooks, yaml,
};
use common::tool::{finish, weir};
use common::{rescorer, wait_until};
use weir_bus::OutRecord;
use weir_testkit::{kafka_enabled, kafka_or_skip, unique_name};
use weir_wire::{Channel, Chunk, End};

#[test]
fn settings_and_rules_are_what_prometheus_takes_and_alerts_do_what_they_should() {
    if !kafka_enabled() {
        return;
    }
    for arguments in [
        ["check", "config", "deploy/prometheus/prometheus.yml"],
        ["check", "rules", RULES],
        ["test", "rules", RULES_TEST],
    ] {
        let done = promtool(&arguments);
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    }
}

#[test]
fn every_alert_is_tried_both_ways_and_has_its_page() {
    let pages = runbooks();
    let alerts: BTreeSet<String> = rules("alert").into_iter().map(|(name, _)| name).collect();
    assert!(
        alerts.iter().eq(pages.keys()),
        "{alerts:?} {:?}",
        pages.keys()
    );
    let tests = yaml(RULES_TEST);
    for (name, rule) in rules("alert") {
        let page = format!("docs/runbooks/{name}.md");
        assert_eq!(rule["annotations"]["runbook_url"], page.as_str());
        let tried: Vec<bool> = list(&tests, "tests")
            .flat_map(|test| list(test, "alert_rule_test"))
            .filter(|test| test["alertname"] == name.as_str())
            .map(|test| !test["exp_alerts"].as_array().unwrap().is_empty())
            .collect();
        assert!(tried.contains(&true) && tried.contains(&false), "{name}");
    }
    for (name, page) in pages {
        for section in [
            "## What it means",
            "## What users feel",
            "## Look first",
            "## Likely causes",
            "## What to do",
            "## When it is over",
        ] {
            assert!(page.contains(section), "{name}: {section}");
        }
    }
}

#[test]
fn only_metrics_that_weir_has_are_asked_for() {
    let catalogue = finish(&mut weir(["metrics"])).stdout;
    let mut known = BTreeSet::new();
    for line in catalogue.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`'));
        let name = cells.nth(1).unwrap().to_owned();
        if cells.next() == Some("histogram") {
            known.extend(["_bucket", "_sum", "_count"].map(|end| format!("{name}{end}")));
        }
        known.insert(name);
    }
    let mut asked = runbooks().into_values().collect::<String>();
    asked.push_str(&read(RULES));
    asked.push_str(&read(RULES_TEST));
    asked.extend(dashboard().into_iter().map(|(_, query)| query + "\n"));
    let words = asked.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let words: BTreeSet<&str> = words
        .filter(|word| word.starts_with("weir_") || word.starts_with("process_"))
        .collect();
    assert!(words.len() > 25, "{words:?}");
    let unknown: Vec<_> = words
        .iter()
        .filter(|&&word| !known.contains(word))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn what_runbooks_say_to_run_can_be_run() {
    let compose = Compose::load();
    let published: Vec<&String> = compose.services.values().flat_map(|s| &s.ports).collect();
    let accepted = |arguments: &[&str]| {
        let done = finish(weir(arguments).arg("--help"));
        assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.stderr);
    };
    let mut tried = 0;
    for (name, page) in runbooks() {
        for line in code(&page, "sh") {
            let line = line.split(" #").next().unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["weir", arguments @ ..] => accepted(arguments),
                [
                    "docker",
                    "compose",
                    "exec",
                    service,
                    program,
                    arguments @ ..,
                ] => {
                    assert!(compose.services.contains_key(*service), "{name}: {line}");
                    if *program == "weir" {
                        accepted(arguments);
                    }
                }
                [
                    "docker",
                    "compose",
                    "logs" | "restart" | "up" | "stop" | "ps",
                    rest @ ..,
                ] => {
                    let mut services = rest.iter().filter(|word| !word.starts_with('-'));
                    let known = services.all(|word| compose.services.contains_key(*word));
                    assert!(known, "{name}: {line}");
                }
                ["curl", "-s", url] => {
                    let (host, _) = url
                        .strip_prefix("http://")
                        .unwrap()
                        .split_once('/')
                        .unwrap();
                    let known = published
                        .iter()
                        .any(|port| port.starts_with(&format!("{host}:")));
                    assert!(known, "{name}: {line}");
                }
                _ => panic!("{name}: what does this do? {line}"),
            }
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} commands were found");
}

/// A stream of an answer with a number that is held back until it is complete.
fn send_stream(cluster: &Cluster, request_id: &str) {
    let chunk = |seq: i64, byte_start: i64, text: &str, end: End| Chunk {
        request_id: request_id.to_owned(),
        attempt: 0,
        choice: 0,
        channel: Channel::Content,
        seq,
        byte_start,
        text: text.as_bytes().to_vec(),
        end,
        tenant: "acme".to_owned(),
        policy_hash: String::new(),
        worker_id: "test".to_owned(),
        opening: None,
        enc: None,
    };
    let first = "My card is 4111 1111 ";
    let rest = i64::try_from(first.len()).unwrap();
    let frames = [
        cluster::frame(&chunk(0, 0, first, End::None)),
        cluster::frame(&chunk(1, rest, "1111 1111, ok?", End::Complete)),
    ];
    let records = frames.each_ref().map(|payload| OutRecord {
        topic: &cluster.chunks,
        partition: None,
        key: Some(request_id.as_bytes()),
        payload,
        header: None,
    });
    // One after the other: together they would be answered together, and nothing held.
    for record in records {
        cluster.produce(&[record]);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn a_real_prometheus_answers_every_query_from_a_gate_and_a_rescorer() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let mut gate = Gate::start(&cluster);
    let moderation = unique_name("moderation");
    cluster.make(&moderation, 1 << 20);
    let rescorer = rescorer::start_on(&cluster, &moderation, &[]);
    let prometheus = Prometheus::start(&[
        ("gate:9464", &gate.admin),
        ("rescorer:9465", &rescorer.admin),
    ]);
    let load = Load::start(&cluster);
    let streams = Cell::new(0);
    let wait_while_streaming = |what: &str, holds: &dyn Fn() -> bool| {
        wait_until(what, || {
            send_stream(&cluster, &format!("stream-{}", streams.get()));
            streams.set(streams.get() + 1);
            holds()
        });
    };
    for (title, query) in dashboard() {
        let query = query.replace("$__rate_interval", "30s");
        // Whether the second look tightens anything is the model's affair; else there is a number.
        let number = !query.contains("flagged_to_superseded");
        wait_while_streaming(&format!("{title}: {query}"), &|| {
            let values = prometheus.query(&query).unwrap();
            values.iter().any(|value| !number || value.is_finite())
        });
    }
    wait_while_streaming("text was held", &|| gate.metric("weir_holds_total") > 0.0);
    for (name, _) in rules("record") {
        wait_while_streaming(&name, &|| !prometheus.query(&name).unwrap().is_empty());
    }
    for (name, page) in runbooks() {
        for query in code(&page, "promql") {
            let answer = prometheus.query(&query);
            assert!(answer.is_ok(), "{name}: {query}: {answer:?}");
        }
    }
    load.finish();
    wait_until("the second look has caught up", || {
        prometheus.query("sum(weir_rescore_lag_records)").unwrap() == [0.0]
    });

    let alert = r#"ALERTS{alertname="WeirGateDown"}"#;
    assert_eq!(prometheus.query(alert).unwrap(), [] as [f64; 0]);
    gate.process.kill9().unwrap();
    wait_until("the alert is seen coming", || {
        prometheus.query(alert).unwrap() == [1.0]
    });
    rescorer.stop();
}
