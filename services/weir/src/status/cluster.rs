//! Topics and groups of the pipeline.

use serde::Serialize;
use weir_bus::{BusError, Observer};

use super::WatchArgs;

/// What there is on a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Cluster {
    pub(crate) topics: Vec<Topic>,
    pub(crate) groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Topic {
    pub(crate) name: String,
    /// `null`: it does not exist.
    pub(crate) partitions: Option<Vec<Watermarks>>,
}

/// How far a partition reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Watermarks {
    pub(crate) partition: i32,
    /// Offset of the oldest record that is still there.
    pub(crate) start: i64,
    /// Offset of the next record that comes.
    pub(crate) end: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) topic: String,
    /// Kafka's word; `null`: the broker does not tell.
    pub(crate) state: Option<String>,
    pub(crate) members: Vec<Member>,
    pub(crate) partitions: Vec<Lag>,
    /// Records of all partitions that wait.
    pub(crate) lag: i64,
}

/// A lane, in a gate's group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Member {
    pub(crate) client: String,
    pub(crate) host: String,
    pub(crate) partitions: Vec<i32>,
    pub(crate) lag: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Lag {
    pub(crate) partition: i32,
    /// `null`: nothing yet; everything that is there waits.
    pub(crate) committed: Option<i64>,
    pub(crate) lag: i64,
}

impl Cluster {
    pub(crate) fn look(observer: &Observer, args: &WatchArgs) -> Result<Self, BusError> {
        let mut topics = Vec::new();
        for name in args.all_topics() {
            let stretches = observer.topic(&name)?;
            let partitions = stretches.map(|stretches| {
                let all = stretches.into_iter().map(|stretch| Watermarks {
                    partition: stretch.partition,
                    start: stretch.start,
                    end: stretch.end,
                });
                all.collect()
            });
            topics.push(Topic { name, partitions });
        }
        let mut groups = Vec::new();
        for (name, topic) in args.all_groups() {
            let found = topics.iter().find(|one| one.name == topic);
            let Some(watermarks) = found.and_then(|topic| topic.partitions.as_ref()) else {
                continue;
            };
            let count = i32::try_from(watermarks.len()).unwrap_or(i32::MAX);
            let committed = observer.committed(&name, &topic, count)?;
            let told = observer.group(&name)?;
            groups.push(Group::of(name, topic, watermarks, &committed, told));
        }
        Ok(Self { topics, groups })
    }

    /// Records that wait for any of the groups.
    pub(crate) fn lag(&self) -> i64 {
        self.groups.iter().map(|group| group.lag).sum()
    }
}

impl Group {
    fn of(
        name: String,
        topic: String,
        watermarks: &[Watermarks],
        committed: &[Option<i64>],
        told: Option<weir_bus::Group>,
    ) -> Self {
        let lags = watermarks.iter().zip(committed);
        let partitions: Vec<Lag> = lags
            .map(|(there, &committed)| Lag {
                partition: there.partition,
                committed,
                // Of what was deleted before it was read nothing waits.
                lag: (there.end - committed.unwrap_or(there.start).max(there.start)).max(0),
            })
            .collect();
        let lag_of = |partition: i32| {
            let mut all = partitions.iter();
            let found = all.find(|one| one.partition == partition);
            found.map_or(0, |one| one.lag)
        };
        let state = told.as_ref().map(|group| group.state.clone());
        let members = told.map_or_else(Vec::new, |group| group.members);
        let members = members.into_iter().map(|mut member| {
            let owned = member.owns.remove(&topic).unwrap_or_default();
            Member {
                client: member.client,
                host: member.host,
                lag: owned.iter().copied().map(lag_of).sum(),
                partitions: owned,
            }
        });
        Self {
            members: members.collect(),
            lag: partitions.iter().map(|one| one.lag).sum(),
            name,
            state,
            partitions,
            topic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Cluster {
        /// A topic that is there and one that is not; a group with a member and one without.
        pub(crate) fn sample() -> Self {
            let topic = |name: &str, partitions| Topic {
                name: name.to_owned(),
                partitions,
            };
            let group = |name: &str, state: &str, members, lag| Group {
                name: name.to_owned(),
                topic: "prompts".to_owned(),
                state: Some(state.to_owned()),
                members,
                partitions: Vec::new(),
                lag,
            };
            let member = Member {
                client: "weir".to_owned(),
                host: "10.0.0.1".to_owned(),
                partitions: vec![0, 1],
                lag: 7,
            };
            Self {
                topics: vec![topic("prompts", Some(Vec::new())), topic("gone", None)],
                groups: vec![
                    group("gates", "Stable", vec![member], 7),
                    group("gates-streams", "Empty", Vec::new(), 0),
                ],
            }
        }
    }

    #[test]
    fn what_waits_is_what_is_there_and_not_committed() {
        let at = |partition, start, end| Watermarks {
            partition,
            start,
            end,
        };
        let watermarks = [at(0, 0, 10), at(1, 5, 10), at(2, 5, 10), at(3, 0, 4)];
        let told = weir_bus::Group {
            state: "Stable".to_owned(),
            members: vec![weir_bus::Member {
                client: "weir".to_owned(),
                host: "h".to_owned(),
                owns: [("t".to_owned(), vec![0, 2])].into(),
            }],
        };
        let committed = [Some(7), Some(2), None, Some(9)];
        let group = Group::of(
            "g".to_owned(),
            "t".to_owned(),
            &watermarks,
            &committed,
            Some(told),
        );
        let lags: Vec<i64> = group.partitions.iter().map(|one| one.lag).collect();
        assert_eq!(lags, [3, 5, 5, 0]);
        assert_eq!((group.lag, group.members[0].lag), (13, 8));
    }
}
