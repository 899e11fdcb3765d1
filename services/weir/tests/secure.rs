//! Connections by TLS and SASL/SCRAM to a real Apache Kafka: what goes wrong is said with what to do about it, nothing
//! hangs, and no secret is printed.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use common::PATIENCE;
use common::gate::{Gate, ask};
use common::roles::{as_user, topics, with_options};
use common::tool::{HEAVY, HEAVY_E5, finish, weir};
use weir_testkit::{
    Authority, Kafka, Process, Secured, free_port, kafka_enabled, own_secured_kafka_or_skip,
};

const USERS: [&str; 2] = ["gate", "data"];

type Options = Vec<(&'static str, String)>;

/// One for all, with the declared topics; `data` and the client with a certificate may read verdicts.
fn kafka() -> Option<&'static Kafka> {
    static SHARED: OnceLock<Option<Kafka>> = OnceLock::new();
    SHARED
        .get_or_init(|| {
            let kafka = own_secured_kafka_or_skip(&USERS)?;
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("principals.yaml");
            let text = "gate: [\"User:gate\"]\ndata: [\"User:data\", \"User:CN=client\"]\n";
            fs::write(&file, text).unwrap();
            let applied = topics("apply", &kafka, &file);
            assert_eq!(applied.code, Some(0), "{applied:?}");
            Some(kafka)
        })
        .as_ref()
}

/// `weir topics check` as the options say, which must fail, with these words.
fn assert_told(what: &str, brokers: &str, options: &Options, words: &[&str]) {
    let mut command = weir(["topics", "check", "--brokers", brokers]);
    with_options(&mut command, options);
    let finished = finish(&mut command);
    assert_eq!(finished.code, Some(1), "{what}: {finished:?}");
    for word in words.iter().chain(&[brokers]) {
        let said = finished.stderr.contains(word);
        assert!(said, "{what}: \"{word}\" is not in: {finished:?}");
    }
    let printed = finished.stdout + &finished.stderr;
    assert_not_in(&printed, &Secured::password("data"));
}

fn assert_not_in(printed: &str, secret: &str) {
    assert!(!printed.contains(secret), "a secret in: {printed}");
}

