//! The breaker: when no verdicts come, nobody waits for them.

use weir_types::Micros;

/// Counts time-outs of one process.
///
/// ```text
/// Closed --threshold time-outs in a row--> Open --a verdict in time--> Closed
/// ```
#[derive(Debug, Clone)]
pub struct Breaker {
    threshold: u32,
    probe_every: Micros,
    in_a_row: u32,
    /// When the next probe may go; `None` while it is closed.
    open: Option<Micros>,
}

/// What a breaker says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Admission {
    /// Ask, and wait for verdicts.
    Normal,
    /// The breaker is open, and this request is let through to see whether verdicts come again.
    Probe,
    /// The breaker is open: ask nothing, apply the fail mode.
    Bypass,
}

impl Breaker {
    /// Opens after `threshold` time-outs in a row (at least 1); lets a request through each `probe_every`.
    #[must_use]
    pub const fn new(threshold: u32, probe_every: Micros) -> Self {
        Self {
            threshold: if threshold == 0 { 1 } else { threshold },
            probe_every,
            in_a_row: 0,
            open: None,
        }
    }

    /// A request comes.
    pub fn admit(&mut self, now: Micros) -> Admission {
        match &mut self.open {
            None => Admission::Normal,
            Some(next) if now >= *next => {
                *next = now.plus(self.probe_every);
                Admission::Probe
            }
            Some(_) => Admission::Bypass,
        }
    }

    /// A budget ran out.
    pub const fn on_timeout(&mut self, now: Micros) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row >= self.threshold && self.open.is_none() {
            self.open = Some(now.plus(self.probe_every));
        }
    }

    /// A verdict came in time.
    pub const fn on_answer(&mut self) {
        self.in_a_row = 0;
        self.open = None;
    }

    /// Whether requests are bypassed.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }
}
