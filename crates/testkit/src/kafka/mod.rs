mod install;
mod secured;
pub(crate) mod switch;

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::free_port;
use crate::node::{Node, last_lines};
use install::Installation;
pub use secured::Secured;

/// Long, for a shared machine: it takes 2 to 3 s on two idle cores.
const START_TIMEOUT: Duration = Duration::from_secs(90);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The settings of a node for tests, shared with `scripts/kafka`.
const SETTINGS: &str = include_str!("../../../../scripts/kafka.properties");

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaError {
    /// The jars are not where `scripts/kafka fetch` puts them.
    #[error("no Apache Kafka in .tools/kafka of {} or above: run scripts/setup", searched_from.display())]
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
    /// The data directory could not be formatted.
    #[error("could not format the broker's data directory:\n{log}")]
    Format {
        /// What the tool said.
        log: String,
    },
    /// The broker ended while it started.
    #[error("the broker ended while it started ({status}); the end of its log:\n{log}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// The broker was not ready in time.
    #[error("the broker was not ready within {waited:?}; the end of its log:\n{log}")]
    NotReady {
        /// How long was waited.
        waited: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// The broker did not heed SIGTERM in time, and was killed.
    #[error("the broker did not stop within {waited:?} and was killed")]
    NotStopped {
        /// How long was waited.
        waited: Duration,
    },
    /// It is stopped, or was killed.
    #[error("the broker is not running")]
    NotRunning,
}

fn io_error(what: &'static str) -> impl FnOnce(io::Error) -> KafkaError {
    move |source| KafkaError::Io { what, source }
}

/// One Apache Kafka node on loopback with its data in a temporary directory.
///
/// Running until [`stop`](Self::stop) or [`kill`](Self::kill); [`restart`](Self::restart) makes it
/// run again on the same port and data. Dropping it kills it and removes its data; so does the
/// death of the test process, whatever ended it.
///
/// Topics are not created by use (`auto.create.topics.enable=false`).
#[derive(Debug)]
pub struct Kafka {
    installation: Installation,
    dir: TempDir,
    port: u16,
    bootstrap: String,
    secured: Option<Secured>,
    runs: u32,
    node: Option<Node>,
}

impl Kafka {
    /// Starts a broker and waits until it serves: 2 to 3 s on two idle cores.
    ///
    /// # Errors
    /// When the jars or Java are missing (the message says what to run), or the broker does not
    /// start (the message ends with its log).
    pub fn start() -> Result<Self, KafkaError> {
        Self::start_with(&[])
    }

    /// As [`start`](Self::start), with further or other broker settings, as `(name, value)`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(settings: &[(&str, &str)]) -> Result<Self, KafkaError> {
        Self::start_for(None, settings)
    }

    /// As [`start`](Self::start), with an authorizer: clients of [`bootstrap`](Self::bootstrap) may do everything, those
    /// of [`secured`](Self::secured) what ACLs give them. `users` log in there.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_secured(users: &[&str]) -> Result<Self, KafkaError> {
        Self::start_for(Some(users), &[])
    }

    fn start_for(users: Option<&[&str]>, settings: &[(&str, &str)]) -> Result<Self, KafkaError> {
        let installation = Installation::find()?;
        let mut attempts_left = 3;
        loop {
            attempts_left -= 1;
            match Self::try_start(&installation, users, settings) {
                // Another process took the port between the draw and the bind.
                Err(KafkaError::Ended { log, .. })
                    if attempts_left > 0 && log.contains("already in use") => {}
                result => return result,
            }
        }
    }

    fn try_start(
        installation: &Installation,
        users: Option<&[&str]>,
        settings: &[(&str, &str)],
    ) -> Result<Self, KafkaError> {
        let dir = tempfile::Builder::new()
            .prefix("weir-kafka-")
            .tempdir()
            .map_err(io_error("make a temporary directory"))?;
        let port = free_port().map_err(io_error("find a free port"))?;
        let controller_port = free_port().map_err(io_error("find a free port"))?;
        let mut properties = properties(dir.path(), port, controller_port, settings);
        let mut secured = None;
        let mut known = Vec::new();
        if let Some(users) = users {
            let own = Secured::prepare(&dir.path().join("tls"))?;
            properties.push_str(&own.properties(port, controller_port));
            known = secured::format_arguments(users);
            secured = Some(own);
        }
        fs::write(dir.path().join("server.properties"), properties)
            .map_err(io_error("write the broker's settings"))?;
        installation.format(dir.path(), &known)?;
        let mut kafka = Self {
            installation: installation.clone(),
            dir,
            port,
            bootstrap: format!("127.0.0.1:{port}"),
            secured,
            runs: 0,
            node: None,
        };
        kafka.launch()?;
        Ok(kafka)
    }

    /// Its address for clients, as `host:port`. Stays the same over restarts.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Where the users of [`start_secured`](Self::start_secured) log in; none without.
    #[must_use]
    pub fn secured(&self) -> Option<&Secured> {
        self.secured.as_ref()
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it was started and not since stopped or killed by this fixture.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.node.is_some()
    }

    /// Whether it answers a request within `timeout`: not while it is stopped or frozen.
    #[must_use]
    pub fn responds(&self, timeout: Duration) -> bool {
        ask_api_versions(self.port, timeout).is_ok()
    }

    /// The directory of its data, settings and logs; removed with it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The log of its present or latest run.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Stops it in good order (SIGTERM) and waits for its end. No-op when it is not running.
    ///
    /// # Errors
    /// When it took more than 30 s; it is killed then.
    pub fn stop(&mut self) -> Result<(), KafkaError> {
        let Some(mut node) = self.node.take() else {
            return Ok(());
        };
        let stopped = node.signal("TERM").and_then(|()| node.wait(STOP_TIMEOUT));
        match stopped.map_err(io_error("stop the broker"))? {
            Some(_) => {
                node.leave_data();
                Ok(())
            }
            None => {
                node.kill().map_err(io_error("kill the broker"))?;
                Err(KafkaError::NotStopped {
                    waited: STOP_TIMEOUT,
                })
            }
        }
    }

    /// Kills it (SIGKILL) as a crash would. Its data stays. No-op when it is not running.
    ///
    /// # Errors
    /// When it cannot be signalled or waited for.
    pub fn kill(&mut self) -> Result<(), KafkaError> {
        let Some(node) = self.node.take() else {
            return Ok(());
        };
        node.kill().map_err(io_error("kill the broker"))
    }

    /// Makes it run again on the same port and data; stops it first if it runs.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn restart(&mut self) -> Result<(), KafkaError> {
        self.stop()?;
        self.launch()
    }

    /// Freezes it (SIGSTOP): connections stay open and nothing answers, as when a machine hangs.
    ///
    /// # Errors
    /// When it is not running.
    pub fn pause(&mut self) -> Result<(), KafkaError> {
        self.node()?.pause().map_err(io_error("pause the broker"))
    }

    /// Lets it go on after [`pause`](Self::pause).
    ///
    /// # Errors
    /// When it is not running.
    pub fn resume(&mut self) -> Result<(), KafkaError> {
        self.node()?
            .signal("CONT")
            .map_err(io_error("resume the broker"))
    }

    fn node(&mut self) -> Result<&mut Node, KafkaError> {
        self.node.as_mut().ok_or(KafkaError::NotRunning)
    }

    fn launch(&mut self) -> Result<(), KafkaError> {
        self.runs += 1;
        let command = self.installation.broker_command(self.dir.path());
        let node = Node::spawn(&command, self.dir.path(), &self.log_path())
            .map_err(io_error("run sh, which runs the broker"))?;
        self.wait_until_ready(node)
    }

    fn wait_until_ready(&mut self, mut node: Node) -> Result<(), KafkaError> {
        let started = Instant::now();
        loop {
            if self.log().contains("Kafka Server started") && self.responds(Duration::from_secs(1))
            {
                self.node = Some(node);
                return Ok(());
            }
            let ended = node.try_wait().map_err(io_error("wait for the broker"))?;
            if let Some(status) = ended {
                return Err(KafkaError::Ended {
                    status,
                    log: last_lines(&self.log()),
                });
            }
            if started.elapsed() > START_TIMEOUT {
                return Err(KafkaError::NotReady {
                    waited: START_TIMEOUT,
                    log: last_lines(&self.log()),
                });
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join(format!("server-{}.log", self.runs))
    }
}

/// The one request that every broker answers to anybody: a TCP connection alone says little, as
/// the kernel accepts it for a process that hangs.
fn ask_api_versions(port: u16, timeout: Duration) -> io::Result<()> {
    /// Length 10; api key 18, version 0; correlation id 1; no client id.
    const REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.write_all(&REQUEST)?;
    let mut length_and_correlation_id = [0; 8];
    stream.read_exact(&mut length_and_correlation_id)
}

fn properties(dir: &Path, port: u16, controller_port: u16, settings: &[(&str, &str)]) -> String {
    let mut text = format!(
        "{SETTINGS}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.quorum.voters=1@127.0.0.1:{controller_port}\n\
         log.dirs={}\n",
        dir.join("data").display(),
    );
    for (name, value) in settings {
        text.push_str(&format!("{name}={value}\n"));
    }
    text
}
