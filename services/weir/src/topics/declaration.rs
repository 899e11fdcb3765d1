//! `topics.yaml`, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use weir_bus::admin::plan::TopicSpec;

/// What a topic must say of itself: the broker's defaults (7 days, for one) are not for users' texts.
const REQUIRED: [&str; 3] = ["cleanup.policy", "retention.ms", "max.message.bytes"];

/// The topics, and who has to do with them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declaration {
    pub(crate) topics: Vec<Topic>,
    pub(crate) roles: BTreeMap<String, Role>,
}

/// What is declared of a topic. What is for people only (`key`, `carries`) is read so that a misspelt field is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    pub(crate) name: String,
    partitions: i32,
    /// The topic whose count of partitions must be the same.
    partitions_as: Option<String>,
    replication: i32,
    #[serde(rename = "key")]
    _key: String,
    #[serde(rename = "carries")]
    _carries: String,
    config: BTreeMap<String, String>,
    pub(crate) roles: TopicRoles,
}

/// Which roles do what with a topic.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicRoles {
    pub(crate) produce: Vec<String>,
    pub(crate) consume: Vec<String>,
}

/// One kind of client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    #[serde(rename = "means")]
    _means: String,
    /// Consumer groups that it joins; `prefix*` is every group that begins so.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// Ids of its transactional producers, likewise.
    #[serde(default)]
    pub(crate) transactional_ids: Vec<String>,
    /// It sees that topics and groups are there, their settings, and the cluster's ACLs: what `weir topics check` needs.
    #[serde(default)]
    pub(crate) observes: bool,
}

impl Declaration {
    /// Reads and checks a file.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Self::parse(&text)
            .with_context(|| format!("{} is not a declaration of topics", file.display()))
    }

    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let declaration: Self = serde_saphyr::from_str(text)?;
        declaration.check()?;
        Ok(declaration)
    }

    /// The topics alone, as the cluster knows them.
    pub(crate) fn specs(&self) -> Vec<TopicSpec> {
        self.topics.iter().map(Topic::spec).collect()
    }

    fn check(&self) -> anyhow::Result<()> {
        let mut seen = BTreeMap::new();
        for topic in &self.topics {
            ensure!(
                seen.insert(topic.name.as_str(), topic.partitions).is_none(),
                "{} is declared twice",
                topic.name
            );
        }
        for topic in &self.topics {
            topic.check(&seen, &self.roles)?;
        }
        for (name, role) in &self.roles {
            for pattern in role.groups.iter().chain(&role.transactional_ids) {
                let exact = pattern.strip_suffix('*').unwrap_or(pattern);
                ensure!(
                    !exact.is_empty() && !exact.contains('*'),
                    "role {name}: {pattern:?} must be a name, or the beginning of one with a * at its end"
                );
            }
        }
        Ok(())
    }
}

impl Topic {
    fn spec(&self) -> TopicSpec {
        TopicSpec {
            name: self.name.clone(),
            partitions: self.partitions,
            replication: self.replication,
            config: self.config.clone(),
        }
    }

    fn check(
        &self,
        partitions: &BTreeMap<&str, i32>,
        roles: &BTreeMap<String, Role>,
    ) -> anyhow::Result<()> {
        let name = &self.name;
        let legal = |one: char| one.is_ascii_alphanumeric() || "._-".contains(one);
        ensure!(
            (1..=249).contains(&name.len())
                && name.chars().all(legal)
                && name != "."
                && name != "..",
            "{name:?} is not a topic's name: 1 to 249 letters, digits, dots, hyphens and underscores"
        );
        ensure!(
            self.partitions >= 1 && self.replication >= 1,
            "{name}: partitions and replication must be at least 1"
        );
        if let Some(other) = &self.partitions_as {
            match partitions.get(other.as_str()) {
                None => bail!("{name}: partitions_as names {other}, which is not declared"),
                Some(count) => ensure!(
                    *count == self.partitions,
                    "{name} has {} partitions and must have as many as {other}, {count}",
                    self.partitions
                ),
            }
        }
        for setting in REQUIRED {
            ensure!(
                self.config.contains_key(setting),
                "{name}: config must say {setting}; the broker's default is not for users' texts"
            );
        }
        let named: BTreeSet<&String> = self
            .roles
            .produce
            .iter()
            .chain(&self.roles.consume)
            .collect();
        for role in named {
            ensure!(
                roles.contains_key(role),
                "{name}: role {role} is not declared; roles are {}",
                roles.keys().cloned().collect::<Vec<_>>().join(", ")
            );
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const GOOD: &str = r#"
topics:
  - name: in
    partitions: 2
    replication: 1
    key: k
    carries: c
    config: {cleanup.policy: "delete", retention.ms: "1", max.message.bytes: "1"}
    roles: {produce: [worker], consume: [gate]}
  - name: out
    partitions: 2
    partitions_as: in
    replication: 1
    key: k
    carries: c
    config: {cleanup.policy: "delete", retention.ms: "1", max.message.bytes: "1"}
    roles: {produce: [gate], consume: [worker]}
roles:
  worker: {means: m}
  gate: {means: m, groups: [gates, "gates-*"], transactional_ids: ["tx-*"]}
  operator: {means: m, observes: true}
"#;

    #[test]
    fn the_declaration_in_the_repository_holds() {
        let declaration = Declaration::load(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../topics/topics.yaml"
        )))
        .unwrap();
        let partitions = |name: &str| {
            let mut specs = declaration.specs().into_iter();
            specs.find(|topic| topic.name == name).unwrap().partitions
        };
        // A verdict goes to the partition number of its input, a moderation record to that of its flagged text.
        for topic in ["prompts", "chunks", "checkpoints"] {
            let topic = format!("weir.{topic}.v1");
            assert_eq!(partitions(&topic), partitions("weir.verdicts.v1"));
        }
        assert_eq!(
            partitions("weir.flagged.v1"),
            partitions("weir.moderation.v1")
        );
    }

    #[test]
    fn mistakes_are_errors_that_name_them() {
        Declaration::parse(GOOD).unwrap();
        for (from, to, named) in [
            ("partitions: 2", "partitions: 0", "at least 1"),
            ("replication: 1", "replication: 0", "at least 1"),
            ("carries", "caries", "caries"),
            ("name: out", "name: in", "declared twice"),
            ("name: out", "name: o/ut", "o/ut"),
            (
                "partitions: 2\n    partitions_as",
                "partitions: 3\n    partitions_as",
                "as many as in",
            ),
            ("partitions_as: in", "partitions_as: on", "names on"),
            ("retention.ms", "retention.sm", "retention.ms"),
            ("produce: [worker]", "produce: [walker]", "walker"),
            ("produce: [worker], ", "", "produce"),
            ("[gates, ", "[\"*\", ", "\"*\""),
            ("[gates, ", "[\"g*s\", ", "g*s"),
            ("[gates, ", "[\"\", ", "\"\""),
            ("observes", "observe", "observe"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = Declaration::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(named), "{to}: {error}");
        }
    }
}
