//! An embedded broker and a gate that masks `secret`, blocks at `awful`, and holds what might become
//! either.

mod judge;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use judge::Judge;
use weir_bus::{EmbeddedBroker, InRecord, Linger, OutRecord, Publisher, Tail, TailFrom};
use weir_client::{Worker, WorkerConfig};
use weir_types::Verdict;
use weir_wire::{Chunk, Prompt};

const TOPICS: [(&str, i32); 3] = [
    ("weir.prompts.v1", 4),
    ("weir.chunks.v1", 4),
    ("weir.verdicts.v1", 4),
];
const WAIT: Duration = Duration::from_millis(5);
const WAITS: u32 = 4000;

/// How the gate behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Answers at once.
    Well,
    /// Answers nothing.
    Silent,
    /// Answers after so long.
    Slow(Duration),
    /// Answers somebody else.
    WrongWorker,
}

pub(crate) struct Fixture {
    broker: EmbeddedBroker,
    state: Arc<State>,
    gate: Option<JoinHandle<()>>,
}

struct State {
    mood: Mutex<Mood>,
    stop: AtomicBool,
    chunks: Mutex<Vec<Chunk>>,
}

impl Fixture {
    pub(crate) fn start() -> Self {
        let broker = EmbeddedBroker::start(TOPICS).unwrap();
        let state = Arc::new(State {
            mood: Mutex::new(Mood::Well),
            stop: AtomicBool::new(false),
            chunks: Mutex::default(),
        });
        let bus = broker.config();
        let tails = [TOPICS[0].0, TOPICS[1].0]
            .map(|topic| Tail::start(&bus, topic, TailFrom::Beginning).unwrap());
        let publisher = Publisher::new(&bus, Linger::Never).unwrap();
        let gate = {
            let state = Arc::clone(&state);
            std::thread::spawn(move || run(&state, &tails, publisher))
        };
        Self {
            broker,
            state,
            gate: Some(gate),
        }
    }

    pub(crate) fn worker(&self) -> Worker {
        self.worker_with(|_| {})
    }

    /// Budgets are long enough for a busy machine, unless a test says otherwise.
    pub(crate) fn worker_with(&self, change: impl FnOnce(&mut WorkerConfig)) -> Worker {
        let mut config = WorkerConfig::new(self.broker.config());
        config.fallback.budget_us = 5_000_000;
        change(&mut config);
        Worker::connect(config).unwrap()
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        *self.state.mood.lock().unwrap() = mood;
    }

    /// What a rescorer would write. To all partitions: the test does not know the request's.
    pub(crate) fn supersede_prompt(&self, request_id: &str, worker_id: &str) {
        let mut publisher = Publisher::new(&self.broker.config(), Linger::Never).unwrap();
        for partition in 0..TOPICS[2].1 {
            let verdict = judge::superseding_block(request_id, worker_id);
            answer(&self.state, &mut publisher, partition, verdict);
        }
        publisher.flush(Duration::from_secs(10)).unwrap();
    }

    pub(crate) fn wait_for_chunk(&self, wanted: impl Fn(&Chunk) -> bool) {
        for _ in 0..WAITS {
            if self.state.chunks.lock().unwrap().iter().any(&wanted) {
                return;
            }
            std::thread::sleep(WAIT);
        }
        panic!("the chunk did not come");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        let gate = self.gate.take().unwrap().join();
        assert!(gate.is_ok() || std::thread::panicking());
    }
}

fn run(state: &State, tails: &[Tail; 2], mut publisher: Publisher<()>) {
    let mut judge = Judge::default();
    while !state.stop.load(Ordering::SeqCst) {
        let wait = Duration::from_millis(1);
        if let Some(record) = tails[0].next(wait) {
            let prompt: Prompt = decode(&record);
            answer(
                state,
                &mut publisher,
                record.partition,
                judge.prompt(&prompt),
            );
        }
        if let Some(record) = tails[1].next(wait) {
            let chunk: Chunk = decode(&record);
            let verdict = judge.chunk(&chunk);
            state.chunks.lock().unwrap().push(chunk);
            answer(state, &mut publisher, record.partition, verdict);
        }
        publisher.poll(&mut Vec::new(), |()| true).unwrap();
    }
}

fn decode<T: weir_wire::Record>(record: &InRecord) -> T {
    weir_wire::decode(record.payload.as_ref().unwrap()).unwrap()
}

fn answer(state: &State, publisher: &mut Publisher<()>, partition: i32, mut verdict: Verdict) {
    let mood = *state.mood.lock().unwrap();
    match mood {
        Mood::Well => {}
        Mood::Silent => return,
        Mood::Slow(time) => std::thread::sleep(time),
        Mood::WrongWorker => verdict.worker_id.push('x'),
    }
    let mut frame = Vec::new();
    weir_wire::encode(&verdict, &mut frame).unwrap();
    let record = OutRecord {
        topic: TOPICS[2].0,
        partition: Some(partition),
        key: Some(verdict.request_id.as_bytes()),
        payload: &frame,
        header: None,
    };
    publisher.send(&record, ()).unwrap();
}
