use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::config::BusConfig;
use crate::error::BusError;

/// Kafka in this process, for a first try: nothing to install, real TCP, real consumer groups.
///
/// It is librdkafka's own mock cluster. It keeps everything in memory, drops the oldest records of
/// a partition beyond 5 MiB or 100,000 records, and knows neither transactions nor the admin API.
pub struct EmbeddedBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl std::fmt::Debug for EmbeddedBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedBroker")
            .field("bootstrap", &self.bootstrap())
            .finish()
    }
}

impl EmbeddedBroker {
    /// Starts a broker on a free loopback port, with these topics: (name, partitions).
    ///
    /// # Errors
    /// No port to be had, or a topic that it refuses.
    pub fn start<'a>(topics: impl IntoIterator<Item = (&'a str, i32)>) -> Result<Self, BusError> {
        let cluster = MockCluster::new(1).map_err(|source| BusError::Operation {
            what: "starting the embedded broker".to_owned(),
            source,
        })?;
        let broker = Self { cluster };
        for (name, partitions) in topics {
            broker.create_topic(name, partitions)?;
        }
        Ok(broker)
    }

    /// Adds a topic.
    ///
    /// # Errors
    /// The broker refuses it: it exists, or has less than one partition.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), BusError> {
        self.cluster
            .create_topic(name, partitions, 1)
            .map_err(|source| BusError::Operation {
                what: format!("creating topic {name} on the embedded broker"),
                source,
            })
    }

    /// `host:port`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// How clients reach it.
    #[must_use]
    pub fn config(&self) -> BusConfig {
        BusConfig {
            fetch_wakes_on_data: false,
            ..BusConfig::new(self.bootstrap())
        }
    }
}
