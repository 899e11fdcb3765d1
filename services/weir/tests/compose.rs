//! `docker-compose.yml` and the Dockerfile, where no container engine runs: what they name is there, and what they run
//! works by hand. `scripts/checkers compose` holds the file against Compose's schema.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::by_hand::{ByHand, is_healthy};
use common::compose::{Compose, Dockerfile};
use common::gate::Gate;
use common::prometheus::{DASHBOARD, list, read, yaml};
use common::tool::{finish, weir};
use common::{repository, wait_until};
use serde_json::Value;
use weir_testkit::{SchemaRegistry, kafka_or_skip};

fn dockerfile(compose: &Compose) -> Dockerfile {
    let (_, ours) = compose.ours().next().unwrap();
    let build = ours.build.as_ref().unwrap();
    assert_eq!(build.context, ".");
    Dockerfile::load(&repository().join(&build.dockerfile))
}

#[test]
fn our_commands_and_variables_are_those_of_the_binary() {
    let compose = Compose::load();
    let image = dockerfile(&compose).environment();
    assert_eq!(
        finish(&mut weir(["gate", "--no-such-option", "--help"])).code,
        Some(2)
    );
    let mut help = String::new();
    for (name, service) in compose.ours() {
        let mut command = weir(&service.command);
        command
            .arg("--help")
            .envs(service.environment())
            .envs(&image);
        let done = finish(&mut command);
        assert_eq!(done.code, Some(0), "{name}: {}", done.stderr);
        help.push_str(&done.stdout);
    }
    // What is set and nobody reads would be a setting that does nothing.
    let set = compose
        .ours()
        .flat_map(|(_, service)| service.environment());
    for name in set.chain(image).map(|(name, _)| name) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let read = help.split(|c| !is_name(c)).any(|word| word == name);
        assert!(read || name == "WEIR_ONNXRUNTIME", "{name} is in no --help");
    }
}

#[test]
fn what_is_mounted_or_waited_for_is_there() {
    let compose = Compose::load();
    let mut named = BTreeSet::new();
    for (name, service) in &compose.services {
        for volume in &service.volumes {
            let (source, target) = volume.split_once(':').unwrap();
            if let Some(path) = source.strip_prefix("./") {
                assert!(repository().join(path).exists(), "{name}: {source}");
                assert!(target.ends_with(":ro"), "{name} may write to {source}");
            } else {
                named.insert(source);
            }
        }
        for (other, condition) in service.depends_on() {
            let other = &compose.services[&other];
            let fits = match condition.as_str() {
                "service_healthy" => other.healthcheck.is_some(),
                "service_completed_successfully" => other.restart == "no",
                "service_started" => true,
                _ => false,
            };
            assert!(fits, "{name} waits for {condition}");
        }
    }
    let declared: BTreeSet<&str> = compose.volumes.keys().map(String::as_str).collect();
    assert_eq!(named, declared);
}

