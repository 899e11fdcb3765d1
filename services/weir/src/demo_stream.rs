//! The demo's second half: answers that a make-believe model writes, as it writes them and as the user
//! of a guarded one sees them.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::Context as _;
use futures_core::Stream;
use serde::Serialize;
use tokio::time::{Instant, Interval, interval};
use weir_bus::BusConfig;
use weir_client::{Event, Prompt, StreamName, Worker, WorkerConfig};

/// One token in so much time: forty a second, as a large model writes.
const TOKEN_EVERY: Duration = Duration::from_millis(25);
/// Bytes of the longest token.
const LONGEST_TOKEN: usize = 6;

/// Written for this demo; the card number is one that payment providers publish for tests, the key is made
/// up, and in parts, so that nobody takes this file for one that holds a key.
const ANSWERS: [(&str, &str); 2] = [
    (
        "a number that nobody should see",
        "Of course. The shop charged the card 4111 1111 1111 1111 on Monday, and the refund of 12.50 is on its way.",
    ),
    (
        "an answer that gives away a key",
        concat!(
            "Sure, here is how the job gets at the bucket. It uses the access key AK",
            "IA",
            "W3Q5TZ7K2MXN4RLP, which I found in your settings, and then it lists ..."
        ),
    ),
];

/// What happened to one answer.
#[derive(Debug, Serialize)]
pub(crate) struct Guarded {
    what: &'static str,
    generated: &'static str,
    released: String,
    truncate_at: Option<usize>,
    completion: Option<String>,
    /// Longest time that any text was held beyond the moment it was written, milliseconds.
    longest_hold_ms: u128,
    #[serde(skip)]
    timeline: Vec<Moment>,
}

/// Something was written, or shown.
#[derive(Debug)]
struct Moment {
    at: Duration,
    written: Option<String>,
    shown: Option<String>,
}

/// Guards every answer against the gate that runs on this broker.
pub(crate) fn play(bus: BusConfig) -> anyhow::Result<Vec<Guarded>> {
    let mut config = WorkerConfig::new(bus);
    // The embedded broker is slow to wake, and nobody waits.
    config.fallback.budget_us = 2_000_000;
    let worker = Worker::connect(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    ANSWERS
        .into_iter()
        .map(|(what, text)| runtime.block_on(guard(&worker, what, text)))
        .collect()
}

async fn guard(
    worker: &Worker,
    what: &'static str,
    generated: &'static str,
) -> anyhow::Result<Guarded> {
    let mut request = worker.submit(Prompt::user("demo", "What did I ask?"))?;
    request.decided().await;
    let begun = Instant::now();
    let written = Arc::new(Mutex::new(Vec::new()));
    let model = Model::new(generated, begun, Arc::clone(&written));
    let mut answer = request.guard(StreamName::default(), model);
    let mut guarded = Guarded {
        what,
        generated,
        released: String::new(),
        truncate_at: None,
        completion: None,
        longest_hold_ms: 0,
        timeline: Vec::new(),
    };
    loop {
        let event = answer.next().await;
        match event.context("the stream ended without a summary")?? {
            Event::Text(text) => guarded.show(&text, begun.elapsed()),
            Event::Retract { keep_bytes } => guarded.released.truncate(keep_bytes),
            Event::Cut(cut) => {
                guarded.truncate_at = Some(cut.truncate_at);
                guarded.completion = cut.completion;
            }
            Event::TooLong(error) => return Err(error.into()),
            Event::Done(_) => break,
        }
    }
    let written = std::mem::take(&mut *written.lock().unwrap_or_else(PoisonError::into_inner));
    guarded.add_written(written);
    Ok(guarded)
}

impl Guarded {
    fn show(&mut self, text: &[u8], at: Duration) {
        let text = String::from_utf8_lossy(text).into_owned();
        self.released.push_str(&text);
        self.timeline.push(Moment {
            at,
            written: None,
            shown: Some(text),
        });
    }

    /// Puts what was written where it belongs in time, and finds the longest hold.
    fn add_written(&mut self, written: Vec<(Duration, String)>) {
        let mut shown_bytes = 0;
        let mut written_bytes = 0;
        let mut longest = Duration::ZERO;
        let mut shown = self.timeline.iter().peekable();
        for (at, token) in &written {
            written_bytes += token.len();
            // Masks are as long as what they hide, or nearly: good enough to say when a token was out.
            let mut out = None;
            while let Some(moment) = shown.peek() {
                if shown_bytes >= written_bytes {
                    break;
                }
                shown_bytes += moment.shown.as_ref().map_or(0, String::len);
                out = Some(moment.at);
                shown.next();
            }
            longest = longest.max(out.map_or(Duration::ZERO, |out| out.saturating_sub(*at)));
        }
        self.longest_hold_ms = longest.as_millis();
        self.timeline
            .extend(written.into_iter().map(|(at, token)| Moment {
                at,
                written: Some(token),
                shown: None,
            }));
        self.timeline.sort_by_key(|moment| moment.at);
    }

    /// Prints the answer as it was written beside what was shown of it.
    pub(crate) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "\n{}", self.what)?;
        writeln!(out, "{:>8}  {:<12} shown", "ms", "written")?;
        for moment in &self.timeline {
            let quoted = |text: &Option<String>| {
                text.as_ref()
                    .map_or_else(String::new, |text| format!("{text:?}"))
            };
            writeln!(
                out,
                "{:>8.1}  {:<12} {}",
                moment.at.as_secs_f64() * 1000.0,
                quoted(&moment.written),
                quoted(&moment.shown)
            )?;
        }
        writeln!(out, "unguarded  {}", self.generated)?;
        writeln!(out, "guarded    {}", self.released)?;
        match (self.truncate_at, &self.completion) {
            (Some(at), completion) => writeln!(
                out,
                "           cut at byte {at}, then: {}",
                completion.as_deref().unwrap_or("nothing")
            ),
            (None, _) => writeln!(
                out,
                "           held for {} ms at most",
                self.longest_hold_ms
            ),
        }
    }
}

/// Writes a text token by token, and remembers when.
struct Model {
    tokens: std::vec::IntoIter<String>,
    ticks: Interval,
    begun: Instant,
    written: Arc<Mutex<Vec<(Duration, String)>>>,
}

impl Model {
    fn new(text: &str, begun: Instant, written: Arc<Mutex<Vec<(Duration, String)>>>) -> Self {
        Self {
            tokens: tokens(text).into_iter(),
            ticks: interval(TOKEN_EVERY),
            begun,
            written,
        }
    }
}

impl Stream for Model {
    type Item = Result<String, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.ticks.poll_tick(context));
        let token = self.tokens.next();
        if let Some(token) = &token {
            let at = self.begun.elapsed();
            self.written
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((at, token.clone()));
        }
        Poll::Ready(token.map(Ok))
    }
}

/// A text in pieces like a model's tokens: words with the space before them, long ones in two or more.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for c in text.chars() {
        match tokens.last_mut() {
            Some(last) if c != ' ' && last.len() < LONGEST_TOKEN => last.push(c),
            _ => tokens.push(c.to_string()),
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_words_and_parts_of_words() {
        assert_eq!(
            tokens("The instructions, 4111"),
            ["The", " instr", "uction", "s,", " 4111"]
        );
    }
}
