//! Making a cluster's topics and ACLs what their declaration says.
//!
//! [`plan`](mod@plan) is pure: a declaration and what was found in, the differences out. This file finds, and does what
//! follows. All of it blocks, for up to a minute where a cluster is in trouble: on an async runtime it wants a thread
//! of its own.

pub mod acl;
mod native;
pub mod plan;
mod probe;
mod wait;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::config::BusConfig;
use crate::error::BusError;
use crate::reason::unreachable;
use acl::{Acl, Operation};
use native::Refusal;
use plan::{Declared, Difference, EVERYBODY, Fate, Found, FoundAcls, FoundTopic, Plan, TopicSpec};
pub use probe::BrokerTime;
use wait::wait;

/// How long the cluster may take for each step, and for what was done to be seen.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long until the cluster is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The broker's setting that names its authorizer; empty without one.
const AUTHORIZER: &str = "authorizer.class.name";

/// A connection for looking at a cluster and changing it.
pub struct Admin {
    client: AdminClient<DefaultClientContext>,
    config: BusConfig,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Admin {
    /// Needs no broker yet.
    ///
    /// # Errors
    /// An option that librdkafka does not know.
    pub fn new(config: &BusConfig) -> Result<Self, BusError> {
        Ok(Self {
            client: config.admin().create().map_err(BusError::client)?,
            config: config.clone(),
        })
    }

    /// What lies between the declaration and the cluster. Changes nothing.
    ///
    /// # Errors
    /// The cluster cannot be reached, or may not be looked at.
    pub fn plan(&self, declared: &Declared) -> Result<Plan, BusError> {
        Ok(plan::plan(declared, &self.find(declared)?))
    }

    /// Has the broker check what the plan would do to topics, so that a value that it does not take is known before
    /// anything is done. What this client may not do is passed over: it may be someone else's to apply.
    ///
    /// # Errors
    /// The cluster cannot be reached, or would refuse a step.
    pub fn validate(&self, plan: &Plan) -> Result<(), BusError> {
        self.mend_topics(plan, true)
    }

    /// Does what [`plan`](Self::plan) says, waits until it can be seen, and returns the plan. What it refuses is left
    /// as it is; so is all that is not declared.
    ///
    /// # Errors
    /// The cluster cannot be reached or refuses a step, in which case the steps before it are done; or what was done
    /// is not seen within 15 s, as when another changes the same.
    pub fn apply(&self, declared: &Declared) -> Result<Plan, BusError> {
        let plan = self.plan(declared)?;
        self.mend_topics(&plan, false)?;
        let grants: Vec<Acl> = plan
            .differences
            .iter()
            .filter_map(|difference| match difference {
                Difference::NotGranted(acl) => Some(acl.clone()),
                _ => None,
            })
            .collect();
        if !grants.is_empty() {
            native::create_acls(self.client.inner(), &grants, PATIENCE)
                .map_err(refused("granting ACLs"))?;
        }
        self.await_seen(declared, &plan)?;
        Ok(plan)
    }

    /// Brokers learn of changes after the controller, on a busy machine seconds later.
    fn await_seen(&self, declared: &Declared, done: &Plan) -> Result<(), BusError> {
        let began = Instant::now();
        let mut left = done.has(Fate::Mended);
        while left {
            left = self.plan(declared)?.has(Fate::Mended);
            if left && began.elapsed() > PATIENCE {
                return Err(BusError::NotSeen {
                    waited: began.elapsed(),
                });
            }
            if left {
                std::thread::sleep(LOOK_AGAIN);
            }
        }
        Ok(())
    }

    fn find(&self, declared: &Declared) -> Result<Found, BusError> {
        let metadata = self
            .client
            .inner()
            .fetch_metadata(None, PATIENCE)
            .map_err(|source| unreachable(&self.config, &source))?;
        let mut topics = BTreeMap::new();
        for topic in metadata.topics() {
            let is_declared = declared.topics.iter().any(|one| one.name == topic.name());
            // A topic that is being made has none for a moment.
            if !is_declared || topic.partitions().is_empty() {
                continue;
            }
            let Some(config) = self.config_of(topic.name())? else {
                continue;
            };
            let replicas = topic.partitions().iter().map(|one| one.replicas().len());
            let found = FoundTopic {
                partitions: count(topic.partitions().len()),
                replication: count(replicas.min().unwrap_or(0)),
                config,
            };
            topics.insert(topic.name().to_owned(), found);
        }
        // Any will do: all of a cluster have the same authorizer. (The one that answered may not be known by number yet.)
        let broker = metadata.brokers().first().map_or(-1, |broker| broker.id());
        let acls = match &declared.access {
            Some(access) => self.acls_of(broker, &access.principals)?,
            None => match self.has_authorizer(broker) {
                Ok(false) => FoundAcls::NoAuthorizer,
                // Nobody asked: that it cannot be told is no error.
                Ok(true) | Err(_) => FoundAcls::NotAsked,
            },
        };
        Ok(Found { topics, acls })
    }

    /// A topic's settings; `None`: the broker that was asked does not know the topic yet.
    fn config_of(&self, topic: &str) -> Result<Option<BTreeMap<String, Option<String>>>, BusError> {
        match native::config_of_topic(self.client.inner(), topic, PATIENCE) {
            Ok(config) => Ok(Some(config)),
            Err(refusal) if refusal.code == RDKafkaErrorCode::UnknownTopicOrPartition => Ok(None),
            Err(refusal) => {
                let what = format!("reading the configuration of topic {topic}");
                Err(refused(what)(refusal))
            }
        }
    }

    fn acls_of(&self, broker: i32, principals: &BTreeSet<String>) -> Result<FoundAcls, BusError> {
        let client = self.client.inner();
        let operations = native::cluster_operations(client, PATIENCE)
            .map_err(refused("asking what this client may do"))?;
        if !operations.contains(&Operation::Describe) && !operations.contains(&Operation::All) {
            return Ok(FoundAcls::Hidden);
        }
        match self.has_authorizer(broker) {
            Ok(true) => {}
            Ok(false) => return Ok(FoundAcls::NoAuthorizer),
            // Who may not read the broker's settings is held back by an authorizer.
            Err(refusal) if is_not_allowed(refusal.code) => {}
            Err(refusal) => {
                return Err(refused("asking whether the broker has an authorizer")(
                    refusal,
                ));
            }
        }
        let mut acls = BTreeSet::new();
        for principal in principals.iter().map(String::as_str).chain([EVERYBODY]) {
            let found =
                native::acls_of(client, principal, PATIENCE).map_err(refused("reading ACLs"))?;
            acls.extend(found);
        }
        Ok(FoundAcls::Known(acls))
    }

    fn has_authorizer(&self, broker: i32) -> Result<bool, Refusal> {
        let config = native::config_of_broker(self.client.inner(), broker, PATIENCE)?;
        // One whose name is not told is there.
        let class = config.get(AUTHORIZER);
        Ok(class.is_some_and(|class| class.as_ref().is_none_or(|name| !name.is_empty())))
    }

    fn mend_topics(&self, plan: &Plan, only_validate: bool) -> Result<(), BusError> {
        let mut settings: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for difference in &plan.differences {
            match difference {
                Difference::Missing(topic) => self.create(topic, only_validate)?,
                Difference::Setting {
                    topic,
                    key,
                    declared,
                    ..
                } => settings.entry(topic).or_default().push((key, declared)),
                _ => {}
            }
        }
        for (topic, settings) in settings {
            let done = native::set_config(
                self.client.inner(),
                topic,
                &settings,
                only_validate,
                PATIENCE,
            );
            match done {
                Err(refusal) if only_validate && is_not_allowed(refusal.code) => {}
                done => done.map_err(refused(format!("configuring topic {topic}")))?,
            }
        }
        Ok(())
    }

    /// Another may have made it meanwhile: whether as declared shows when it is looked at next.
    fn create(&self, topic: &TopicSpec, only_validate: bool) -> Result<(), BusError> {
        let mut new = NewTopic::new(
            &topic.name,
            topic.partitions,
            TopicReplication::Fixed(topic.replication),
        );
        for (key, value) in &topic.config {
            new = new.set(key, value);
        }
        let failed = |source| BusError::Operation {
            what: format!("creating topic {}", topic.name),
            source,
        };
        let options = options().validate_only(only_validate);
        for result in wait(self.client.create_topics([&new], &options)).map_err(failed)? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) if only_validate && is_not_allowed(code) => {}
                Err((_, code)) => return Err(failed(KafkaError::AdminOp(code))),
            }
        }
        Ok(())
    }
}

/// Makes topics that do not exist yet, and returns when they can be used: [`Admin::apply`] in one call. Blocks.
///
/// # Errors
/// As [`Admin::apply`]. Topics that exist with another number of partitions are left alone.
pub fn make_topics(
    config: &BusConfig,
    topics: impl IntoIterator<Item = TopicSpec>,
) -> Result<(), BusError> {
    let declared = Declared {
        topics: topics.into_iter().collect(),
        access: None,
    };
    Admin::new(config)?.apply(&declared).map(drop)
}

fn refused(what: impl Into<String>) -> impl FnOnce(Refusal) -> BusError {
    move |refusal| BusError::Refused {
        what: what.into(),
        message: refusal.to_string(),
    }
}

const fn is_not_allowed(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed
    )
}

fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE))
}
