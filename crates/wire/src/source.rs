//! Serde for [`weir_types::Source`], whose topic is a shared string.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_types::Source;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Source", rename = "Source")]
pub(crate) struct SourceRecord {
    #[serde(with = "shared")]
    topic: Arc<str>,
    partition: i32,
    offset: i64,
}

mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(from).map(Arc::from)
    }
}
