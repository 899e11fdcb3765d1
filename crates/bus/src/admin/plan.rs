//! What lies between a declaration and a cluster. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::acl::{Acl, Pattern, Resource};

/// How an ACL names everybody, the declared principals among them.
pub const EVERYBODY: &str = "User:*";

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name.
    pub name: String,
    /// Number of partitions, `1..`.
    pub partitions: i32,
    /// Replication factor, `1..`.
    pub replication: i32,
    /// Topic configuration by Kafka's names. What is set on the topic and not named here is left alone.
    pub config: BTreeMap<String, String>,
}

/// A cluster as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Its topics; others are nobody's business here.
    pub topics: Vec<TopicSpec>,
    /// Who may do what; `None`: not asked for, ACLs are left alone.
    pub access: Option<Access>,
}

/// Who may do what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Whom this is about, as `User:name`: of others' ACLs nothing is said, but of [`EVERYBODY`]'s on what is declared.
    pub principals: BTreeSet<String>,
    /// All that they may.
    pub acls: BTreeSet<Acl>,
}

/// A topic as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundTopic {
    /// Number of partitions.
    pub partitions: i32,
    /// Replicas of the partition that has the fewest.
    pub replication: i32,
    /// Settings in force, the broker's defaults included; `None`: the broker does not tell the value.
    pub config: BTreeMap<String, Option<String>>,
}

/// A cluster as it is, as far as the declaration is about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// By name.
    pub topics: BTreeMap<String, FoundTopic>,
    /// ACLs of the declared principals, and of [`EVERYBODY`].
    pub acls: FoundAcls,
}

/// What is known of a cluster's ACLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundAcls {
    /// It has no authorizer: everybody may do everything, and nothing can be granted.
    NoAuthorizer,
    /// There is an authorizer as far as is known, and nobody asked for more.
    NotAsked,
    /// This client may not read them.
    Hidden,
    /// These.
    Known(BTreeSet<Acl>),
}

/// What [`plan`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// All that differs, topic by topic in the declaration's order, then ACLs.
    pub differences: Vec<Difference>,
    /// The cluster has no authorizer.
    pub no_authorizer: bool,
}

/// One thing that is not as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The topic does not exist.
    Missing(TopicSpec),
    /// A declared setting has another value.
    Setting {
        /// The topic.
        topic: String,
        /// Name of the setting.
        key: String,
        /// Its value so far; `None`: the broker knows no such setting, or does not tell.
        before: Option<String>,
        /// The declared value.
        declared: String,
    },
    /// A declared ACL is not there.
    NotGranted(Acl),
    /// The number of partitions differs, and is never changed in place: keys would move to other partitions, away from
    /// the records before them, and verdicts go to the partition number of their input.
    Partitions {
        /// The topic.
        topic: String,
        /// As it is.
        found: i32,
        /// As it should be.
        declared: i32,
    },
    /// The replication factor differs: changing it moves data between brokers, which is for the operator to plan.
    Replication {
        /// The topic.
        topic: String,
        /// As it is.
        found: i32,
        /// As it should be.
        declared: i32,
    },
    /// ACLs are declared for a cluster that has no authorizer.
    NoAuthorizer,
    /// ACLs are declared, and this client may not read the cluster's.
    AclsHidden,
    /// An ACL of a declared principal, or of everybody, that is not declared. It may be someone's on purpose, so it is not removed.
    Undeclared(Acl),
}

/// What becomes of a [`Difference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Applying the plan mends it.
    Mended,
    /// It is declared, and applying does not make it so.
    Refused,
    /// It is beyond the declaration, and only told of.
    Reported,
}

impl Difference {
    /// What becomes of it.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        match self {
            Self::Missing(_) | Self::Setting { .. } | Self::NotGranted(_) => Fate::Mended,
            Self::Partitions { .. }
            | Self::Replication { .. }
            | Self::NoAuthorizer
            | Self::AclsHidden => Fate::Refused,
            Self::Undeclared(_) => Fate::Reported,
        }
    }

    /// The topic that it is about.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::Missing(TopicSpec { name: topic, .. })
            | Self::Setting { topic, .. }
            | Self::Partitions { topic, .. }
            | Self::Replication { topic, .. } => Some(topic),
            Self::NotGranted(_) | Self::NoAuthorizer | Self::AclsHidden | Self::Undeclared(_) => {
                None
            }
        }
    }
}

impl Plan {
    /// Whether any of its differences has this fate.
    #[must_use]
    pub fn has(&self, fate: Fate) -> bool {
        self.differences.iter().any(|one| one.fate() == fate)
    }
}

