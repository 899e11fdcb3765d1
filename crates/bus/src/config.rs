use std::collections::BTreeMap;

use rdkafka::ClientConfig;

/// How to reach a cluster.
#[derive(Clone)]
pub struct BusConfig {
    /// `host:port[,host:port...]`.
    pub brokers: String,
    /// Whether the broker wakes a waiting fetch when data comes. Apache Kafka does; the embedded
    /// broker sleeps the whole `fetch.wait.max.ms`.
    pub fetch_wakes_on_data: bool,
    /// Any librdkafka option; they win over Weir's own settings.
    pub options: BTreeMap<String, String>,
}

impl std::fmt::Debug for BusConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Option values may be passwords.
        f.debug_struct("BusConfig")
            .field("brokers", &self.brokers)
            .field("options", &self.options.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl BusConfig {
    /// An Apache Kafka cluster with no further options.
    #[must_use]
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            fetch_wakes_on_data: true,
            options: BTreeMap::new(),
        }
    }

    /// The same, reading only what transactions have committed; partitions' committed offsets are waited for
    /// while a transaction that would move them is open.
    #[must_use]
    pub fn read_committed(&self) -> Self {
        let mut config = self.clone();
        config
            .options
            .insert("isolation.level".to_owned(), "read_committed".to_owned());
        config
    }

    pub(crate) fn consumer(&self, group: Option<&str>) -> ClientConfig {
        let mut config = self.common();
        config
            // Without data Apache Kafka holds the fetch and answers at once when some comes, so a
            // long wait costs nothing there. The embedded broker would sleep all of it.
            .set(
                "fetch.wait.max.ms",
                if self.fetch_wakes_on_data { "100" } else { "1" },
            )
            .set("fetch.min.bytes", "1")
            // The default of 1000 ms stalls a consumer that once was full.
            .set("fetch.queue.backoff.ms", "10")
            .set("queued.min.messages", "10000")
            .set("queued.max.messages.kbytes", "65536")
            .set("fetch.message.max.bytes", "4194304")
            .set("enable.partition.eof", "false")
            .set("isolation.level", "read_uncommitted")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        if let Some(group) = group {
            config
                .set("group.id", group)
                .set("partition.assignment.strategy", "cooperative-sticky")
                .set("session.timeout.ms", "6000")
                // Below what a stream may stand still while its partition changes hands: the other members
                // learn of one that leaves by the answer to their next heartbeat. See the reader's
                // WAKE_EVERY as well.
                .set("heartbeat.interval.ms", "100")
                .set("statistics.interval.ms", "1000");
        } else {
            // librdkafka wants a name even for a consumer that joins no group.
            config.set("group.id", "weir-unused");
        }
        self.override_options(&mut config);
        config
    }

    pub(crate) fn producer(&self, linger_ms: &str) -> ClientConfig {
        let mut config = self.common();
        config
            .set("linger.ms", linger_ms)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", "30000")
            .set("retry.backoff.ms", "10")
            .set("queue.buffering.max.messages", "100000")
            .set("message.max.bytes", "8388608");
        self.override_options(&mut config);
        config
    }

    pub(crate) fn transactional_producer(&self, id: &str, timeout_ms: &str) -> ClientConfig {
        let mut config = self.producer("5");
        config
            .set("transactional.id", id)
            .set("transaction.timeout.ms", timeout_ms)
            // Not beyond the transaction's.
            .set("message.timeout.ms", timeout_ms);
        config
    }

    pub(crate) fn admin(&self) -> ClientConfig {
        let mut config = self.common();
        self.override_options(&mut config);
        config
    }

    fn common(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "weir")
            .set("socket.nagle.disable", "true")
            // A topic that is created after the start is found within this time, not within the
            // default's five minutes.
            .set("topic.metadata.refresh.interval.ms", "2000")
            // A broker that went away is tried again soon, and its return noticed.
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000");
        config
    }

    fn override_options(&self, config: &mut ClientConfig) {
        for (key, value) in &self.options {
            config.set(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_values_are_not_shown() {
        let mut config = BusConfig::new("localhost:1");
        config
            .options
            .insert("sasl.password".to_owned(), "hunter2".to_owned());
        let shown = format!("{config:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"));
    }
}
