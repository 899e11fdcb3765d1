//! The parser of policies and rules: any file gives a policy or a list of problems.
//!
//! The first byte says which file the rest is; the others are the short ones below. Rules that pass
//! must also compile, or be refused by name.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weir_detect::Detector;
use weir_policy::PolicySet;

const FILES: [(&str, &str); 3] = [
    (
        "default.yaml",
        "{id: default, version: '1', tenants: ['*'], enforce: true, budget_ms: 40, max_text_bytes: 99, \
         fail: {mode: open, required: [rules]}, categories: {hate: {warn: 0.5}}, detectors: {}}",
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

/// One folder a process; `scripts/fuzz` sets TMPDIR and removes it.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("weir-fuzz-policy-{}", std::process::id()));
    for name in ["tenants", "rules"] {
        std::fs::create_dir_all(folder.join(name)).expect("a folder to write to");
    }
    for (name, text) in FILES {
        std::fs::write(folder.join(name), text).expect("a file to write to");
    }
    folder
});

fuzz_target!(|data: &[u8]| {
    let Some((&choice, text)) = data.split_first() else {
        return;
    };
    let (name, good) = FILES[usize::from(choice) % FILES.len()];
    let path = FOLDER.join(name);
    std::fs::write(&path, text).expect("a file to write to");
    let loaded = PolicySet::load(&FOLDER);
    std::fs::write(&path, good).expect("a file to write to");
    match loaded {
        Ok(set) => {
            for tenant in ["", "acme", "no such tenant"] {
                let _ = set.for_tenant(tenant);
            }
            if let Ok(detector) = Detector::compile(set.rules()) {
                let mut found = Vec::new();
                detector.scan(text, 0, &mut found);
            }
        }
        Err(error) => {
            assert!(!error.problems.is_empty(), "refused without a reason");
            let _ = error.to_string();
        }
    }
});