/// Options with others in their place; an empty value takes one away.
fn but(options: &Options, changed: &[(&'static str, &str)]) -> Options {
    let mut options = options.clone();
    for (name, value) in changed {
        options.retain(|(other, _)| other != name);
        if !value.is_empty() {
            options.push((name, (*value).to_owned()));
        }
    }
    options
}

#[test]
fn what_keeps_a_client_out_is_told_with_what_to_do() {
    let Some(kafka) = kafka() else { return };
    let secured = kafka.secured().unwrap();
    let data = secured.options("data");
    let folder = tempfile::tempdir().unwrap();
    let stranger = Authority::new(folder.path()).unwrap();
    let (sasl, tls) = (secured.sasl(), secured.by_certificate());
    let (by_wrong_name, plain) = (secured.sasl_by_wrong_name(), kafka.bootstrap().to_owned());
    let unknown = stranger.certificate().display().to_string();
    let own = stranger.issue("client", "DNS:client").unwrap();
    let certificate = own.certificate.display().to_string();
    let key = own.key.display().to_string();
    let only_tls = but(
        &data,
        &[
            ("security.protocol", "SSL"),
            ("sasl.mechanism", ""),
            ("sasl.username", ""),
            ("sasl.password", ""),
        ],
    );
    let cases: [(&str, &str, Options, &[&str]); 9] = [
        (
            "wrong password",
            &sasl,
            but(&data, &[("sasl.password", "wrong-Sesame")]),
            &["sasl.password", "does not accept the login"],
        ),
        (
            "unknown user",
            &sasl,
            but(&data, &[("sasl.username", "nobody")]),
            &["sasl.username", "does not accept the login"],
        ),
        (
            "unknown authority",
            &sasl,
            but(&data, &[("ssl.ca.location", &unknown)]),
            &["ssl.ca.location", "not trusted"],
        ),
        (
            "wrong host name",
            &by_wrong_name,
            but(&data, &[("broker.address.family", "v4")]),
            &["host in --brokers", "not trusted"],
        ),
        (
            "no TLS where there must be",
            &sasl,
            vec![("security.protocol", "PLAINTEXT".to_owned())],
            &["security.protocol", "speak TLS?"],
        ),
        (
            "TLS where there is none",
            &plain,
            data.clone(),
            &["security.protocol", "speaks none"],
        ),
        (
            "no login where there must be one",
            &sasl,
            only_tls.clone(),
            &["sasl.username", "want a login?"],
        ),
        (
            "no certificate where there must be one",
            &tls,
            only_tls.clone(),
            &["ssl.certificate.location"],
        ),
        (
            "a certificate of a stranger's",
            &tls,
            but(
                &only_tls,
                &[
                    ("ssl.certificate.location", &certificate),
                    ("ssl.key.location", &key),
                ],
            ),
            &["ssl.certificate.location"],
        ),
    ];
    std::thread::scope(|scope| {
        for (what, brokers, options, words) in &cases {
            scope.spawn(move || assert_told(what, brokers, options, words));
        }
    });
}

#[test]
fn an_expired_certificate_is_told() {
    if !kafka_enabled() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path()).unwrap();
    let expired = authority.issue_expired("old", "IP:127.0.0.1").unwrap();
    let brokers = format!("127.0.0.1:{}", free_port().unwrap());
    let mut command = Command::new("openssl");
    command.args(["s_server", "-accept", &brokers]);
    // With this it does not end for want of standard input.
    command.arg("-www");
    command.arg("-cert").arg(&expired.certificate);
    command.arg("-key").arg(&expired.key);
    let server = Process::spawn(&mut command).unwrap();
    let listens = server.wait_for_line(PATIENCE, |line| line.contains("ACCEPT"));
    listens.unwrap();
    let options = vec![
        ("security.protocol", "SSL".to_owned()),
        (
            "ssl.ca.location",
            authority.certificate().display().to_string(),
        ),
    ];
    let words = ["not trusted", "expired"];
    assert_told("expired", &brokers, &options, &words);
}

/// Both mechanisms, and a client's certificate in place of a password. What they may read shows that they were let in,
/// what they may not that they were not let in as just anybody.
#[test]
fn every_way_in_works() {
    let Some(kafka) = kafka() else { return };
    let secured = kafka.secured().unwrap();
    let data = secured.options("data");
    let path = |path: &Path| path.display().to_string();
    let certificate = vec![
        ("security.protocol", "SSL".to_owned()),
        ("ssl.ca.location", path(&secured.ca())),
        (
            "ssl.certificate.location",
            path(&secured.client().certificate),
        ),
        ("ssl.key.location", path(&secured.client().key)),
    ];
    let ways = [
        (
            secured.sasl(),
            but(&data, &[("sasl.mechanism", "SCRAM-SHA-256")]),
        ),
        (secured.sasl(), data),
        (secured.by_certificate(), certificate),
    ];
    for (brokers, options) in ways {
        let mut command = weir(["shadow", "report", "--brokers", &brokers]);
        with_options(&mut command, &options);
        let report = finish(&mut command);
        assert_eq!(report.code, Some(0), "{report:?}");
        let mut command = weir(["tail", "--verdicts-topic", "weir.checkpoints.v1"]);
        command.args(["--brokers", &brokers]);
        with_options(&mut command, &options);
        let tail = finish(&mut command);
        assert_eq!(tail.code, Some(1), "{tail:?}");
        let why = "topic weir.checkpoints.v1, by the ACLs of this client's user";
        assert!(tail.stderr.contains(why), "{tail:?}");
    }
}

/// A gate goes on trying, as without a broker: the login may be made good on the other side.
#[test]
fn a_gate_with_a_wrong_password_is_not_ready_and_says_why() {
    let Some(kafka) = kafka() else { return };
    let mut command = weir(["gate", "--rules-only", "--admin", "127.0.0.1:0"]);
    as_user(&mut command, kafka, "gate");
    command.env("WEIR_KAFKA_SASL_PASSWORD", "wrong-Sesame");
    let gate = Gate::spawn(&mut command);
    let told = gate
        .process
        .wait_for_line(PATIENCE, |line| line.contains("does not accept the login"));
    assert!(told.is_ok(), "{:#?}", gate.process.lines());
    assert!(gate.get("/ready").starts_with("503 "));
    assert!(gate.get("/live").starts_with("200 "));
    let printed = gate.stop().join("\n");
    assert_not_in(&printed, "wrong-Sesame");
}

/// With all that librdkafka can say of itself, and the password from a file.
#[test]
fn no_secret_is_printed() {
    let Some(kafka) = kafka() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    let password = Secured::password("gate");
    fs::write(&file, format!("{password}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = weir(["gate", "--rules-only", "--admin", "127.0.0.1:0"]);
    as_user(&mut command, kafka, "gate");
    command
        .env_remove("WEIR_KAFKA_SASL_PASSWORD")
        .env("WEIR_KAFKA_SASL_PASSWORD_FILE", &file)
        .env("WEIR_KAFKA_DEBUG", "all")
        .env("WEIR_LOG", "trace");
    let gate = Gate::spawn(&mut command);
    gate.wait_until_ready();
    let pages = ["/ready", "/live", "/metrics"].map(|page| gate.get(page));
    let printed = gate.stop().join("\n") + &pages.concat();
    assert!(
        printed.contains("SCRAM"),
        "librdkafka said nothing: {printed}"
    );
    assert_not_in(&printed, &password);
    assert!(!printed.contains("chmod 600"), "{printed}");

    let mut command = weir(["gate", "--help"]);
    command.env("WEIR_KAFKA_SASL_PASSWORD", &password);
    let help = finish(&mut command);
    assert_not_in(&help.stdout, &password);
}

/// Without being told an address: also where another process has the port, which is said with the address.
#[test]
fn admin_endpoints_listen_on_loopback_unless_told_otherwise() {
    let commands: [(&str, &[&str]); 2] = [
        ("gate", &["--rules-only"]),
        ("rescore", &["--heavy-model", HEAVY, "--e5", HEAVY_E5]),
    ];
    for (command, more) in commands {
        let mut process =
            Process::spawn(weir([command, "--brokers", "127.0.0.1:1"]).args(more)).unwrap();
        let line = process
            .wait_for_line(PATIENCE, |line| {
                line.starts_with("admin ") || line.starts_with("weir: ")
            })
            .unwrap();
        assert!(line.contains("127.0.0.1:946"), "{line}");
        if let Some(address) = line.split("http://").nth(1) {
            let live = ask(address.split(' ').next().unwrap(), "/live");
            assert!(live.starts_with("200 "), "{live}");
            process.kill9().unwrap();
        }
    }
}
