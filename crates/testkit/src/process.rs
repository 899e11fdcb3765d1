use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// What a child process did wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// It could not be started, signalled or waited for.
    #[error("could not {what} {program}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The program's name.
        program: String,
        /// Why it failed.
        source: io::Error,
    },
    /// It did not do what was waited for.
    #[error("{program} did not {what} within {waited:?}; its output so far:\n{output}")]
    Timeout {
        /// The program's name.
        program: String,
        /// What was waited for.
        what: &'static str,
        /// For how long.
        waited: Duration,
        /// Its last lines.
        output: String,
    },
    /// Its output ended before the line that was waited for.
    #[error("{program} ended before it printed the line; its output:\n{output}")]
    Ended {
        /// The program's name.
        program: String,
        /// Its last lines.
        output: String,
    },
}

/// A child process whose lines on stdout and stderr are kept. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    program: String,
    child: Child,
    output: Arc<Output>,
}

#[derive(Debug, Default)]
struct Output {
    state: Mutex<OutputState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct OutputState {
    lines: Vec<String>,
    open_streams: usize,
}

impl Process {
    /// Starts `command` with no standard input.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(command: &mut Command) -> Result<Self, ProcessError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|source| ProcessError::Io {
            what: "start",
            program: program.clone(),
            source,
        })?;
        let output = Arc::new(Output::default());
        if let Some(stdout) = child.stdout.take() {
            collect(stdout, &output);
        }
        if let Some(stderr) = child.stderr.take() {
            collect(stderr, &output);
        }
        Ok(Self {
            program,
            child,
            output,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Every line so far of stdout and stderr, in the order in which they were read. Between the
    /// two streams that order is only roughly the one in which they were written.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.output.lock().lines.clone()
    }

    /// The first line since the start that `wanted` accepts, waiting up to `timeout` for it.
    ///
    /// # Errors
    /// When the time runs out, or the output ends without that line.
    pub fn wait_for_line(
        &self,
        timeout: Duration,
        wanted: impl FnMut(&str) -> bool,
    ) -> Result<String, ProcessError> {
        self.wait_for_line_from(0, timeout, wanted)
    }

    /// As [`wait_for_line`](Self::wait_for_line), but without the first `skip` lines: with
    /// `lines().len()` taken before, it waits for something new.
    ///
    /// # Errors
    /// When the time runs out, or the output ends without that line.
    pub fn wait_for_line_from(
        &self,
        skip: usize,
        timeout: Duration,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> Result<String, ProcessError> {
        let deadline = Instant::now() + timeout;
        let mut next = skip;
        let mut state = self.output.lock();
        loop {
            while let Some(line) = state.lines.get(next) {
                if wanted(line) {
                    return Ok(line.clone());
                }
                next += 1;
            }
            if state.open_streams == 0 {
                return Err(ProcessError::Ended {
                    program: self.program.clone(),
                    output: last_lines(&state.lines),
                });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ProcessError::Timeout {
                    program: self.program.clone(),
                    what: "print the line",
                    waited: timeout,
                    output: last_lines(&state.lines),
                });
            }
            state = self
                .output
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Asks it to end (SIGTERM); [`wait`](Self::wait) tells how it did.
    ///
    /// # Errors
    /// When it has ended already and was waited for.
    pub fn terminate(&self) -> Result<(), ProcessError> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .map_err(|error| self.io_error("terminate", error.into()))
    }

    /// Ends it at once (SIGKILL) and waits for its end.
    ///
    /// # Errors
    /// When it cannot be signalled or waited for.
    pub fn kill9(&mut self) -> Result<ExitStatus, ProcessError> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map_err(|source| self.io_error("kill", source))
    }

    /// Waits up to `timeout` for its end. All lines of an ended process are there, unless a child
    /// of its own still holds its output open.
    ///
    /// # Errors
    /// When the time runs out; it goes on running.
    pub fn wait(&mut self, timeout: Duration) -> Result<ExitStatus, ProcessError> {
        let deadline = Instant::now() + timeout;
        loop {
            let ended = self.child.try_wait();
            if let Some(status) = ended.map_err(|source| self.io_error("wait for", source))? {
                self.output.wait_for_end(Duration::from_secs(1));
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(ProcessError::Timeout {
                    program: self.program.clone(),
                    what: "end",
                    waited: timeout,
                    output: last_lines(&self.output.lock().lines),
                });
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn io_error(&self, what: &'static str, source: io::Error) -> ProcessError {
        ProcessError::Io {
            what,
            program: self.program.clone(),
            source,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for_end(&self, timeout: Duration) {
        let still_open = |state: &mut OutputState| state.open_streams > 0;
        drop(
            self.changed
                .wait_timeout_while(self.lock(), timeout, still_open),
        );
    }
}

fn collect(stream: impl Read + Send + 'static, output: &Arc<Output>) {
    let output = Arc::clone(output);
    output.lock().open_streams += 1;
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']).to_owned();
            output.lock().lines.push(text);
            output.changed.notify_all();
            line.clear();
        }
        output.lock().open_streams -= 1;
        output.changed.notify_all();
    });
}

fn last_lines(lines: &[String]) -> String {
    lines[lines.len().saturating_sub(40)..].join("\n")
}
