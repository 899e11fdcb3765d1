//! A timer that is set again only when its moment changes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Sleep, sleep_until};
use weir_types::Micros;

use crate::clock::Clock;

pub(crate) struct Timer {
    clock: Clock,
    set: Option<(Micros, Pin<Box<Sleep>>)>,
}

impl Timer {
    pub(crate) const fn new(clock: Clock) -> Self {
        Self { clock, set: None }
    }

    /// Ready with the time once `at` has come.
    pub(crate) fn poll(&mut self, at: Micros, context: &mut Context<'_>) -> Poll<Micros> {
        let now = self.clock.now();
        if now >= at {
            return Poll::Ready(now);
        }
        let instant = self.clock.instant(at);
        let (moment, sleep) = self
            .set
            .get_or_insert_with(|| (at, Box::pin(sleep_until(instant))));
        if *moment != at {
            sleep.as_mut().reset(instant);
            *moment = at;
        }
        ready!(sleep.as_mut().poll(context));
        // Timers count milliseconds, and may be early by the rest.
        Poll::Ready(self.clock.now().max(at))
    }
}
