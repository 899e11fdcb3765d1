use std::error::Error as _;
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::Client as Http;
use schema_registry_converter::blocking::schema_registry::{
    SrSettings, get_all_versions, perform_sr_call, post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{
    RawError, RawRegisteredSchema, SchemaType, SrCall, SuppliedSchema,
};
use serde_json::{Value, json};

/// The compatibility under which Weir's schemas are kept.
pub const FULL_TRANSITIVE: &str = "FULL_TRANSITIVE";

/// How long a call may take, the connection included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What registries and their clients say that bodies are.
pub const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Confluent's error codes for what is not there: subject, version, schema, configuration of a subject.
const NOT_FOUND: [u32; 4] = [40401, 40402, 40403, 40408];
/// Its code for a schema that breaks compatibility.
const INCOMPATIBLE: u32 = 409;

/// Why a call did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The address is none.
    #[error("{0}; give one like http://localhost:8081")]
    Address(String),
    /// No answer, or none that a schema registry gives.
    #[error(
        "the schema registry at {url} does not answer as it should: {reason}; check that it runs, and that the address is \
         that of its Confluent interface (Apicurio's ends with /apis/ccompat/v7)"
    )]
    Unavailable {
        /// Its address, without user and password.
        url: String,
        /// What was seen.
        reason: String,
    },
    /// The schema breaks the compatibility that the subject is kept under.
    #[error("the schema registry refuses it as incompatible: {0}")]
    Incompatible(String),
}

/// A version of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The id that frames carry.
    pub id: u32,
    /// The version's number, from 1.
    pub version: u32,
    /// The schema as it was registered.
    pub schema: String,
}

/// Calls to a schema registry. Each waits for its answer, 5 s at most.
#[derive(Debug, Clone)]
pub struct Client {
    settings: SrSettings,
    http: Http,
    /// With user and password, if there are.
    base: String,
    /// For people.
    shown: String,
}

impl Client {
    /// A client of the registry whose Confluent interface is at `url`, where `user:password@` may stand.
    ///
    /// # Errors
    /// [`CallError::Address`].
    pub fn new(url: &str) -> Result<Self, CallError> {
        let address = |reason: String| CallError::Address(reason);
        let parsed = Url::parse(url).map_err(|error| {
            address(format!(
                "the schema registry's address is not a URL ({error})"
            ))
        })?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
            return Err(address(
                "the schema registry's address must be http or https".to_owned(),
            ));
        }
        let mut shown = parsed;
        // Both fail only for addresses without a host.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        let base = url.trim_end_matches('/').to_owned();
        let settings = SrSettings::new_builder(base.clone())
            .set_timeout(TIMEOUT)
            .build()
            .map_err(|error| address(error.error))?;
        let http = Http::builder()
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| address(reason_of(&error, TIMEOUT)))?;
        Ok(Self {
            settings,
            http,
            base,
            shown: shown.to_string().trim_end_matches('/').to_owned(),
        })
    }

    /// The registry's address, without user and password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shown
    }

    /// The version of `subject` that is exactly this schema; `None` if there is none.
    ///
    /// # Errors
    /// [`CallError::Unavailable`].
    pub fn find(&self, subject: &str, schema: &str) -> Result<Option<Version>, CallError> {
        let body = json!({ "schema": schema, "schemaType": "AVRO" }).to_string();
        let found = self.call(SrCall::PostForVersion(subject, &body))?;
        found.map(|raw| self.version_of(raw)).transpose()
    }

    /// The schema that an id names, whatever its subject; `None` if the registry does not know the id.
    ///
    /// # Errors
    /// [`CallError::Unavailable`].
    pub fn schema(&self, id: u32) -> Result<Option<String>, CallError> {
        let Some(raw) = self.call(SrCall::GetById(id))? else {
            return Ok(None);
        };
        raw.schema
            .map(Some)
            .ok_or_else(|| self.unexpected("a schema without text"))
    }

    /// All versions of a subject, the oldest first; none if it is not there.
    ///
    /// # Errors
    /// [`CallError::Unavailable`].
    pub fn versions(&self, subject: &str) -> Result<Vec<Version>, CallError> {
        let numbers = self.there(get_all_versions(&self.settings, subject.to_owned()))?;
        let mut versions = Vec::new();
        for number in numbers.unwrap_or_default() {
            // One that was deleted since is none.
            if let Some(raw) = self.call(SrCall::GetBySubjectAndVersion(subject, number))? {
                versions.push(self.version_of(raw)?);
            }
        }
        Ok(versions)
    }

    /// Makes a schema the subject's next version, unless it is one of its versions already. Its id.
    ///
    /// # Errors
    /// [`CallError::Unavailable`] and [`CallError::Incompatible`].
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32, CallError> {
        let supplied = SuppliedSchema::new(None, SchemaType::Avro, schema.to_owned());
        let posted = post_schema(&self.settings, subject.to_owned(), supplied);
        posted
            .map(|schema| schema.id)
            .map_err(|error| self.error(&error))
    }

    /// The compatibility that is set for a subject itself; `None` if none is.
    ///
    /// # Errors
    /// [`CallError::Unavailable`].
    pub fn compatibility(&self, subject: &str) -> Result<Option<String>, CallError> {
        let request = self.http.get(self.config_of(subject));
        let answer = self.send(request)?;
        Ok(answer.and_then(|answer| Some(answer.get("compatibilityLevel")?.as_str()?.to_owned())))
    }

    /// Sets it to [`FULL_TRANSITIVE`].
    ///
    /// # Errors
    /// [`CallError::Unavailable`].
    pub fn set_full_transitive(&self, subject: &str) -> Result<(), CallError> {
        let body = json!({ "compatibility": FULL_TRANSITIVE }).to_string();
        let request = self
            .http
            .put(self.config_of(subject))
            .header("content-type", MEDIA_TYPE);
        match self.send(request.body(body))? {
            Some(_) => Ok(()),
            None => Err(self.unexpected("the configuration of a subject cannot be set")),
        }
    }

    fn config_of(&self, subject: &str) -> String {
        format!("{}/config/{}", self.base, subject.replace('/', "%2F"))
    }

    /// A call that `schema_registry_converter` lacks; `None` if what was asked for is not there.
    fn send(&self, request: reqwest::blocking::RequestBuilder) -> Result<Option<Value>, CallError> {
        let response = request
            .header("accept", MEDIA_TYPE)
            .send()
            .map_err(|error| self.unexpected(&reason_of(&error, TIMEOUT)))?;
        let status = response.status();
        let body: Value = response.json().unwrap_or_default();
        if status.is_success() {
            return Ok(Some(body));
        }
        let code = body.get("error_code").and_then(Value::as_u64);
        if NOT_FOUND
            .iter()
            .any(|known| Some(u64::from(*known)) == code)
        {
            return Ok(None);
        }
        Err(self.unexpected(&format!("status {status}")))
    }

    fn call(&self, call: SrCall<'_>) -> Result<Option<RawRegisteredSchema>, CallError> {
        self.there(perform_sr_call(&self.settings, call))
    }

    /// The answer, or `None` if the registry says in its own way that there is nothing. A 404 of somebody else (a proxy, a
    /// wrong path) is no such word: it would make poison of good records.
    fn there<T>(&self, answer: Result<T, SRCError>) -> Result<Option<T>, CallError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if raw(&error).is_some_and(|raw| NOT_FOUND.contains(&raw.error_code)) => {
                Ok(None)
            }
            Err(error) => Err(self.error(&error)),
        }
    }

    fn error(&self, error: &SRCError) -> CallError {
        match raw(error) {
            Some(raw) if raw.error_code == INCOMPATIBLE => {
                CallError::Incompatible(raw.message.clone())
            }
            Some(raw) if raw.error_code != 0 => self.unexpected(&format!(
                "{} ({}, code {})",
                error.error, raw.message, raw.error_code
            )),
            Some(_) => self.unexpected(&error.error),
            None => {
                let http = error
                    .source()
                    .and_then(|source| source.downcast_ref::<reqwest::Error>());
                self.unexpected(
                    &http.map_or_else(|| error.error.clone(), |error| reason_of(error, TIMEOUT)),
                )
            }
        }
    }

    fn version_of(&self, raw: RawRegisteredSchema) -> Result<Version, CallError> {
        match (raw.id, raw.version, raw.schema) {
            (Some(id), Some(version), Some(schema)) => Ok(Version {
                id,
                version,
                schema,
            }),
            _ => Err(self.unexpected("a version without id, number or schema")),
        }
    }

    fn unexpected(&self, reason: &str) -> CallError {
        CallError::Unavailable {
            url: self.shown.clone(),
            reason: reason.to_owned(),
        }
    }
}

