//! Guards a token generator against a running Weir.
//!
//! ```text
//! weir up                                              # in another terminal; prints its brokers
//! cargo run -p weir-client --example guard_tokens -- [BROKERS] [TEXT] [MS]
//!
//!   BROKERS  host:port of the cluster            [default: localhost:9092]
//!   TEXT     what the make-believe model writes  [default: a sentence with a card number]
//!   MS       milliseconds a token                [default: 30]
//! ```
//!
//! Options of librdkafka come from the environment: `WEIR_KAFKA_SASL_MECHANISM=PLAIN`.
//! What may be shown goes to standard output as it comes, what happens beside it to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example")]

use std::convert::Infallible;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};
use weir_client::{BusConfig, Event, Prompt, StreamName, Worker, WorkerConfig};

const TEXT: &str = "Weirs hold water back. Pay with 4111 1111 1111 1111, valid until never.";

/// Writes a text, three bytes at a time, whatever characters that splits.
struct Model {
    text: Vec<u8>,
    written: usize,
    every: Duration,
    pause: Pin<Box<Sleep>>,
}

impl Stream for Model {
    type Item = Result<Vec<u8>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.pause.as_mut().poll(context));
        let next = Instant::now() + self.every;
        self.pause.as_mut().reset(next);
        let (from, to) = (self.written, (self.written + 3).min(self.text.len()));
        self.written = to;
        Poll::Ready((from < to).then(|| Ok(self.text[from..to].to_vec())))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut bus = BusConfig::new(arguments.next().as_deref().unwrap_or("localhost:9092"));
    bus.add_environment(std::env::vars_os())?;
    let text = arguments.next().unwrap_or_else(|| TEXT.to_owned());
    let every_ms = arguments.next().map_or(Ok(30), |ms| ms.parse())?;

    let worker = Worker::connect(WorkerConfig::new(bus))?;
    let request = worker.submit(Prompt::user("default", "What is a weir?"))?;
    eprintln!("request {}", request.id());

    let every = Duration::from_millis(every_ms);
    let model = Model {
        text: text.into_bytes(),
        written: 0,
        every,
        pause: Box::pin(sleep(every)),
    };
    let mut answer = request
        .guard(StreamName::default(), model)
        .on_abort(|| eprintln!("\n[the engine is stopped]"));
    let mut out = std::io::stdout();
    while let Some(event) = answer.next().await {
        match event? {
            Event::Text(text) => out.write_all(&text)?,
            Event::Retract { keep_bytes } => eprintln!("\n[all but {keep_bytes} bytes taken back]"),
            Event::Cut(cut) => writeln!(out, "\n{}", cut.completion.unwrap_or_default())?,
            Event::TooLong(error) => eprintln!("\n[{error}]"),
            Event::Done(summary) => eprintln!("\n{summary:?}"),
        }
        out.flush()?;
    }
    Ok(())
}
