//! One prompt or stream, before and after: a line of results.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_lane::Judged;
use weir_policy::PolicySet;
use weir_types::{Action, Category, Finding, Unjudged, Verdict};

/// What was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Prompt,
    Stream,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Stream => "stream",
        }
    }
}

/// From the first judgement to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// Was not blocked, and would be.
    NewlyBlocked,
    /// Was blocked, and would not be.
    Released,
    /// Was allowed, and would be warned of or masked.
    NewlyWarned,
    /// Neither blocked nor allowed before: masked where it was warned of.
    NewlyMasked,
    /// Was warned of or masked, and would be less.
    Eased,
    Same,
    /// There is nothing to compare with.
    NotCompared,
}

impl Change {
    /// Those that are changes.
    pub(crate) const ALL: [Self; 5] = [
        Self::NewlyBlocked,
        Self::Released,
        Self::NewlyWarned,
        Self::NewlyMasked,
        Self::Eased,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NewlyBlocked => "newly_blocked",
            Self::Released => "released",
            Self::NewlyWarned => "newly_warned",
            Self::NewlyMasked => "newly_masked",
            Self::Eased => "eased",
            Self::Same => "same",
            Self::NotCompared => "not_compared",
        }
    }

    pub(crate) fn between(before: Option<Action>, after: Action) -> Self {
        match before {
            None => Self::NotCompared,
            Some(before) if before == after => Self::Same,
            Some(Action::Block) => Self::Released,
            Some(_) if after == Action::Block => Self::NewlyBlocked,
            Some(Action::Allow) => Self::NewlyWarned,
            Some(before) if after > before => Self::NewlyMasked,
            Some(_) => Self::Eased,
        }
    }
}

/// What was made of it; of a stream: by all its verdicts together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The strictest.
    pub(crate) action: Action,
    pub(crate) would_action: Action,
    /// Those that the policy acts on; of a recorded verdict, those with a finding or a score at its threshold.
    pub(crate) categories: BTreeSet<Category>,
    /// `detector/rule` of the findings that the policy acts on; of a recorded verdict, of all.
    pub(crate) rules: BTreeSet<String>,
    /// Calibrated, by category; of a stream the highest of its windows. Empty: the classifier had no say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) scores: BTreeMap<Category, f32>,
    pub(crate) risk: Option<f32>,
    /// `detector/cause`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) unjudged: BTreeSet<String>,
    /// How much of the text may be shown, in bytes.
    pub(crate) released_to: i64,
    pub(crate) truncate_at: Option<i64>,
}

/// A line of `results.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Where it stands: topic-partition-offset; of a stream its first chunk that was read.
    #[serde(rename = "ref")]
    pub(crate) place: String,
    pub(crate) kind: Kind,
    pub(crate) timestamp_ms: i64,
    pub(crate) request_id: String,
    /// Of a prompt's verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verdict_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stream_id: Option<String>,
    pub(crate) tenant: String,
    pub(crate) language: String,
    /// The stream's end lies in the range; prompts are complete.
    pub(crate) complete: bool,
    pub(crate) change: Change,
    pub(crate) before: Option<Outcome>,
    pub(crate) after: Outcome,
    /// Only if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

impl Outcome {
    /// Of a verdict made here, under policies that say which findings count.
    pub(crate) fn of(judged: &Judged, policies: &PolicySet) -> Self {
        let verdict = &judged.verdict;
        let policy = policies.for_tenant(&verdict.tenant);
        let acts = |found: &&Finding| {
            policy.action_for_finding(&found.detector, &found.rule, found.score) > Action::Allow
        };
        Self::with(
            verdict,
            judged.flagged.iter().copied(),
            verdict.findings.iter().filter(acts),
        )
    }

    /// Of a verdict made elsewhere.
    pub(crate) fn recorded(verdict: &Verdict) -> Self {
        let scored = verdict.scores.iter().filter(|score| score.margin >= 0.0);
        let found = verdict.findings.iter().map(|found| found.category);
        let categories = scored.map(|score| score.category).chain(found);
        Self::with(verdict, categories, verdict.findings.iter())
    }

    fn with<'a>(
        verdict: &Verdict,
        categories: impl Iterator<Item = Category>,
        findings: impl Iterator<Item = &'a Finding>,
    ) -> Self {
        let rule = |found: &Finding| format!("{}/{}", found.detector, found.rule);
        let scores = verdict.scores.iter();
        let unjudged = verdict.unjudged.iter();
        let cause = |one: &Unjudged| format!("{}/{}", one.detector, one.cause.as_str());
        Self {
            action: verdict.action,
            would_action: verdict.would_action,
            categories: categories.collect(),
            rules: findings.map(rule).collect(),
            scores: scores.map(|one| (one.category, one.calibrated)).collect(),
            risk: verdict.risk,
            unjudged: unjudged.map(cause).collect(),
            released_to: verdict.released_to,
            truncate_at: verdict.truncate_at,
        }
    }

    /// Takes in a later verdict on the same stream.
    pub(crate) fn and(&mut self, later: Self) {
        self.action = self.action.max(later.action);
        self.would_action = self.would_action.max(later.would_action);
        self.categories.extend(later.categories);
        self.rules.extend(later.rules);
        self.unjudged.extend(later.unjudged);
        for (category, score) in later.scores {
            let known = self.scores.entry(category).or_insert(score);
            *known = known.max(score);
        }
        self.risk = match (self.risk, later.risk) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        self.released_to = self.released_to.max(later.released_to);
        self.truncate_at = match (self.truncate_at, later.truncate_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_what_they_are_called() {
        use Action::{Allow, Attenuate, Block, Warn};
        for (before, after, change) in [
            (Allow, Block, Change::NewlyBlocked),
            (Attenuate, Block, Change::NewlyBlocked),
            (Block, Allow, Change::Released),
            (Block, Attenuate, Change::Released),
            (Allow, Warn, Change::NewlyWarned),
            (Allow, Attenuate, Change::NewlyWarned),
            (Warn, Attenuate, Change::NewlyMasked),
            (Attenuate, Warn, Change::Eased),
            (Warn, Allow, Change::Eased),
            (Warn, Warn, Change::Same),
        ] {
            assert_eq!(Change::between(Some(before), after), change);
        }
        assert_eq!(Change::between(None, Block), Change::NotCompared);
    }
}
