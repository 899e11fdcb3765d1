//! Pages of HTTP servers that are no registries.

use std::io::Read as _;
use std::time::{Duration, SystemTime};

use reqwest::blocking::Client as Http;
use reqwest::header::DATE;

use crate::client::reason_of;

/// No page of interest is longer: a gate's metrics are some 50 kB.
const MOST_BYTES: u64 = 16 << 20;

/// Why there is no page: the reason alone, for the address may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PageError(String);

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// As text; broken UTF-8 is replaced.
    pub body: String,
    /// The server's time as it says it, in whole seconds; `None` if it does not.
    pub date: Option<SystemTime>,
    /// This machine's time before asking.
    pub asked: SystemTime,
    /// And when the answer began to come.
    pub answered: SystemTime,
}

/// Reads pages. Connections stay open between two reads.
#[derive(Debug, Clone)]
pub struct Pages {
    http: Http,
    timeout: Duration,
}

impl Pages {
    /// A reader that waits for an answer up to `timeout`, the connection included.
    ///
    /// # Errors
    /// The client cannot be made: no trust store, say.
    pub fn new(timeout: Duration) -> Result<Self, PageError> {
        let http = Http::builder().timeout(timeout).build();
        let http = http.map_err(|error| PageError(reason_of(&error, timeout)))?;
        Ok(Self { http, timeout })
    }

    /// What is at `url`, whatever its status.
    ///
    /// # Errors
    /// `url` is none, or there was no answer in time.
    pub fn read(&self, url: &str) -> Result<Page, PageError> {
        let asked = SystemTime::now();
        let response = self.http.get(url).send();
        let response = response.map_err(|error| PageError(reason_of(&error, self.timeout)))?;
        let answered = SystemTime::now();
        let status = response.status().as_u16();
        let date = response.headers().get(DATE);
        let date = date.and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let mut body = Vec::new();
        response
            .take(MOST_BYTES)
            .read_to_end(&mut body)
            .map_err(|error| PageError(error.to_string()))?;
        Ok(Page {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
            date,
            asked,
            answered,
        })
    }
}