fn raw(error: &SRCError) -> Option<&RawError> {
    error.source()?.downcast_ref()
}

/// What is at the bottom of it: "Connection refused" says more than "error sending request", which quotes the address.
pub(crate) fn reason_of(error: &reqwest::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", timeout.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if std::ptr::addr_eq(cause, error) {
        return "the call failed".to_owned();
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_address_that_is_none_is_refused_and_a_password_is_not_shown() {
        for bad in ["", "localhost:8081", "ftp://host", "http://"] {
            assert!(
                matches!(Client::new(bad), Err(CallError::Address(_))),
                "{bad}"
            );
        }
        let client = Client::new("http://me:secret@127.0.0.1:1/path/").unwrap();
        assert_eq!(client.url(), "http://127.0.0.1:1/path");
        let error = client.find("s", "\"string\"").unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains("Connection refused") && !told.contains("secret"),
            "{told}"
        );
        let error = client.compatibility("s").unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains("Connection refused") && !told.contains("secret"),
            "{told}"
        );
    }

    /// A server that answers every request so; its address.
    fn server(status: &'static str, body: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).unwrap();
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        format!("http://{address}")
    }

    #[test]
    fn only_the_registry_itself_says_that_something_is_not_there() {
        let client = |status, body| Client::new(&server(status, body)).unwrap();
        let own = client(
            "404 Not Found",
            r#"{"error_code":40403,"message":"Schema not found"}"#,
        );
        assert_eq!(own.schema(1), Ok(None));
        assert_eq!(own.find("s", "\"string\""), Ok(None));
        assert_eq!(own.compatibility("s"), Ok(None));
        assert_eq!(own.versions("s"), Ok(Vec::new()));
        for (status, body) in [
            ("404 Not Found", "<html>no such page</html>"),
            (
                "404 Not Found",
                r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#,
            ),
            (
                "401 Unauthorized",
                r#"{"error_code":40101,"message":"Unauthorized"}"#,
            ),
            (
                "500 Internal Server Error",
                r#"{"error_code":50001,"message":"Error in the backend"}"#,
            ),
            ("503 Service Unavailable", ""),
            ("200 OK", "<html>welcome</html>"),
            ("200 OK", "{}"),
        ] {
            let other = client(status, body);
            let answers = [
                other.schema(1).map(drop),
                other.find("s", "\"string\"").map(drop),
            ];
            for answer in answers {
                let unavailable = matches!(answer, Err(CallError::Unavailable { .. }));
                assert!(unavailable, "{status} {body}: {answer:?}");
            }
        }
    }
}
