//! The thread that writes prompts and chunks.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use weir_bus::{BusConfig, Linger, OutRecord, Publisher};

use crate::clock;
use crate::error::ClientError;

/// How often deliveries are looked after when there is nothing to send.
const POLL_EVERY: Duration = Duration::from_millis(50);
/// A record that was not delivered for so long helps nobody: its budget is over.
const WANTED_FOR: Duration = Duration::from_secs(5);

/// Takes records, and never waits: a stream has at most two on their way.
#[derive(Debug)]
pub(crate) struct Outbox {
    sender: Sender<Job>,
}

pub(crate) struct Outgoing {
    pub(crate) topic: std::sync::Arc<str>,
    pub(crate) partition: i32,
    pub(crate) key: String,
    pub(crate) frame: Vec<u8>,
}

enum Job {
    Send(Outgoing),
    /// Deliver all before it, within the time, then answer whether it worked.
    Flush(Duration, Sender<bool>),
}

impl Outbox {
    /// One producer, so that the chunks of a stream stay in order.
    pub(crate) fn publisher(bus: &BusConfig) -> Result<Publisher<Instant>, ClientError> {
        Ok(Publisher::new(bus, Linger::Never)?)
    }

    pub(crate) fn start(publisher: Publisher<Instant>) -> Result<Self, ClientError> {
        let (sender, receiver) = channel();
        std::thread::Builder::new()
            .name("weir-outbox".to_owned())
            .spawn(move || run(publisher, &receiver))?;
        Ok(Self { sender })
    }

    /// Hands a record over. If the thread is gone there is nobody to tell: verdicts stay away, and
    /// the fail mode decides.
    pub(crate) fn send(&self, record: Outgoing) {
        let _ = self.sender.send(Job::Send(record));
    }

    pub(crate) fn flush(&self, patience: Duration) -> bool {
        let (done, wait) = channel();
        let asked = self.sender.send(Job::Flush(patience, done));
        asked.is_ok() && wait.recv().unwrap_or(false)
    }
}

fn run(mut publisher: Publisher<Instant>, jobs: &Receiver<Job>) {
    let mut acknowledged = Vec::new();
    loop {
        let done = match jobs.recv_timeout(POLL_EVERY) {
            Ok(Job::Send(out)) => publisher.send(
                &OutRecord {
                    topic: &out.topic,
                    partition: Some(out.partition),
                    key: Some(out.key.as_bytes()),
                    payload: &out.frame,
                    header: None,
                },
                clock::now(),
            ),
            Ok(Job::Flush(patience, answer)) => {
                let _ = answer.send(publisher.flush(patience).is_ok());
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                // The last records are ends of streams: worth a moment.
                let _ = publisher.flush(WANTED_FOR);
                return;
            }
        };
        let wanted = |sent: &Instant| clock::now().duration_since(*sent) < WANTED_FOR;
        let done = done.and_then(|()| publisher.poll(&mut acknowledged, wanted));
        acknowledged.clear();
        if let Err(error) = done {
            tracing::error!(%error, "no more prompts and chunks can be sent; fail modes decide");
            return;
        }
    }
}
