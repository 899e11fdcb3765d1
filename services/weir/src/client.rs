//! What the tools need of a client: send prompts, match verdicts to them.

use std::time::Duration;

use weir_bus::{BusConfig, Linger, OutRecord, Publisher};
use weir_registry::Ids;
use weir_types::Verdict;
use weir_wire::{Prompt, Role, Segment};

use crate::args::random_bytes;
use crate::rows::{Row, Target};

/// How long the last prompts may take to be acknowledged.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(30);

/// Sends prompts.
pub(crate) struct PromptSender {
    publisher: Publisher<()>,
    topic: String,
    ids: Ids,
    frame: Vec<u8>,
    acknowledged: Vec<()>,
}

impl PromptSender {
    pub(crate) fn new(bus: &BusConfig, topic: &str, ids: Ids) -> anyhow::Result<Self> {
        Ok(Self {
            publisher: Publisher::new(bus, Linger::ByLoad)?,
            topic: topic.to_owned(),
            ids,
            frame: Vec::new(),
            acknowledged: Vec::new(),
        })
    }

    /// Hands a prompt to the producer.
    pub(crate) fn send(&mut self, prompt: &Prompt) -> anyhow::Result<()> {
        self.frame.clear();
        weir_wire::encode_with(&self.ids, prompt, &mut self.frame)?;
        let record = OutRecord {
            topic: &self.topic,
            partition: None,
            key: Some(prompt.request_id.as_bytes()),
            payload: &self.frame,
            header: None,
        };
        self.publisher.send(&record, ())?;
        self.poll()
    }

    /// Lets failed deliveries be sent again.
    pub(crate) fn poll(&mut self) -> anyhow::Result<()> {
        self.acknowledged.clear();
        self.publisher.poll(&mut self.acknowledged, |()| true)?;
        Ok(())
    }

    /// Waits until every prompt has been acknowledged.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        Ok(self.publisher.flush(DELIVERY_PATIENCE)?)
    }
}

/// A row as a prompt.
pub(crate) fn prompt(row: Row, request_id: String, tenant: &str, worker: &str) -> Prompt {
    let role = match row.target {
        Target::Prompt => Role::User,
        Target::Response => Role::Assistant,
    };
    Prompt {
        request_id,
        tenant: row.tenant.clone().unwrap_or_else(|| tenant.to_owned()),
        locale_hint: row.lang.clone(),
        segments: vec![Segment {
            role,
            name: None,
            text: row.text().into_bytes(),
        }],
        ..Prompt::new("", "", worker)
    }
}

/// A name that no other run has: 16 hex digits.
pub(crate) fn run_id() -> anyhow::Result<String> {
    Ok(format!("{:016x}", u64::from_le_bytes(random_bytes()?)))
}

/// One line for people: no text, it is not there.
pub(crate) fn line(verdict: &Verdict) -> String {
    let mut line = format!("{:<9} {}", verdict.action.as_str(), verdict.request_id);
    if verdict.action != verdict.would_action {
        line += &format!("  (not enforced: {})", verdict.would_action);
    }
    if let Some(risk) = verdict.risk {
        line += &format!("  risk {risk:.2}");
    }
    for finding in &verdict.findings {
        line += &format!("  {}/{}", finding.detector, finding.rule);
    }
    for score in verdict.scores.iter().filter(|score| score.margin >= 0.0) {
        line += &format!("  {} {:.2}", score.category, score.calibrated);
    }
    for unjudged in &verdict.unjudged {
        line += &format!(
            "  unjudged {} ({})",
            unjudged.detector,
            unjudged.cause.as_str()
        );
    }
    line
}
