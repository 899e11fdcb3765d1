//! From records to what is to be written. Nothing is read or written here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use weir_bus::{InRecord, unix_ms};
use weir_infer::{Classifier, InferError};
use weir_policy::PolicySet;
use weir_registry::Ids;
use weir_telemetry::RescoreMetrics;
use weir_types::{Category, ModelScores, Outcome, UnjudgedCause};
use weir_wire::{Flagged, Influence, Moderation};

use crate::config::{Influences, RescoreConfig};
use crate::influence::influences;
use crate::intake;
use crate::judgement::{self, Beside, Look};
use crate::seen::Seen;
use crate::similar::{Similar, fingerprint};
use crate::sink::{Kind, Output, Progress};
use crate::thinning::Thinning;

/// A partition that is ours.
pub(crate) struct Owned {
    pub(crate) epoch: i64,
    pub(crate) seen: Seen,
    /// Offset of the first record that was not looked at; none while none has come.
    pub(crate) next: Option<i64>,
}

/// What comes of a batch, before it is known whether its partitions are still ours.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) outputs: Vec<Output>,
    pub(crate) progress: Vec<Progress>,
    pub(crate) moderations: Vec<(i32, Moderation)>,
}

/// Looks at texts.
pub(crate) struct Looker<'a> {
    pub(crate) config: &'a RescoreConfig,
    pub(crate) policies: &'a PolicySet,
    pub(crate) classifier: &'a mut dyn Classifier,
    pub(crate) metrics: &'a RescoreMetrics,
    pub(crate) topic: Arc<str>,
    pub(crate) ids: Ids,
    pub(crate) similar: Similar,
}

/// A text that is being looked at.
struct Case {
    partition: i32,
    flagged: Flagged,
    /// `Some`: no need to look.
    look: Option<Look>,
    flagged_at_ms: i64,
}

impl Looker<'_> {
    /// What comes of records; nothing is written yet.
    ///
    /// `behind` is how many more wait.
    pub(crate) fn look_at(
        &mut self,
        records: &[InRecord],
        partitions: &HashMap<i32, Owned>,
        behind: i64,
    ) -> Batch {
        let mut batch = Batch::default();
        let mut cases: Vec<Case> = Vec::with_capacity(records.len());
        let thinning = Thinning::for_lag(behind, self.config.thin_above);
        for record in records {
            let Some(owned) = partitions.get(&record.partition) else {
                continue;
            };
            progress(&mut batch.progress, record, owned.epoch);
            let mut flagged = match intake::flagged(&self.topic, record, &self.ids) {
                Ok(flagged) => flagged,
                Err(letter) => {
                    self.metrics.dead_letters.inc();
                    tracing::warn!(
                        partition = record.partition,
                        offset = record.offset,
                        reason = letter.reason.as_str(),
                        "dead letter"
                    );
                    let key = record.key.clone();
                    push(
                        &self.ids,
                        &mut batch.outputs,
                        record.partition,
                        Kind::DeadLetter,
                        key,
                        &*letter,
                    );
                    continue;
                }
            };
            let id = judgement::moderation_id(&flagged.verdict_id, self.classifier.describe());
            let twice = |case: &Case| case.flagged.verdict_id == flagged.verdict_id;
            if owned.seen.contains(&id) || cases.iter().any(twice) {
                self.metrics.repeated.inc();
                continue;
            }
            let kept = thinning.keeps(&mut flagged, &self.config.fingerprint_key);
            cases.push(Case {
                partition: record.partition,
                flagged,
                look: (!kept).then_some(Look::Unjudged(UnjudgedCause::Shed)),
                flagged_at_ms: record.timestamp_ms,
            });
        }
        self.score(&mut cases);
        for case in cases {
            let moderation = self.moderation(&case);
            let key = Some(moderation.request_id.clone().into_bytes());
            push(
                &self.ids,
                &mut batch.outputs,
                case.partition,
                Kind::Moderation,
                key,
                &moderation,
            );
            batch.moderations.push((case.partition, moderation));
        }
        batch
    }

    /// Scores what is to be looked at. Where the model fails on a batch, each text is tried by itself, so that one
    /// costs none of the others their second look.
    fn score(&mut self, cases: &mut [Case]) {
        let texts: Vec<String> = cases
            .iter()
            .filter(|case| case.look.is_none())
            .map(|case| String::from_utf8_lossy(&case.flagged.text).into_owned())
            .collect();
        if texts.is_empty() {
            return;
        }
        let metrics = self.metrics;
        metrics.batch_texts.observe(count(texts.len()));
        let began = Instant::now();
        let references: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut scores = Vec::with_capacity(texts.len());
        let looks: Vec<Look> = match self.classifier.classify(&references, &mut scores) {
            Ok(()) => scores.into_iter().map(judged).collect(),
            Err(error) => {
                tracing::error!(%error, texts = texts.len(), "scoring failed; trying the texts one by one");
                references
                    .iter()
                    .map(|text| self.score_alone(text))
                    .collect()
            }
        };
        let metrics = self.metrics;
        metrics.score_seconds.inc_by(began.elapsed().as_secs_f64());
        let open = cases.iter_mut().filter(|case| case.look.is_none());
        for (case, look) in open.zip(looks) {
            case.look = Some(look);
        }
    }

    fn score_alone(&mut self, text: &str) -> Look {
        let mut scores = Vec::with_capacity(1);
        match self.classifier.classify(&[text], &mut scores) {
            Ok(()) => scores
                .pop()
                .map_or(Look::Unjudged(UnjudgedCause::Failed), judged),
            Err(error) => {
                tracing::error!(%error, "a text could not be scored");
                Look::Unjudged(UnjudgedCause::Failed)
            }
        }
    }

    fn moderation(&mut self, case: &Case) -> Moderation {
        let policy = self.policies.for_tenant(&case.flagged.tenant);
        let text = String::from_utf8_lossy(&case.flagged.text);
        let fingerprint = fingerprint(&self.config.fingerprint_key, &text);
        let look = case
            .look
            .clone()
            .unwrap_or(Look::Unjudged(UnjudgedCause::Failed));
        let beside = Beside {
            similar: self.similar.to(&fingerprint),
            fingerprint,
            influences: Vec::new(),
            flagged_at_ms: case.flagged_at_ms,
            rescored_at_ms: unix_ms(),
        };
        let model = self.classifier.describe().clone();
        let mut moderation = judgement::moderation(&case.flagged, &look, policy, &model, beside);
        let wanted = wants(self.config.influences, &moderation);
        if let (Look::Judged(scores), true) = (&look, wanted) {
            match self.influences(&case.flagged, &moderation, scores) {
                Ok(influences) => moderation.influences = influences,
                Err(error) => tracing::warn!(%error, "what moved a score is not told"),
            }
        }
        moderation
    }

    /// What moved the score of the category that is farthest above its threshold.
    fn influences(
        &mut self,
        flagged: &Flagged,
        moderation: &Moderation,
        scores: &ModelScores,
    ) -> Result<Vec<Influence>, InferError> {
        // Positions are those of the text's bytes, which broken ones would shift.
        let Ok(text) = std::str::from_utf8(&flagged.text) else {
            return Ok(Vec::new());
        };
        let margins = moderation.heavy_scores.iter();
        let category = margins
            .max_by(|one, other| one.margin.total_cmp(&other.margin))
            .map_or(Category::Illicit, |score| score.category);
        influences(self.classifier, text, flagged.byte_start, category, scores)
    }
}

