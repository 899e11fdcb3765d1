//! What is replayed: prompts, and the policy that judges them.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use weir_bus::{BusConfig, Linger, OutRecord, Publisher};
use weir_wire::{Prompt, Role, Segment};

use crate::bench::detect;
use crate::bench::texts::texts;

pub(super) const RULES: usize = 1_000;
/// The policy that is shipped: with it personal data is masked, blocked or passed as it is live.
const POLICY: &str = include_str!("../../../../../policies/default.yaml");

pub(super) fn produce(bus: &BusConfig, topic: &str, count: u64) -> anyhow::Result<()> {
    let frames = frames()?;
    let mut publisher: Publisher<()> = Publisher::new(bus, Linger::Always)?;
    let mut acknowledged = Vec::new();
    for (_, (id, frame)) in (0..count).zip(frames.iter().cycle()) {
        publisher.send(
            &OutRecord {
                topic,
                partition: None,
                key: Some(id.as_bytes()),
                payload: frame,
                header: None,
            },
            (),
        )?;
        acknowledged.clear();
        publisher.poll(&mut acknowledged, |()| true)?;
    }
    while publisher.in_flight() > 0 {
        publisher.poll(&mut Vec::new(), |()| true)?;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Ok(())
}

/// Request ids and frames of the texts, a thousand or so.
pub(super) fn frames() -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let texts = texts()?;
    let numbered = (0..1_000).zip(texts.iter().cycle());
    numbered
        .map(|(number, text)| {
            let id = format!("bench-{number:026}");
            let prompt = Prompt {
                segments: vec![Segment {
                    role: Role::User,
                    name: None,
                    text: text.clone(),
                }],
                ..Prompt::new(&id, "acme", "worker-1")
            };
            let mut frame = Vec::new();
            weir_wire::encode(&prompt, &mut frame)?;
            Ok((id, frame))
        })
        .collect()
}

/// The shipped policy over made-up rules.
pub(super) fn write_policies(folder: &Path) -> anyhow::Result<()> {
    let mut rules = String::from("rules:\n");
    for rule in detect::rules(RULES) {
        // Writing to a string does not fail. The literals are small letters and spaces.
        let _ = writeln!(
            rules,
            "  - {{id: {}, category: {}, severity: medium, score: 0.5, action: warn, literals: [{}]}}",
            rule.id,
            rule.category,
            rule.literals.join(", ")
        );
    }
    let under = folder.join("rules");
    std::fs::create_dir_all(&under)
        .with_context(|| format!("{} cannot be made", under.display()))?;
    std::fs::write(under.join("bench.yaml"), rules)?;
    std::fs::write(folder.join("default.yaml"), POLICY)?;
    Ok(())
}
