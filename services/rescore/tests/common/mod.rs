//! Topics, flagged texts, and a rescorer whose model looks for words.
#![allow(dead_code, reason = "not every test uses all of it")]

pub(crate) mod process;

use std::collections::BTreeMap;
use std::time::Duration;

use weir_bus::admin::make_topics;
use weir_bus::admin::plan::TopicSpec;
use weir_bus::{BusConfig, Linger, OutRecord, Publisher};
use weir_infer::{Classifier, InferError};
use weir_rescore::{Delivery, Influences, RescoreConfig, RescoreTopics, Rescorer};
use weir_telemetry::{Health, Registry, RescoreMetrics};
use weir_types::{
    Action, Category, FingerprintKey, ModelRef, ModelScores, SelectionReason, Source,
};
use weir_wire::{Flagged, Record};

pub(crate) const PARTITIONS: i32 = 4;
/// How long anything may take that is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

const POLICY: &str = "
id: test
version: \"1\"
tenants: [\"*\"]
categories:
  hate: { warn: 0.4, block: 0.9 }
";

/// Where a test reads and writes.
pub(crate) struct Cluster {
    pub(crate) bus: BusConfig,
    pub(crate) topics: RescoreTopics,
}

impl Cluster {
    pub(crate) fn at(bus: BusConfig) -> Self {
        Self {
            bus,
            topics: RescoreTopics::default(),
        }
    }

    /// Makes the topics.
    pub(crate) fn make(&self) {
        let topics = [
            &self.topics.flagged,
            &self.topics.moderation,
            &self.topics.dead_letters,
            &self.topics.verdicts,
        ];
        let specs = topics.map(|name| TopicSpec {
            name: name.clone(),
            partitions: PARTITIONS,
            replication: 1,
            config: BTreeMap::from([("max.message.bytes".to_owned(), "4194304".to_owned())]),
        });
        make_topics(&self.bus, specs).unwrap();
    }

    /// Writes records to partitions, and waits until they are there.
    pub(crate) fn send(&self, topic: &str, records: impl Iterator<Item = (i32, Vec<u8>)>) {
        let mut publisher = Publisher::new(&self.bus, Linger::Always).unwrap();
        for (partition, payload) in records {
            let record = OutRecord {
                topic,
                partition: Some(partition),
                key: Some(b"r"),
                payload: &payload,
                header: None,
            };
            publisher.send(&record, ()).unwrap();
        }
        publisher.flush(Duration::from_secs(60)).unwrap();
    }
}

/// A text that was allowed, and drawn for a second look.
pub(crate) fn flagged(verdict_id: &str, text: &str) -> Flagged {
    Flagged {
        verdict_id: verdict_id.to_owned(),
        request_id: "r".to_owned(),
        stream_id: None,
        tenant: "acme".to_owned(),
        subject_id: None,
        worker_id: "w".to_owned(),
        policy_hash: String::new(),
        text: text.as_bytes().to_vec(),
        byte_start: 0,
        source: Source {
            topic: "weir.prompts.v1".into(),
            partition: 0,
            offset: 0,
        },
        released_to: 0,
        selection_reason: SelectionReason::Sample,
        inclusion_probability: 0.5,
        fast_action: Action::Allow,
        fast_scores: Vec::new(),
        locale_hint: None,
        language: "en".to_owned(),
        enc: None,
    }
}

pub(crate) fn frame(record: &impl Record) -> Vec<u8> {
    let mut frame = Vec::new();
    weir_wire::encode(record, &mut frame).unwrap();
    frame
}

/// Hate is where `hate` stands; `slow` takes its time, `nan` is no number, `fail` an error for all, `panic` one.
pub(crate) struct Words(ModelRef);

impl Words {
    pub(crate) fn new() -> Self {
        Self(ModelRef {
            name: "words-1".to_owned(),
            hash: "00".repeat(32),
        })
    }
}

impl Classifier for Words {
    fn describe(&self) -> &ModelRef {
        &self.0
    }

    fn classify(&mut self, texts: &[&str], out: &mut Vec<ModelScores>) -> Result<(), InferError> {
        out.clear();
        for text in texts {
            if text.contains("fail") {
                out.clear();
                return Err(InferError::Failed {
                    model: self.0.name.clone(),
                    texts: texts.len(),
                    reason: "asked to".to_owned(),
                });
            }
            assert!(!text.contains("panic"), "asked to");
            if text.contains("slow") {
                std::thread::sleep(Duration::from_millis(4));
            }
            let mut calibrated = [0.0; Category::COUNT];
            if text.contains("hate") {
                calibrated[Category::Hate.index()] = 0.95;
            }
            if text.contains("nan") {
                calibrated[Category::Hate.index()] = f32::NAN;
            }
            out.push(ModelScores {
                raw: [0.0; Category::COUNT],
                calibrated,
                any_harm: 0.1,
                truncated: text.contains("long"),
            });
        }
        Ok(())
    }
}

pub(crate) fn start(cluster: &Cluster, delivery: Delivery) -> Rescorer {
    let policies = tempfile::tempdir().unwrap();
    std::fs::write(policies.path().join("policy.yaml"), POLICY).unwrap();
    let config = RescoreConfig {
        bus: cluster.bus.clone(),
        group: "weir-rescore".to_owned(),
        topics: cluster.topics.clone(),
        schemas: weir_registry::Ids::compiled_in(),
        policies: policies.path().to_owned(),
        fingerprint_key: FingerprintKey::new(b"test"),
        delivery,
        thin_above: 100_000,
        influences: Influences::Top,
    };
    let metrics = RescoreMetrics::register(&Registry::new()).unwrap();
    let health = Health::new(Duration::from_secs(60));
    Rescorer::start(config, Box::new(Words::new()), &metrics, &health).unwrap()
}
