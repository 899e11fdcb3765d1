//! How a plan is told: a line for each difference, or JSON.

use std::io::{self, Write};

use serde_json::{Value, json};
use weir_bus::admin::plan::{Difference, Fate, Plan, TopicSpec};

/// Whether the plan is to be done, or has been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tense {
    Planned,
    Done,
}

/// Writes a line for each difference; with `all` also for topics that have none.
pub(crate) fn lines(
    out: &mut dyn Write,
    plan: &Plan,
    topics: &[TopicSpec],
    tense: Tense,
    all: bool,
) -> io::Result<()> {
    for topic in topics {
        let mut own = differences(plan, Some(&topic.name)).peekable();
        if all && own.peek().is_none() {
            writeln!(out, "{}: as declared", topic.name)?;
        }
        for difference in own {
            writeln!(out, "{}: {}", topic.name, sentence(difference, tense))?;
        }
    }
    for difference in differences(plan, None) {
        writeln!(out, "acl: {}", sentence(difference, tense))?;
    }
    Ok(())
}

fn differences<'a>(plan: &'a Plan, topic: Option<&'a str>) -> impl Iterator<Item = &'a Difference> {
    let all = plan.differences.iter();
    all.filter(move |difference| difference.topic() == topic)
}

fn sentence(difference: &Difference, tense: Tense) -> String {
    let would = match tense {
        Tense::Planned => "would be ",
        Tense::Done => "",
    };
    match difference {
        Difference::Missing(topic) => {
            format!("{would}created with {} partitions", topic.partitions)
        }
        Difference::Setting {
            key,
            before,
            declared,
            ..
        } => {
            let before = before.as_deref().unwrap_or("unset");
            format!("{key} {would}changed from {before} to {declared}")
        }
        Difference::NotGranted(acl) => format!("{would}granted: {acl}"),
        Difference::Partitions {
            found, declared, ..
        } => format!(
            "refused: it has {found} partitions and {declared} are declared; the count is never changed in place, since \
             keys would move away from their earlier records, and verdicts from the partition number of their input: \
             declare a new topic (v2) with {declared}, read both, drain the old one; or declare {found}"
        ),
        Difference::Replication {
            found, declared, ..
        } => format!(
            "refused: its replication factor is {found} and {declared} is declared; changing it moves data between \
             brokers: plan it with kafka-reassign-partitions, or declare {found}"
        ),
        Difference::NoAuthorizer => {
            "refused: the broker has no authorizer, so that everybody may do everything and \
             nothing can be granted; set authorizer.class.name on it, or leave --principals out"
                .to_owned()
        }
        Difference::AclsHidden => {
            "refused: this client may not read ACLs; it needs Describe on the cluster to look, \
             and Alter to grant"
                .to_owned()
        }
        Difference::Undeclared(acl) => format!("granted and not declared, left as it is: {acl}"),
    }
}

/// All of it for machines: what `kind` it is and what becomes of it, and what the kind has to say.
pub(crate) fn json(plan: &Plan, tense: Tense) -> Value {
    let differences: Vec<Value> = plan
        .differences
        .iter()
        .map(|difference| {
            let mut value = details(difference);
            value["fate"] = match (difference.fate(), tense) {
                (Fate::Mended, Tense::Planned) => "to_apply",
                (Fate::Mended, Tense::Done) => "applied",
                (Fate::Refused, _) => "refused",
                (Fate::Reported, _) => "reported",
            }
            .into();
            value["text"] = sentence(difference, tense).into();
            value
        })
        .collect();
    json!({ "differences": differences, "authorizer": !plan.no_authorizer })
}

fn details(difference: &Difference) -> Value {
    match difference {
        Difference::Missing(topic) => json!({
            "kind": "missing_topic",
            "topic": topic.name,
            "partitions": topic.partitions,
            "replication": topic.replication,
            "config": topic.config,
        }),
        Difference::Setting {
            topic,
            key,
            before,
            declared,
        } => json!({
            "kind": "setting", "topic": topic, "key": key, "found": before, "declared": declared,
        }),
        Difference::NotGranted(acl) => json!({ "kind": "missing_acl", "acl": acl.to_string() }),
        Difference::Partitions {
            topic,
            found,
            declared,
        } => json!({
            "kind": "partitions", "topic": topic, "found": found, "declared": declared,
        }),
        Difference::Replication {
            topic,
            found,
            declared,
        } => json!({
            "kind": "replication", "topic": topic, "found": found, "declared": declared,
        }),
        Difference::NoAuthorizer => json!({ "kind": "no_authorizer" }),
        Difference::AclsHidden => json!({ "kind": "acls_hidden" }),
        Difference::Undeclared(acl) => {
            json!({ "kind": "undeclared_acl", "acl": acl.to_string() })
        }
    }
}