#[test]
fn ports_are_published_on_loopback_and_listened_on() {
    let compose = Compose::load();
    let mut taken = BTreeSet::new();
    for (name, service) in &compose.services {
        for port in &service.ports {
            let [address, outside, inside] = port.split(':').collect::<Vec<_>>()[..] else {
                panic!("{name}: {port}");
            };
            assert_eq!(address, "127.0.0.1", "{name}");
            assert!(taken.insert(outside.to_owned()), "{name}: {outside} twice");
            assert!(service.mentions_port(inside), "{name} and {inside}");
        }
    }
    // Those that name one another by host and port, in the files that are mounted too.
    let mut text = read("docker-compose.yml");
    text.push_str(&read("deploy/prometheus/prometheus.yml"));
    text.push_str(&read(
        "deploy/grafana/provisioning/datasources/prometheus.yml",
    ));
    let mut seen = 0;
    for (name, service) in &compose.services {
        for (at, _) in text.match_indices(&format!("{name}:")) {
            let starts_a_word = !text[..at]
                .ends_with(|c: char| c.is_alphanumeric() || "/-.".contains(c))
                || text[..at].ends_with("//");
            let rest = &text[at + name.len() + 1..];
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if starts_a_word && !port.is_empty() {
                assert!(service.mentions_port(&port), "{name}:{port}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 8, "only {seen} addresses were found");
}

#[test]
fn every_service_is_confined_limited_and_looked_after() {
    for (name, service) in &Compose::load().services {
        let limits = &service.deploy["resources"]["limits"];
        assert!(
            limits["cpus"].is_string() && limits["memory"].is_string(),
            "{name}: limits"
        );
        assert_eq!(service.cap_drop, ["ALL"], "{name}");
        assert_eq!(service.security_opt, ["no-new-privileges:true"], "{name}");
        assert!(
            service.build.is_none() || service.read_only,
            "{name}: read_only"
        );
        let once = service.restart == "no";
        assert_eq!(service.healthcheck.is_none(), once, "{name}: health check");
        assert!(
            service.build.is_some() || service.image.contains(':'),
            "{name}: which version?"
        );
    }
}

#[test]
fn the_image_has_what_it_is_told_to_use() {
    let compose = Compose::load();
    let dockerfile = dockerfile(&compose);
    let ignored = read("deploy/Dockerfile.dockerignore");
    for (source, _) in dockerfile.copied() {
        assert!(
            repository().join(&source).exists(),
            "COPY {}",
            source.display()
        );
        let hidden = ignored.lines().any(|line| source.starts_with(line.trim()));
        assert!(!hidden, "{} is ignored", source.display());
    }
    let told = dockerfile.environment().into_values();
    let told = told.chain(
        compose
            .ours()
            .flat_map(|(_, service)| service.command.clone()),
    );
    for path in told.filter(|word| word.starts_with('/')) {
        let from_here = dockerfile
            .source_of(&path)
            .is_some_and(|source| source.exists());
        assert!(
            from_here || dockerfile.built().contains(&path),
            "{path} is not in the image"
        );
    }
    let user: u32 = dockerfile.last("USER").unwrap()[0].parse().unwrap();
    assert_ne!(user, 0);
    assert_eq!(dockerfile.last("ENTRYPOINT").unwrap(), [r#"["weir"]"#]);
}

#[test]
fn grafana_finds_its_data_and_every_panel_is_explained_and_has_its_place() {
    let source = yaml("deploy/grafana/provisioning/datasources/prometheus.yml");
    let source = &source["datasources"][0]["uid"];
    let provider = yaml("deploy/grafana/provisioning/dashboards/weir.yml");
    let folder = provider["providers"][0]["options"]["path"]
        .as_str()
        .unwrap();
    let grafana = &Compose::load().services["grafana"];
    let mounted = format!("./deploy/grafana/dashboards:{folder}:ro");
    assert!(grafana.volumes.contains(&mounted), "{mounted}");
    let home = &grafana.environment()["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"];
    assert_eq!(*home, format!("{folder}/weir.json"));

    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    for panel in list(&dashboard, "panels") {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(side("x") + side("w") <= 24, "{panel}");
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(cells.insert((x, y)), "over another: {panel}");
            }
        }
        if panel["type"] != "row" {
            assert_eq!(&panel["datasource"]["uid"], source, "{panel}");
            assert!(panel["description"].is_string(), "{panel}");
            assert!(
                panel["fieldConfig"]["defaults"]["unit"].is_string(),
                "{panel}"
            );
        }
    }
}

#[test]
fn the_same_commands_by_hand_judge_a_prompt_and_look_twice() {
    let Some(kafka) = kafka_or_skip() else { return };
    let compose = Compose::load();
    let service = |name: &str| &compose.services[name];
    let mut by_hand = ByHand {
        dockerfile: dockerfile(&compose),
        hosts: BTreeMap::from([
            ("kafka:9092", kafka.bootstrap().to_owned()),
            ("0.0.0.0:9464", "127.0.0.1:0".to_owned()),
            ("0.0.0.0:9465", "127.0.0.1:0".to_owned()),
        ]),
    };
    let mut storage = service("registry").environment();
    storage
        .iter_mut()
        .for_each(|(_, value)| *value = by_hand.here(value));
    let mut registry = SchemaRegistry::start_with(storage).unwrap();
    let url = registry.url();
    let address = url
        .strip_prefix("http://")
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    by_hand.hosts.insert("registry:8080", address.to_owned());
    assert!(is_healthy(service("registry"), address));

    for once in ["topics", "schemas"] {
        let command: Vec<&str> = service(once).command.iter().map(String::as_str).collect();
        by_hand.once(service(once), &command);
    }
    // Its ids lie in Kafka and outlive it.
    registry.restart().unwrap();
    let again = by_hand.once(service("schemas"), &["schemas", "register", "--json"]);
    assert!(!again.stdout.contains("registered"), "{}", again.stdout);

    let start = |name: &str| {
        let service = service(name);
        Gate::spawn(&mut by_hand.weir(service, &service.command))
    };
    let [gate, rescorer] = ["gate", "rescorer"].map(start);
    for (name, process) in [("gate", &gate), ("rescorer", &rescorer)] {
        wait_until(name, || is_healthy(service(name), &process.admin));
    }

    let text = "my card is 4111 1111 1111 1111";
    let sent = [
        "send",
        "--wait",
        "--timeout-s=100",
        "--budget-ms=100000",
        "--json",
        text,
    ];
    let sent = by_hand.once(service("gate"), &sent);
    let verdict: Value = serde_json::from_str(&sent.stdout).unwrap();
    assert_eq!(verdict["action"], "attenuate", "{verdict}");
    let second = [
        "tail",
        "moderation",
        "--from-beginning",
        "--count=1",
        "--json",
    ];
    let second = by_hand.once(service("rescorer"), &second);
    let record: Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(record["request_id"], verdict["request_id"]);

    registry.stop().unwrap();
    assert!(!is_healthy(service("registry"), address), "it is gone");
    gate.stop();
    rescorer.stop();
}