/// What would make the cluster as declared, and what differs beyond that.
#[must_use]
pub fn plan(declared: &Declared, found: &Found) -> Plan {
    let mut differences = Vec::new();
    for topic in &declared.topics {
        match found.topics.get(&topic.name) {
            Some(there) => differences.extend(between(topic, there)),
            None => differences.push(Difference::Missing(topic.clone())),
        }
    }
    if let Some(access) = &declared.access {
        match &found.acls {
            FoundAcls::NoAuthorizer => differences.push(Difference::NoAuthorizer),
            FoundAcls::Hidden | FoundAcls::NotAsked => differences.push(Difference::AclsHidden),
            FoundAcls::Known(acls) => {
                let missing = access.acls.difference(acls).cloned();
                differences.extend(missing.map(Difference::NotGranted));
                let beyond = acls.difference(&access.acls);
                let ours =
                    beyond.filter(|acl| acl.principal != EVERYBODY || touches(acl, declared));
                differences.extend(ours.cloned().map(Difference::Undeclared));
            }
        }
    }
    Plan {
        differences,
        no_authorizer: found.acls == FoundAcls::NoAuthorizer,
    }
}

fn between(topic: &TopicSpec, found: &FoundTopic) -> Vec<Difference> {
    let mut differences = Vec::new();
    if found.partitions != topic.partitions {
        differences.push(Difference::Partitions {
            topic: topic.name.clone(),
            found: found.partitions,
            declared: topic.partitions,
        });
    }
    if found.replication != topic.replication {
        differences.push(Difference::Replication {
            topic: topic.name.clone(),
            found: found.replication,
            declared: topic.replication,
        });
    }
    for (key, declared) in &topic.config {
        let before = found.config.get(key).cloned().flatten();
        if !before
            .as_deref()
            .is_some_and(|value| is_same(key, value, declared))
        {
            differences.push(Difference::Setting {
                topic: topic.name.clone(),
                key: key.clone(),
                before,
                declared: declared.clone(),
            });
        }
    }
    differences
}

/// Whether an ACL is about a topic, group or transactional id that is declared.
fn touches(acl: &Acl, declared: &Declared) -> bool {
    let topics = declared.topics.iter();
    let topics = topics.map(|topic| (Resource::Topic, topic.name.as_str(), Pattern::Literal));
    let granted = declared.access.iter().flat_map(|access| &access.acls);
    let granted = granted.map(|own| (own.resource, own.name.as_str(), own.pattern));
    let mut all = topics.chain(granted);
    let prefixed = |pattern| pattern != Pattern::Literal;
    all.any(|(resource, name, pattern)| {
        resource == acl.resource
            && resource != Resource::Cluster
            && (name == acl.name
                || acl.name == "*"
                || prefixed(acl.pattern) && name.starts_with(&acl.name)
                || prefixed(pattern) && acl.name.starts_with(name))
    })
}

/// `cleanup.policy` is a list whose order means nothing.
fn is_same(key: &str, one: &str, other: &str) -> bool {
    let parts = |value: &str| -> BTreeSet<String> {
        value
            .split(',')
            .map(|part| part.trim().to_owned())
            .collect()
    };
    one == other || (key == "cleanup.policy" && parts(one) == parts(other))
}

#[cfg(test)]
mod tests {
    use super::super::acl::{Operation, Pattern, Permission, Resource};
    use super::*;

