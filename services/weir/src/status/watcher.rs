//! Looks again and again: a cluster, and the metrics of what runs on it.

use std::time::{Duration, Instant};

use serde::Serialize;
use weir_bus::Observer;
use weir_registry::Pages;

use super::WatchArgs;
use super::cluster::Cluster;
use super::scrape::Scrape;
use super::vitals::Vitals;
use crate::doctor::{not_ready_because, url};

/// How long an admin endpoint may take: it answers from memory.
const TIMEOUT: Duration = Duration::from_secs(2);

/// All that was seen at one look.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) brokers: String,
    #[serde(flatten)]
    pub(crate) cluster: Cluster,
    /// Why the cluster could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trouble: Option<String>,
    pub(crate) endpoints: Vec<Endpoint>,
    /// Of all endpoints that were seen twice.
    pub(crate) total: Option<Vitals>,
}

/// A gate or rescorer.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Endpoint {
    pub(crate) address: String,
    pub(crate) ready: bool,
    /// Why it is not ready.
    pub(crate) reasons: Vec<String>,
    /// `null` until it was seen twice.
    pub(crate) vitals: Option<Vitals>,
}

pub(crate) struct Watcher {
    observer: Observer,
    pages: Pages,
    args: WatchArgs,
    /// Of each endpoint, in the order of the arguments.
    last: Vec<Option<Scrape>>,
}

impl Watcher {
    pub(crate) fn new(args: &WatchArgs) -> anyhow::Result<Self> {
        let groups = args.all_groups();
        let names: Vec<&str> = groups.iter().map(|(name, _)| name.as_str()).collect();
        Ok(Self {
            observer: Observer::new(&args.broker.bus()?, &names)?,
            pages: Pages::new(TIMEOUT)?,
            args: args.clone(),
            last: vec![None; args.gates.len()],
        })
    }

    /// Rates are of the time since the look before.
    pub(crate) fn look(&mut self) -> Snapshot {
        let (endpoints, total) = self.look_at_endpoints();
        let (cluster, trouble) = match Cluster::look(&self.observer, &self.args) {
            Ok(cluster) => (cluster, None),
            Err(error) => (Cluster::default(), Some(error.to_string())),
        };
        Snapshot {
            brokers: self.args.broker.brokers.clone(),
            cluster,
            trouble,
            endpoints,
            total,
        }
    }

    /// The same of endpoints alone.
    pub(crate) fn look_at_endpoints(&mut self) -> (Vec<Endpoint>, Option<Vitals>) {
        let mut endpoints = Vec::new();
        let mut both: Option<(Scrape, Scrape)> = None;
        for (address, last) in self.args.gates.iter().zip(&mut self.last) {
            let (endpoint, scrape) = read(&self.pages, address, last.as_ref());
            if let (Some(older), Some(newer)) = (&last, &scrape) {
                match &mut both {
                    Some((all_older, all_newer)) => {
                        all_older.extend(older);
                        all_newer.extend(newer);
                    }
                    None => both = Some((older.clone(), newer.clone())),
                }
            }
            *last = scrape;
            endpoints.push(endpoint);
        }
        let total = both.map(|(older, newer)| Vitals::between(&older, &newer));
        (endpoints, total)
    }
}

fn read(pages: &Pages, address: &str, last: Option<&Scrape>) -> (Endpoint, Option<Scrape>) {
    let mut endpoint = Endpoint {
        address: address.to_owned(),
        ..Endpoint::default()
    };
    let read = pages.read(&url(address, "/ready"));
    let metrics = read.and_then(|ready| Ok((ready, pages.read(&url(address, "/metrics"))?)));
    let (ready, metrics) = match metrics {
        Ok(both) => both,
        Err(error) => {
            endpoint.reasons = vec![format!("no answer: {error}")];
            return (endpoint, None);
        }
    };
    endpoint.reasons = not_ready_because(&ready);
    endpoint.ready = endpoint.reasons.is_empty();
    let scrape = Scrape::parse(&metrics.body, Instant::now());
    endpoint.vitals = last.map(|last| Vitals::between(last, &scrape));
    (endpoint, Some(scrape))
}
