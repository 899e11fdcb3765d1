//! How far topics reach and groups are.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::config::BusConfig;
use crate::context::ReaderContext;
use crate::error::BusError;
use crate::log::Stretch;
use crate::reason::{failed, is_forbidden, unreachable};
use crate::tail::{partitions, watermarks};

/// How long a cluster may take for each answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at topics and groups, without being a member or committing anything.
pub struct Observer {
    consumer: BaseConsumer<ReaderContext>,
    /// What a group has committed is told to a client that is named after it.
    groups: Vec<(String, BaseConsumer<ReaderContext>)>,
    config: BusConfig,
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observer")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its client's name for itself.
    pub client: String,
    /// Where it connects from.
    pub host: String,
    /// Topic to partitions that it owns.
    pub owns: BTreeMap<String, Vec<i32>>,
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Kafka's word: `Stable`, `Empty`, `PreparingRebalance` and the like; `Dead` is one that is not there.
    pub state: String,
    /// By host and name.
    pub members: Vec<Member>,
}

impl Observer {
    /// Of these groups, and of any topic. Needs no broker yet.
    ///
    /// # Errors
    /// An option that librdkafka does not know.
    pub fn new(config: &BusConfig, groups: &[&str]) -> Result<Self, BusError> {
        let of = |group: Option<&str>| {
            let mut options = config.consumer(None);
            if let Some(group) = group {
                options.set("group.id", group);
            }
            options
                .create_with_context(ReaderContext::default())
                .map_err(BusError::client)
        };
        let groups = groups
            .iter()
            .map(|name| Ok(((*name).to_owned(), of(Some(name))?)));
        Ok(Self {
            consumer: of(None)?,
            groups: groups.collect::<Result<_, BusError>>()?,
            config: config.clone(),
        })
    }

    /// How far each partition of a topic reaches; `None`: there is no such topic.
    ///
    /// # Errors
    /// The cluster cannot be reached, or may not be looked at.
    pub fn topic(&self, topic: &str) -> Result<Option<Vec<Stretch>>, BusError> {
        let failed = |source| failed(&self.config, topic, source);
        let count = partitions(&self.consumer, topic, PATIENCE, Duration::ZERO).map_err(failed)?;
        let Some(count) = count else {
            return Ok(None);
        };
        let stretch = |partition| {
            let (start, end) = watermarks(&self.consumer, topic, partition, PATIENCE)?;
            Ok(Stretch {
                partition,
                start,
                end,
            })
        };
        let stretches = (0..count).map(stretch).collect::<Result<_, KafkaError>>();
        stretches.map(Some).map_err(failed)
    }

    /// Who is in a group. `None`: the broker does not tell, as the embedded one.
    ///
    /// # Errors
    /// The cluster cannot be reached, or the group may not be looked at.
    pub fn group(&self, group: &str) -> Result<Option<Group>, BusError> {
        let listed = match self.consumer.fetch_group_list(Some(group), PATIENCE) {
            Ok(listed) => listed,
            Err(error) if is_forbidden(&error) => return Err(self.group_failed(group, error)),
            // By then it has answered for topics: it is this that it does not know.
            Err(_) => return Ok(None),
        };
        let Some(found) = listed.groups().iter().find(|found| found.name() == group) else {
            return Ok(Some(Group {
                state: "Dead".to_owned(),
                members: Vec::new(),
            }));
        };
        let members = found.members().iter().map(|member| Member {
            client: member.client_id().to_owned(),
            host: member.client_host().trim_start_matches('/').to_owned(),
            owns: member.assignment().and_then(owned).unwrap_or_default(),
        });
        let mut members: Vec<Member> = members.collect();
        members
            .sort_unstable_by(|one, other| (&one.host, &one.owns).cmp(&(&other.host, &other.owns)));
        Ok(Some(Group {
            state: found.state().to_owned(),
            members,
        }))
    }

    /// The offset that one of the groups has committed for each of a topic's first `count` partitions, in order; `None`:
    /// none yet, or a group that this is no observer of.
    ///
    /// # Errors
    /// The cluster cannot be reached, or the group may not be looked at.
    pub fn committed(
        &self,
        group: &str,
        topic: &str,
        count: i32,
    ) -> Result<Vec<Option<i64>>, BusError> {
        let Some((_, consumer)) = self.groups.iter().find(|(name, _)| name == group) else {
            return Ok((0..count).map(|_| None).collect());
        };
        let mut wanted = TopicPartitionList::new();
        for partition in 0..count {
            wanted.add_partition(topic, partition);
        }
        let committed = consumer.committed_offsets(wanted, PATIENCE);
        let committed = committed.map_err(|error| self.group_failed(group, error))?;
        let offset = |partition| match committed.find_partition(topic, partition)?.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        Ok((0..count).map(offset).collect())
    }

    fn group_failed(&self, group: &str, source: KafkaError) -> BusError {
        if is_forbidden(&source) {
            return BusError::Operation {
                what: format!("group {group}, by the ACLs of this client's user"),
                source,
            };
        }
        unreachable(&self.config, &source)
    }
}

/// What a member owns, out of Kafka's consumer protocol: a version, then topics with their partitions. `None` for what is
/// no such thing.
fn owned(assignment: &[u8]) -> Option<BTreeMap<String, Vec<i32>>> {
    let mut left = assignment;
    let _version = take::<2>(&mut left)?;
    let mut owned = BTreeMap::new();
    for _ in 0..i32::from_be_bytes(take(&mut left)?) {
        let length = usize::try_from(i16::from_be_bytes(take(&mut left)?)).ok()?;
        let (name, rest) = left.split_at_checked(length)?;
        left = rest;
        let mut partitions = Vec::new();
        for _ in 0..i32::from_be_bytes(take(&mut left)?) {
            partitions.push(i32::from_be_bytes(take(&mut left)?));
        }
        partitions.sort_unstable();
        owned.insert(String::from_utf8(name.to_vec()).ok()?, partitions);
    }
    Some(owned)
}

fn take<const N: usize>(left: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = left.split_first_chunk()?;
    *left = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 1: `a` with partitions 2 and 0, `bc` with none; no user data.
    const ASSIGNMENT: &[u8] =
        b"\0\x01\0\0\0\x02\0\x01a\0\0\0\x02\0\0\0\x02\0\0\0\0\0\x02bc\0\0\0\0\xff\xff\xff\xff";

    #[test]
    fn an_assignment_is_read_and_what_is_none_is_not() {
        let expected = [("a", vec![0, 2]), ("bc", vec![])];
        let expected = expected.map(|(topic, partitions)| (topic.to_owned(), partitions));
        assert_eq!(owned(ASSIGNMENT), Some(expected.into()));
        let whole = ASSIGNMENT.len() - 4;
        for cut in 0..whole {
            assert_eq!(owned(&ASSIGNMENT[..cut]), None, "{cut}");
        }
        assert_eq!(owned(b"\0\0\x7f\xff\xff\xff\0"), None);
        assert_eq!(owned(b"\0\0\0\0\0\x01\xff\xff"), None);
    }
}
