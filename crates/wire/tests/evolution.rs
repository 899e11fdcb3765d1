//! Other versions of the schemas: what FULL_TRANSITIVE promises, kept.
#![allow(clippy::unwrap_used, reason = "tests")]

use apache_avro::Schema;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use weir_types::{Action, Verdict};
use weir_wire::{
    Chunk, DecodeError, Prompt, Role, SchemaError, SchemaIds, Segment, Subject, WriterSchema,
    Written, decode, decode_with,
};

const OTHER_ID: u32 = 7;

/// A registry that knows one other version of a subject's schema.
struct OneOther(WriterSchema);

impl SchemaIds for OneOther {
    fn id_of(&self, subject: Subject) -> u32 {
        subject.id()
    }

    fn find(&self, id: u32) -> Option<Written<'_>> {
        (id == OTHER_ID).then(|| Written::Otherwise(self.0.subject(), &self.0))
    }
}

fn schema_of(subject: Subject) -> Value {
    serde_json::from_str(subject.schema_json()).unwrap()
}

/// A frame of `record` as a writer with `schema` would send it.
fn written_with(schema: &Value, record: impl Serialize) -> Vec<u8> {
    let schema = Schema::parse(schema).unwrap();
    let mut frame = vec![0];
    frame.extend_from_slice(&OTHER_ID.to_be_bytes());
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    let value = apache_avro::types::Value::try_from(serde_json::to_value(record).unwrap())
        .unwrap()
        .resolve(&schema)
        .unwrap();
    writer.write_value(&mut frame, value).unwrap();
    frame
}

fn example(name: &str) -> Value {
    let path = format!(
        "{}/../../schemas/examples/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_chunk_from_before_openings_named_categories_reads_as_one_that_names_none() {
    let mut older = schema_of(Subject::Chunk);
    let fields = older.pointer_mut("/fields/11/type/1/fields").unwrap();
    let added = fields.as_array_mut().unwrap().pop().unwrap();
    assert_eq!(added["name"], "prompt_categories");
    let mut chunk = example("chunk");
    let opening = chunk["opening"].as_object_mut().unwrap();
    opening.remove("prompt_categories").unwrap();
    let frame = written_with(&older, chunk);

    let ids = OneOther(WriterSchema::parse(Subject::Chunk, &older.to_string()).unwrap());
    let read: Chunk = decode_with(&ids, &frame).unwrap();
    let mut expected: Chunk = serde_json::from_value(example("chunk")).unwrap();
    expected.opening.as_mut().unwrap().prompt_categories.clear();
    assert_eq!(read, expected);
}

#[test]
fn an_action_that_only_a_newer_writer_knows_reads_as_block() {
    let mut newer = schema_of(Subject::Verdict);
    let symbols = newer.pointer_mut("/fields/10/type/symbols").unwrap();
    symbols.as_array_mut().unwrap().push(json!("quarantine"));
    let mut verdict = example("verdict");
    verdict["action"] = json!("quarantine");
    let frame = written_with(&newer, verdict);

    let ids = OneOther(WriterSchema::parse(Subject::Verdict, &newer.to_string()).unwrap());
    let read: Verdict = decode_with(&ids, &frame).unwrap();
    assert_eq!(read.action, Action::Block);
    let mut expected: Verdict = serde_json::from_value(example("verdict")).unwrap();
    expected.action = Action::Block;
    assert_eq!(read, expected);
}

#[test]
fn an_older_prompt_takes_defaults_and_a_newer_one_loses_what_is_unknown() {
    let mut other = schema_of(Subject::Prompt);
    let fields = other["fields"].as_array_mut().unwrap();
    fields.retain(|field| {
        !["worker_id", "locale_hint", "enc"].contains(&field["name"].as_str().unwrap())
    });
    fields.insert(
        0,
        json!({ "name": "colour", "type": ["null", "string"], "default": null }),
    );
    let frame = written_with(
        &other,
        json!({
            "colour": "green", "request_id": "r", "tenant": "t", "subject_id": null,
            "budget_us": 5, "segments": [{ "role": "tool", "name": null, "text": "Zürich" }],
        }),
    );

    let ids = OneOther(WriterSchema::parse(Subject::Prompt, &other.to_string()).unwrap());
    let expected = Prompt {
        budget_us: Some(5),
        segments: vec![Segment {
            role: Role::Tool,
            name: None,
            text: "Zürich".into(),
        }],
        ..Prompt::new("r", "t", "")
    };
    assert_eq!(decode_with::<Prompt>(&ids, &frame), Ok(expected));

    let mut longer = frame.clone();
    longer.push(0);
    assert_eq!(
        decode_with::<Prompt>(&ids, &longer),
        Err(DecodeError::TrailingBytes(1))
    );
    assert_eq!(
        decode::<Prompt>(&frame),
        Err(DecodeError::UnknownSchema(OTHER_ID))
    );
    assert_eq!(
        decode_with::<Verdict>(&ids, &frame),
        Err(DecodeError::WrongSchema {
            expected: Subject::Verdict,
            found: Subject::Prompt
        })
    );
}

#[test]
fn schemas_that_cannot_be_read_are_refused() {
    let parse = |schema: &Value| WriterSchema::parse(Subject::Prompt, &schema.to_string());
    assert!(matches!(
        parse(&json!("nonsense")),
        Err(SchemaError::Invalid(_))
    ));

    let mut without_id = schema_of(Subject::Prompt);
    without_id["fields"].as_array_mut().unwrap().remove(0);
    assert!(matches!(
        parse(&without_id),
        Err(SchemaError::Incompatible { .. })
    ));

    let mut recursive = schema_of(Subject::Prompt);
    let field = json!({ "name": "parent", "type": ["null", "Prompt"], "default": null });
    recursive["fields"].as_array_mut().unwrap().push(field);
    assert!(matches!(parse(&recursive), Err(SchemaError::Recursive)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn arbitrary_datums_of_another_version_never_panic(
        datum in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
    ) {
        let verdict = WriterSchema::parse(Subject::Verdict, Subject::Verdict.schema_json()).unwrap();
        let prompt = WriterSchema::parse(Subject::Prompt, Subject::Prompt.schema_json()).unwrap();
        let mut frame = written_with(&schema_of(Subject::Verdict), example("verdict"));
        let at = 5 + at.index(frame.len() - 5);
        frame.splice(at.., datum.iter().copied());
        drop(decode_with::<Verdict>(&OneOther(verdict), &frame));
        frame.splice(5.., datum);
        drop(decode_with::<Prompt>(&OneOther(prompt), &frame));
    }
}
