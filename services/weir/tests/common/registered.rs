//! A cluster whose schemas are in a registry.

use serde_json::{Value, json};
use weir_registry::{Client, Directory, Ids, Subjects};
use weir_testkit::unique_name;
use weir_wire::{Record, SchemaIds, Subject, Written};

use super::cluster::Cluster;
use super::tool::{finish, weir};

/// Registers this version's schemas for the cluster's topics.
pub(crate) fn register(cluster: &Cluster, url: &str) {
    register_with(cluster, url, "weir.moderation.v1");
}

/// The same with a topic of moderation records.
pub(crate) fn register_with(cluster: &Cluster, url: &str, moderation: &str) {
    let mut command = weir(["schemas", "register", "--registry", url]);
    command.args(topic_arguments(cluster));
    let done = finish(command.args(["--moderation-topic", moderation]));
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
}

/// `--prompts-topic NAME` and the like.
pub(crate) fn topic_arguments(cluster: &Cluster) -> [String; 12] {
    [
        ("--prompts-topic", &cluster.prompts),
        ("--chunks-topic", &cluster.chunks),
        ("--verdicts-topic", &cluster.verdicts),
        ("--checkpoints-topic", &cluster.checkpoints),
        ("--flagged-topic", &cluster.flagged),
        ("--dead-letters-topic", &cluster.dead_letters),
    ]
    .map(|(name, topic)| [name.to_owned(), topic.clone()])
    .concat()
    .try_into()
    .unwrap()
}

/// The ids of what gates and workers write there.
pub(crate) fn ids(cluster: &Cluster, url: &str) -> Ids {
    let subjects = Subjects::default()
        .on_topic(Subject::Verdict, &cluster.verdicts)
        .on_topic(Subject::DeadLetter, &cluster.dead_letters)
        .on_topic(Subject::Prompt, &cluster.prompts)
        .on_topic(Subject::Chunk, &cluster.chunks);
    let all = [
        Subject::Verdict,
        Subject::DeadLetter,
        Subject::Prompt,
        Subject::Chunk,
    ];
    let directory = Directory::connect(Client::new(url).unwrap(), subjects, &all, &[], None);
    Ids::registered(directory.unwrap())
}

/// A frame under any id.
pub(crate) fn frame_under<T: Record>(id: u32, record: &T) -> Vec<u8> {
    struct Under(u32);
    impl SchemaIds for Under {
        fn id_of(&self, _: Subject) -> u32 {
            self.0
        }
        fn find(&self, _: u32) -> Option<Written<'_>> {
            None
        }
    }
    let mut frame = Vec::new();
    weir_wire::encode_with(&Under(id), record, &mut frame).unwrap();
    frame
}

/// The subject's schema on a topic with a change to its fields, registered as the next version.
pub(crate) fn next_version(
    client: &Client,
    subject: Subject,
    topic: &str,
    change: impl FnOnce(&mut Vec<Value>),
) -> u32 {
    let mut schema: Value = serde_json::from_str(subject.schema_json()).unwrap();
    change(schema["fields"].as_array_mut().unwrap());
    let subject = format!("{topic}-value");
    client.register(&subject, &schema.to_string()).unwrap()
}

/// A schema that is registered, and under no subject of Weir's.
pub(crate) fn foreign(client: &Client) -> u32 {
    let field = json!({ "name": "id", "type": "string" });
    let order = json!({ "type": "record", "name": "Order", "fields": [field] });
    let subject = format!("{}-value", unique_name("orders"));
    client.register(&subject, &order.to_string()).unwrap()
}

/// With one more field, which may be null.
pub(crate) fn with_field(name: &str) -> impl FnOnce(&mut Vec<Value>) {
    let field = json!({ "name": name, "type": ["null", "long"], "default": null });
    move |fields| fields.push(field)
}

/// Without the last field, whose name it must be.
pub(crate) fn without_field(name: &str) -> impl FnOnce(&mut Vec<Value>) {
    let name = name.to_owned();
    move |fields| assert_eq!(fields.pop().unwrap()["name"], name)
}

/// A record as one writes it whose schema has one more field, which is null.
pub(crate) fn newer_frame<T: Record>(id: u32, record: &T) -> Vec<u8> {
    let mut frame = frame_under(id, record);
    frame.push(0);
    frame
}

/// A record as one writes it whose schema lacks the last field, which is null in it.
pub(crate) fn older_frame<T: Record>(id: u32, record: &T) -> Vec<u8> {
    let mut frame = frame_under(id, record);
    assert_eq!(frame.pop(), Some(0));
    frame
}
