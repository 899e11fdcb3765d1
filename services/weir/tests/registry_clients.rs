//! Clients that are not Weir's read what it wrote and write what it judges: confluent-kafka's Avro serializers, with Apicurio
//! and with `weir up` as their registry, and Apicurio's in Java, which speak to Apicurio only.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use weir_testkit::{kafka_enabled, kafka_or_skip, registry_or_skip, unique_name};
use weir_wire::Subject;

use common::cluster::Cluster;
use common::gate::{Gate, command, printed};
use common::registered::register_with;
use common::tool::{finish, weir};
use common::{repository, rescorer};

const CARD: &str = "my card is 4111 1111 1111 1111";

/// Where a client finds things.
struct Place<'a> {
    brokers: &'a str,
    registry: &'a str,
    prompts: &'a str,
    verdicts: &'a str,
    moderation: &'a str,
}

impl Place<'_> {
    /// Runs the client in Python; gives its lines.
    fn run(&self, arguments: &[&str]) -> Vec<Value> {
        let mut command = Command::new(repository().join("scripts/python-client"));
        command.args(["run", "clients/python/examples/registry_client.py"]);
        command.args(["--brokers", self.brokers, "--registry", self.registry]);
        lines_of(command.args(arguments))
    }

    /// The same in Java, which wants Apicurio's own interface.
    fn run_java(&self, arguments: &[&str]) -> Vec<Value> {
        let registry = self
            .registry
            .replace("/apis/ccompat/v7", "/apis/registry/v2");
        let mut command = Command::new(repository().join("scripts/java-client"));
        command.args(["run", self.brokers, &registry]);
        lines_of(command.args(arguments))
    }

    /// Records up to one of each request.
    fn read(&self, topic: &str, request_ids: &[&str], reader: Option<&Path>) -> Vec<Value> {
        let mut arguments = vec!["read", "--topic", topic];
        arguments.extend(request_ids);
        if let Some(reader) = reader {
            arguments.extend(["--reader", reader.to_str().unwrap()]);
        }
        self.run(&arguments)
    }

    /// Writes a prompt in Java, reads what came of it.
    fn check_java(&self) {
        self.run_java(&["send", self.prompts, "schemas/prompt.avsc", "java", CARD]);
        let of = |records: Vec<Value>| {
            records
                .into_iter()
                .find(|it| it["request_id"] == "java")
                .unwrap()
        };
        let verdict = of(self.run_java(&["read", self.verdicts, "java", "hello"]));
        assert_eq!(verdict["action"], "attenuate");
        assert_eq!(verdict["findings"][0]["detector"], "card");
        let moderation = of(self.run_java(&["read", self.moderation, "java"]));
        assert_eq!(moderation["model"]["name"], "heavy-small-1");
    }

    /// Writes prompts, reads what came of them.
    fn check(&self) {
        let send = [
            "send",
            "--topic",
            self.prompts,
            "--schema",
            "schemas/prompt.avsc",
        ];
        self.run(&[&send[..], &["card", CARD]].concat());
        self.run(&[&send[..], &["--latest", "hello", "Hello there"]].concat());

        let dir = tempfile::tempdir().unwrap();
        let [older, newer] = versions_beside(Subject::Verdict, dir.path());
        let now = self.read(self.verdicts, &["card", "hello"], None);
        let of = |verdicts: &[Value], id: &str| {
            verdicts
                .iter()
                .find(|it| it["request_id"] == id)
                .unwrap()
                .clone()
        };
        let card = of(&now, "card");
        assert_eq!(card["action"], "attenuate");
        assert_eq!(card["findings"][0]["detector"], "card");
        assert_eq!(of(&now, "hello")["action"], "allow");

        // A client that is one version behind, and one that is ahead.
        let mut expected = card.clone();
        let gone = expected.as_object_mut().unwrap().remove("contract");
        assert!(gone.is_some());
        assert_eq!(
            of(&self.read(self.verdicts, &["card"], Some(&older)), "card"),
            expected
        );
        let mut expected = card;
        expected["added"] = Value::Null;
        assert_eq!(
            of(&self.read(self.verdicts, &["card"], Some(&newer)), "card"),
            expected
        );

        let moderation = self.read(self.moderation, &["card"], None).remove(0);
        assert_eq!(moderation["request_id"], "card");
        assert_eq!(moderation["model"]["name"], "heavy-small-1");
    }
}

fn lines_of(command: &mut Command) -> Vec<Value> {
    let done = finish(command.current_dir(repository()));
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let lines = done.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The version before the schema (without its last field) and one after it (with one more).
fn versions_beside(subject: Subject, dir: &Path) -> [PathBuf; 2] {
    let now: Value = serde_json::from_str(subject.schema_json()).unwrap();
    let (mut older, mut newer) = (now.clone(), now);
    let gone = older["fields"].as_array_mut().unwrap().pop().unwrap();
    assert_eq!(
        (&gone["name"], &gone["default"]),
        (&json!("contract"), &Value::Null)
    );
    let added = json!({ "name": "added", "type": ["null", "long"], "default": null });
    newer["fields"].as_array_mut().unwrap().push(added);
    [("older", older), ("newer", newer)].map(|(name, schema)| {
        let path = dir.join(format!("{name}.avsc"));
        std::fs::write(&path, schema.to_string()).unwrap();
        path
    })
}

#[test]
fn confluents_client_in_python_and_apicurios_in_java_read_and_write_with_a_registry() {
    let (Some(kafka), Some(registry)) = (kafka_or_skip(), registry_or_skip()) else {
        return;
    };
    let url = registry.url();
    let cluster = Cluster::on(kafka);
    let moderation = unique_name("moderation");
    cluster.make(&moderation, 1 << 20);
    register_with(&cluster, &url, &moderation);
    let mut gate = command(&cluster);
    let gate = Gate::spawn(gate.args(["--registry", &url]));
    gate.wait_until_ready();
    let _rescorer = rescorer::start_on(&cluster, &moderation, &["--registry", &url]);
    let place = Place {
        brokers: &cluster.bus.brokers,
        registry: &url,
        prompts: &cluster.prompts,
        verdicts: &cluster.verdicts,
        moderation: &moderation,
    };
    place.check();
    place.check_java();
    gate.stop();
}

#[test]
fn confluents_python_client_reads_and_writes_with_the_trial() {
    // No real server is needed, but the client's environment, which `make test` makes.
    if !kafka_enabled() {
        return;
    }
    let up = Gate::spawn(&mut weir(["up", "--admin", "127.0.0.1:0"]));
    let (brokers, registry) = (
        printed(&up.process, "broker "),
        printed(&up.process, "schemas "),
    );
    let _rescorer = rescorer::start(&[
        "--brokers",
        &brokers,
        "--embedded-broker",
        "--at-least-once",
    ]);
    Place {
        brokers: &brokers,
        registry: &registry,
        prompts: "weir.prompts.v1",
        verdicts: "weir.verdicts.v1",
        moderation: "weir.moderation.v1",
    }
    .check();
    up.stop();
}
