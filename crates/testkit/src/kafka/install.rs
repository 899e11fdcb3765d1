//! Where Apache Kafka is, and how Java is called on it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::node::last_lines;
use crate::tools;

use super::{KafkaError, io_error};

/// Where `scripts/kafka fetch` puts the pinned version.
const HOME: &str = ".tools/kafka/4.3.1";

const LOG_SETTINGS: &str = include_str!("../../../../scripts/kafka.log4j2.properties");

/// Any fixed id will do: each cluster here is one node.
const CLUSTER_ID: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

#[derive(Debug, Clone)]
pub(super) struct Installation {
    lib: PathBuf,
}

impl Installation {
    pub(super) fn find() -> Result<Self, KafkaError> {
        match tools::find(HOME) {
            Ok(home) => Ok(Self {
                lib: home.join("lib"),
            }),
            Err(searched_from) => Err(KafkaError::NotInstalled { searched_from }),
        }
    }

    /// Formats the data directory that `dir/server.properties` names: about 1 s. `users` is further arguments, which
    /// say whom the cluster knows from the beginning.
    pub(super) fn format(&self, dir: &Path, users: &[String]) -> Result<(), KafkaError> {
        fs::write(dir.join("log4j2.properties"), LOG_SETTINGS)
            .map_err(io_error("write the broker's log settings"))?;
        let [program, arguments @ ..] = &self.java(dir, &["-Xmx128m", "-Xshare:auto"])[..] else {
            unreachable!("java() starts with the program");
        };
        let output = Command::new(program)
            .args(arguments)
            .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
            .arg(dir.join("server.properties"))
            .args(users)
            .output()
            .map_err(io_error("run java (install it with scripts/setup)"))?;
        if output.status.success() {
            return Ok(());
        }
        let mut log = String::from_utf8_lossy(&output.stdout).into_owned();
        log.push_str(&String::from_utf8_lossy(&output.stderr));
        Err(KafkaError::Format {
            log: last_lines(&log),
        })
    }

    /// The program and arguments that run the broker in the foreground.
    pub(super) fn broker_command(&self, dir: &Path) -> Vec<OsString> {
        let mut command = self.java(dir, &["-Xms128m", "-Xmx768m"]);
        command.push("kafka.Kafka".into());
        command.push(dir.join("server.properties").into());
        command
    }

    fn java(&self, dir: &Path, options: &[&str]) -> Vec<OsString> {
        let mut log_settings = OsString::from("-Dlog4j2.configurationFile=");
        log_settings.push(dir.join("log4j2.properties"));
        let mut command = vec![OsString::from("java")];
        command.extend(options.iter().map(OsString::from));
        // The first compiler only: a test's broker lives for seconds, and shares its cores.
        command.push("-XX:TieredStopAtLevel=1".into());
        command.push("-XX:+UseSerialGC".into());
        command.push(log_settings);
        command.push("-cp".into());
        command.push(self.lib.join("*").into());
        command
    }
}
