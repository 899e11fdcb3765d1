use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc::UnboundedReceiver;
use weir_types::Verdict;
use weir_wire::Channel;

use crate::breaker::Admission;
use crate::prompt::{PromptCheck, PromptOutcome};
use crate::routes::Route;
use crate::stream::GuardedStream;
use crate::timer::Timer;
use crate::worker::Shared;

/// A request whose prompt is being judged, and the way to guard its answers.
pub struct Request {
    shared: Arc<Shared>,
    context: Arc<RequestContext>,
    check: PromptCheck,
    admission: Admission,
    verdicts: UnboundedReceiver<Arc<Verdict>>,
    timer: Timer,
}

/// What the streams of a request share.
#[derive(Debug)]
pub(crate) struct RequestContext {
    pub(crate) route: Arc<Route>,
    pub(crate) tenant: String,
    pub(crate) locale_hint: Option<String>,
    /// For all its records.
    pub(crate) partition: i32,
}

/// Which text of a request's answers a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamName {
    /// Which attempt at the request, `0..`.
    pub attempt: i32,
    /// Which of the parallel answers, `0..`.
    pub choice: i32,
    /// Which text of the answer.
    pub channel: Channel,
}

impl StreamName {
    /// The stream's id in verdicts.
    pub(crate) fn id(self, request_id: &str) -> String {
        let Self {
            attempt,
            choice,
            channel,
        } = self;
        format!("{request_id}/{attempt}/{choice}/{}", channel.as_str())
    }
}

impl Default for StreamName {
    /// The only answer's content.
    fn default() -> Self {
        Self {
            attempt: 0,
            choice: 0,
            channel: Channel::Content,
        }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("id", &self.id())
            .field("outcome", &self.check.outcome())
            .finish_non_exhaustive()
    }
}

impl Request {
    pub(crate) fn new(
        shared: Arc<Shared>,
        context: RequestContext,
        check: PromptCheck,
        admission: Admission,
    ) -> Self {
        Self {
            verdicts: context.route.listen(None),
            timer: Timer::new(shared.clock),
            shared,
            context: Arc::new(context),
            check,
            admission,
        }
    }

    /// Its id; also the key of its records.
    #[must_use]
    pub fn id(&self) -> &str {
        self.context.route.request_id()
    }

    /// What the breaker said to it.
    #[must_use]
    pub const fn admission(&self) -> Admission {
        self.admission
    }

    /// The check of its prompt, as far as [`Request::decided`] has brought it.
    #[must_use]
    pub const fn check(&self) -> &PromptCheck {
        &self.check
    }

    /// Waits for the verdict on the prompt, or for its budget: never [`PromptOutcome::Waiting`].
    ///
    /// Need not be called: the answer's guards wait for themselves, so that the check can run while
    /// the engine prefills.
    pub async fn decided(&mut self) -> PromptOutcome<'_> {
        std::future::poll_fn(|context| self.poll_decided(context)).await;
        self.check.outcome()
    }

    fn poll_decided(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(deadline) = self.check.next_deadline() {
                match self.verdicts.poll_recv(context) {
                    Poll::Ready(Some(verdict)) => self.check.on_verdict(&verdict),
                    Poll::Ready(None) | Poll::Pending => match self.timer.poll(deadline, context) {
                        Poll::Ready(now) => self.check.on_tick(now),
                        Poll::Pending => return Poll::Pending,
                    },
                }
            } else {
                // A superseding block may have come since.
                while let Ok(verdict) = self.verdicts.try_recv() {
                    self.check.on_verdict(&verdict);
                }
                self.shared.report_prompt(&self.context.route, &self.check);
                return Poll::Ready(());
            }
        }
    }

    /// Guards one text of the answer. `engine` yields its pieces, cut in any way; an error ends the
    /// text, is passed on, and what came before is shown as far as it may be.
    ///
    /// The stream must be polled for time to take effect. Dropped before its end, it tells Weir that
    /// the user has gone.
    pub fn guard<S, B, E>(&self, name: StreamName, engine: S) -> GuardedStream<S>
    where
        S: Stream<Item = Result<B, E>>,
        B: AsRef<[u8]>,
    {
        let engine: Pin<Box<S>> = Box::pin(engine);
        let (shared, context) = (Arc::clone(&self.shared), Arc::clone(&self.context));
        GuardedStream::new(shared, context, name, self.check.clone(), engine)
    }
}
