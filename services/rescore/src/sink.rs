//! Where outputs go: with the offsets in one transaction, or before them.

use std::time::Duration;

use weir_bus::{
    BusError, Committer, Linger, Membership, OutRecord, Publisher, TransactionError, Transactor,
};

use crate::config::{Delivery, RescoreConfig, RescoreTopics};

/// How long acknowledgements are waited for where there are no transactions.
const FLUSH_PATIENCE: Duration = Duration::from_secs(30);

/// An output of one input.
#[derive(Debug)]
pub(crate) struct Output {
    /// Of the input, and of the output if it is a moderation record.
    pub(crate) partition: i32,
    pub(crate) kind: Kind,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) payload: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Moderation,
    DeadLetter,
}

/// How far a partition has been dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) partition: i32,
    pub(crate) epoch: i64,
    /// Offset of the next record to read.
    pub(crate) next: i64,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Written {
    /// All of it is there.
    Done,
    /// Nothing of it is; it may be tried again.
    Not(String),
}

pub(crate) enum Sink {
    Transactions(Transactor),
    Acknowledgements(Box<Publisher<()>>),
}

impl Sink {
    pub(crate) fn new(config: &RescoreConfig) -> Result<Self, BusError> {
        Ok(match &config.delivery {
            Delivery::ExactlyOnce { transactional_id } => {
                Self::Transactions(Transactor::new(&config.bus, transactional_id)?)
            }
            Delivery::AtLeastOnce => {
                Self::Acknowledgements(Box::new(Publisher::new(&config.bus, Linger::Always)?))
            }
        })
    }

    /// Writes outputs and commits progress.
    ///
    /// # Errors
    /// The sink is of no more use, and what it wrote last may be there or not.
    pub(crate) fn write(
        &mut self,
        topics: &RescoreTopics,
        outputs: &[Output],
        progress: &[Progress],
        committer: &Committer,
        member: &Membership,
    ) -> Result<Written, String> {
        let records: Vec<OutRecord<'_>> = outputs.iter().map(|one| record(topics, one)).collect();
        match self {
            Self::Transactions(transactor) => {
                let offsets: Vec<(i32, i64)> = progress
                    .iter()
                    .map(|progress| (progress.partition, progress.next))
                    .collect();
                match transactor.commit(&records, &offsets, member) {
                    Ok(()) => Ok(Written::Done),
                    Err(error @ TransactionError::Aborted(_)) => {
                        Ok(Written::Not(error.to_string()))
                    }
                    Err(error @ TransactionError::Unusable(_)) => Err(error.to_string()),
                }
            }
            Self::Acknowledgements(publisher) => {
                for record in &records {
                    publisher
                        .send(record, ())
                        .map_err(|error| error.to_string())?;
                }
                publisher
                    .flush(FLUSH_PATIENCE)
                    .map_err(|error| error.to_string())?;
                let offsets: Vec<(i32, i64, i64)> = progress
                    .iter()
                    .map(|progress| (progress.partition, progress.epoch, progress.next))
                    .collect();
                committer.commit_now(&offsets);
                Ok(Written::Done)
            }
        }
    }
}

fn record<'a>(topics: &'a RescoreTopics, output: &'a Output) -> OutRecord<'a> {
    let (topic, partition) = match output.kind {
        Kind::Moderation => (&topics.moderation, Some(output.partition)),
        Kind::DeadLetter => (&topics.dead_letters, None),
    };
    OutRecord {
        topic,
        partition,
        key: output.key.as_deref(),
        payload: &output.payload,
        header: None,
    }
}
