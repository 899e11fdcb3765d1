//! House rules for the schemas: documented, evolvable, and the same name means the same type.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use serde_json::{Map, Value};
use weir_wire::Subject;

type Types = HashMap<String, Map<String, Value>>;

#[test]
fn everything_is_documented_and_has_the_defaults_that_evolution_needs() {
    let mut types = Types::new();
    for subject in Subject::ALL {
        let schema: Value = serde_json::from_str(subject.schema_json()).unwrap();
        assert_eq!(schema["namespace"], "weir.v0");
        check(&schema, &mut types);
    }
}

/// Checks a type and all that it holds, `types` being the named ones met so far.
fn check(schema: &Value, types: &mut Types) {
    match schema {
        Value::Array(variants) => {
            assert_eq!(
                (variants.len(), &variants[0]),
                (2, &"null".into()),
                "{schema}"
            );
            check(&variants[1], types);
        }
        Value::Object(object) => match object["type"].as_str().unwrap() {
            "array" => check(&object["items"], types),
            "enum" => {
                check_name(object, types);
                assert!(
                    object["symbols"]
                        .as_array()
                        .unwrap()
                        .contains(&object["default"])
                );
            }
            "record" => {
                check_name(object, types);
                let fields = object["fields"].as_array().unwrap();
                // Without a field, items of an array would take no bytes, and a small datum
                // could claim any number of them.
                assert!(!fields.is_empty());
                for field in fields {
                    check_field(field, types);
                }
            }
            other => panic!("{other}: write simple types as a string"),
        },
        _ => assert!(schema.is_string()),
    }
}

fn check_field(field: &Value, types: &mut Types) {
    assert!(field["doc"].as_str().unwrap().ends_with('.'), "{field}");
    let absent = field.get("default").is_none();
    let kind = &field["type"];
    match kind {
        Value::Array(_) => assert_eq!(field.get("default"), Some(&Value::Null), "{field}"),
        Value::Object(object) if object["type"] == "array" || object["type"] == "enum" => {
            assert!(!absent, "{field}");
        }
        _ => {}
    }
    check(kind, types);
}

fn check_name(object: &Map<String, Value>, types: &mut Types) {
    let name = object["name"].as_str().unwrap();
    assert!(!object["doc"].as_str().unwrap().is_empty(), "{name}");
    let same = types
        .entry(name.to_owned())
        .or_insert_with(|| object.clone());
    // One schema spells a type out where it first uses it, so later uses are references there.
    assert_eq!(
        comparable(same),
        comparable(object),
        "{name} differs between schemas"
    );
}

/// A type's definition with inner definitions cut down to their names.
fn comparable(object: &Map<String, Value>) -> Value {
    let mut object = object.clone();
    object.remove("namespace");
    for field in object
        .get_mut("fields")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(name) = field["type"].get("name").cloned() {
            field["type"] = name;
        }
    }
    Value::Object(object)
}
