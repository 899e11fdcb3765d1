//! Verdicts joined with labels, or with what moderation made of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::bail;
use weir_bus::BusError;
use weir_policy::Policy;
use weir_types::{Category, CategoryScore, Verdict};
use weir_wire::Moderation;

use super::input::{Counts, Input, Target};
use super::row::{Labelled, Scored};
use crate::args::BrokerArgs;
use crate::labels::{Labels, Name, Truth};
use crate::range::{self, Range};
use crate::registry::RegistryArgs;

/// Where from.
pub(crate) struct From<'a> {
    pub(crate) broker: &'a BrokerArgs,
    pub(crate) registry: &'a RegistryArgs,
    pub(crate) verdicts: &'a str,
    pub(crate) moderation: &'a str,
    pub(crate) range: Range,
}

/// What a moderation record tells of a verdict's text.
struct Second {
    truth: Truth,
    weight: f64,
}

/// Reads the range; without `labels`, what the heavy model said is the target.
pub(crate) fn read(
    from: &From<'_>,
    labels: Option<Labels>,
    policy: &Policy,
    model: &str,
) -> anyhow::Result<Input> {
    let mut joined = Joined {
        policy,
        model,
        labels: labels.as_ref(),
        seconds: HashMap::new(),
        heavy: BTreeSet::new(),
        seen: HashSet::new(),
        counts: Counts::default(),
        labelled: Vec::new(),
        traffic: Vec::new(),
    };
    let moderated = range::read(
        from.broker,
        from.registry,
        from.moderation,
        from.range,
        |record| {
            if let Some(record) = record {
                joined.moderation(&record);
            }
        },
    );
    match moderated {
        // Labels have probabilities of their own, or stand for themselves: nobody need run a rescorer for them.
        Err(error) if labels.is_some() && is_missing(&error) => {
            tracing::warn!(%error, "inclusion probabilities are those of the labels only");
        }
        other => other?,
    }
    range::read(
        from.broker,
        from.registry,
        from.verdicts,
        from.range,
        |verdict| {
            joined.verdict(verdict.as_ref());
        },
    )?;
    let Joined {
        heavy,
        seconds,
        mut counts,
        labelled,
        traffic,
        ..
    } = joined;
    let heavy: Vec<String> = heavy.into_iter().collect();
    let whole = labels.as_ref().map_or(seconds.len(), Labels::len) as u64;
    counts.labelled = labelled.len() as u64;
    counts.traffic = traffic.len() as u64;
    counts.without_text = whole.saturating_sub(counts.labelled);
    if labelled.is_empty() {
        bail!(
            "none of the {whole} {} belongs to a verdict on {} that counts: of {} verdicts {} are of another policy than {}, {} of \
             another model, {} of streams; widen --since, or see --tenant and --model",
            if labels.is_some() {
                "labels"
            } else {
                "moderation records"
            },
            from.verdicts,
            counts.read,
            counts.of_other_policies,
            policy.id,
            counts.of_other_models,
            counts.of_streams
        );
    }
    Ok(Input {
        source: from.verdicts.to_owned(),
        target: labels.as_ref().map_or_else(
            || Target::heavy(&heavy),
            |labels| Target::labels(labels.file.name.clone()),
        ),
        files: labels.into_iter().map(|labels| labels.file).collect(),
        counts,
        labelled,
        held_out: None,
        traffic,
    })
}

fn is_missing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(BusError::NoSuchTopic { .. }))
}

struct Joined<'a> {
    policy: &'a Policy,
    model: &'a str,
    labels: Option<&'a Labels>,
    seconds: HashMap<String, Second>,
    heavy: BTreeSet<String>,
    seen: HashSet<u128>,
    counts: Counts,
    labelled: Vec<Labelled>,
    traffic: Vec<Scored>,
}

impl Joined<'_> {
    fn moderation(&mut self, record: &Moderation) {
        let (None, Some(weight)) = (&record.stream_id, record.weight()) else {
            return;
        };
        if self.labels.is_none() && record.heavy_scores.is_empty() {
            return;
        }
        self.heavy.insert(record.model.name.clone());
        let second = Second {
            truth: by_heavy(&record.heavy_scores),
            weight,
        };
        self.seconds.insert(record.verdict_id.clone(), second);
    }

    fn verdict(&mut self, verdict: Option<&Verdict>) {
        let counts = &mut self.counts;
        counts.read += 1;
        let Some(verdict) = verdict else {
            counts.unreadable += 1;
            return;
        };
        let provenance = &verdict.provenance;
        if verdict.stream_id.is_some() || verdict.supersedes.is_some() {
            counts.of_streams += 1;
            return;
        }
        if provenance.policy_id != self.policy.id {
            counts.of_other_policies += 1;
            return;
        }
        // Numbers take a quarter of the memory, and a day has millions.
        let Ok(id) = u128::from_str_radix(&verdict.verdict_id, 16) else {
            counts.unreadable += 1;
            return;
        };
        if !self.seen.insert(id) {
            counts.repeated += 1;
            return;
        }
        let scored = Scored::of(verdict, self.policy, 1.0);
        let raw = scored.raw;
        if raw.is_some()
            && !provenance
                .models
                .iter()
                .any(|model| model.hash == self.model)
        {
            counts.of_other_models += 1;
            return;
        }
        self.traffic.push(scored);
        let Some(raw) = raw else {
            counts.without_scores += 1;
            return;
        };
        let second = self.seconds.get(&verdict.verdict_id);
        let (truth, weight) = match self.labels {
            Some(labels) => {
                let Some(label) = labels.find(&[
                    Name::Verdict(verdict.verdict_id.clone()),
                    Name::Request(verdict.request_id.clone()),
                ]) else {
                    return;
                };
                (
                    label.truth,
                    label.weight.or(second.map(|second| second.weight)),
                )
            }
            None => {
                let Some(second) = second else { return };
                (second.truth, Some(second.weight))
            }
        };
        counts.of_unknown_probability += u64::from(weight.is_none());
        self.labelled.push(Labelled {
            id: verdict.request_id.clone(),
            truth,
            raw,
            locale: scored.locale,
            weight: weight.unwrap_or(1.0),
        });
    }
}

/// Positive: the policy acts on the heavy model's score. Nothing is known of what it never acts upon.
fn by_heavy(scores: &[CategoryScore]) -> Truth {
    let mut truth = [None; Category::COUNT];
    for score in scores {
        if score.threshold <= 1.0 && score.margin.is_finite() {
            truth[score.category.index()] = Some(score.margin >= 0.0);
        }
    }
    truth
}
