//! A first try: `weir up` with its own broker, and the tools on it. No Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use common::gate::{Gate, printed};
use common::tool::{Finished, HEAVY, HEAVY_E5, finish, finish_with, weir};
use serde_json::Value;

/// `weir up` with its own broker, ready for work, and the broker's address.
fn up() -> (Gate, String) {
    let gate = Gate::spawn(&mut weir(["up", "--admin", "127.0.0.1:0"]));
    let broker = printed(&gate.process, "broker ");
    gate.wait_until_ready();
    (gate, broker)
}

fn on<'a>(broker: &'a str, words: &[&'a str]) -> Vec<&'a str> {
    [words, &["--brokers", broker, "--embedded-broker"]].concat()
}

fn good(finished: &Finished) -> Vec<String> {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn up_send_tail() {
    let (mut gate, broker) = up();
    let send = |words: &[&str], stdin: &[u8]| {
        let words = [&["send", "--wait", "--timeout-s", "100"], words].concat();
        good(&finish_with(&mut weir(on(&broker, &words)), stdin))
    };

    // Texts as arguments, verdicts for people.
    let mut lines = send(
        &["--budget-ms", "100000", "Hello", "Mail to a@example.org"],
        b"",
    );
    lines.sort();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("allow "), "{lines:?}");
    assert!(lines[1].starts_with("warn ") && lines[1].contains("email/"));

    // Rows from standard input and from a file, verdicts for machines.
    let rows = b"{\"id\":\"a\",\"text\":\"Hello\",\"tenant\":\"t\"}\n\n{\"text\":\"Good day\"}\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.jsonl");
    fs::write(&file, rows).unwrap();
    for words in [
        &["--json"][..],
        &["--json", "--file", file.to_str().unwrap()],
    ] {
        let verdicts: Vec<Value> = send(words, rows)
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(verdicts.len(), 2);
        let named = verdicts.iter().find(|it| it["request_id"] == "a").unwrap();
        assert_eq!(named["tenant"], "t");
        assert_eq!(named["action"], "allow");
    }

    // Six verdicts so far; following from the beginning finds them all, and ends.
    let words = ["tail", "--json", "--from-beginning", "--count", "6"];
    let lines = good(&finish(&mut weir(on(&broker, &words))));
    assert_eq!(lines.len(), 6);
    for line in lines {
        let verdict: Value = serde_json::from_str(&line).unwrap();
        assert!(verdict["verdict_id"].is_string(), "{line}");
    }

    assert!(gate.get("/live").starts_with("200 "));
    assert!(gate.get("/ready").starts_with("200 "));
    gate.wait_for_partitions(8.0);
    assert!(gate.get("/metrics").contains("# TYPE weir_"));
    assert!(gate.is_alive());
    gate.stop();
}

#[test]
fn send_without_wait_only_sends() {
    let (gate, broker) = up();
    let lines = good(&finish(&mut weir(on(&broker, &["send", "Hello"]))));
    assert_eq!(lines, ["1 prompts sent"]);
    let words = ["tail", "--from-beginning", "--count", "1"];
    assert_eq!(good(&finish(&mut weir(on(&broker, &words)))).len(), 1);
    gate.stop();
}

/// What the broker never got must not be reported as sent.
#[test]
fn a_prompt_that_no_broker_takes_is_a_failure() {
    let (gate, broker) = up();
    // Above the producer's own limit of 8 MiB.
    let row = format!("{{\"text\":\"{}\"}}\n", "lorem ipsum ".repeat(1 << 20));
    let finished = finish_with(&mut weir(on(&broker, &["send"])), row.as_bytes());
    assert_eq!(finished.code, Some(1), "{finished:?}");
    gate.stop();
}

#[test]
fn a_bad_row_sends_nothing_and_is_named_by_its_line() {
    let rows = b"{\"text\":\"fine\"}\n{\"text\":7,\"note\":\"geheimnis\"}\n";
    // Nobody listens there, and nobody is asked.
    let finished = finish_with(&mut weir(["send", "--brokers", "127.0.0.1:1"]), rows);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("standard input:2"), "{finished:?}");
    assert!(!finished.stderr.contains("geheimnis"), "{finished:?}");
}

#[test]
fn demo_answers_every_prompt() {
    let mut demo = weir(["demo", "--json", "--rate", "200"]);
    demo.args(["--heavy-model", HEAVY, "--e5", HEAVY_E5]);
    let finished = finish(&mut demo);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let summary: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(summary["answered"], summary["prompts"]);
    assert!(summary["prompts"].as_u64().unwrap() > 100);
    let kinds = summary["by_kind"].as_object().unwrap();
    let counted: u64 = kinds
        .values()
        .flat_map(|actions| actions.as_object().unwrap().values())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(summary["answered"], counted);
    // All that is acted upon is looked at again, and more.
    let looks = summary["second_look"]["outcomes"].as_object().unwrap();
    let looked: u64 = looks
        .values()
        .flat_map(|outcomes| outcomes.as_object().unwrap().values())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(summary["second_look"]["flagged"], looked);
    let look = &summary["second_look"];
    assert_eq!(look["superseded"], look["asked"], "{summary}");
    let acted_upon = |actions: &Value| {
        let of = |name: &str| actions[name].as_u64().unwrap();
        of("warn") + of("attenuate") + of("block")
    };
    let acted_upon: u64 = kinds.values().map(acted_upon).sum();
    assert!(looked >= acted_upon && acted_upon > 50, "{summary}");
}