/// Whether it is worked out what moved the scores; with `Top`, of what a person looks at first.
fn wants(influences: Influences, moderation: &Moderation) -> bool {
    match influences {
        Influences::Never => false,
        Influences::Top => {
            moderation.queue == "critical" || moderation.outcome == Outcome::Tightened
        }
        Influences::Always => true,
    }
}

/// A score that is no number is none.
fn judged(scores: ModelScores) -> Look {
    let numbers = scores.raw.iter().chain(&scores.calibrated);
    if numbers
        .chain([&scores.any_harm])
        .all(|value| value.is_finite())
    {
        Look::Judged(scores)
    } else {
        Look::Unjudged(UnjudgedCause::Failed)
    }
}

fn progress(list: &mut Vec<Progress>, record: &InRecord, epoch: i64) {
    let next = record.offset + 1;
    match list
        .iter_mut()
        .find(|known| known.partition == record.partition)
    {
        Some(known) => known.next = known.next.max(next),
        None => list.push(Progress {
            partition: record.partition,
            epoch,
            next,
        }),
    }
}

fn push(
    ids: &Ids,
    outputs: &mut Vec<Output>,
    partition: i32,
    kind: Kind,
    key: Option<Vec<u8>>,
    record: &impl weir_wire::Record,
) {
    let mut payload = Vec::new();
    if let Err(error) = weir_wire::encode_with(ids, record, &mut payload) {
        tracing::error!(%error, "a record could not be encoded");
        return;
    }
    outputs.push(Output {
        partition,
        kind,
        key,
        payload,
    });
}

fn count(texts: usize) -> f64 {
    u32::try_from(texts).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judgement::tests::moderation_of;

    #[test]
    fn what_people_look_at_first_is_explained_and_all_or_nothing_on_request() {
        let confirmed = moderation_of("0", None, 0.1);
        let tightened = moderation_of("0", None, 0.95);
        let wanted = |influences| [&confirmed, &tightened].map(|one| wants(influences, one));
        assert_eq!(wanted(Influences::Never), [false, false]);
        assert_eq!(wanted(Influences::Top), [false, true]);
        assert_eq!(wanted(Influences::Always), [true, true]);
    }
}
