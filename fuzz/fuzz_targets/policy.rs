//! The parser of policies and rules: any file gives a policy or a list of problems.
//!
//! The first byte says which file the rest is; the others are the short ones below. Rules that pass
//! must also compile, or be refused by name; what compiled must scan.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use weir_detect::Detector;
use weir_policy::{PolicySet, SourceFile};
use weir_types::Micros;

/// Policies, then rules.
const FILES: [(&str, &str); 3] = [
    (
        "default.yaml",
        "{id: default, version: '1', tenants: ['*'], categories: {hate: {warn: 0.5}}}",
    ),
    (
        "tenants/acme.yaml",
        "{id: acme, version: '1', extends: default, tenants: [acme]}",
    ),
    (
        "rules/rules.yaml",
        "rules: [{id: a.b.en, category: hate, severity: low, score: 0.5, action: warn, literals: [a b]}]",
    ),
];
/// How many of them are policies.
const POLICIES: usize = 2;
/// Most bytes of the input that the rules are tried on.
const SCANNED: usize = 64;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, text)) = data.split_first() else {
        return;
    };
    // Files are read as UTF-8, and refused when they are not, before the parser sees them.
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let chosen = usize::from(choice) % FILES.len();
    let mut files = FILES.map(|(path, good)| SourceFile {
        path: path.into(),
        text: good.to_owned(),
    });
    text.clone_into(&mut files[chosen].text);
    let (policies, rules) = files.split_at(POLICIES);
    match PolicySet::parse(Path::new("."), policies, rules) {
        Ok(set) => {
            for (_, policy) in set.tenants() {
                assert!(policy.budget > Micros::from_millis(0) && policy.max_text_bytes > 0);
                assert_eq!(policy.hash.len(), 64);
            }
            assert!(
                set.rules()
                    .iter()
                    .all(|rule| (0.0..=1.0).contains(&rule.score))
            );
            match Detector::compile(set.rules()) {
                Ok(detector) => {
                    let mut found = Vec::new();
                    let text = &text.as_bytes()[..text.len().min(SCANNED)];
                    detector.scan(text, 0, &mut found);
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        Err(error) => {
            assert!(!error.problems.is_empty(), "refused without a reason");
            for problem in &error.problems {
                assert!(!problem.message.is_empty() && !problem.message.contains(char::is_control));
            }
            let _ = error.to_string();
        }
    }
});
