//! What comes of all kinds of flagged records. On the embedded broker, which has no transactions.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::{Cluster, PARTITIONS, flagged, frame, start};
use weir_bus::{EmbeddedBroker, Tail, TailFrom};
use weir_rescore::{Delivery, RescoreTopics};
use weir_types::{Action, DeadLetterReason, Outcome, UnjudgedCause, Verdict};
use weir_wire::{DeadLetter, Enc, Flagged, Moderation};

const PATIENCE: Duration = Duration::from_secs(60);

fn collect(tail: &Tail, number: usize) -> Vec<weir_bus::InRecord> {
    let deadline = Instant::now() + PATIENCE;
    let mut records = Vec::new();
    while records.len() < number {
        assert!(Instant::now() < deadline, "{} of {number}", records.len());
        records.extend(tail.next(Duration::from_millis(100)));
    }
    records
}

#[test]
fn every_record_comes_out_as_a_judgement_or_a_dead_letter() {
    let topics = RescoreTopics::default();
    let names = [
        &topics.flagged,
        &topics.moderation,
        &topics.dead_letters,
        &topics.verdicts,
    ];
    let broker = EmbeddedBroker::start(names.map(|name| (name.as_str(), PARTITIONS))).unwrap();
    let cluster = Cluster::at(broker.config());
    let id = |number: u8| format!("{number:032x}");
    let texts: [(&str, &[u8]); 8] = [
        ("harmless", b"what a day"),
        (
            "tightened",
            b"nothing but hate in here, word upon word upon word upon word",
        ),
        ("empty", b""),
        ("broken", b"\xff\xfe hate \x80"),
        ("not a number", b"nan"),
        ("failing", b"fail"),
        ("longer than the model reads", b"long"),
        ("one that makes it panic", b"panic"),
    ];
    let encrypted = Flagged {
        enc: Some(Enc {
            key_id: "k".to_owned(),
            nonce: vec![0; 12],
        }),
        ..flagged(&id(100), "x")
    };
    let improbable = Flagged {
        inclusion_probability: 0.0,
        ..flagged(&id(101), "x")
    };
    let good = (0..).zip(texts).map(|(number, (_, text))| {
        let flagged = Flagged {
            text: text.to_vec(),
            ..flagged(&id(number), "")
        };
        (i32::from(number) % PARTITIONS, frame(&flagged))
    });
    let bad = [b"?".to_vec(), frame(&encrypted), frame(&improbable)];
    let large = (0, frame(&flagged(&id(50), &"word ".repeat(200_000))));
    cluster.send(
        &topics.flagged,
        good.chain([large])
            .chain(bad.into_iter().map(|bad| (3, bad))),
    );

    let rescorer = start(&cluster, Delivery::AtLeastOnce);
    let tail = Tail::start(&cluster.bus, &topics.moderation, TailFrom::Beginning).unwrap();
    let written: BTreeMap<String, Moderation> = collect(&tail, texts.len() + 1)
        .into_iter()
        .map(|record| {
            let moderation: Moderation = weir_wire::decode(&record.payload.unwrap()).unwrap();
            assert_eq!(record.key.as_deref(), Some(b"r".as_slice()));
            (moderation.verdict_id.clone(), moderation)
        })
        .collect();
    let of = |number: u8| &written[&id(number)];
    assert_eq!((of(0).outcome, of(0).risk), (Outcome::Confirmed, Some(0.1)));
    let tightened = of(1);
    assert_eq!(
        (tightened.outcome, tightened.heavy_action),
        (Outcome::Tightened, Action::Block)
    );
    assert_eq!(tightened.supersedes.as_deref(), Some(id(1).as_str()));
    let influence = &tightened.influences[0];
    assert!(
        influence.span.start < 20 && influence.change > 0.9,
        "{influence:?}"
    );
    assert_eq!(of(2).outcome, Outcome::Confirmed);
    assert_eq!(of(3).outcome, Outcome::Tightened);
    // One text that the model cannot score costs the others nothing.
    for number in [4, 5, 7] {
        assert_eq!(of(number).outcome, Outcome::Unjudged);
        assert_eq!(of(number).unjudged[0].cause, UnjudgedCause::Failed);
    }
    assert_eq!(of(6).unjudged[0].cause, UnjudgedCause::Truncated);
    assert_eq!(of(50).outcome, Outcome::Confirmed);

    // What tightens reaches the worker: in the partition of the prompt, which is 0 for all.
    let tail = Tail::start(&cluster.bus, &topics.verdicts, TailFrom::Beginning).unwrap();
    let mut superseding: Vec<Verdict> = collect(&tail, 2)
        .into_iter()
        .map(|record| {
            assert_eq!(
                (record.partition, record.key.as_deref()),
                (0, Some(b"r".as_slice()))
            );
            weir_wire::decode(&record.payload.unwrap()).unwrap()
        })
        .collect();
    superseding.sort_by(|one, other| one.supersedes.cmp(&other.supersedes));
    let of = |at: usize| {
        (
            superseding[at].supersedes.clone().unwrap(),
            superseding[at].action,
        )
    };
    assert_eq!(
        (of(0), of(1)),
        ((id(1), Action::Block), (id(3), Action::Block))
    );
    assert!(tail.next(Duration::from_millis(500)).is_none());

    let tail = Tail::start(&cluster.bus, &topics.dead_letters, TailFrom::Beginning).unwrap();
    let letters = collect(&tail, 3);
    let mut reasons: Vec<_> = letters
        .into_iter()
        .map(|record| {
            weir_wire::decode::<DeadLetter>(&record.payload.unwrap())
                .unwrap()
                .reason
        })
        .collect();
    reasons.sort_unstable_by_key(|reason| *reason as u8);
    let expected = [
        DeadLetterReason::MalformedFrame,
        DeadLetterReason::Invalid,
        DeadLetterReason::Invalid,
    ];
    assert_eq!(reasons, expected);
    rescorer.drain();
}
