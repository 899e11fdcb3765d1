//! Masks over a whole text.

use serde_json::Value;
use weir_detect::mask::{Masked, apply};

use super::{Played, bytes, finding, same};

pub(crate) fn play(scenario: &Value) -> Played {
    let given = scenario["findings"].as_array().unwrap();
    let findings: Vec<_> = given.iter().map(finding).collect();
    let spans: Vec<Masked<'_>> = findings
        .iter()
        .map(|finding| Masked {
            span: finding.span,
            mask: finding.mask.unwrap(),
            label: finding.label(),
        })
        .collect();
    let shown = apply(&bytes(&scenario["text"]), 0, &spans);
    same("shown", &shown, &bytes(&scenario["shown"]))
}
