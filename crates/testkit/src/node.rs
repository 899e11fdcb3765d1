//! A server's process, which must not outlive the test's, however that ends.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Runs a server and reads orders from its standard input: a signal's name is passed on, `keep`
/// ends the watch. `STOP` is answered with a line once the server stands still, where the system
/// says so under `/proc`. The end of the input means that the test process is gone (its end of the pipe
/// closes whatever killed it), so the server and its data go too.
const KEEPER: &str = r#"
dir=$1 log=$2
shift 2
exec 3<&0 </dev/null
"$@" >"$log" 2>&1 3<&- &
pid=$!
(
    while read -r order; do
        [ "$order" != keep ] || exit 0
        kill -s "$order" "$pid"
        [ "$order" = STOP ] || continue
        while [ -e "/proc/$pid/status" ] && ! grep -q '^State:[[:space:]]*T' "/proc/$pid/status"; do
            sleep 0.01
        done
        echo stopped
    done
    kill -s KILL "$pid"
    while kill -0 "$pid"; do sleep 0.02; done
    rm -rf -- "$dir"
) <&3 2>/dev/null &
exec 3<&-
wait "$pid"
"#;

/// A running server. Dropping it kills the server and removes its directory.
#[derive(Debug)]
pub(crate) struct Node {
    keeper: Child,
    orders: Option<ChildStdin>,
    answers: Option<BufReader<ChildStdout>>,
}

impl Node {
    pub(crate) fn spawn(command: &[OsString], dir: &Path, log: &Path) -> io::Result<Self> {
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "weir-server"])
            .arg(dir)
            .arg(log)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C reaches the test's process group; the keeper must live on to clean up.
            .process_group(0)
            .spawn()?;
        let orders = keeper.stdin.take();
        let answers = keeper.stdout.take().map(BufReader::new);
        Ok(Self {
            keeper,
            orders,
            answers,
        })
    }

    /// Sends the signal of that name (without `SIG`).
    pub(crate) fn signal(&mut self, name: &str) -> io::Result<()> {
        match &mut self.orders {
            Some(orders) => writeln!(orders, "{name}"),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Stops it where it stands (`SIGSTOP`); on return it does nothing any more.
    pub(crate) fn pause(&mut self) -> io::Result<()> {
        self.signal("STOP")?;
        match &mut self.answers {
            Some(answers) => answers.read_line(&mut String::new()).map(drop),
            None => Ok(()),
        }
    }

    pub(crate) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.keeper.try_wait()
    }

    /// Waits for the server's end; none when `timeout` passes first.
    pub(crate) fn wait(&mut self, timeout: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + timeout;
        loop {
            let status = self.keeper.try_wait()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server and leaves its data.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.signal("KILL")?;
        self.keeper.wait()?;
        self.leave_data();
        Ok(())
    }

    /// Ends the watch over a server that has ended.
    pub(crate) fn leave_data(mut self) {
        // Fails only if the watch has ended.
        let _ = self.signal("keep");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.keeper.wait();
    }
}

/// The end of a log, for a message.
pub(crate) fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
