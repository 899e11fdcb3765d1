use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use weir_bus::{Tail, TailFrom, partition_count};
use weir_registry::Ids;
use weir_types::{Micros, StreamContract};
use weir_wire::{Chunk, Prompt};

use crate::breaker::{Admission, Breaker};
use crate::clock::Clock;
use crate::config::WorkerConfig;
use crate::error::ClientError;
use crate::inbox;
use crate::outbox::{Outbox, Outgoing};
use crate::prompt::PromptCheck;
use crate::request::{Request, RequestContext};
use crate::request_id::{RequestIds, choose_partitions};
use crate::routes::{Route, Routes, lock};
use crate::schemas;

/// An inference worker's connection to its Weir: one producer, one consumer of verdicts, a thread each.
///
/// Cheap to clone; one is enough for a process. The threads end when it and all its requests and
/// streams are gone.
#[derive(Debug, Clone)]
pub struct Worker {
    shared: Arc<Shared>,
}

/// What a worker's requests and streams share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) late_blocks: Micros,
    worker_id: String,
    prompts_topic: Arc<str>,
    chunks_topic: Arc<str>,
    fallback: Arc<StreamContract>,
    outbox: Outbox,
    routes: Arc<Routes>,
    breaker: Mutex<Breaker>,
    ids: Mutex<RequestIds>,
    schema_ids: Ids,
}

