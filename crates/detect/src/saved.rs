//! The frame around a saved state: format, rules, checksum, state. Streams, which hold scans, use it too.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::secrets::api_key::checksum::crc32;

/// Format, hash of the rules, checksum.
const HEADER_BYTES: usize = 1 + 8 + 4;

/// Why a scan cannot go on from some bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not a saved state, cut short or changed.
    #[error("the saved state is damaged: scan the text from its beginning")]
    Damaged,
    /// Saved in another format.
    #[error(
        "the saved state has format {found}, this version reads {expected}: scan the text from its beginning"
    )]
    Format {
        /// The format found.
        found: u8,
        /// The only one that this version reads.
        expected: u8,
    },
    /// Saved under other rules, which the state refers to.
    #[error("the state was saved under other rules: scan the text from its beginning")]
    OtherRules,
}

/// A state as bytes. `format` is to change whenever what is saved changes its meaning; `rules` is the hash
/// of those that the state refers to, 0 if it refers to none.
///
/// # Errors
/// When it cannot be written, which memory alone could cause.
pub fn save(format: u8, rules: u64, state: &impl Serialize) -> Result<Vec<u8>, StateError> {
    let mut bytes = vec![format];
    bytes.extend_from_slice(&rules.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    let mut bytes = postcard::to_extend(state, bytes).map_err(|_| StateError::Damaged)?;
    let checksum = crc32(&bytes[HEADER_BYTES..]);
    bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&checksum.to_be_bytes());
    Ok(bytes)
}

/// The state that was saved.
///
/// # Errors
/// When the bytes are no saved state, are damaged, or were saved in another format or under other rules.
pub fn restore<S: DeserializeOwned>(format: u8, rules: u64, bytes: &[u8]) -> Result<S, StateError> {
    let (header, body) = bytes
        .split_at_checked(HEADER_BYTES)
        .ok_or(StateError::Damaged)?;
    let (found, header) = header.split_first().ok_or(StateError::Damaged)?;
    if *found != format {
        return Err(StateError::Format {
            found: *found,
            expected: format,
        });
    }
    let (saved_rules, checksum) = header.split_at(8);
    if *checksum != crc32(body).to_be_bytes() {
        return Err(StateError::Damaged);
    }
    if *saved_rules != rules.to_be_bytes() {
        return Err(StateError::OtherRules);
    }
    match postcard::take_from_bytes(body) {
        Ok((state, [])) => Ok(state),
        _ => Err(StateError::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rule;
    use crate::{Detector, Scanner};

    #[test]
    fn what_cannot_be_restored_says_why() {
        let detector = Detector::compile(&[rule("a", &["kill"])]).unwrap();
        let mut scanner = Scanner::new(&detector, 0);
        scanner.push(b"so k i l", &mut Vec::new());
        let bytes = scanner.save().unwrap();
        let error = |detector: &Detector, bytes: &[u8]| {
            Scanner::restore(detector, Default::default(), bytes).err()
        };
        assert_eq!(error(&detector, &bytes), None);
        for length in 0..bytes.len() {
            assert_eq!(
                error(&detector, &bytes[..length]),
                Some(StateError::Damaged),
                "{length}"
            );
        }
        for at in HEADER_BYTES..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert_eq!(error(&detector, &bytes), Some(StateError::Damaged), "{at}");
        }
        let other = Detector::compile(&[rule("a", &["kill", "k"])]).unwrap();
        assert_eq!(error(&other, &bytes), Some(StateError::OtherRules));
        let mut newer = bytes;
        newer[0] = 99;
        assert_eq!(
            error(&detector, &newer),
            Some(StateError::Format {
                found: 99,
                expected: 5
            })
        );
    }
}
