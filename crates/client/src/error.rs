use weir_bus::BusError;

/// What can go wrong between a worker and a Weir. No message holds a text.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Kafka.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The schema registry.
    #[error(transparent)]
    Registry(#[from] weir_registry::ConnectError),
    /// A topic has another number of partitions than the verdicts' topic.
    #[error(
        "topic {topic} has {partitions} partitions and {verdicts_topic} has {verdicts_partitions}; they must be the same: weir topics apply"
    )]
    PartitionCounts {
        /// The topic.
        topic: String,
        /// Its partitions.
        partitions: i32,
        /// The topic of verdicts.
        verdicts_topic: String,
        /// Its partitions.
        verdicts_partitions: i32,
    },
    /// A request with this id is being guarded by this worker.
    #[error("request {request_id} is in flight already; give each request an id of its own")]
    InFlight {
        /// Its id.
        request_id: String,
    },
    /// A prompt could not be written as a record.
    #[error(transparent)]
    Encode(#[from] weir_wire::EncodeError),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}
