use rdkafka::error::KafkaError;

/// What can go wrong between Weir and a cluster.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// A client could not be made: usually an option that librdkafka does not know.
    #[error("cannot create a kafka client: {0}; check the options given by file or WEIR_KAFKA_*")]
    Client(String),
    /// A file or variable of options is wrong.
    #[error("{place}: {message}")]
    Options {
        /// File and line, or variable.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// A topic does not exist.
    #[error(
        "topic {topic} does not exist on {brokers}; create it with: weir topics apply --brokers {brokers}"
    )]
    NoSuchTopic {
        /// The topic.
        topic: String,
        /// Where it was looked for.
        brokers: String,
    },
    /// A cluster did not answer, or would not have this client.
    #[error("{brokers} cannot be reached: {why}")]
    Unreachable {
        /// Where.
        brokers: String,
        /// librdkafka's word, and what to do.
        why: String,
    },
    /// Records did not reach the cluster.
    #[error(
        "{records} records were not acknowledged in time and {dropped} were refused for good; the last failure: {}",
        last.as_ref().map_or_else(|| "none yet, the broker did not answer".to_owned(), ToString::to_string)
    )]
    Undelivered {
        /// Still on their way.
        records: usize,
        /// Refused by the client or the broker, for good.
        dropped: u64,
        /// Why the last of those that failed so far did, those that were sent again included.
        last: Option<KafkaError>,
    },
    /// An operation on the cluster failed.
    #[error("{what}: {source}")]
    Operation {
        /// What was tried.
        what: String,
        /// librdkafka's word.
        source: KafkaError,
    },
    /// The cluster refused an operation, and said why.
    #[error("{what}: {message}")]
    Refused {
        /// What was tried.
        what: String,
        /// The broker's word.
        message: String,
    },
    /// What a cluster accepted is not to be seen there.
    #[error(
        "the cluster took the changes and does not show them after {waited:?}: does another change the same, and may this client see all of it? look again with: weir topics plan"
    )]
    NotSeen {
        /// How long was waited.
        waited: std::time::Duration,
    },
    /// A thread could not be started.
    #[error("cannot start thread {name}: {source}")]
    Thread {
        /// Its name.
        name: &'static str,
        /// The system's word.
        source: std::io::Error,
    },
}

impl BusError {
    /// A client that could not be made. librdkafka's own error would show the option's value,
    /// which may be a password; the option's name and the reason are enough.
    pub(crate) fn client(error: KafkaError) -> Self {
        Self::Client(match error {
            KafkaError::ClientConfig(_, reason, option, _) => format!("option {option}: {reason}"),
            other => other.to_string(),
        })
    }
}
