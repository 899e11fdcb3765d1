//! Whether the process is alive and whether it should be given work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Heartbeats and named conditions, shared between the threads that set them and the admin
/// endpoints that tell them. Clones share their state.
///
/// * Live: every heartbeat is younger than `stale_after`. A process without heartbeats yet is
///   live, so that a slow start is not taken for a hang.
/// * Ready: live, at least one condition is registered and each one is ok. A process that has
///   not registered its conditions is not ready.
#[derive(Debug, Clone)]
pub struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Instant,
    stale_after: Duration,
    heartbeats: Mutex<Vec<Pulse>>,
    conditions: Mutex<Vec<State>>,
    notes: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Pulse {
    name: String,
    /// Milliseconds since `origin`.
    last_ms: Arc<AtomicU64>,
}

#[derive(Debug)]
struct State {
    name: String,
    /// Why the condition does not hold; `None` when it does.
    reason: Option<String>,
}

impl Health {
    /// Heartbeats older than `stale_after` make the process not live; 10 s suits a lane, which
    /// beats at least once per poll.
    #[must_use]
    pub fn new(stale_after: Duration) -> Self {
        Self(Arc::new(Inner {
            origin: Instant::now(),
            stale_after,
            heartbeats: Mutex::default(),
            conditions: Mutex::default(),
            notes: Mutex::default(),
        }))
    }

    /// Registers a heartbeat, beaten now. `name` says which thread it is, e.g. `lane-0`.
    #[must_use]
    pub fn heartbeat(&self, name: impl Into<String>) -> Heartbeat {
        let last_ms = Arc::new(AtomicU64::new(self.0.ms_at(Instant::now())));
        lock(&self.0.heartbeats).push(Pulse {
            name: name.into(),
            last_ms: Arc::clone(&last_ms),
        });
        Heartbeat {
            health: self.clone(),
            last_ms,
        }
    }

    /// Registers a condition that does not hold yet, for `reason`.
    ///
    /// Two conditions of one name are two conditions: with two lanes, both must be assigned.
    #[must_use]
    pub fn condition(&self, name: impl Into<String>, reason: impl Into<String>) -> Condition {
        let mut conditions = lock(&self.0.conditions);
        conditions.push(State {
            name: name.into(),
            reason: Some(reason.into()),
        });
        Condition {
            health: self.clone(),
            index: conditions.len() - 1,
        }
    }

    /// Adds what whoever asks should know, though the process is ready: a promise that it does not keep here, say.
    pub fn note(&self, note: impl Into<String>) {
        lock(&self.0.notes).push(note.into());
    }

    /// What has been noted.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        lock(&self.0.notes).clone()
    }

    /// Why the process is not live; empty when it is.
    #[must_use]
    pub fn not_live_reasons(&self) -> Vec<String> {
        self.not_live_reasons_at(Instant::now())
    }

    /// Why the process is not ready; empty when it is.
    #[must_use]
    pub fn not_ready_reasons(&self) -> Vec<String> {
        self.not_ready_reasons_at(Instant::now())
    }

    fn not_live_reasons_at(&self, now: Instant) -> Vec<String> {
        let limit_ms = millis(self.0.stale_after);
        let now_ms = self.0.ms_at(now);
        lock(&self.0.heartbeats)
            .iter()
            .filter_map(|pulse| {
                // A beat may come between reading the clock and looking at it.
                let age_ms = now_ms.saturating_sub(pulse.last_ms.load(Ordering::Relaxed));
                (age_ms > limit_ms).then(|| {
                    let name = &pulse.name;
                    format!("{name}: no heartbeat for {age_ms} ms (limit {limit_ms} ms)")
                })
            })
            .collect()
    }

    fn not_ready_reasons_at(&self, now: Instant) -> Vec<String> {
        let mut reasons = self.not_live_reasons_at(now);
        let conditions = lock(&self.0.conditions);
        if conditions.is_empty() {
            reasons.push("starting".to_owned());
        }
        reasons.extend(conditions.iter().filter_map(|state| {
            let reason = state.reason.as_ref()?;
            Some(format!("{}: {reason}", state.name))
        }));
        reasons
    }
}

impl Inner {
    fn ms_at(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.origin))
    }
}

/// Beaten by one thread to show that it still turns.
///
/// Dropping it does not retire it: a lane that panicked must show. Use [`Heartbeat::retire`].
#[derive(Debug)]
pub struct Heartbeat {
    health: Health,
    last_ms: Arc<AtomicU64>,
}

