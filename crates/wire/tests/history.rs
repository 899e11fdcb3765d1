//! FULL_TRANSITIVE: each schema and every version of it that was ever released read one another's records.
//!
//! Released versions lie in `schemas/history/SUBJECT/N.avsc` and never change. A schema that was changed, compatibly, becomes
//! the next of them by `UPDATE_GOLDENS=1 cargo test -p weir-wire --test history`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;

use serde_json::{Value, json};
use weir_wire::{Breach, Subject, breach};

fn history(subject: Subject) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../schemas/history")
        .join(subject.name())
}

/// Released versions, the oldest first. There is no gap in their numbers.
fn released(subject: Subject) -> Vec<String> {
    let path = |number| history(subject).join(format!("{number}.avsc"));
    let versions: Vec<String> = (1..)
        .map_while(|number| std::fs::read_to_string(path(number)).ok())
        .collect();
    let files = std::fs::read_dir(history(subject)).unwrap().count();
    assert_eq!(
        versions.len(),
        files,
        "{subject}: versions are numbered from 1"
    );
    versions
}

fn schema_of(subject: Subject) -> Value {
    serde_json::from_str(subject.schema_json()).unwrap()
}

#[test]
fn every_schema_is_compatible_with_every_released_version_of_it_and_is_one() {
    for subject in Subject::ALL {
        let (now, mut versions) = (subject.schema_json(), released(subject));
        for (index, version) in versions.iter().enumerate() {
            for (writer, reader, how) in [
                (&**version, now, "is not read by"),
                (now, &**version, "does not read"),
            ] {
                let found = breach(writer, reader).unwrap();
                assert_eq!(
                    found,
                    None,
                    "{subject}: version {} {how} schemas/{}",
                    index + 1,
                    subject.file()
                );
            }
        }
        let parse = |json: &String| serde_json::from_str::<Value>(json).unwrap();
        if std::env::var_os("UPDATE_GOLDENS").is_some()
            && versions.last().map(parse) != Some(schema_of(subject))
        {
            versions.push(now.to_owned());
            let path = history(subject).join(format!("{}.avsc", versions.len()));
            std::fs::write(path, now).unwrap();
        }
        assert_eq!(
            versions.last().map(parse),
            Some(schema_of(subject)),
            "{subject}: schemas/{} is no released version; see schemas/README.md, Compatibility",
            subject.file()
        );
    }
}

/// A schema with one change, and what the change breaks: when the old one is read by the new, and the new by the old.
fn changed(subject: Subject, change: impl FnOnce(&mut Value)) -> [Option<Breach>; 2] {
    let old = schema_of(subject);
    let mut new = old.clone();
    change(&mut new);
    assert_ne!(old, new);
    let (old, new) = (old.to_string(), new.to_string());
    [(&old, &new), (&new, &old)].map(|(writer, reader)| breach(writer, reader).unwrap())
}

fn fields<'a>(schema: &'a mut Value, path: &str) -> &'a mut Vec<Value> {
    schema.pointer_mut(path).unwrap().as_array_mut().unwrap()
}

#[test]
fn what_the_readme_allows_breaks_nothing() {
    let fine = [None, None];
    let added = changed(Subject::Verdict, |schema| {
        fields(schema, "/fields")
            .push(json!({ "name": "added", "type": ["null", "long"], "default": null }));
    });
    assert_eq!(added, fine);
    let removed = changed(Subject::Prompt, |schema| {
        fields(schema, "/fields").retain(|field| field["name"] != "enc");
    });
    assert_eq!(removed, fine);
    let symbol = changed(Subject::Verdict, |schema| {
        fields(schema, "/fields/10/type/symbols").push(json!("quarantine"));
    });
    assert_eq!(symbol, fine);
}

#[test]
fn a_breaking_change_is_found_and_its_field_named() {
    let at = |breaches: &[Option<Breach>; 2]| {
        breaches
            .clone()
            .map(|found| found.map(|breach| breach.field))
    };
    let named = |name: &str| Some(name.to_owned());

    let without_default = changed(Subject::Prompt, |schema| {
        fields(schema, "/fields").push(json!({ "name": "added", "type": "long" }));
    });
    assert_eq!(at(&without_default), [named("added"), None]);

    let dropped = changed(Subject::Prompt, |schema| {
        fields(schema, "/fields").retain(|field| field["name"] != "request_id");
    });
    assert_eq!(at(&dropped), [None, named("request_id")]);

    let retyped = changed(Subject::Verdict, |schema| {
        let field = fields(schema, "/fields")
            .iter_mut()
            .find(|field| field["name"] == "owner_epoch");
        let field = field.unwrap();
        field["type"] = json!("string");
        field["default"] = json!("");
    });
    assert_eq!(at(&retyped), [named("owner_epoch"), named("owner_epoch")]);

    // A number made wider is read by the new one only.
    let widened = changed(Subject::Verdict, |schema| {
        let field = fields(schema, "/fields")
            .iter_mut()
            .find(|field| field["name"] == "owner_epoch");
        field.unwrap()["type"] = json!("double");
    });
    assert_eq!(at(&widened), [None, named("owner_epoch")]);

    // Within a union, which would still take null.
    let nested = changed(Subject::Chunk, |schema| {
        fields(schema, "/fields/11/type/1/fields").push(json!({ "name": "added", "type": "long" }));
    });
    assert_eq!(at(&nested), [named("opening.added"), None]);

    // Within an array.
    let item = changed(Subject::Prompt, |schema| {
        let segments = fields(schema, "/fields")
            .iter_mut()
            .find(|field| field["name"] == "segments");
        fields(segments.unwrap(), "/type/items/fields").retain(|field| field["name"] != "text");
    });
    assert_eq!(at(&item), [None, named("segments.text")]);

    let renamed = changed(Subject::Prompt, |schema| schema["name"] = json!("Question"));
    assert_eq!(at(&renamed), [named(""), named("")]);
}
