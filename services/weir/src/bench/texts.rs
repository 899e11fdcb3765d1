//! The texts that benchmarks send.

use anyhow::bail;
use serde::Deserialize;

/// The texts that are sent: the demo's, cut or joined to the length of about 32 tokens.
const TEXTS: &str = include_str!("../../../../evals/demo/prompts.jsonl");
/// About 32 tokens of prose.
pub(crate) const TEXT_BYTES: usize = 150;

/// The demo's texts, each cut at a character or joined with the next to about [`TEXT_BYTES`].
pub(crate) fn texts() -> anyhow::Result<Vec<Vec<u8>>> {
    #[derive(Deserialize)]
    struct Text {
        text: String,
    }
    let mut texts = Vec::new();
    let mut current = String::new();
    for line in TEXTS.lines() {
        let Text { text } = serde_json::from_str(line)?;
        current.push_str(&text);
        if current.len() >= TEXT_BYTES {
            let cut = (0..=TEXT_BYTES)
                .rev()
                .find(|at| current.is_char_boundary(*at))
                .unwrap_or(0);
            current.truncate(cut);
            texts.push(std::mem::take(&mut current).into_bytes());
        } else {
            current.push(' ');
        }
    }
    if texts.is_empty() {
        bail!("the bundled prompts are empty");
    }
    Ok(texts)
}
