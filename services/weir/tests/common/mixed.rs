//! Prompts and streams of every kind, side by side, without a client that waits for verdicts.

use std::time::{Duration, Instant};

use serde::Deserialize;
use weir_bus::{Linger, OutRecord, Publisher};
use weir_wire::{Channel, Chunk, End, Opening, Prompt};

use super::cluster::{Cluster, finish, frame, prompt};

/// Texts of every kind: harmless, harmful, with personal data, in many languages.
const TEXTS: &str = include_str!("../../../../evals/demo/prompts.jsonl");
/// Between two rounds of the load.
const ROUND: Duration = Duration::from_millis(20);
/// Prompts of a round, and streams that are open at once.
const PROMPTS: usize = 4;
const STREAMS: usize = 24;

/// Prompts and streams side by side, at a steady rate.
pub(crate) struct Mixed<'a> {
    cluster: &'a Cluster,
    publisher: Publisher<()>,
    texts: Vec<String>,
    prompts: usize,
    open: Vec<Answer>,
    streams: usize,
}

/// A stream that is being written.
struct Answer {
    request_id: String,
    text: Vec<u8>,
    at: usize,
    seq: i64,
    step: usize,
    /// A chunk that the next one overtakes.
    overtaken: Option<Vec<u8>>,
}

impl<'a> Mixed<'a> {
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        #[derive(Deserialize)]
        struct Row {
            text: String,
        }
        let row = |line| serde_json::from_str::<Row>(line).unwrap().text;
        Self {
            cluster,
            publisher: Publisher::new(&cluster.bus, Linger::ByLoad).unwrap(),
            texts: TEXTS.lines().map(row).collect(),
            prompts: 0,
            open: Vec::new(),
            streams: 0,
        }
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.round();
            // The pace of the load; nothing waits for it.
            std::thread::sleep(ROUND);
        }
    }

    pub(crate) fn round(&mut self) {
        for _ in 0..PROMPTS {
            self.prompt();
        }
        while self.open.len() < STREAMS {
            self.begin();
        }
        let mut open = std::mem::take(&mut self.open);
        open.retain_mut(|answer| self.chunk(answer));
        self.open = open;
        self.publisher.poll(&mut Vec::new(), |()| true).unwrap();
    }

    fn prompt(&mut self) {
        let number = self.prompts;
        self.prompts += 1;
        let id = format!("prompt-{number}");
        let text = self.texts[number % self.texts.len()].clone();
        let budget_us = match number % 50 {
            // Spent when it comes.
            7 => Some(0),
            // Perhaps spent, for instance while no gate runs.
            8 | 9 => Some(20_000),
            _ => None,
        };
        let prompt = Prompt {
            budget_us: budget_us.or(Some(600_000_000)),
            ..prompt(&id, text)
        };
        let payload = match number % 97 {
            13 => b"no frame".to_vec(),
            _ => frame(&prompt),
        };
        send(&mut self.publisher, &self.cluster.prompts, &id, &payload);
    }

    fn begin(&mut self) {
        let number = self.streams;
        self.streams += 1;
        let texts = (0..3).map(|at| self.texts[(number * 3 + at) % self.texts.len()].as_str());
        self.open.push(Answer {
            request_id: format!("answer-{number}"),
            text: texts.collect::<Vec<_>>().join(" ").into_bytes(),
            at: 0,
            seq: 0,
            step: 5 + number % 20,
            overtaken: None,
        });
    }

    /// Whether it goes on.
    fn chunk(&mut self, answer: &mut Answer) -> bool {
        let end = (answer.at + answer.step).min(answer.text.len());
        let is_last = end == answer.text.len();
        let chunk = Chunk {
            request_id: answer.request_id.clone(),
            attempt: 0,
            choice: 0,
            channel: Channel::Content,
            seq: answer.seq,
            byte_start: i64::try_from(answer.at).unwrap(),
            text: answer.text[answer.at..end].to_vec(),
            end: if is_last { End::Complete } else { End::None },
            tenant: "acme".to_owned(),
            policy_hash: String::new(),
            worker_id: "test".to_owned(),
            opening: (answer.seq == 0).then(|| Opening {
                budget_us: Some(600_000_000),
                // The policy's hold runs out now and then.
                hold_ms: self.streams.is_multiple_of(2).then_some(600_000),
                ..opening()
            }),
            enc: None,
        };
        let payload = frame(&chunk);
        // Some come out of order, some twice.
        if answer.step == 7 && answer.seq == 2 && !is_last {
            answer.overtaken = Some(payload);
        } else {
            let twice = usize::from(answer.step == 11 && answer.seq % 5 == 3);
            let overtaken = answer.overtaken.take();
            let payloads = std::iter::repeat_n(payload, 1 + twice).chain(overtaken);
            for payload in payloads {
                send(
                    &mut self.publisher,
                    &self.cluster.chunks,
                    &answer.request_id,
                    &payload,
                );
            }
        }
        answer.at = end;
        answer.seq += 1;
        !is_last
    }

    /// Lets all streams end, and waits until the last record is acknowledged.
    pub(crate) fn finish(mut self) -> (usize, usize) {
        let mut open = std::mem::take(&mut self.open);
        while !open.is_empty() {
            open.retain_mut(|answer| self.chunk(answer));
        }
        finish(&mut self.publisher);
        (self.prompts, self.streams)
    }
}

fn opening() -> Opening {
    let example = include_str!("../../../../schemas/examples/chunk.json");
    let chunk: Chunk = serde_json::from_str(example).unwrap();
    Opening {
        locale_hint: None,
        hold_chars: None,
        prompt_categories: Vec::new(),
        ..chunk.opening.unwrap()
    }
}

pub(crate) fn send(publisher: &mut Publisher<()>, topic: &str, key: &str, payload: &[u8]) {
    let record = OutRecord {
        topic,
        partition: None,
        key: Some(key.as_bytes()),
        payload,
        header: None,
    };
    publisher.send(&record, ()).unwrap();
}
