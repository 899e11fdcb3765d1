//! Users of the declared roles on a broker where nobody may do what no ACL gives.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use weir_bus::BusConfig;
use weir_testkit::Kafka;

use super::tool::{Finished, finish, weir};

/// The declared roles. On these brokers each has a user of that name, without the hyphens.
pub(crate) const ROLES: [&str; 6] = [
    "worker",
    "gate",
    "rescorer",
    "trust-and-safety",
    "data",
    "operator",
];
pub(crate) const USERS: [&str; 6] = [
    "worker",
    "gate",
    "rescorer",
    "trustandsafety",
    "data",
    "operator",
];

/// A file that gives each role its user.
pub(crate) fn everybody(folder: &Path) -> PathBuf {
    let lines = ROLES.iter().zip(USERS);
    let text: String = lines
        .map(|(role, user)| format!("{role}: [\"User:{user}\"]\n"))
        .collect();
    let file = folder.join("principals.yaml");
    fs::write(&file, text).unwrap();
    file
}

/// `weir topics` of whoever administers the cluster.
pub(crate) fn topics(what: &str, kafka: &Kafka, principals: &Path) -> Finished {
    finish(
        weir([
            "topics",
            what,
            "--brokers",
            kafka.bootstrap(),
            "--principals",
        ])
        .arg(principals),
    )
}

/// Logged in as that user, over TLS.
pub(crate) fn as_user(command: &mut Command, kafka: &Kafka, user: &str) {
    let secured = kafka.secured().unwrap();
    command.args(["--brokers", &secured.sasl()]);
    with_options(command, &secured.options(user));
}

/// With these librdkafka options.
pub(crate) fn with_options(command: &mut Command, options: &[(&'static str, String)]) {
    for (option, value) in options {
        let name = option.to_uppercase().replace('.', "_");
        command.env(format!("WEIR_KAFKA_{name}"), value);
    }
}

/// The same for a client in this process.
pub(crate) fn bus_of(kafka: &Kafka, user: &str) -> BusConfig {
    let secured = kafka.secured().unwrap();
    let mut bus = BusConfig::new(secured.sasl());
    let options = secured.options(user).into_iter();
    bus.options
        .extend(options.map(|(option, value)| (option.to_owned(), value)));
    bus
}