    fn spec(config: &[(&str, &str)]) -> TopicSpec {
        TopicSpec {
            name: "t".to_owned(),
            partitions: 4,
            replication: 1,
            config: config
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    fn found(config: &[(&str, &str)]) -> Found {
        let topic = FoundTopic {
            partitions: 4,
            replication: 1,
            config: spec(config)
                .config
                .into_iter()
                .map(|(key, value)| (key, Some(value)))
                .collect(),
        };
        Found {
            topics: [("t".to_owned(), topic)].into(),
            acls: FoundAcls::NotAsked,
        }
    }

    fn topics(config: &[(&str, &str)]) -> Declared {
        Declared {
            topics: vec![spec(config)],
            access: None,
        }
    }

    fn acl(operation: Operation, host: &str) -> Acl {
        Acl {
            principal: "User:gate".to_owned(),
            resource: Resource::Topic,
            name: "t".to_owned(),
            pattern: Pattern::Literal,
            operation,
            permission: Permission::Allow,
            host: host.to_owned(),
        }
    }

    fn differences(declared: &Declared, found: &Found) -> Vec<Difference> {
        plan(declared, found).differences
    }

    #[test]
    fn a_topic_that_is_not_there_is_made_and_others_are_ignored() {
        let mut cluster = found(&[]);
        assert_eq!(differences(&topics(&[]), &cluster), []);
        let other = cluster.topics.remove("t").unwrap_or_default();
        cluster.topics.insert("other".to_owned(), other);
        assert_eq!(
            differences(&topics(&[]), &cluster),
            [Difference::Missing(spec(&[]))]
        );
    }

    #[test]
    fn declared_settings_are_compared_and_undeclared_ones_are_not() {
        let declared = topics(&[("retention.ms", "5"), ("x", "1")]);
        let cluster = found(&[("retention.ms", "7"), ("retention.bytes", "9")]);
        let setting = |key: &str, before: Option<&str>, declared: &str| Difference::Setting {
            topic: "t".to_owned(),
            key: key.to_owned(),
            before: before.map(str::to_owned),
            declared: declared.to_owned(),
        };
        let expected = [
            setting("retention.ms", Some("7"), "5"),
            setting("x", None, "1"),
        ];
        assert_eq!(differences(&declared, &cluster), expected);
    }

    #[test]
    fn the_order_of_cleanup_policies_means_nothing_and_that_of_others_does() {
        let there = found(&[("cleanup.policy", "compact,delete"), ("other", "a,b")]);
        let same = topics(&[("cleanup.policy", "delete, compact"), ("other", "a,b")]);
        assert_eq!(differences(&same, &there), []);
        for config in [("cleanup.policy", "compact"), ("other", "b,a")] {
            assert_eq!(differences(&topics(&[config]), &there).len(), 1);
        }
    }

    #[test]
    fn counts_are_refused_and_settings_mended_all_the_same() {
        let mut declared = topics(&[("a", "1")]);
        declared.topics[0].partitions = 8;
        declared.topics[0].replication = 3;
        let plan = plan(&declared, &found(&[("a", "2")]));
        let fates: Vec<Fate> = plan.differences.iter().map(Difference::fate).collect();
        assert_eq!(fates, [Fate::Refused, Fate::Refused, Fate::Mended]);
        assert!(matches!(
            plan.differences[0],
            Difference::Partitions {
                found: 4,
                declared: 8,
                ..
            }
        ));
        assert!(plan.differences.iter().all(|one| one.topic() == Some("t")));
    }

    #[test]
    fn acls_are_granted_reported_or_left_alone() {
        let mut declared = topics(&[]);
        let mut cluster = found(&[]);
        let (read, write) = (acl(Operation::Read, "*"), acl(Operation::Write, "*"));
        // The same from one address only is not what is declared.
        let narrow = acl(Operation::Read, "10.0.0.1");
        cluster.acls = FoundAcls::Known([write.clone(), narrow.clone()].into());
        // Not asked for.
        assert_eq!(differences(&declared, &cluster), []);
        declared.access = Some(Access {
            principals: ["User:gate".to_owned()].into(),
            acls: [read.clone(), write].into(),
        });
        assert_eq!(
            differences(&declared, &cluster),
            [Difference::NotGranted(read), Difference::Undeclared(narrow)]
        );
    }

    #[test]
    fn what_everybody_may_is_reported_where_it_touches_what_is_declared() {
        let mut declared = topics(&[]);
        let group = Acl {
            resource: Resource::Group,
            name: "g-".to_owned(),
            pattern: Pattern::Prefixed,
            ..acl(Operation::Read, "*")
        };
        declared.access = Some(Access {
            principals: ["User:gate".to_owned()].into(),
            acls: [group.clone()].into(),
        });
        let everybody = |resource, name: &str, pattern| Acl {
            principal: EVERYBODY.to_owned(),
            resource,
            name: name.to_owned(),
            pattern,
            ..acl(Operation::Read, "*")
        };
        for (resource, name, pattern, is_ours) in [
            (Resource::Topic, "t", Pattern::Literal, true),
            (Resource::Topic, "*", Pattern::Literal, true),
            (Resource::Topic, "", Pattern::Prefixed, true),
            (Resource::Topic, "other", Pattern::Literal, false),
            (Resource::Topic, "to", Pattern::Prefixed, false),
            (Resource::Group, "t", Pattern::Literal, false),
            (Resource::Group, "g-1", Pattern::Literal, true),
            (Resource::Group, "g", Pattern::Prefixed, true),
            (Resource::Group, "g-1", Pattern::Prefixed, true),
            (Resource::Cluster, "kafka-cluster", Pattern::Literal, false),
        ] {
            let mut cluster = found(&[]);
            let given = everybody(resource, name, pattern);
            cluster.acls = FoundAcls::Known([group.clone(), given.clone()].into());
            let expected: &[Difference] = &[Difference::Undeclared(given.clone())];
            let expected = if is_ours { expected } else { &[] };
            assert_eq!(differences(&declared, &cluster), expected, "{given}");
        }
    }

    #[test]
    fn acls_asked_for_in_vain_are_refused() {
        let mut declared = topics(&[]);
        let mut cluster = found(&[]);
        cluster.acls = FoundAcls::NoAuthorizer;
        assert!(plan(&declared, &cluster).no_authorizer);
        assert_eq!(differences(&declared, &cluster), []);
        declared.access = Some(Access::default());
        assert_eq!(differences(&declared, &cluster), [Difference::NoAuthorizer]);
        cluster.acls = FoundAcls::Hidden;
        assert_eq!(differences(&declared, &cluster), [Difference::AclsHidden]);
        assert!(plan(&declared, &cluster).has(Fate::Refused));
    }

    #[test]
    fn acls_read_as_they_are_meant() {
        let mut shown = acl(Operation::DescribeConfigs, "*");
        assert_eq!(
            shown.to_string(),
            "allow User:gate DescribeConfigs on topic t"
        );
        shown.resource = Resource::TransactionalId;
        shown.pattern = Pattern::Prefixed;
        shown.permission = Permission::Deny;
        shown.host = "10.0.0.1".to_owned();
        assert_eq!(
            shown.to_string(),
            "deny User:gate DescribeConfigs on transactional id t* from 10.0.0.1"
        );
    }
}
