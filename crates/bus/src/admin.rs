//! Making topics what their declaration says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigSource, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::config::BusConfig;
use crate::error::BusError;

/// How long the cluster may take for each step.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long until the list of topics is read again.
const LIST_AGAIN: Duration = Duration::from_millis(200);

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name.
    pub name: String,
    /// Number of partitions, `1..`.
    pub partitions: i32,
    /// Replication factor, `1..`.
    pub replication: i32,
    /// Topic configuration by Kafka's names. It is the whole of it: what is set on the topic and
    /// not named here goes back to the broker's default.
    pub config: BTreeMap<String, String>,
}

/// What applying a declaration did to one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// It did not exist.
    Created,
    /// It existed and its configuration was made to match.
    Changed(Vec<Change>),
    /// Nothing had to be done.
    Unchanged,
    /// Its partition count differs, and is not changed in place: keys would move.
    Refused {
        /// As it is.
        partitions: i32,
    },
}

/// One setting of a topic that did not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub key: String,
    /// Its value so far.
    pub before: Option<String>,
    /// Its value now; `None`: the broker's default, since it is not declared.
    pub now: Option<String>,
}

/// Makes each topic what its declaration says, or with `dry_run` only tells what that would take.
///
/// # Errors
/// The cluster cannot be reached or refuses a step; topics before the failing one are done.
pub async fn apply(
    config: &BusConfig,
    topics: &[TopicSpec],
    dry_run: bool,
) -> Result<Vec<Applied>, BusError> {
    let admin: AdminClient<DefaultClientContext> =
        config.admin().create().map_err(BusError::client)?;
    let existing = existing(&admin, config)?;
    let mut applied = Vec::with_capacity(topics.len());
    for topic in topics {
        let mut partitions = existing.get(&topic.name).copied();
        if partitions.is_none() {
            if create(&admin, topic, dry_run).await? {
                applied.push(Applied::Created);
                continue;
            }
            partitions = Some(listed(&admin, config, &topic.name)?);
        }
        applied.push(match partitions {
            Some(partitions) if partitions != topic.partitions => Applied::Refused { partitions },
            _ => configure(&admin, topic, dry_run).await?,
        });
    }
    Ok(applied)
}

/// Names and partition counts of the cluster's topics.
fn existing(
    admin: &AdminClient<DefaultClientContext>,
    config: &BusConfig,
) -> Result<BTreeMap<String, i32>, BusError> {
    let metadata = admin
        .inner()
        .fetch_metadata(None, PATIENCE)
        .map_err(|source| BusError::Unreachable {
            brokers: config.brokers.clone(),
            source,
        })?;
    Ok(metadata
        .topics()
        .iter()
        .map(|topic| {
            (
                topic.name().to_owned(),
                i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX),
            )
        })
        .collect())
}

/// Partitions of a topic that exists although it was not listed: brokers learn of new topics after
/// the controller, on a busy machine seconds later.
fn listed(
    admin: &AdminClient<DefaultClientContext>,
    config: &BusConfig,
    topic: &str,
) -> Result<i32, BusError> {
    let began = Instant::now();
    loop {
        if let Some(partitions) = existing(admin, config)?.get(topic) {
            return Ok(*partitions);
        }
        if began.elapsed() > PATIENCE {
            return Err(BusError::Operation {
                what: format!("creating topic {topic}, which exists and is not listed"),
                source: KafkaError::AdminOp(RDKafkaErrorCode::TopicAlreadyExists),
            });
        }
        std::thread::sleep(LIST_AGAIN);
    }
}

/// Whether it was made; `false`: it was there already.
async fn create(
    admin: &AdminClient<DefaultClientContext>,
    topic: &TopicSpec,
    dry_run: bool,
) -> Result<bool, BusError> {
    let mut new = NewTopic::new(
        &topic.name,
        topic.partitions,
        TopicReplication::Fixed(topic.replication),
    );
    for (key, value) in &topic.config {
        new = new.set(key, value);
    }
    let results = admin
        .create_topics([&new], &options().validate_only(dry_run))
        .await;
    if let Ok(results) = &results
        && let [Err((_, RDKafkaErrorCode::TopicAlreadyExists))] = results[..]
    {
        return Ok(false);
    }
    checked(results, || format!("creating topic {}", topic.name))?;
    Ok(true)
}

async fn configure(
    admin: &AdminClient<DefaultClientContext>,
    topic: &TopicSpec,
    dry_run: bool,
) -> Result<Applied, BusError> {
    let resource = ResourceSpecifier::Topic(&topic.name);
    let what = || format!("reading the configuration of topic {}", topic.name);
    let described = admin
        .describe_configs([&resource], &options())
        .await
        .map_err(|source| BusError::Operation {
            what: what(),
            source,
        })?;
    let mut current = BTreeMap::new();
    for result in described {
        let resource = result.map_err(|code| BusError::Operation {
            what: what(),
            source: KafkaError::AdminOp(code),
        })?;
        for entry in resource.entries {
            let set_on_topic = entry.source == ConfigSource::DynamicTopic;
            current.insert(entry.name, (entry.value, set_on_topic));
        }
    }
    let mut changes = Vec::new();
    for (key, value) in &topic.config {
        let before = current.get(key).and_then(|(value, _)| value.clone());
        if before.as_ref() != Some(value) {
            changes.push(Change {
                key: key.clone(),
                before,
                now: Some(value.clone()),
            });
        }
    }
    for (key, (before, set_on_topic)) in current {
        if set_on_topic && !topic.config.contains_key(&key) {
            changes.push(Change {
                key,
                before,
                now: None,
            });
        }
    }
    if changes.is_empty() {
        return Ok(Applied::Unchanged);
    }
    if !dry_run {
        let mut alter = AlterConfig::new(resource);
        for (key, value) in &topic.config {
            alter = alter.set(key, value);
        }
        let results = admin
            .alter_configs([&alter], &options())
            .await
            .map(|results| {
                results
                    .into_iter()
                    .map(|result| {
                        result
                            .map(|_| String::new())
                            .map_err(|(_, code)| (String::new(), code))
                    })
                    .collect()
            });
        checked(results, || format!("configuring topic {}", topic.name))?;
    }
    Ok(Applied::Changed(changes))
}

fn checked(
    results: Result<Vec<rdkafka::admin::TopicResult>, KafkaError>,
    what: impl Fn() -> String,
) -> Result<(), BusError> {
    let results = results.map_err(|source| BusError::Operation {
        what: what(),
        source,
    })?;
    for result in results {
        result.map_err(|(_, code)| BusError::Operation {
            what: what(),
            source: KafkaError::AdminOp(code),
        })?;
    }
    Ok(())
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE))
}
