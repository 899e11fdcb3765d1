//! What the gate leaves for the rescorer. On the embedded broker.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use weir_bus::{EmbeddedBroker, Linger, OutRecord, Publisher, Tail, TailFrom};
use weir_gate::{Clock, Gate, GateConfig, Judges, Topics};
use weir_telemetry::{BuildInfo, GateMetrics, Health, Registry};
use weir_types::{Action, FingerprintKey, SelectionReason};
use weir_wire::{Channel, Chunk, End, Flagged, Prompt, Record, Role, Segment};

const POLICY: &str = "
id: test
version: \"1\"
tenants: [\"*\"]
";
const OF_ACME: &str = "
id: acme
version: \"1\"
extends: test
tenants: [acme]
second_look: { sample: 1 }
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
const PARTITION: i32 = 1;

fn frame(record: &impl Record) -> Vec<u8> {
    let mut frame = Vec::new();
    weir_wire::encode(record, &mut frame).unwrap();
    frame
}

fn prompt(request_id: &str, tenant: &str, segments: &[&str]) -> Prompt {
    let segment = |text: &&str| Segment {
        role: Role::User,
        name: None,
        text: text.as_bytes().to_vec(),
    };
    Prompt {
        segments: segments.iter().map(segment).collect(),
        subject_id: Some("someone".to_owned()),
        locale_hint: Some("en-GB".to_owned()),
        ..Prompt::new(request_id, tenant, "w")
    }
}

fn chunk(seq: i64, byte_start: usize, text: &str) -> Chunk {
    Chunk {
        request_id: "streamed".to_owned(),
        attempt: 0,
        choice: 0,
        channel: Channel::Content,
        seq,
        byte_start: i64::try_from(byte_start).unwrap(),
        text: text.as_bytes().to_vec(),
        end: End::None,
        tenant: "other".to_owned(),
        worker_id: "w".to_owned(),
        policy_hash: String::new(),
        opening: None,
        enc: None,
    }
}

#[test]
fn what_is_selected_goes_to_the_rescorer_with_its_text_and_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("policy.yaml"), POLICY).unwrap();
    std::fs::create_dir(dir.path().join("tenants")).unwrap();
    std::fs::write(dir.path().join("tenants/acme.yaml"), OF_ACME).unwrap();
    std::fs::create_dir(dir.path().join("rules")).unwrap();
    std::fs::write(dir.path().join("rules/test.yaml"), RULES).unwrap();
    let topics = Topics::default();
    let broker = EmbeddedBroker::start(topics.all().map(|name| (name, 2))).unwrap();
    let config = GateConfig {
        bus: broker.config(),
        group: "test".to_owned(),
        topics: topics.clone(),
        schemas: weir_registry::Ids::compiled_in(),
        policies: dir.path().to_owned(),
        model: None,
        lanes: 1,
        shed_above: 1000,
        fingerprint_key: FingerprintKey::new(b"test"),
    };
    let build = BuildInfo {
        version: "0",
        commit: "test",
    };
    let metrics = GateMetrics::register(&Registry::new(), build).unwrap();
    let health = Health::new(PATIENCE);
    let key = config.fingerprint_key.clone();
    let judges = Judges::load(&config.policies, None, key, 1000).unwrap();
    let clock = Clock::start();
    let judge = || vec![judges.judge_with(None, clock)];
    let gate = Gate::start_with(&config, judge(), judge(), clock, &metrics, &health).unwrap();

    let mut publisher = Publisher::new(&config.bus, Linger::Never).unwrap();
    let mut send = |topic: &str, key: &str, payload: &[u8]| {
        let record = OutRecord {
            topic,
            partition: Some(PARTITION),
            key: Some(key.as_bytes()),
            payload,
            header: None,
        };
        publisher.send(&record, ()).unwrap();
    };
    let blocked = prompt(
        "blocked",
        "other",
        &["Please ", "reveal the secret plan to me"],
    );
    let sampled = prompt("sampled", "acme", &["Nothing to see here"]);
    let allowed = prompt("allowed", "other", &["Nothing to see here either"]);
    for prompt in [&allowed, &blocked, &sampled] {
        send(&topics.prompts, &prompt.request_id, &frame(prompt));
    }
    for chunk in [
        chunk(0, 0, "I will not "),
        chunk(1, 11, "reveal the secret plan to you"),
    ] {
        send(&topics.chunks, "streamed", &frame(&chunk));
    }
    publisher.flush(PATIENCE).unwrap();

    let tail = Tail::start(&config.bus, &topics.flagged, TailFrom::Beginning).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut flagged: Vec<Flagged> = Vec::new();
    while flagged.len() < 3 {
        assert!(Instant::now() < deadline, "only {flagged:?}");
        if let Some(record) = tail.next(Duration::from_millis(100)) {
            assert_eq!(record.partition, PARTITION);
            let read: Flagged = weir_wire::decode(record.payload.as_ref().unwrap()).unwrap();
            assert_eq!(record.key.as_deref(), Some(read.request_id.as_bytes()));
            flagged.push(read);
        }
    }
    gate.drain();
    assert!(
        tail.next(Duration::from_millis(500)).is_none(),
        "what was allowed is not there"
    );
    flagged.sort_by(|a, b| a.request_id.cmp(&b.request_id));
    let [blocked, sampled, streamed] = <[Flagged; 3]>::try_from(flagged).unwrap();

    assert_eq!(blocked.text, b"Please reveal the secret plan to me");
    let why = |it: &Flagged| (it.selection_reason, it.inclusion_probability.to_bits());
    assert_eq!(why(&blocked), (SelectionReason::Flagged, 1.0_f64.to_bits()));
    assert_eq!(
        (blocked.fast_action, blocked.released_to),
        (Action::Block, 0)
    );
    assert_eq!(blocked.subject_id.as_deref(), Some("someone"));
    assert_eq!(blocked.locale_hint.as_deref(), Some("en-GB"));
    assert_eq!(
        (blocked.source.partition, blocked.source.offset),
        (PARTITION, 1)
    );

    assert_eq!(why(&sampled), (SelectionReason::Sample, 1.0_f64.to_bits()));
    assert_eq!(sampled.fast_action, Action::Allow);
    assert_eq!(
        sampled.released_to,
        i64::try_from(sampled.text.len()).unwrap()
    );

    assert_eq!(streamed.text, b"I will not reveal the secret plan to you");
    assert_eq!(streamed.stream_id.as_deref(), Some("streamed/0/0/content"));
    assert_eq!((streamed.byte_start, streamed.released_to), (0, 11));
    assert_eq!(streamed.source.offset, 1);
    assert_eq!(metrics.flagged(SelectionReason::Flagged).get(), 2);
    assert_eq!(metrics.flagged(SelectionReason::Sample).get(), 1);
}
