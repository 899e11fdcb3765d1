//! Records of a partition wait here while others of it are on their way.
//!
//! librdkafka sends a partition's next request only when the last one has been answered: an idempotent producer may have
//! five records on their way, and it counts records where it means requests (2.12, `rd_kafka_toppar_producer_serve`).
//! What has waited for longer than it was to linger then keeps its thread polling without a pause until the answer comes: at
//! 15,000 records a second a fifth of a gate's processor time, and the broker's when they share it. What would have to wait there
//! waits here, and shares the next request with whatever comes meanwhile.
//!
//! Sparse records do not: at 1,000 a second waking up for them cost more than it saved (two runs took 23 and 42 us a prompt more than
//! one without, and their 95th percentile was 0.7 and 1.4 ms later).

/// Most records of a partition that wait here; more go to librdkafka, whose queue bounds them.
const MOST_WAITING: usize = 10_000;

/// What waits, by partition.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    lines: Vec<Line<R>>,
    /// Those that something waits in and nothing is on its way of.
    ready: Vec<usize>,
    waiting: usize,
}

#[derive(Debug)]
struct Line<R> {
    topic: String,
    partition: i32,
    on_its_way: usize,
    /// Some of that lingers, or did.
    lingers: bool,
    waiting: Vec<R>,
}

impl<R> Default for Lines<R> {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            ready: Vec::new(),
            waiting: 0,
        }
    }
}

impl<R> Lines<R> {
    /// The number of a partition's line.
    pub(crate) fn of(&mut self, topic: &str, partition: i32) -> usize {
        let known = |line: &Line<R>| line.partition == partition && line.topic == topic;
        if let Some(number) = self.lines.iter().position(known) {
            return number;
        }
        self.lines.push(Line {
            topic: topic.to_owned(),
            partition,
            on_its_way: 0,
            lingers: false,
            waiting: Vec::new(),
        });
        self.lines.len() - 1
    }

    /// Whether a record has to wait: something is on its way, or waits already. One that goes at once need not wait for
    /// others that did.
    pub(crate) fn is_busy(&self, line: usize, lingers: bool) -> bool {
        let line = &self.lines[line];
        line.on_its_way > 0 && (lingers || line.lingers) || !line.waiting.is_empty()
    }

    pub(crate) fn sent(&mut self, line: usize, lingers: bool) {
        let line = &mut self.lines[line];
        line.lingers = lingers || line.on_its_way > 0 && line.lingers;
        line.on_its_way += 1;
    }

    /// Whatever became of it, it is on its way no longer.
    pub(crate) fn arrived(&mut self, line: usize) {
        let number = line;
        let line = &mut self.lines[number];
        line.on_its_way = line.on_its_way.saturating_sub(1);
        if line.on_its_way == 0 && !line.waiting.is_empty() {
            self.ready.push(number);
        }
    }

    pub(crate) fn wait(&mut self, line: usize, record: R) {
        let number = line;
        let line = &mut self.lines[number];
        line.waiting.push(record);
        self.waiting += 1;
        if line.waiting.len() == MOST_WAITING {
            self.ready.push(number);
        }
    }

    /// What need wait no more, with its line; in order.
    pub(crate) fn take_ready(&mut self) -> Option<(usize, Vec<R>)> {
        let number = self.ready.pop()?;
        let records = std::mem::take(&mut self.lines[number].waiting);
        self.waiting -= records.len();
        Some((number, records))
    }

    /// How many wait.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_meanwhile_goes_together_and_in_order() {
        let mut lines = Lines::default();
        let (a, b) = (lines.of("t", 0), lines.of("t", 1));
        assert_eq!((lines.of("t", 0), lines.of("u", 0)), (a, 2));
        assert!(!lines.is_busy(a, true));
        lines.sent(a, true);
        assert!(lines.is_busy(a, true) && !lines.is_busy(b, true));
        lines.wait(a, 1);
        lines.wait(a, 2);
        assert_eq!((lines.take_ready(), lines.waiting()), (None, 2));
        lines.arrived(a);
        // Nothing overtakes what waits.
        assert!(lines.is_busy(a, true) && lines.is_busy(a, false));
        assert_eq!(lines.take_ready(), Some((a, vec![1, 2])));
        assert_eq!((lines.take_ready(), lines.waiting()), (None, 0));
        assert!(!lines.is_busy(a, true));
    }

    #[test]
    fn sparse_records_wait_for_none_but_those_that_linger() {
        let mut lines = Lines::<()>::default();
        let line = lines.of("t", 0);
        lines.sent(line, false);
        assert!(!lines.is_busy(line, false) && lines.is_busy(line, true));
        lines.sent(line, true);
        lines.sent(line, false);
        assert!(lines.is_busy(line, false));
        for _ in 0..3 {
            lines.arrived(line);
        }
        lines.sent(line, false);
        assert!(!lines.is_busy(line, false));
    }

    #[test]
    fn what_is_too_much_is_handed_on() {
        let mut lines = Lines::default();
        let line = lines.of("t", 0);
        lines.sent(line, true);
        for record in 0..MOST_WAITING {
            assert!(lines.take_ready().is_none());
            lines.wait(line, record);
        }
        let (_, records) = lines.take_ready().unwrap();
        assert_eq!((records.len(), lines.waiting()), (MOST_WAITING, 0));
        // Nothing waits when that arrives.
        lines.arrived(line);
        assert_eq!(lines.take_ready(), None);
    }
}
