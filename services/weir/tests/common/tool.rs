//! Commands that end by themselves.

use std::io::{Read as _, Seek as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{PATIENCE, repository};

/// A heavy model small enough for tests, and what it stands upon.
pub(crate) const HEAVY: &str = "crates/encoder/tests/fixtures/heavy/model";
pub(crate) const HEAVY_E5: &str = "crates/encoder/tests/fixtures/heavy/e5";

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Exit status; `None`: ended by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The binary under test, run in the repository and without settings of whoever runs the tests.
pub(crate) fn weir<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments).current_dir(repository());
    for (name, _) in std::env::vars_os() {
        // The place of ONNX Runtime is a matter of the machine.
        if name.to_string_lossy().starts_with("WEIR_") && name != "WEIR_ONNXRUNTIME" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end, which must come within [`PATIENCE`].
pub(crate) fn finish(command: &mut Command) -> Finished {
    finish_with(command, b"")
}

/// Runs a command that may take longer.
pub(crate) fn finish_within(command: &mut Command, patience: Duration) -> Finished {
    finish_with_within(command, b"", patience)
}

/// The same with standard input.
pub(crate) fn finish_with(command: &mut Command, stdin: &[u8]) -> Finished {
    finish_with_within(command, stdin, PATIENCE)
}

fn finish_with_within(command: &mut Command, stdin: &[u8], patience: Duration) -> Finished {
    // Files in place of pipes: nothing can fill up, so nobody needs to read along.
    let [mut input, mut stdout, mut stderr] = [(); 3].map(|()| tempfile::tempfile().unwrap());
    input.write_all(stdin).unwrap();
    input.rewind().unwrap();
    let mut child = command
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(stdout.try_clone().unwrap()))
        .stderr(Stdio::from(stderr.try_clone().unwrap()))
        .spawn()
        .unwrap();
    let deadline = Instant::now() + patience;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() >= deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |file: &mut std::fs::File| {
        let mut text = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let (stdout, stderr) = (read(&mut stdout), read(&mut stderr));
    let Some(status) = status else {
        panic!("{command:?} did not end within {patience:?}\n{stdout}\n{stderr}");
    };
    Finished {
        code: status.code(),
        stdout,
        stderr,
    }
}
