//! SHA-256 in hex.

use sha2::{Digest as _, Sha256};

/// SHA-256 as 64 lower-case hex digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    weir_types::hex(&Sha256::digest(bytes))
}
