//! Long streams are handed over by checkpoints. On the embedded broker; on Apache Kafka, and with gates
//! that are killed, `services/weir/tests/streams.rs`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use weir_bus::{EmbeddedBroker, Linger, LogReader, OutRecord, Publisher, Tail, TailFrom};
use weir_gate::{Clock, Gate, GateConfig, Judges, Topics};
use weir_telemetry::{BuildInfo, CheckpointResult, GateMetrics, Health, Registry};
use weir_types::{Action, FingerprintKey, Verdict};
use weir_wire::{Channel, Chunk, End};

const POLICY: &str = "
id: test
version: \"1\"
tenants: [\"*\"]
budget_ms: 2000
stream: { idle_ms: 60000 }
";
const RULES: &str = "
rules:
  - id: test.secret
    category: illicit
    severity: high
    score: 0.9
    action: block
    literals: [reveal the secret plan]
";
const PATIENCE: Duration = Duration::from_secs(60);

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A broker, policies, and a stream that is written to it by hand.
struct Bench {
    broker: EmbeddedBroker,
    config: GateConfig,
    publisher: Publisher<()>,
    verdicts: Tail,
    seq: i64,
    bytes: i64,
    policies: tempfile::TempDir,
}

impl Bench {
    fn with_topics(topics: &[&str]) -> Self {
        let policies = tempfile::tempdir().unwrap();
        std::fs::write(policies.path().join("policy.yaml"), POLICY).unwrap();
        std::fs::create_dir(policies.path().join("rules")).unwrap();
        std::fs::write(policies.path().join("rules/test.yaml"), RULES).unwrap();
        let broker = EmbeddedBroker::start(topics.iter().map(|topic| (*topic, 1))).unwrap();
        let config = GateConfig {
            bus: broker.config(),
            group: "test".to_owned(),
            topics: Topics::default(),
            schemas: weir_registry::Ids::compiled_in(),
            policies: policies.path().to_owned(),
            model: None,
            lanes: 1,
            shed_above: 1000,
            fingerprint_key: FingerprintKey::new(b"test"),
        };
        let verdicts =
            Tail::start(&config.bus, &config.topics.verdicts, TailFrom::Beginning).unwrap();
        Self {
            publisher: Publisher::new(&config.bus, Linger::Never).unwrap(),
            broker,
            config,
            verdicts,
            seq: 0,
            bytes: 0,
            policies,
        }
    }

    /// A gate that judges streams only.
    fn gate(&self) -> (Gate, GateMetrics) {
        let build = BuildInfo {
            version: "0",
            commit: "test",
        };
        let metrics = GateMetrics::register(&Registry::new(), build).unwrap();
        let health = Health::new(PATIENCE);
        let key = self.config.fingerprint_key.clone();
        let judges = Judges::load(&self.config.policies, None, key, 1000).unwrap();
        let clock = Clock::start();
        let judge = judges.judge_with(None, clock);
        let gate =
            Gate::start_with(&self.config, vec![], vec![judge], clock, &metrics, &health).unwrap();
        (gate, metrics)
    }

    /// Sends the next chunk; the verdict that answers it.
    fn say(&mut self, text: &str) -> Verdict {
        let chunk = Chunk {
            request_id: "r".to_owned(),
            attempt: 0,
            choice: 0,
            channel: Channel::Content,
            seq: self.seq,
            byte_start: self.bytes,
            text: text.as_bytes().to_vec(),
            end: End::None,
            tenant: "acme".to_owned(),
            worker_id: "w".to_owned(),
            policy_hash: String::new(),
            opening: None,
            enc: None,
        };
        let mut payload = Vec::new();
        weir_wire::encode(&chunk, &mut payload).unwrap();
        let record = OutRecord {
            topic: &self.config.topics.chunks,
            partition: Some(0),
            key: Some(b"r"),
            payload: &payload,
            header: None,
        };
        self.publisher.send(&record, ()).unwrap();
        self.publisher.flush(PATIENCE).unwrap();
        self.seq += 1;
        self.bytes += i64::try_from(text.len()).unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(
                Instant::now() < deadline,
                "chunk {} has no verdict",
                chunk.seq
            );
            let Some(record) = self.verdicts.next(Duration::from_millis(100)) else {
                continue;
            };
            let verdict: Verdict = weir_wire::decode(&record.payload.unwrap()).unwrap();
            if verdict.seq_to == chunk.seq {
                return verdict;
            }
        }
    }

    /// Says things until the gate has written a checkpoint.
    fn say_until_saved(&mut self, metrics: &GateMetrics) {
        let written = metrics.checkpoints(CheckpointResult::Written);
        wait_until("a checkpoint is written", || {
            if written.get() == 0 {
                std::thread::sleep(Duration::from_millis(300));
                self.say("and so on, ");
            }
            written.get() > 0
        });
    }

    /// Keys and values on the topic of checkpoints.
    fn checkpoints(&self) -> Vec<(String, bool)> {
        let topic = &self.config.topics.checkpoints;
        let log = LogReader::new(&self.broker.config(), topic)
            .unwrap()
            .read(&[(0, None)], PATIENCE)
            .unwrap();
        let read = |key: Option<Vec<u8>>| String::from_utf8(key.unwrap()).unwrap();
        let records = log.records.into_iter();
        records
            .map(|record| (read(record.key), record.payload.is_some()))
            .collect()
    }
}

