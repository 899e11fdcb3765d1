//! The thread that reads verdicts.

use std::sync::{Arc, Weak};
use std::time::Duration;

use weir_bus::Tail;
use weir_types::Verdict;

use crate::error::ClientError;
use crate::routes::Routes;

/// How long the thread may outlive its worker.
const POLL: Duration = Duration::from_millis(100);

/// Reads until nobody holds `routes`.
pub(crate) fn start(
    tail: Tail,
    worker_id: String,
    routes: &Arc<Routes>,
) -> Result<(), ClientError> {
    let routes = Arc::downgrade(routes);
    std::thread::Builder::new()
        .name("weir-inbox".to_owned())
        .spawn(move || run(&tail, &worker_id, &routes))?;
    Ok(())
}

fn run(tail: &Tail, worker_id: &str, routes: &Weak<Routes>) {
    loop {
        let record = tail.next(POLL);
        let Some(routes) = routes.upgrade() else {
            return;
        };
        let Some(record) = record else {
            continue;
        };
        match weir_wire::decode::<Verdict>(&record.payload.unwrap_or_default()) {
            Ok(verdict) if verdict.worker_id == worker_id => routes.deliver(verdict),
            Ok(_) => {}
            Err(error) => {
                let (partition, offset) = (record.partition, record.offset);
                tracing::warn!(%error, partition, offset, "a record is no verdict");
            }
        }
    }
}
