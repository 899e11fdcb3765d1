//! docs/CONFIG.md and docs/METRICS.md are what the code says.
//!
//! `UPDATE_GOLDENS=1 cargo test -p weir --test config_reference` writes them anew.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::repository;
use common::tool::{finish, weir};

const AGAIN: &str =
    "<!-- Written by: UPDATE_GOLDENS=1 cargo test -p weir --test config_reference -->\n";

/// Variables of those who build and test Weir, and the beginning of others.
const NOT_FOR_USERS: [&str; 4] = ["WEIR_COMMIT", "WEIR_TEST_KAFKA", "WEIR_KAFKA_", "WEIR_"];

fn printed(command: &str) -> String {
    let finished = finish(&mut weir([command]));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout
}

fn golden(file: &str, head: &str, body: &str) {
    let text = format!("{AGAIN}{head}\n{}\n", body.trim_end());
    let path = repository().join("docs").join(file);
    if std::env::var_os("UPDATE_GOLDENS").is_some_and(|value| value == "1") {
        fs::write(&path, &text).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let differs = text
        .lines()
        .zip(there.lines())
        .find(|(new, old)| new != old);
    assert_eq!(differs, None, "docs/{file} is out of step: {AGAIN}");
    assert_eq!(text, there, "docs/{file} is out of step: {AGAIN}");
}

#[test]
fn options_and_variables() {
    let head = "
# Commands, options and environment variables

`weir COMMAND --help` says the same. Beside them:

- policies: every field in [policies/README.md](../policies/README.md), rules in [policies/rules/README.md](../policies/rules/README.md);
  `weir policy check` names what is wrong, with line and column
- topics, roles and ACLs: [topics/README.md](../topics/README.md)
- connections and secrets: [SECURITY.md](SECURITY.md)
- metrics: [METRICS.md](METRICS.md)
";
    golden("CONFIG.md", head, &printed("config-reference"));
}

#[test]
fn metrics() {
    let head = "
# Metrics

Of gates and rescorers, at `/metrics` of their admin endpoints (`--admin`). `weir metrics` prints this.
";
    golden("METRICS.md", head, &printed("metrics"));
}

/// The text of every source file of these folders that comes before its tests.
fn sources(folder: &Path, into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            into.push(code);
        }
    }
}

#[test]
fn every_variable_that_the_code_names_is_in_the_reference() {
    let mut texts = Vec::new();
    for folder in ["crates", "services"] {
        for member in fs::read_dir(repository().join(folder)).unwrap() {
            let member = member.unwrap();
            if member.file_name() != "testkit" {
                sources(&member.path().join("src"), &mut texts);
            }
        }
    }
    let named = |text: &str| -> BTreeSet<String> {
        let is_part = |one: char| one.is_ascii_uppercase() || one.is_ascii_digit() || one == '_';
        let words = text.split(|one: char| !is_part(one));
        let words = words.filter(|word| word.starts_with("WEIR_"));
        words.map(str::to_owned).collect()
    };
    let reference = named(&printed("config-reference"));
    let missing: BTreeSet<String> = texts
        .iter()
        .flat_map(|text| named(text))
        .filter(|name| !reference.contains(name))
        .filter(|name| !NOT_FOR_USERS.contains(&name.as_str()))
        .filter(|name| !name.starts_with("WEIR_KAFKA_"))
        .collect();
    assert_eq!(missing, BTreeSet::new());
}

/// Fields of the structs that policy files are read into, by their `pub(crate)` or private declarations.
fn fields(source: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut inside = false;
    for line in source.lines() {
        let line = line.trim();
        if line.contains("struct ") {
            let read = ["Document {", "Entry {", "File {"];
            inside = read.iter().any(|end| line.ends_with(end));
        } else if line == "}" {
            inside = false;
        } else if let (true, Some((name, _))) = (inside, line.split_once(": ")) {
            let name = name.trim_start_matches("pub(crate) ");
            if name
                .chars()
                .all(|one| one.is_ascii_lowercase() || one == '_')
            {
                fields.push(name.to_owned());
            }
        }
    }
    fields
}

#[test]
fn every_field_of_a_policy_is_in_its_reference() {
    for (source, reference, some) in [
        ("document.rs", "policies/README.md", "whole_words"),
        ("rules.rs", "policies/rules/README.md", "applies_to"),
    ] {
        let code = repository().join("crates/policy/src").join(source);
        let fields = fields(&fs::read_to_string(code).unwrap());
        assert!(fields.iter().any(|field| field == some), "{fields:?}");
        let text = fs::read_to_string(repository().join(reference)).unwrap();
        for field in fields {
            let named = text.contains(&format!("{field}:")) || text.contains(&format!("`{field}`"));
            assert!(named, "{reference} says nothing of {field}");
        }
    }
}