impl Heartbeat {
    /// Still alive. One clock reading and one atomic store (60 ns): once per turn of a loop is fine.
    pub fn beat(&self) {
        self.beat_at(Instant::now());
    }

    fn beat_at(&self, now: Instant) {
        self.last_ms
            .store(self.health.0.ms_at(now), Ordering::Relaxed);
    }

    /// The thread ends on purpose and is not to be missed.
    pub fn retire(self) {
        lock(&self.health.0.heartbeats).retain(|pulse| !Arc::ptr_eq(&pulse.last_ms, &self.last_ms));
    }
}

/// One named condition of being ready; stays as it was last set, also when this is dropped.
#[derive(Debug)]
pub struct Condition {
    health: Health,
    index: usize,
}

impl Condition {
    /// The condition holds.
    pub fn ok(&self) {
        self.set(None);
    }

    /// The condition does not hold, for `reason`: a short phrase for the person on call, such as
    /// `waiting for partition assignment` or `draining`. It is served over HTTP, so no text.
    pub fn not_ok(&self, reason: impl Into<String>) {
        self.set(Some(reason.into()));
    }

    fn set(&self, reason: Option<String>) {
        let name = {
            let mut conditions = lock(&self.health.0.conditions);
            let state = &mut conditions[self.index];
            if state.reason == reason {
                return;
            }
            state.reason.clone_from(&reason);
            state.name.clone()
        };
        // Logged without the lock: standard error may block, and the endpoints must not.
        match reason {
            None => tracing::info!(condition = name, "condition holds"),
            Some(reason) => tracing::warn!(condition = name, reason, "condition fails"),
        }
    }
}

/// A panic elsewhere leaves these lists whole, and the health endpoint is needed most then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn ready_needs_each_registered_condition() {
        let health = Health::new(LIMIT);
        assert_eq!(health.not_ready_reasons(), ["starting"]);

        let assigned = health.condition("assignment", "waiting for partition assignment");
        let model = health.condition("classifier", "classifier missing");
        assert_eq!(
            health.not_ready_reasons(),
            [
                "assignment: waiting for partition assignment",
                "classifier: classifier missing"
            ]
        );
        assigned.ok();
        assert_eq!(health.not_ready_reasons().len(), 1);
        model.ok();
        assert!(health.not_ready_reasons().is_empty());

        assigned.not_ok("draining");
        drop(assigned);
        assert_eq!(health.not_ready_reasons(), ["assignment: draining"]);
        assert!(health.not_live_reasons().is_empty());
    }

    #[test]
    fn conditions_of_one_name_count_each() {
        let health = Health::new(LIMIT);
        let lanes = [(); 2].map(|()| health.condition("assignment", "waiting"));
        lanes[0].ok();
        assert_eq!(health.not_ready_reasons(), ["assignment: waiting"]);
        lanes[1].ok();
        assert!(health.not_ready_reasons().is_empty());
    }

    #[test]
    fn a_stale_heartbeat_is_neither_live_nor_ready_until_it_beats_again() {
        let health = Health::new(LIMIT);
        health.condition("assignment", "waiting").ok();
        let heartbeat = health.heartbeat("lane-0");
        let start = Instant::now();
        assert!(health.not_live_reasons_at(start).is_empty());

        let late = start + LIMIT + Duration::from_secs(1);
        let reasons = health.not_live_reasons_at(late);
        assert_eq!(reasons.len(), 1);
        assert!(
            reasons[0].starts_with("lane-0: no heartbeat for 1"),
            "{reasons:?}"
        );
        assert_eq!(health.not_ready_reasons_at(late), reasons);

        heartbeat.beat_at(late);
        assert!(health.not_live_reasons_at(late).is_empty());
        assert!(health.not_live_reasons_at(late + LIMIT).is_empty());

        drop(heartbeat);
        let later = late + LIMIT * 2;
        assert_eq!(
            health.not_live_reasons_at(later).len(),
            1,
            "drop must not hide a dead lane"
        );
    }

    #[test]
    fn a_retired_heartbeat_is_not_missed() {
        let health = Health::new(LIMIT);
        let kept = health.heartbeat("lane-0");
        health.heartbeat("lane-1").retire();
        let late = Instant::now() + LIMIT * 2;
        assert_eq!(health.not_live_reasons_at(late).len(), 1);
        kept.retire();
        assert!(health.not_live_reasons_at(late).is_empty());
    }
}
