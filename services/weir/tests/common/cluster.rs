//! Topics of a test's own, written to and read to their end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use weir_bus::admin::make_topics;
use weir_bus::admin::plan::TopicSpec;
use weir_bus::{BusConfig, InRecord, Linger, OutRecord, Publisher, Tail, TailFrom};
use weir_testkit::{Kafka, unique_name};
use weir_types::Verdict;
use weir_wire::{Prompt, Role, Segment};

use super::PATIENCE;

/// As declared in `topics/topics.yaml`.
pub(crate) const PARTITIONS: i32 = 4;

/// Key of the record that marks the end of a partition.
const END: &[u8] = b"end of the test";

/// Topics and group of one test, and how to reach them.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) bus: BusConfig,
    pub(crate) group: String,
    pub(crate) prompts: String,
    pub(crate) chunks: String,
    pub(crate) verdicts: String,
    pub(crate) checkpoints: String,
    pub(crate) flagged: String,
    pub(crate) dead_letters: String,
}

impl Cluster {
    /// Makes new topics.
    pub(crate) fn on(kafka: &Kafka) -> Self {
        let cluster = Self::without_verdicts_on(kafka);
        cluster.make_verdicts();
        cluster
    }

    /// The same, but the topic of verdicts is left to [`Cluster::make_verdicts`].
    pub(crate) fn without_verdicts_on(kafka: &Kafka) -> Self {
        let cluster = Self {
            bus: BusConfig::new(kafka.bootstrap()),
            group: unique_name("group"),
            prompts: unique_name("prompts"),
            chunks: unique_name("chunks"),
            verdicts: unique_name("verdicts"),
            checkpoints: unique_name("checkpoints"),
            flagged: unique_name("flagged"),
            dead_letters: unique_name("dead-letters"),
        };
        cluster.make(&cluster.prompts, 2 << 20);
        cluster.make(&cluster.chunks, 2 << 20);
        cluster.make(&cluster.checkpoints, 2 << 20);
        cluster.make(&cluster.flagged, 4 << 20);
        cluster.make(&cluster.dead_letters, 4 << 20);
        cluster
    }

    pub(crate) fn make_verdicts(&self) {
        self.make(&self.verdicts, 1 << 20);
    }

    pub(crate) fn make(&self, topic: &str, max_message_bytes: u32) {
        let spec = TopicSpec {
            name: topic.to_owned(),
            partitions: PARTITIONS,
            replication: 1,
            config: BTreeMap::from([(
                "max.message.bytes".to_owned(),
                max_message_bytes.to_string(),
            )]),
        };
        make_topics(&self.bus, [spec]).unwrap();
    }

    /// Writes records and waits until all are acknowledged.
    pub(crate) fn produce(&self, records: &[OutRecord<'_>]) {
        let mut publisher = Publisher::new(&self.bus, Linger::ByLoad).unwrap();
        for record in records {
            publisher.send(record, ()).unwrap();
        }
        finish(&mut publisher);
    }

    /// Everything on `topic`, in order within each partition. Marks the end of each partition
    /// and reads up to the marks, so it must be called once, when nobody writes any more.
    pub(crate) fn everything(&self, topic: &str) -> Vec<InRecord> {
        let marks: Vec<_> = (0..PARTITIONS)
            .map(|partition| OutRecord {
                topic,
                partition: Some(partition),
                key: Some(END),
                payload: b"",
                header: None,
            })
            .collect();
        self.produce(&marks);
        let tail = Tail::start(&self.bus, topic, TailFrom::Beginning).unwrap();
        let mut left = PARTITIONS;
        let mut records = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while left > 0 {
            assert!(
                Instant::now() < deadline,
                "{topic} cannot be read to its end"
            );
            match tail.next(Duration::from_millis(500)) {
                Some(record) if is_end(&record) => left -= 1,
                Some(record) => records.push(record),
                None => {}
            }
        }
        records
    }

    /// Every verdict, with the partition and offset that it has. See [`Cluster::everything`].
    pub(crate) fn all_verdicts(&self) -> Vec<Answered> {
        self.everything(&self.verdicts)
            .iter()
            .map(Answered::read)
            .collect()
    }
}

/// A verdict where it was found.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) verdict: Verdict,
}

impl Answered {
    pub(crate) fn read(record: &InRecord) -> Self {
        let verdict: Verdict = weir_wire::decode(record.payload.as_deref().unwrap()).unwrap();
        assert_eq!(
            record.key.as_deref(),
            Some(verdict.request_id.as_bytes()),
            "a verdict is keyed by its request"
        );
        Self {
            partition: record.partition,
            offset: record.offset,
            verdict,
        }
    }
}

/// Whether the record is a mark of [`Cluster::everything`].
pub(crate) fn is_end(record: &InRecord) -> bool {
    record.key.as_deref() == Some(END)
}

/// Waits until all is acknowledged; what failed on the way is sent again.
pub(crate) fn finish(publisher: &mut Publisher<()>) {
    super::wait_until("every record is acknowledged", || {
        publisher.poll(&mut Vec::new(), |()| true).unwrap();
        publisher.in_flight() == 0
    });
}

/// A prompt of one text, for which the gate has all the time it wants: tests on a loaded machine
/// are not about deadlines.
pub(crate) fn prompt(request_id: &str, text: impl Into<Vec<u8>>) -> Prompt {
    Prompt {
        segments: vec![Segment {
            role: Role::User,
            name: None,
            text: text.into(),
        }],
        budget_us: Some(600_000_000),
        ..Prompt::new(request_id, "acme", "test")
    }
}

pub(crate) fn frame<T: weir_wire::Record>(record: &T) -> Vec<u8> {
    let mut frame = Vec::new();
    weir_wire::encode(record, &mut frame).unwrap();
    frame
}
