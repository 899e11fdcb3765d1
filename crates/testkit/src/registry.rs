//! A real schema registry with Confluent's interface: Apicurio.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::free_port;
use crate::kafka::switch::{chain, skipped};
use crate::node::{Node, last_lines};
use crate::tools;

/// Where `scripts/registry fetch` puts the pinned version, and what is run of it.
const HOME: &str = ".tools/registry/3.0.9";
const RUNNER: &str = "apicurio-registry-app-3.0.9-runner.jar";
/// Confluent's interface within Apicurio's.
const PATH: &str = "/apis/ccompat/v7";

/// Long, for a shared machine: it takes 3 to 5 s on two idle cores.
const START_TIMEOUT: Duration = Duration::from_secs(120);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaRegistryError {
    /// It is not where `scripts/registry fetch` puts it.
    #[error("no schema registry in .tools/registry of {} or above: run scripts/setup", searched_from.display())]
    NotInstalled {
        /// Where the search began.
        searched_from: PathBuf,
    },
    /// A file, port or process could not be had.
    #[error("could not {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// It ended while it started, or was not ready in time.
    #[error("the registry did not start; the end of its log:\n{log}")]
    NotStarted {
        /// The last lines of its log.
        log: String,
    },
    /// It did not heed SIGTERM in time, and was killed.
    #[error("the registry did not stop within {STOP_TIMEOUT:?} and was killed")]
    NotStopped,
}

fn io_error(what: &'static str) -> impl FnOnce(io::Error) -> SchemaRegistryError {
    move |source| SchemaRegistryError::Io { what, source }
}

/// One registry on loopback with its schemas in a temporary directory, which outlive [`stop`](Self::stop) and
/// [`restart`](Self::restart). Dropping it kills it and removes them; so does the death of the test process.
#[derive(Debug)]
pub struct SchemaRegistry {
    home: PathBuf,
    dir: TempDir,
    port: u16,
    /// Where it keeps schemas, as variables; none: in its directory.
    storage: BTreeMap<String, String>,
    node: Option<Node>,
}

impl SchemaRegistry {
    /// Starts one and waits until it serves: 3 to 5 s on two idle cores.
    ///
    /// # Errors
    /// When it or Java is missing (the message says what to run), or it does not start (the message ends with its log).
    pub fn start() -> Result<Self, SchemaRegistryError> {
        Self::start_with(BTreeMap::new())
    }

    /// As [`start`](Self::start), with environment variables that say where it keeps schemas.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(storage: BTreeMap<String, String>) -> Result<Self, SchemaRegistryError> {
        let home = tools::find(HOME)
            .map_err(|searched_from| SchemaRegistryError::NotInstalled { searched_from })?;
        let mut registry = Self {
            home,
            dir: tempfile::Builder::new()
                .prefix("weir-registry-")
                .tempdir()
                .map_err(io_error("make a temporary directory"))?,
            port: free_port().map_err(io_error("find a free port"))?,
            storage,
            node: None,
        };
        registry.launch()?;
        Ok(registry)
    }

    /// The address of its Confluent interface. Stays the same over restarts.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Stops it in good order (SIGTERM) and waits for its end; its schemas stay. No-op when it is not running.
    ///
    /// # Errors
    /// When it took more than 30 s; it is killed then.
    pub fn stop(&mut self) -> Result<(), SchemaRegistryError> {
        let Some(mut node) = self.node.take() else {
            return Ok(());
        };
        let stopped = node.signal("TERM").and_then(|()| node.wait(STOP_TIMEOUT));
        if stopped.map_err(io_error("stop the registry"))?.is_some() {
            node.leave_data();
            return Ok(());
        }
        node.kill().map_err(io_error("kill the registry"))?;
        Err(SchemaRegistryError::NotStopped)
    }

    /// Makes it run again on the same port and schemas; stops it first if it runs.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn restart(&mut self) -> Result<(), SchemaRegistryError> {
        self.stop()?;
        self.launch()
    }

    fn launch(&mut self) -> Result<(), SchemaRegistryError> {
        let log = self.dir.path().join("server.log");
        let mut node = Node::spawn(&self.command(), self.dir.path(), &log)
            .map_err(io_error("run sh, which runs the registry"))?;
        let started = Instant::now();
        while !self.serves() {
            let ended = node.try_wait().map_err(io_error("wait for the registry"))?;
            if ended.is_some() || started.elapsed() > START_TIMEOUT {
                let log = fs::read_to_string(&log).unwrap_or_default();
                return Err(SchemaRegistryError::NotStarted {
                    log: last_lines(&log),
                });
            }
            thread::sleep(Duration::from_millis(50));
        }
        self.node = Some(node);
        Ok(())
    }

    fn command(&self) -> Vec<OsString> {
        let options = [
            "-Xmx384m".to_owned(),
            "-XX:TieredStopAtLevel=1".to_owned(),
            "-XX:+UseSerialGC".to_owned(),
            "-Dquarkus.http.host=127.0.0.1".to_owned(),
            format!("-Dquarkus.http.port={}", self.port),
            "-Dquarkus.management.enabled=false".to_owned(),
        ];
        let mut command = vec![OsString::from("env")];
        let variables = self.storage.iter();
        command.extend(variables.map(|(name, value)| format!("{name}={value}").into()));
        command.push("java".into());
        command.extend(options.map(OsString::from));
        if self.storage.is_empty() {
            let schemas = self.dir.path().join("schemas");
            command.push("-Dapicurio.storage.kind=sql".into());
            let url = format!("jdbc:h2:file:{}", schemas.display());
            command.push(format!("-Dapicurio.datasource.url={url}").into());
        }
        command.push("-jar".into());
        command.push(self.home.join(RUNNER).into());
        command
    }

    /// Whether it answers a request.
    fn serves(&self) -> bool {
        let ask = || -> io::Result<bool> {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            write!(
                stream,
                "GET {PATH}/subjects HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )?;
            let mut status = [0; 12];
            stream.read_exact(&mut status)?;
            Ok(status == *b"HTTP/1.1 200")
        };
        ask().unwrap_or(false)
    }
}

/// The registry that all tests of this binary share, started at the first call; none, and a line that says so, where
/// `WEIR_TEST_KAFKA=1` is not set.
///
/// # Panics
/// When it cannot be started, with what to do about it.
#[must_use]
pub fn registry_or_skip() -> Option<&'static SchemaRegistry> {
    // Never dropped: the end of the test process ends it, as its keeper sees to.
    static SHARED: OnceLock<Result<SchemaRegistry, SchemaRegistryError>> = OnceLock::new();
    if skipped() {
        return None;
    }
    match SHARED.get_or_init(SchemaRegistry::start) {
        Ok(registry) => Some(registry),
        Err(error) => panic!("{}", chain(error)),
    }
}

/// As [`registry_or_skip`], but one of the caller's own, to stop.
///
/// # Panics
/// When it cannot be started, with what to do about it.
#[must_use]
pub fn own_registry_or_skip() -> Option<SchemaRegistry> {
    if skipped() {
        return None;
    }
    match SchemaRegistry::start() {
        Ok(registry) => Some(registry),
        Err(error) => panic!("{}", chain(&error)),
    }
}
