//! Prompts at a steady rate, and whoever watches their verdicts come.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use weir_bus::{Linger, OutRecord, Publisher, Tail, TailFrom};

use super::cluster::{self, Answered, Cluster};
use super::wait_until;

/// Prompts a second: enough that hundreds are under way whenever something is killed.
const RATE: u32 = 600;

/// Sends prompts `load-0`, `load-1`, ... until told to stop.
#[derive(Debug)]
pub(crate) struct Load {
    sent: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(cluster: &Cluster) -> Self {
        let sent = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (cluster, sent, stop) = (cluster.clone(), Arc::clone(&sent), Arc::clone(&stop));
            move || send(&cluster, &sent, &stop)
        });
        Self {
            sent,
            stop,
            thread: Some(thread),
        }
    }

    /// Waits until that many more prompts have been sent than at the call.
    pub(crate) fn wait_for_more(&self, count: usize) {
        let target = self.sent.load(Ordering::Acquire) + count;
        wait_until("the load goes on", || {
            self.sent.load(Ordering::Acquire) >= target
        });
    }

    /// Stops and waits until every prompt is acknowledged; gives their ids.
    pub(crate) fn finish(mut self) -> HashSet<String> {
        self.stop.store(true, Ordering::Release);
        self.thread.take().unwrap().join().unwrap();
        (0..self.sent.load(Ordering::Acquire)).map(id).collect()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // A test that failed half-way.
        self.stop.store(true, Ordering::Release);
    }
}

fn id(index: usize) -> String {
    format!("load-{index}")
}

fn send(cluster: &Cluster, sent: &AtomicUsize, stop: &AtomicBool) {
    let mut publisher = Publisher::new(&cluster.bus, Linger::ByLoad).unwrap();
    let interval = Duration::from_secs(1) / RATE;
    let start = Instant::now();
    let mut index = 0;
    while !stop.load(Ordering::Acquire) {
        while interval * u32::try_from(index).unwrap() <= start.elapsed() {
            let id = id(index);
            let prompt = cluster::prompt(&id, format!("What is {index} times seven?"));
            let record = OutRecord {
                topic: &cluster.prompts,
                partition: None,
                key: Some(id.as_bytes()),
                payload: &cluster::frame(&prompt),
                header: None,
            };
            publisher.send(&record, ()).unwrap();
            index += 1;
            sent.store(index, Ordering::Release);
        }
        publisher.poll(&mut Vec::new(), |()| true).unwrap();
        // The pace of the load; nothing waits for it.
        std::thread::sleep(interval);
    }
    cluster::finish(&mut publisher);
}

/// Reads verdicts from the topic's beginning as they come.
#[derive(Debug)]
pub(crate) struct Verdicts {
    seen: Arc<Mutex<Vec<Answered>>>,
    stop: Arc<AtomicBool>,
}

impl Verdicts {
    pub(crate) fn follow(cluster: &Cluster) -> Self {
        let tail = Tail::start(&cluster.bus, &cluster.verdicts, TailFrom::Beginning).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        std::thread::spawn({
            let (seen, stop) = (Arc::clone(&seen), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Acquire) {
                    if let Some(record) = tail.next(Duration::from_millis(200))
                        && !cluster::is_end(&record)
                    {
                        seen.lock().unwrap().push(Answered::read(&record));
                    }
                }
            }
        });
        Self { seen, stop }
    }

    /// How many have come.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Those that have come.
    pub(crate) fn so_far(&self) -> Vec<Answered> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until that many more have come than at the call.
    pub(crate) fn wait_for_more(&self, count: usize) {
        let target = self.count() + count;
        wait_until("verdicts go on coming", || self.count() >= target);
    }

    /// Waits until every one of these requests has one.
    pub(crate) fn wait_for_all(&self, requests: &HashSet<String>) {
        let mut open = requests.clone();
        let mut looked_at = 0;
        wait_until("every prompt has a verdict", || {
            let seen = self.seen.lock().unwrap();
            for answered in &seen[looked_at..] {
                open.remove(&answered.verdict.request_id);
            }
            looked_at = seen.len();
            open.is_empty()
        });
    }
}

impl Drop for Verdicts {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}
