//! Access control lists, in the words of Kafka.

use std::fmt;

/// Who may do what, as a Kafka authorizer keeps it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acl {
    /// `type:name`, as in `User:gate`.
    pub principal: String,
    /// Kind of what it is about.
    pub resource: Resource,
    /// Name of what it is about, or how its names begin.
    pub name: String,
    /// How `name` is meant.
    pub pattern: Pattern,
    /// What may be done with it.
    pub operation: Operation,
    /// Or may not be.
    pub permission: Permission,
    /// From where: an address, or `*`.
    pub host: String,
}

/// Kinds of things that access is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// A topic.
    Topic,
    /// A consumer group.
    Group,
    /// The id of a transactional producer.
    TransactionalId,
    /// The cluster, whose name is [`CLUSTER`].
    Cluster,
    /// One that librdkafka does not know (delegation tokens, users).
    Other,
}

/// The name that a cluster has in ACLs.
pub const CLUSTER: &str = "kafka-cluster";

/// How the name in an ACL is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// As it stands; `*` is every name.
    Literal,
    /// Every name that begins so.
    Prefixed,
    /// One that librdkafka does not know.
    Other,
}

/// What may be done. `Read`, `Write`, `Delete` and `Alter` include `Describe`; `AlterConfigs` includes
/// `DescribeConfigs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// All of it.
    All,
    /// Fetch records; join a group and commit its offsets.
    Read,
    /// Produce records; use a transactional id.
    Write,
    /// Make it.
    Create,
    /// Remove it or its records.
    Delete,
    /// Change it; of a cluster also its ACLs.
    Alter,
    /// See that it is there, and where; of a cluster also its ACLs.
    Describe,
    /// What brokers do among themselves.
    ClusterAction,
    /// Read its settings.
    DescribeConfigs,
    /// Change its settings.
    AlterConfigs,
    /// Produce idempotently, where no topic may be written (Kafka before 2.8).
    IdempotentWrite,
    /// One that librdkafka does not know.
    Other,
}

/// Whether an ACL gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// It gives.
    Allow,
    /// It takes, whatever others give.
    Deny,
    /// One that librdkafka does not know.
    Other,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Topic => "topic",
            Self::Group => "group",
            Self::TransactionalId => "transactional id",
            Self::Cluster => "cluster",
            Self::Other => "other resource",
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "All",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Create => "Create",
            Self::Delete => "Delete",
            Self::Alter => "Alter",
            Self::Describe => "Describe",
            Self::ClusterAction => "ClusterAction",
            Self::DescribeConfigs => "DescribeConfigs",
            Self::AlterConfigs => "AlterConfigs",
            Self::IdempotentWrite => "IdempotentWrite",
            Self::Other => "another operation",
        })
    }
}

impl fmt::Display for Acl {
    /// As in `allow User:rescorer Write on transactional id weir-rescore-*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let permission = match self.permission {
            Permission::Allow => "allow",
            Permission::Deny => "deny",
            Permission::Other => "unknown permission:",
        };
        let star = match self.pattern {
            Pattern::Literal => "",
            Pattern::Prefixed => "*",
            Pattern::Other => " (unknown pattern)",
        };
        write!(
            f,
            "{permission} {} {} on {} {}{star}",
            self.principal, self.operation, self.resource, self.name
        )?;
        if self.host != "*" {
            write!(f, " from {}", self.host)?;
        }
        Ok(())
    }
}
