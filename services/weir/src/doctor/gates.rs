//! Gates and rescorers that run, by their admin endpoints.

use serde_json::Value;
use weir_registry::{Page, Pages};

use super::clock::Reading;
use super::report::{Check, Report};

/// The address of an admin endpoint, given as `host:port` or as a URL.
pub(crate) fn url(address: &str, path: &str) -> String {
    let address = address.trim_end_matches('/');
    if address.contains("://") {
        format!("{address}{path}")
    } else {
        format!("http://{address}{path}")
    }
}

/// What `/ready` says: why not, or nothing. An answer of something else is a reason, too.
pub(crate) fn not_ready_because(page: &Page) -> Vec<String> {
    let body: Value = serde_json::from_str(&page.body).unwrap_or_default();
    let reasons = body.get("reasons").and_then(Value::as_array);
    let Some(reasons) = reasons else {
        return vec![format!("status {}, and no answer of Weir's", page.status)];
    };
    let reasons = reasons.iter();
    reasons
        .filter_map(|one| Some(one.as_str()?.to_owned()))
        .collect()
}

/// Checks that they are ready; what their clocks show.
pub(super) fn check(
    addresses: &[String],
    pages: &Pages,
    report: &mut Report,
) -> anyhow::Result<Vec<(String, Option<Reading>)>> {
    let mut clocks = Vec::new();
    if addresses.is_empty() {
        report.add(Check::skipped(
            "gates",
            "--gates HOST:PORT,... names their admin endpoints",
        ))?;
    }
    for address in addresses {
        let name = format!("gate {address}");
        let page = match pages.read(&url(address, "/ready")) {
            Ok(page) => page,
            Err(error) => {
                let fix = "start it, or correct --gates: the address behind weir gate --admin";
                report.add(Check::failed(name, format!("no answer: {error}"), fix))?;
                continue;
            }
        };
        let reasons = not_ready_because(&page);
        report.add(if reasons.is_empty() {
            Check::ok(name, "ready")
        } else {
            let fix = "mend what it says; its log has more (WEIR_LOG=debug)";
            Check::failed(name, format!("not ready: {}", reasons.join(", ")), fix)
        })?;
        clocks.push((format!("clock of gate {address}"), Reading::of_page(&page)));
    }
    Ok(clocks)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn an_address_may_be_a_url() {
        assert_eq!(url("gate:9464", "/ready"), "http://gate:9464/ready");
        assert_eq!(url("https://gate/w/", "/ready"), "https://gate/w/ready");
    }

    #[test]
    fn what_is_not_weir_is_not_ready() {
        let because = |body: &str| {
            not_ready_because(&Page {
                status: 200,
                body: body.to_owned(),
                date: None,
                asked: SystemTime::UNIX_EPOCH,
                answered: SystemTime::UNIX_EPOCH,
            })
        };
        assert!(because("{\"reasons\":[],\"status\":\"ready\"}").is_empty());
        assert_eq!(because("{\"reasons\":[\"a\",\"b\"]}"), ["a", "b"]);
        for other in ["", "welcome", "[]", "{\"status\":\"up\"}"] {
            assert_eq!(because(other), ["status 200, and no answer of Weir's"]);
        }
    }
}
