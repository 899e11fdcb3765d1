//! A registry's read endpoints over the compiled-in schemas, so that ordinary Avro clients work on `weir up`.
//!
//! One version of each subject, under the ids that records carry there. Nothing can be registered: a client that registers what
//! it writes gets the id of an identical schema, as it would in Confluent's READONLY mode.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use weir_registry::{FULL_TRANSITIVE, MEDIA_TYPE};
use weir_wire::{CompiledIn, SchemaIds as _, Subject, Written};

/// The only version of each subject.
const VERSION: u32 = 1;

/// Serves on a thread of its own until the process ends; gives the address, with the port that the system chose when 0 was
/// asked for.
pub(crate) fn spawn(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listener = runtime
        .block_on(TcpListener::bind(address))
        .with_context(|| {
            format!("cannot serve schemas on {address}; port 0 takes any free port")
        })?;
    let address = listener.local_addr()?;
    std::thread::Builder::new()
        .name("weir-registry".to_owned())
        .spawn(move || {
            let served = runtime.block_on(async { axum::serve(listener, router()).await });
            if let Err(error) = served {
                tracing::error!(%error, "schemas are not served any more");
            }
        })?;
    Ok(address)
}

fn router() -> Router {
    Router::new()
        .route("/", get(async || answer(&json!({}))))
        .route(
            "/mode",
            get(async || answer(&json!({ "mode": "READONLY" }))),
        )
        .route("/config", get(async || answer(&compatibility())))
        .route("/config/{subject}", get(config))
        .route("/schemas/types", get(async || answer(&json!(["AVRO"]))))
        .route("/schemas/ids/{id}", get(by_id))
        .route("/schemas/ids/{id}/versions", get(versions_of_id))
        .route(
            "/subjects",
            get(async || answer(&json!(Subject::ALL.map(Subject::name)))),
        )
        .route("/subjects/{subject}", post(look_up))
        .route("/subjects/{subject}/versions", get(versions).post(register))
        .route("/subjects/{subject}/versions/{version}", get(version))
        .route("/subjects/{subject}/versions/{version}/schema", get(schema))
        .fallback(async || {
            refuse(
                StatusCode::NOT_FOUND,
                404,
                "weir up serves a registry's read endpoints only",
            )
        })
}

/// What a request cannot have; Confluent's codes.
enum Refusal {
    NoSubject,
    NoVersion,
    NoSchema,
    Unprocessable,
    ReadOnly,
}

type Answer = Result<Response, Refusal>;

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let missing = StatusCode::NOT_FOUND;
        match self {
            Self::NoSubject => refuse(missing, 40401, "Subject not found."),
            Self::NoVersion => refuse(missing, 40402, "Version not found."),
            Self::NoSchema => refuse(missing, 40403, "Schema not found."),
            Self::Unprocessable => refuse(
                StatusCode::UNPROCESSABLE_ENTITY,
                42201,
                "The body is no JSON object with a schema.",
            ),
            Self::ReadOnly => refuse(
                StatusCode::UNPROCESSABLE_ENTITY,
                42205,
                "Nothing can be registered here: only this version's schemas are served.",
            ),
        }
    }
}

fn answer(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
}

fn refuse(status: StatusCode, code: u32, message: &str) -> Response {
    (
        status,
        answer(&json!({ "error_code": code, "message": message })),
    )
        .into_response()
}

fn compatibility() -> Value {
    json!({ "compatibilityLevel": FULL_TRANSITIVE })
}

fn subject(name: &str) -> Result<Subject, Refusal> {
    let found = Subject::ALL
        .into_iter()
        .find(|subject| subject.name() == name);
    found.ok_or(Refusal::NoSubject)
}

fn subject_of(id: &str) -> Result<Subject, Refusal> {
    match id.parse().ok().and_then(|id| CompiledIn.find(id)) {
        Some(Written::AsCompiled(subject)) => Ok(subject),
        _ => Err(Refusal::NoSchema),
    }
}

fn described(subject: Subject) -> Value {
    json!({
        "subject": subject.name(),
        "version": VERSION,
        "id": subject.id(),
        "schema": subject.schema_json(),
    })
}

/// Whether the body's schema is the subject's, in whatever spelling.
fn is_identical(subject: Subject, body: &str) -> Result<bool, Refusal> {
    let body: Value = serde_json::from_str(body).map_err(|_| Refusal::Unprocessable)?;
    let asked = body
        .get("schema")
        .and_then(Value::as_str)
        .ok_or(Refusal::Unprocessable)?;
    let asked: Value = serde_json::from_str(asked).map_err(|_| Refusal::Unprocessable)?;
    Ok(serde_json::from_str::<Value>(subject.schema_json()).is_ok_and(|ours| ours == asked))
}

async fn config(Path(name): Path<String>) -> Answer {
    subject(&name).map(|_| answer(&compatibility()))
}

async fn by_id(Path(id): Path<String>) -> Answer {
    Ok(answer(&json!({ "schema": subject_of(&id)?.schema_json() })))
}

async fn versions_of_id(Path(id): Path<String>) -> Answer {
    let subject = subject_of(&id)?.name();
    Ok(answer(&json!([{ "subject": subject, "version": VERSION }])))
}

async fn versions(Path(name): Path<String>) -> Answer {
    subject(&name).map(|_| answer(&json!([VERSION])))
}

fn found(name: &str, version: &str) -> Result<Subject, Refusal> {
    let subject = subject(name)?;
    match version {
        "latest" => Ok(subject),
        number if number.parse() == Ok(VERSION) => Ok(subject),
        _ => Err(Refusal::NoVersion),
    }
}

async fn version(Path((name, version)): Path<(String, String)>) -> Answer {
    Ok(answer(&described(found(&name, &version)?)))
}

async fn schema(Path((name, version)): Path<(String, String)>) -> Answer {
    let schema = found(&name, &version)?.schema_json();
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], schema).into_response())
}

async fn look_up(Path(name): Path<String>, body: String) -> Answer {
    let subject = subject(&name)?;
    if is_identical(subject, &body)? {
        Ok(answer(&described(subject)))
    } else {
        Err(Refusal::NoSchema)
    }
}

async fn register(Path(name): Path<String>, body: String) -> Answer {
    match subject(&name) {
        Ok(subject) if is_identical(subject, &body)? => Ok(answer(&json!({ "id": subject.id() }))),
        _ => Err(Refusal::ReadOnly),
    }
}
