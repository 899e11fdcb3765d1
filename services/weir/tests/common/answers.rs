//! Answers that a make-believe model writes, guarded by the client.

use std::convert::Infallible;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};
use weir_client::{
    BusConfig, ClientError, Cut, Event, FailMode, OnExpiry, Prompt, StreamName, Summary, Worker,
    WorkerConfig,
};

use super::cluster::Cluster;

/// Time for any verdict: what a test waits for is never that.
pub(crate) const NO_HURRY_MS: u64 = 60_000;

/// Policies under which nothing is given up in a hurry.
const PATIENT_POLICY: &str = r#"id: patient
version: "1"
tenants: ["*"]
budget_ms: 60000
fail: { mode: closed, required: [rules] }
detectors:
  card: { action: attenuate, min_score: 0.5, mask: last_four }
stream: { hold: { ms: 10000, on_expiry: hold }, idle_ms: 120000 }
completions: { und: Stop here. }
"#;
const PATIENT_RULES: &str = "rules:
  - id: secret
    category: illicit
    severity: high
    score: 0.9
    action: block
    literals: [reveal the secret plan]
";

/// Writes the patient policy and its rules to `dir`.
pub(crate) fn policies(dir: &Path) -> &str {
    std::fs::create_dir(dir.join("rules")).unwrap();
    std::fs::write(dir.join("default.yaml"), PATIENT_POLICY).unwrap();
    std::fs::write(dir.join("rules/rules.yaml"), PATIENT_RULES).unwrap();
    dir.to_str().unwrap()
}

/// What an inference worker has.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Writes a text token by token.
pub(crate) struct Model {
    tokens: std::vec::IntoIter<Vec<u8>>,
    every: Duration,
    pause: Pin<Box<Sleep>>,
}

impl Model {
    /// One that writes `text` in pieces of `bytes` bytes, one each `every`.
    pub(crate) fn new(text: &str, bytes: usize, every: Duration) -> Self {
        let tokens: Vec<Vec<u8>> = text.as_bytes().chunks(bytes).map(<[u8]>::to_vec).collect();
        Self {
            tokens: tokens.into_iter(),
            every,
            pause: Box::pin(sleep(every)),
        }
    }
}

impl Stream for Model {
    type Item = Result<Vec<u8>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.pause.as_mut().poll(context));
        let next = Instant::now() + self.every;
        self.pause.as_mut().reset(next);
        Poll::Ready(self.tokens.next().map(Ok))
    }
}

/// What a user saw of an answer.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) cut: Option<Cut>,
    pub(crate) summary: Summary,
    /// Longest time between two texts.
    pub(crate) longest_pause: Duration,
}

/// A worker of the cluster that gives nothing up in a hurry.
pub(crate) fn worker(cluster: &Cluster) -> Worker {
    connect(cluster, None).unwrap()
}

/// The same, or why there is none, with a registry's ids.
pub(crate) fn connect(cluster: &Cluster, registry: Option<&str>) -> Result<Worker, ClientError> {
    let mut config = patient(cluster.bus.clone());
    config.prompts_topic.clone_from(&cluster.prompts);
    config.chunks_topic.clone_from(&cluster.chunks);
    config.verdicts_topic.clone_from(&cluster.verdicts);
    config.registry = registry.map(str::to_owned);
    Worker::connect(config)
}

/// Waits for any verdict, on the topics that are declared.
pub(crate) fn patient(bus: BusConfig) -> WorkerConfig {
    let mut config = WorkerConfig::new(bus);
    config.partitions = 4;
    config.fallback.budget_us = 1000 * i64::try_from(NO_HURRY_MS).unwrap();
    config.fallback.fail_mode = FailMode::Closed;
    config.fallback.on_expiry = OnExpiry::Hold;
    config
}

/// Asks, and guards the model's answer to its end.
pub(crate) async fn ask(worker: Worker, question: &str, model: Model) -> Seen {
    let request = worker.submit(Prompt::user("tests", question)).unwrap();
    let mut answer = request.guard(StreamName::default(), model);
    let mut text = Vec::new();
    let mut cut = None;
    let mut longest_pause = Duration::ZERO;
    let mut last: Option<Instant> = None;
    loop {
        let event = answer.next().await;
        match event.unwrap().unwrap() {
            Event::Text(more) => {
                let now = Instant::now();
                let pause = last.replace(now).map_or(Duration::ZERO, |last| now - last);
                longest_pause = longest_pause.max(pause);
                text.extend_from_slice(&more);
            }
            Event::Retract { keep_bytes } => text.truncate(keep_bytes),
            Event::Cut(how) => cut = Some(how),
            Event::TooLong(error) => panic!("{error}"),
            Event::Done(summary) => {
                return Seen {
                    text: String::from_utf8(text).unwrap(),
                    cut,
                    summary,
                    longest_pause,
                };
            }
        }
    }
}
