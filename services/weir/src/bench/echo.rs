//! A bare echo: the same reader, publisher and ledger as a gate, and nothing between them.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::{Args, ValueEnum};
use flume::RecvTimeoutError;
use weir_bus::{Event, InputRef, Ledger, Linger, OutRecord, Publisher, Reader};

use crate::args::BrokerArgs;

/// As a gate has it.
const IDLE_WAIT: Duration = Duration::from_millis(20);
/// The same while records wait for others of their partition.
const BRIEF_WAIT: Duration = Duration::from_millis(1);
/// As a gate has it.
const COMMIT_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(crate) struct EchoArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// Consumer group.
    #[arg(long)]
    group: String,
    /// Topic to read.
    #[arg(long)]
    from: String,
    /// Topic to write.
    #[arg(long)]
    to: String,
    /// How records are sent.
    #[arg(long, value_enum)]
    sending: Sending,
}

/// Whether records linger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sending {
    /// Each at once.
    Sparse,
    /// Always lingering.
    Dense,
    /// By load, as a gate does.
    Auto,
}

impl Sending {
    pub(crate) const fn linger(self) -> Linger {
        match self {
            Self::Sparse => Linger::Never,
            Self::Dense => Linger::Always,
            Self::Auto => Linger::ByLoad,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sparse => "sparse",
            Self::Dense => "dense",
            Self::Auto => "auto",
        }
    }
}

/// Runs until killed: nothing in it is worth saving.
pub(crate) fn run(args: &EchoArgs) -> anyhow::Result<ExitCode> {
    let bus = args.broker.bus()?;
    let reader = Reader::start(&bus, &args.group, &args.from)?;
    let mut publisher: Publisher<InputRef> = Publisher::new(&bus, args.sending.linger())?;
    let mut ledger = Ledger::default();
    let mut acknowledged = Vec::new();
    let mut last_commit = Instant::now();
    loop {
        let wait = if publisher.is_waiting() {
            BRIEF_WAIT
        } else {
            IDLE_WAIT
        };
        match reader.events().recv_timeout(wait) {
            Ok(Event::Records(batch)) => {
                reader.taken(batch.records.len());
                for record in &batch.records {
                    let Some(input) = ledger.begin(record.partition, record.offset, 0) else {
                        continue;
                    };
                    let out = OutRecord {
                        topic: &args.to,
                        partition: Some(record.partition),
                        key: record.key.as_deref(),
                        payload: record.payload.as_deref().unwrap_or_default(),
                        header: None,
                    };
                    publisher.send(&out, input)?;
                }
            }
            Ok(Event::Assigned(partitions)) => {
                for (partition, epoch) in partitions {
                    ledger.assign(partition, epoch);
                }
                writeln!(std::io::stdout(), "ready")?;
            }
            Ok(Event::Revoked { partitions, done }) => {
                for partition in partitions {
                    ledger.revoke(partition);
                }
                let _ = done.send(());
            }
            Ok(Event::Lost(partitions)) => partitions
                .iter()
                .for_each(|partition| ledger.revoke(*partition)),
            Ok(Event::Failed(reason)) => bail!("the consumer failed: {reason}"),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("the reader thread ended"),
        }
        publisher.poll(&mut acknowledged, |input| ledger.owns(*input))?;
        for input in acknowledged.drain(..) {
            ledger.settle(input);
        }
        if last_commit.elapsed() >= COMMIT_EVERY {
            last_commit = Instant::now();
            reader.committer().commit(&ledger.take_commits());
        }
    }
}
