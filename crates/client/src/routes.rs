//! Which verdict goes to whom.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use weir_types::{Action, Verdict};

/// The requests in flight, by id.
#[derive(Debug, Default)]
pub(crate) struct Routes(Mutex<HashMap<String, Weak<Route>>>);

/// The way to one request. It is in the table for as long as someone holds it.
#[derive(Debug)]
pub(crate) struct Route {
    request_id: String,
    routes: Weak<Routes>,
    listeners: Mutex<Listeners>,
    reported: AtomicBool,
}

#[derive(Debug, Default)]
struct Listeners {
    /// For those who come to listen later.
    prompt: Option<Arc<Verdict>>,
    /// The strictest that supersedes it, for them as well.
    superseding: Option<Arc<Verdict>>,
    all: Vec<Listener>,
}

#[derive(Debug)]
struct Listener {
    /// `None`: hears of the prompt only.
    stream_id: Option<String>,
    sender: UnboundedSender<Arc<Verdict>>,
}

impl Routes {
    /// Opens the way to a request; `None` if there is one with its id.
    pub(crate) fn open(self: &Arc<Self>, request_id: &str) -> Option<Arc<Route>> {
        let mut table = lock(&self.0);
        if table
            .get(request_id)
            .is_some_and(|it| it.strong_count() > 0)
        {
            return None;
        }
        let route = Arc::new(Route {
            request_id: request_id.to_owned(),
            routes: Arc::downgrade(self),
            listeners: Mutex::default(),
            reported: AtomicBool::new(false),
        });
        table.insert(request_id.to_owned(), Arc::downgrade(&route));
        Some(route)
    }

    /// Hands a verdict to all whom it concerns.
    pub(crate) fn deliver(&self, verdict: Verdict) {
        let route = lock(&self.0)
            .get(&verdict.request_id)
            .and_then(Weak::upgrade);
        if let Some(route) = route {
            route.deliver(Arc::new(verdict));
        }
    }
}

impl Route {
    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// What comes for the prompt and, if it is named, for a stream.
    pub(crate) fn listen(&self, stream_id: Option<String>) -> UnboundedReceiver<Arc<Verdict>> {
        let (sender, receiver) = unbounded_channel();
        let mut listeners = lock(&self.listeners);
        for verdict in listeners.prompt.iter().chain(&listeners.superseding) {
            let _ = sender.send(Arc::clone(verdict));
        }
        listeners.all.push(Listener { stream_id, sender });
        receiver
    }

    /// Whether the outcome of the prompt's check is still to be told to the breaker; true once.
    pub(crate) fn report_once(&self) -> bool {
        !self.reported.swap(true, Ordering::Relaxed)
    }

    fn deliver(&self, verdict: Arc<Verdict>) {
        let mut listeners = lock(&self.listeners);
        let is_prompt = verdict.stream_id.is_none();
        listeners.all.retain(|listener| {
            let concerned = is_prompt || listener.stream_id == verdict.stream_id;
            if concerned {
                listener.sender.send(Arc::clone(&verdict)).is_ok()
            } else {
                !listener.sender.is_closed()
            }
        });
        if !is_prompt {
            return;
        }
        if verdict.supersedes.is_some() {
            let known = listeners.superseding.as_ref();
            if known.is_none_or(|it| verdict.action > it.action) {
                listeners.superseding = Some(verdict);
            }
            return;
        }
        let blocked = listeners
            .prompt
            .as_ref()
            .is_some_and(|it| it.action == Action::Block);
        if !blocked {
            listeners.prompt = Some(verdict);
        }
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        let Some(routes) = self.routes.upgrade() else {
            return;
        };
        let mut table = lock(&routes.0);
        // Another request may have taken the id over meanwhile.
        if table
            .get(&self.request_id)
            .is_some_and(|it| it.strong_count() == 0)
        {
            table.remove(&self.request_id);
        }
    }
}

/// What these locks guard is never left half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