fn all_topics() -> [String; 5] {
    let topics = Topics::default();
    [
        topics.chunks,
        topics.verdicts,
        topics.dead_letters,
        topics.flagged,
        topics.checkpoints,
    ]
}

#[test]
fn a_successor_goes_on_where_the_checkpoint_stands() {
    let topics = all_topics();
    let mut bench = Bench::with_topics(&topics.each_ref().map(String::as_str));
    let (gate, metrics) = bench.gate();
    bench.say("It goes on ");
    bench.say_until_saved(&metrics);
    assert!(bench.say("they rev").unjudged.is_empty());
    let before = metrics.topic(&bench.config.topics.chunks).get();
    gate.drain();

    let (gate, metrics) = bench.gate();
    let cut = bench.say("eal the secret plan to all");
    assert_eq!(cut.action, Action::Block);
    let until = bench.bytes - i64::try_from("reveal the secret plan to all".len()).unwrap();
    assert_eq!((cut.truncate_at, cut.is_final), (Some(until), true));
    assert_eq!(metrics.checkpoints(CheckpointResult::Restored).get(), 1);
    let read = metrics.topic(&bench.config.topics.chunks).get();
    assert_eq!(read, 1, "not the {before} before the gate stopped");
    // Whoever comes next has nothing to restore.
    let stream = "r/0/0/content".to_owned();
    wait_until("the stream is over", || {
        bench.checkpoints().last() == Some(&(stream.clone(), false))
    });
    gate.drain();
    let (gate, metrics) = bench.gate();
    wait_until("a third gate has read them", || {
        metrics.restore.get_sample_count() > 0
    });
    assert_eq!(metrics.checkpoints(CheckpointResult::Restored).get(), 0);
    gate.drain();
    assert!(bench.checkpoints().iter().all(|(key, _)| *key == stream));
}

#[test]
fn without_the_topic_streams_are_judged_and_read_again_from_their_beginning() {
    let topics = all_topics();
    let mut bench = Bench::with_topics(&[&topics[0], &topics[1], &topics[2], &topics[3]]);
    let (gate, metrics) = bench.gate();
    bench.say("It goes on, they rev");
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(300));
        bench.say("eal");
    }
    assert_eq!(metrics.checkpoints(CheckpointResult::Written).get(), 0);
    gate.drain();
    let (gate, metrics) = bench.gate();
    bench.say(" the secret plan");
    let read = metrics.topic(&bench.config.topics.chunks).get();
    assert_eq!(read, u64::try_from(bench.seq).unwrap());
    gate.drain();
}

#[test]
fn a_successor_under_another_policy_goes_on_under_that() {
    let topics = all_topics();
    let mut bench = Bench::with_topics(&topics.each_ref().map(String::as_str));
    let (gate, _) = bench.gate();
    bench.say("It goes on, they rev");
    gate.drain();

    let policy = POLICY.replace("version: \"1\"", "version: \"2\"");
    std::fs::write(bench.policies.path().join("policy.yaml"), policy).unwrap();
    let (gate, metrics) = bench.gate();
    // A chunk that is older than its budget when the gate is there would be nobody's any more.
    wait_until("the gate has read the checkpoints", || {
        metrics.restore.get_sample_count() > 0
    });
    let verdict = bench.say("eal the secret plan to all");
    assert_eq!(metrics.checkpoints(CheckpointResult::Restored).get(), 1);
    let secret = "It goes on, they ".len();
    assert_eq!(verdict.truncate_at, i64::try_from(secret).ok());
    assert!(verdict.unjudged.is_empty());
    gate.drain();
}

/// A gate that stops leaves all that its streams need, however short they are.
#[test]
fn a_gate_that_stops_saves_its_streams() {
    let topics = all_topics();
    let mut bench = Bench::with_topics(&topics.each_ref().map(String::as_str));
    let (gate, metrics) = bench.gate();
    bench.say("It goes on, ");
    bench.say("they rev");
    gate.drain();
    assert_eq!(metrics.checkpoints(CheckpointResult::Written).get(), 1);
    let (gate, metrics) = bench.gate();
    let cut = bench.say("eal the secret plan to all");
    let secret = "It goes on, they ".len();
    assert_eq!(cut.truncate_at, i64::try_from(secret).ok());
    assert_eq!(metrics.checkpoints(CheckpointResult::Restored).get(), 1);
    let read = metrics.topic(&bench.config.topics.chunks).get();
    assert_eq!(read, 1, "only what came after it");
    gate.drain();
}
