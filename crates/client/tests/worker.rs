//! A worker on an embedded broker, with a gate that judges by three simple rules.
#![allow(clippy::unwrap_used, reason = "tests")]

mod fake;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use fake::{Fixture, Mood};
use futures_core::Stream;
use weir_client::{
    Admission, Ended, Event, FailMode, Prompt, PromptOutcome, Request, StreamName, Summary, Worker,
};
use weir_wire::End;

/// Pieces of text, one each time that a timer has passed.
struct Engine {
    pieces: std::vec::IntoIter<&'static str>,
    every: Duration,
    sleep: Pin<Box<tokio::time::Sleep>>,
}

fn engine(pieces: &[&'static str], every_ms: u64) -> Engine {
    let every = Duration::from_millis(every_ms);
    Engine {
        pieces: Vec::from(pieces).into_iter(),
        every,
        sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
    }
}

impl Stream for Engine {
    type Item = Result<&'static str, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        std::task::ready!(self.sleep.as_mut().poll(context));
        let next = tokio::time::Instant::now() + self.every;
        self.sleep.as_mut().reset(next);
        Poll::Ready(self.pieces.next().map(Ok))
    }
}

fn prompt(text: &str) -> Prompt {
    Prompt::user("acme", text)
}

/// What the user sees at the end, and the summary.
async fn watch<S>(mut stream: S) -> (String, Summary)
where
    S: Stream<Item = Result<Event, Infallible>> + Unpin,
{
    let mut screen = Vec::new();
    let mut completion = String::new();
    let mut summary = None;
    while let Some(event) =
        std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await
    {
        match event.unwrap() {
            Event::Text(text) => screen.extend(text),
            Event::Retract { keep_bytes } => screen.truncate(keep_bytes),
            Event::Cut(cut) => completion = cut.completion.unwrap_or_default(),
            Event::TooLong(error) => panic!("{error}"),
            Event::Done(done) => summary = Some(done),
        }
    }
    let text = String::from_utf8(screen).unwrap() + &completion;
    (text, summary.unwrap())
}

async fn answer(request: &Request, pieces: &[&'static str]) -> (String, Summary) {
    watch(request.guard(StreamName::default(), engine(pieces, 2))).await
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(async {
        tokio::time::timeout(Duration::from_secs(60), test)
            .await
            .unwrap();
    });
}

#[test]
fn a_clean_answer_flows_through_while_its_prompt_is_checked() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker();
        let request = worker.submit(prompt("hello")).unwrap();
        let (text, summary) = answer(&request, &["Good ", "morn", "ing, ", "Äpfel", "!?"]).await;
        assert_eq!(text, "Good morning, Äpfel!?");
        assert_eq!((summary.ended, summary.timeouts), (Ended::Complete, 0));
    });
}

/// An idempotent producer has its id only half a second after its start: connecting waits for it.
#[test]
fn the_first_prompt_does_not_spend_its_budget_on_connecting() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker_with(|config| {
            config.fallback.budget_us = 300_000;
            config.fallback.fail_mode = FailMode::Closed;
        });
        let request = worker.check_prompt(prompt("hello")).await.unwrap();
        assert_eq!(request.check().outcome(), PromptOutcome::Passed);
    });
}

#[test]
fn what_is_found_is_masked_wherever_tokens_cut_it() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker();
        let request = worker.check_prompt(prompt("hello")).await.unwrap();
        assert_eq!(request.check().outcome(), PromptOutcome::Passed);
        let (text, _) = answer(&request, &["The se", "cr", "et is sa", "fe."]).await;
        assert_eq!(text, "The ****** is safe.");
    });
}

#[test]
fn a_block_stops_the_engine_and_shows_the_completion() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker();
        let request = worker.submit(prompt("hello")).unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopped);
        // The engine would go on for an hour.
        let pieces = vec!["Fine, ", "then a", "wful", " more"];
        let mut engine = engine(&pieces, 2);
        engine.pieces = pieces.repeat(1000).into_iter();
        let stream = request
            .guard(StreamName::default(), engine)
            .on_abort(move || told.store(true, Ordering::SeqCst));
        let (text, summary) = watch(stream).await;
        assert_eq!(text, "Fine, then [stopped]");
        assert_eq!(summary.ended, Ended::Cut);
        assert!(stopped.load(Ordering::SeqCst));
    });
}

#[test]
fn a_blocked_prompt_shows_its_completion_on_every_stream() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker();
        let request = worker.submit(prompt("awful")).unwrap();
        for choice in 0..2 {
            let name = StreamName {
                choice,
                ..StreamName::default()
            };
            let (text, summary) = watch(request.guard(name, engine(&["Sure"], 2))).await;
            assert_eq!(text, "[no]");
            assert_eq!((summary.ended, summary.shown_to), (Ended::Cut, 0));
        }
    });
}

#[test]
fn streams_of_one_request_do_not_mix() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker();
        let request = worker.check_prompt(prompt("hello")).await.unwrap();
        let name = |choice| StreamName {
            choice,
            ..StreamName::default()
        };
        let first = watch(request.guard(name(0), engine(&["a se", "cret", " b"], 3)));
        let second = watch(request.guard(name(1), engine(&["x", "y", " awful"], 2)));
        let (first, second) = tokio::join!(first, second);
        assert_eq!(first.0, "a ****** b");
        assert_eq!(second.0, "xy [stopped]");
    });
}