impl Worker {
    /// Connects. Blocks half a second, longer if the cluster is slow: until the ends of the verdicts'
    /// partitions are known, so that no verdict is missed, and until records go out at once, so that
    /// the first prompt does not spend its budget on that.
    ///
    /// # Errors
    /// [`ClientError`]: the cluster or the registry does not answer, a topic does not exist, the topics differ in
    /// their number of partitions, or what is written is not registered.
    pub fn connect(config: WorkerConfig) -> Result<Self, ClientError> {
        weir_wire::prepare();
        let schema_ids = schemas::connect(&config)?;
        let process = random();
        let worker_id = format!("w-{process:016x}");
        let mut own = Vec::new();
        let choose = |count| {
            own = choose_partitions(count, config.partitions, process);
            own.clone()
        };
        let bus = &config.bus;
        // First, since it takes longest to be ready.
        let publisher = Outbox::publisher(bus)?;
        let tail = Tail::start_some(bus, &config.verdicts_topic, TailFrom::End, choose)?;
        for topic in [&config.prompts_topic, &config.chunks_topic] {
            let partitions = partition_count(bus, topic)?;
            if partitions != tail.partitions() {
                return Err(ClientError::PartitionCounts {
                    topic: topic.clone(),
                    partitions,
                    verdicts_topic: config.verdicts_topic,
                    verdicts_partitions: tail.partitions(),
                });
            }
        }
        publisher.prepare(&[&config.prompts_topic, &config.chunks_topic])?;
        let partitions = tail.partitions();
        let routes = Arc::new(Routes::default());
        inbox::start(tail, worker_id.clone(), schema_ids.clone(), &routes)?;
        let ids = RequestIds::new(process, partitions, own);
        let shared = Shared {
            clock: Clock::start(),
            late_blocks: micros(config.late_blocks),
            worker_id,
            prompts_topic: config.prompts_topic.into(),
            chunks_topic: config.chunks_topic.into(),
            fallback: Arc::new(config.fallback),
            outbox: Outbox::start(publisher)?,
            routes,
            breaker: Mutex::new(Breaker::new(
                config.breaker_threshold,
                micros(config.probe_every),
            )),
            ids: Mutex::new(ids),
            schema_ids,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Sends a prompt to be judged, and does not wait. `worker_id` is filled in; an empty
    /// `request_id` is drawn; a `budget_us` of `None` becomes the fallback's.
    ///
    /// While the breaker is open nothing is sent, and the fail mode decides ([`Request::admission`]).
    ///
    /// # Errors
    /// [`ClientError::InFlight`] for an id that is in use; [`ClientError::Encode`].
    pub fn submit(&self, mut prompt: Prompt) -> Result<Request, ClientError> {
        let shared = &self.shared;
        let partition = if prompt.request_id.is_empty() {
            let (id, partition) = lock(&shared.ids).draw();
            prompt.request_id = id;
            partition
        } else {
            lock(&shared.ids).partition_for(&prompt.request_id)
        };
        prompt.worker_id.clone_from(&shared.worker_id);
        let budget_us = *prompt.budget_us.get_or_insert(shared.fallback.budget_us);
        let budget = Micros(u64::try_from(budget_us).unwrap_or(0));
        let in_flight = || ClientError::InFlight {
            request_id: prompt.request_id.clone(),
        };
        let route = shared
            .routes
            .open(&prompt.request_id)
            .ok_or_else(in_flight)?;
        let now = shared.clock.now();
        let admission = lock(&shared.breaker).admit(now);
        let fallback = Arc::clone(&shared.fallback);
        let check = if admission == Admission::Bypass {
            PromptCheck::bypassed(fallback)
        } else {
            let mut frame = Vec::new();
            weir_wire::encode_with(&shared.schema_ids, &prompt, &mut frame)?;
            shared.outbox.send(Outgoing {
                topic: Arc::clone(&shared.prompts_topic),
                partition,
                key: prompt.request_id,
                frame,
            });
            PromptCheck::sent_with_budget(fallback, budget, now)
        };
        let context = RequestContext {
            route,
            tenant: prompt.tenant,
            locale_hint: prompt.locale_hint,
            partition,
        };
        Ok(Request::new(Arc::clone(shared), context, check, admission))
    }

    /// [`Worker::submit`], then waits for the verdict or the fail mode: see [`Request::decided`].
    ///
    /// # Errors
    /// As [`Worker::submit`].
    pub async fn check_prompt(&self, prompt: Prompt) -> Result<Request, ClientError> {
        let mut request = self.submit(prompt)?;
        request.decided().await;
        Ok(request)
    }

    /// The name under which verdicts for this worker come: `w-` and 16 hex digits, drawn anew by each
    /// connection.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.worker_id
    }

    /// Whether so many verdicts stayed away that nobody waits for them.
    #[must_use]
    pub fn breaker_is_open(&self) -> bool {
        lock(&self.shared.breaker).is_open()
    }

    /// Waits, blocking, until all that was sent is delivered; `false` if that takes longer than
    /// `patience`. For the end of a process.
    #[must_use]
    pub fn flush(&self, patience: Duration) -> bool {
        self.shared.outbox.flush(patience)
    }
}

impl Shared {
    pub(crate) fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// Sends a chunk. One that cannot be written is logged, and its budget runs out.
    pub(crate) fn send_chunk(&self, chunk: Chunk, partition: i32) {
        let mut frame = Vec::new();
        match weir_wire::encode_with(&self.schema_ids, &chunk, &mut frame) {
            Ok(()) => self.outbox.send(Outgoing {
                topic: Arc::clone(&self.chunks_topic),
                partition,
                key: chunk.request_id,
                frame,
            }),
            Err(error) => tracing::error!(%error, "a chunk cannot be written"),
        }
    }

    /// Tells the breaker how the check of a prompt came out, once for all who wait for it.
    pub(crate) fn report_prompt(&self, route: &Route, check: &PromptCheck) {
        let is_out = check.next_deadline().is_none() && !check.is_bypassed();
        if is_out && route.report_once() {
            let timed_out = check.timed_out();
            self.report(u64::from(timed_out), u64::from(!timed_out));
        }
    }

    /// Tells the breaker of time-outs and of verdicts in time.
    pub(crate) fn report(&self, timeouts: u64, answers: u64) {
        if timeouts == 0 && answers == 0 {
            return;
        }
        let now = self.clock.now();
        let mut breaker = lock(&self.breaker);
        for _ in 0..timeouts {
            breaker.on_timeout(now);
        }
        if answers > 0 {
            breaker.on_answer();
        }
    }
}

fn micros(duration: Duration) -> Micros {
    Micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// From the system, by way of the seed of a hash map.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}
