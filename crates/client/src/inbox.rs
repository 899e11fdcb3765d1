//! The thread that reads verdicts.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use weir_bus::{InRecord, Tail};
use weir_registry::Ids;
use weir_types::Verdict;

use crate::error::ClientError;
use crate::routes::Routes;

/// How long the thread may outlive its worker.
const POLL: Duration = Duration::from_millis(100);
/// The same while a registry is asked for a schema.
const POLL_WAITING: Duration = Duration::from_millis(5);
/// Verdicts that wait for their schema at most. Their streams' budgets run out long before there are so many.
const MOST_WAITING: usize = 1_000;

/// Reads until nobody holds `routes`.
pub(crate) fn start(
    tail: Tail,
    worker_id: String,
    ids: Ids,
    routes: &Arc<Routes>,
) -> Result<(), ClientError> {
    let routes = Arc::downgrade(routes);
    let mut inbox = Inbox {
        worker_id,
        ids,
        waiting: VecDeque::new(),
    };
    std::thread::Builder::new()
        .name("weir-inbox".to_owned())
        .spawn(move || run(&tail, &mut inbox, &routes))?;
    Ok(())
}

fn run(tail: &Tail, inbox: &mut Inbox, routes: &Weak<Routes>) {
    loop {
        let poll = if inbox.waiting.is_empty() {
            POLL
        } else {
            POLL_WAITING
        };
        let record = tail.next(poll);
        let Some(routes) = routes.upgrade() else {
            return;
        };
        inbox.deliver_known(&routes);
        if let Some(record) = record {
            inbox.take(record, &routes);
        }
    }
}

struct Inbox {
    worker_id: String,
    ids: Ids,
    /// Until it is known what their schema ids name; the oldest first.
    waiting: VecDeque<InRecord>,
}

impl Inbox {
    fn take(&mut self, record: InRecord, routes: &Routes) {
        if !self.ids.is_waiting(record.payload.as_deref()) {
            self.deliver(&record, routes);
            return;
        }
        if self.waiting.len() == MOST_WAITING
            && let Some(oldest) = self.waiting.pop_front()
        {
            let (partition, offset) = (oldest.partition, oldest.offset);
            tracing::warn!(
                partition,
                offset,
                "the registry does not say what a verdict's schema is; it is given up"
            );
        }
        self.waiting.push_back(record);
    }

    /// Delivers what need not wait any longer, in order.
    fn deliver_known(&mut self, routes: &Routes) {
        while let Some(record) = self.waiting.pop_front() {
            if self.ids.is_waiting(record.payload.as_deref()) {
                self.waiting.push_front(record);
                return;
            }
            self.deliver(&record, routes);
        }
    }

    fn deliver(&self, record: &InRecord, routes: &Routes) {
        let frame = record.payload.as_deref().unwrap_or_default();
        match weir_wire::decode_with::<Verdict>(&self.ids, frame) {
            Ok(verdict) if verdict.worker_id == self.worker_id => routes.deliver(verdict),
            Ok(_) => {}
            Err(error) => {
                let (partition, offset) = (record.partition, record.offset);
                tracing::warn!(%error, partition, offset, "a record is no verdict");
            }
        }
    }
}