#[test]
fn a_stream_that_is_dropped_tells_the_gate() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker();
        let request = worker.check_prompt(prompt("hello")).await.unwrap();
        let mut stream = request.guard(StreamName::default(), engine(&["One", "two"], 5));
        let first = stream.next().await;
        assert_eq!(first, Some(Ok(Event::Text(b"One".to_vec()))));
        drop(stream);
        assert!(worker.flush(Duration::from_secs(10)));
        fixture.wait_for_chunk(|chunk| {
            chunk.end == End::ClientAbort && chunk.request_id == request.id()
        });
    });
}

#[test]
fn a_foreign_id_is_pinned_and_may_be_in_flight_only_once() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker();
        for number in 0..8 {
            let prompt = Prompt {
                request_id: format!("from elsewhere/{number}"),
                ..prompt("hello")
            };
            let request = worker.submit(prompt.clone()).unwrap();
            assert!(worker.submit(prompt).is_err());
            let (text, summary) = answer(&request, &["One ", "two"]).await;
            assert_eq!((text.as_str(), summary.timeouts), ("One two", 0));
        }
    });
}

#[test]
fn verdicts_for_other_workers_are_left_alone() {
    let fixture = Fixture::start();
    fixture.set_mood(Mood::WrongWorker);
    run(async {
        let worker = fixture.worker_with(|config| {
            config.fallback.budget_us = 300_000;
            config.fallback.fail_mode = FailMode::Closed;
        });
        let request = worker.check_prompt(prompt("hello")).await.unwrap();
        assert!(matches!(
            request.check().outcome(),
            PromptOutcome::Blocked(_)
        ));
    });
}

#[test]
fn without_verdicts_the_fail_mode_decides_and_the_breaker_opens_and_closes() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker_with(|config| {
            config.fallback.budget_us = 30_000;
            config.breaker_threshold = 3;
            config.probe_every = Duration::from_millis(300);
        });
        fixture.set_mood(Mood::Silent);
        let request = worker.submit(prompt("hello")).unwrap();
        let (text, summary) = answer(&request, &["One ", "two"]).await;
        assert_eq!(text, "One two");
        assert!(summary.timeouts >= 3 && !summary.bypassed, "{summary:?}");
        assert!(worker.breaker_is_open());

        let request = worker.submit(prompt("hello")).unwrap();
        assert_eq!(request.admission(), Admission::Bypass);
        let (text, summary) = answer(&request, &["awf", "ul"]).await;
        assert_eq!(
            (text.as_str(), summary.bypassed, summary.chunks),
            ("awful", true, 0)
        );

        fixture.set_mood(Mood::Well);
        wait_until_closed(&worker).await;
        let request = worker.check_prompt(prompt("hello")).await.unwrap();
        assert_eq!(request.admission(), Admission::Normal);
    });
}

/// Requests come until a probe is answered in time.
async fn wait_until_closed(worker: &Worker) {
    while worker.breaker_is_open() {
        let request = worker.check_prompt(prompt("hello")).await.unwrap();
        assert!(request.admission() != Admission::Normal || !worker.breaker_is_open());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_late_block_takes_back_what_time_let_through() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker_with(|config| {
            config.fallback.budget_us = 500_000;
            config.late_blocks = Duration::from_secs(20);
        });
        let request = worker.check_prompt(prompt("hello")).await.unwrap();
        // Far beyond a chunk's budget.
        fixture.set_mood(Mood::Slow(Duration::from_millis(1500)));
        let (text, summary) = answer(&request, &["Fine, then awful"]).await;
        assert_eq!(text, "Fine, then [stopped]");
        assert_eq!((summary.ended, summary.shown_to), (Ended::Complete, 16));
    });
}

#[test]
fn a_superseding_block_of_the_prompt_ends_all_streams_of_its_request_alone() {
    let fixture = Fixture::start();
    run(async {
        let worker = fixture.worker();
        let request = worker.check_prompt(prompt("hello")).await.unwrap();
        let other = worker.check_prompt(prompt("hello")).await.unwrap();
        let name = |choice| StreamName {
            choice,
            ..StreamName::default()
        };
        let stopped = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopped);
        // They would go on for an hour.
        let endless = || {
            let mut engine = engine(&[], 2);
            engine.pieces = vec!["more "; 1_000_000].into_iter();
            engine
        };
        let first = request
            .guard(name(0), endless())
            .on_abort(move || told.store(true, Ordering::SeqCst));
        let second = request.guard(name(1), endless());
        let untouched = other.guard(StreamName::default(), engine(&["Good ", "morning"], 100));
        let (id, worker_id) = (request.id().to_owned(), worker.id().to_owned());
        let rescorer = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            fixture.supersede_prompt("unknown", &worker_id);
            fixture.supersede_prompt(&id, &worker_id);
        };
        let (first, second, untouched, ()) =
            tokio::join!(watch(first), watch(second), watch(untouched), rescorer);
        for (text, summary) in [first, second] {
            assert_eq!((text.as_str(), summary.ended), ("[heavy]", Ended::Cut));
        }
        assert!(stopped.load(Ordering::SeqCst));
        assert_eq!(untouched.0, "Good morning");
        assert_eq!(untouched.1.ended, Ended::Complete);

        let late = watch(request.guard(name(2), engine(&["Too late"], 2))).await;
        assert_eq!((late.0.as_str(), late.1.shown_to), ("[heavy]", 0));
    });
}

#[test]
fn topics_that_differ_in_partitions_are_refused() {
    let broker = weir_bus::EmbeddedBroker::start([
        ("weir.prompts.v1", 3),
        ("weir.chunks.v1", 4),
        ("weir.verdicts.v1", 4),
    ]);
    let config = weir_client::WorkerConfig::new(broker.as_ref().unwrap().config());
    let error = Worker::connect(config).unwrap_err().to_string();
    assert!(
        error.contains("weir.prompts.v1 has 3 partitions"),
        "{error}"
    );
}
