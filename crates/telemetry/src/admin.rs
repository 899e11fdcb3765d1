//! The admin endpoints: metrics and health over HTTP, away from the hot path.

use std::future::{Future, IntoFuture as _};
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::health::Health;

/// The text exposition format (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";
const INDEX: &str = "Weir admin endpoints:\n\
    /metrics  metrics, Prometheus text format\n\
    /live     200 while every thread turns, else 503\n\
    /ready    200 when work can be taken, else 503 with the reasons\n";

/// How long requests in flight may hold up a stop: a client that never ends its request must
/// not hold up a drain.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// Why the admin endpoints are not served.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Something else listens on the address.
    #[error(
        "admin address {addr} is in use: stop what listens there, or set another address (port 0 takes any free port)"
    )]
    AddressInUse {
        /// The address.
        addr: SocketAddr,
    },
    /// The address cannot be bound for another reason.
    #[error(
        "cannot listen on admin address {addr}: {source} (it must belong to this machine; ports below 1024 may need privileges)"
    )]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The thread or its runtime cannot be started.
    #[error("cannot start the admin thread: {0}")]
    Start(#[source] io::Error),
    /// Serving ended early.
    #[error("admin endpoints failed: {0}")]
    Serve(#[source] io::Error),
    /// The admin thread panicked.
    #[error("the admin thread panicked")]
    Panicked,
}

#[derive(Clone)]
struct Admin {
    registry: Registry,
    health: Health,
}

/// Serves the admin endpoints until `shutdown` is done, and up to 1 s more for requests in flight.
///
/// There is no authentication and no limit on connections: bind it where only operators and
/// the scraper reach it.
///
/// # Errors
///
/// [`AdminError::Serve`] when serving ends early.
pub async fn serve(
    listener: TcpListener,
    registry: Registry,
    health: Health,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), AdminError> {
    let (stopping, stopped) = oneshot::channel();
    let server = axum::serve(listener, router(registry, health))
        .with_graceful_shutdown(async move {
            shutdown.await;
            // Nobody listens when the server is already gone.
            let _ = stopping.send(());
        })
        .into_future();
    let out_of_patience = async {
        if stopped.await.is_err() {
            // The server ended without being told to; its own result says how.
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(STOP_GRACE).await;
    };
    tokio::select! {
        result = server => result.map_err(AdminError::Serve),
        () = out_of_patience => Ok(()),
    }
}

/// The admin endpoints on their own thread; dropping this stops them without waiting.
#[derive(Debug)]
pub struct AdminHandle {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), AdminError>>,
}

impl AdminHandle {
    /// The address served, with the port that the system chose when 0 was asked for.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops serving and waits for the thread, about 1 s at most.
    ///
    /// # Errors
    ///
    /// [`AdminError::Serve`] or [`AdminError::Panicked`] when serving had ended before.
    pub fn stop(self) -> Result<(), AdminError> {
        // Nobody listens when the thread is already gone; joining says how it went.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| AdminError::Panicked)?
    }
}

/// Serves the admin endpoints on `addr` from a thread named `weir-admin`, so that the threads
/// that judge have no async runtime. Returns once the address is bound.
///
/// # Errors
///
/// [`AdminError::AddressInUse`], [`AdminError::Bind`] or [`AdminError::Start`].
pub fn spawn_admin_thread(
    addr: SocketAddr,
    registry: Registry,
    health: Health,
) -> Result<AdminHandle, AdminError> {
    // Bound here and not on the thread, so that a taken port is the caller's error.
    let listener = std::net::TcpListener::bind(addr).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => AdminError::AddressInUse { addr },
        _ => AdminError::Bind { addr, source },
    })?;
    listener.set_nonblocking(true).map_err(AdminError::Start)?;
    let addr = listener.local_addr().map_err(AdminError::Start)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(AdminError::Start)?;

    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("weir-admin".to_owned())
        .spawn(move || {
            let result = runtime.block_on(async {
                let listener = TcpListener::from_std(listener).map_err(AdminError::Start)?;
                // A dropped handle stops the endpoints as well.
                let shutdown = async {
                    let _ = stopped.await;
                };
                serve(listener, registry, health, shutdown).await
            });
            if let Err(error) = &result {
                tracing::error!(%error, "admin endpoints ended");
            }
            result
        })
        .map_err(AdminError::Start)?;
    tracing::info!(%addr, "admin endpoints served");
    Ok(AdminHandle { addr, stop, thread })
}

fn router(registry: Registry, health: Health) -> Router {
    Router::new()
        .route("/", get(|| async { INDEX }))
        .route("/metrics", get(metrics))
        .route("/live", get(live))
        .route("/ready", get(ready))
        .with_state(Admin { registry, health })
}

async fn metrics(State(admin): State<Admin>) -> Response {
    match TextEncoder::new().encode_to_string(&admin.registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, EXPOSITION)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot encode metrics");
            (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
        }
    }
}

async fn live(State(admin): State<Admin>) -> Response {
    status("live", "not_live", &admin.health.not_live_reasons(), &[])
}

async fn ready(State(admin): State<Admin>) -> Response {
    let health = &admin.health;
    status(
        "ready",
        "not_ready",
        &health.not_ready_reasons(),
        &health.notes(),
    )
}

fn status(good: &str, bad: &str, reasons: &[String], notes: &[String]) -> Response {
    let (code, status) = if reasons.is_empty() {
        (StatusCode::OK, good)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, bad)
    };
    let mut body = serde_json::json!({ "status": status, "reasons": reasons });
    if !notes.is_empty() {
        body["notes"] = notes.into();
    }
    let body = body.to_string();
    (code, [(header::CONTENT_TYPE, JSON)], body).into_response()
}
