use serde::{Deserialize, Serialize};

/// Names the key that encrypted a record's texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Enc {
    /// The data key, as `weir.keys.v1` names it.
    pub key_id: String,
    /// The nonce of this record, raw bytes; its length is the cipher's (12 for AES-256-GCM).
    #[serde(with = "crate::octets")]
    pub nonce: Vec<u8>,
}
