use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::verdict::{Source, Stage};

/// Secret under which matched text is fingerprinted, so that equal matches can be recognised
/// without the text and without the secret nothing can be guessed back.
#[derive(Clone)]
pub struct FingerprintKey(Hmac<Sha256>);

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

impl FingerprintKey {
    /// Any length of secret is taken (HMAC, RFC 2104); 32 random bytes are advised.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        // HMAC accepts keys of every length: longer ones are hashed, shorter ones padded.
        #[expect(clippy::expect_used, reason = "HMAC accepts any key length")]
        let mac = Hmac::new_from_slice(secret).expect("hmac accepts any key length");
        Self(mac)
    }

    /// HMAC-SHA-256 of `matched`, cut to 64 bits, as 16 lower-case hex digits.
    #[must_use]
    pub fn fingerprint(&self, matched: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(matched);
        hex(&mac.finalize().into_bytes()[..8])
    }

    /// A number in `0.0..1.0` that looks drawn at random and is the same whenever the same id is asked
    /// for: who cannot guess the secret cannot foresee which ids lie below a probability.
    #[must_use]
    pub fn draw(&self, id: &str) -> f64 {
        let mut mac = self.0.clone();
        // Apart from fingerprints: the number of an id tells nothing of a text that reads the same.
        mac.update(b"draw\0");
        mac.update(id.as_bytes());
        let bytes = mac.finalize().into_bytes();
        let drawn = bytes[..4]
            .iter()
            .fold(0_u32, |drawn, byte| drawn << 8 | u32::from(*byte));
        f64::from(drawn) / (f64::from(u32::MAX) + 1.0)
    }
}

/// The id of the verdict on one input: 128 bits as 32 hex digits.
///
/// It depends on where the input stands on its topic and on nothing that a second run would
/// see differently, so a reprocessed record repeats its verdict under the same id. It is made
/// of no text, so it says nothing about the text.
#[must_use]
pub fn derive_verdict_id(
    request_id: &str,
    source: &Source,
    seq: std::ops::RangeInclusive<i64>,
    stage: Stage,
) -> String {
    let mut hash = Sha256::new();
    // Lengths go in front of the two free strings so that no two inputs share an encoding.
    hash.update((request_id.len() as u64).to_le_bytes());
    hash.update(request_id);
    hash.update((source.topic.len() as u64).to_le_bytes());
    hash.update(&*source.topic);
    hash.update(source.partition.to_le_bytes());
    hash.update(source.offset.to_le_bytes());
    hash.update(seq.start().to_le_bytes());
    hash.update(seq.end().to_le_bytes());
    hash.update([stage as u8]);
    hex(&hash.finalize()[..16])
}

/// An id of 128 bits as 32 hex digits, made of `parts`: the same whenever they are.
#[must_use]
pub fn derive_id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // Lengths go in front, so that no two lists share an encoding.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()[..16])
}

/// Two lower-case hex digits a byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(partition: i32, offset: i64) -> Source {
        Source {
            topic: "t".into(),
            partition,
            offset,
        }
    }

    #[test]
    fn same_input_same_id_and_any_difference_another() {
        let id = |request: &str, partition, offset| {
            derive_verdict_id(request, &source(partition, offset), 0..=0, Stage::Fast)
        };
        assert_eq!(id("r", 1, 2), id("r", 1, 2));
        assert_eq!(id("r", 1, 2).len(), 32);
        for other in [id("s", 1, 2), id("r", 2, 2), id("r", 1, 3)] {
            assert_ne!(id("r", 1, 2), other);
        }
    }

    #[test]
    fn fingerprint_depends_on_key_and_text() {
        let (one, two) = (FingerprintKey::new(b"one"), FingerprintKey::new(b"two"));
        assert_eq!(one.fingerprint(b"x"), one.fingerprint(b"x"));
        assert_ne!(one.fingerprint(b"x"), one.fingerprint(b"y"));
        assert_ne!(one.fingerprint(b"x"), two.fingerprint(b"x"));
    }

    #[test]
    fn draws_repeat_depend_on_the_key_and_are_spread_evenly() {
        let (one, two) = (FingerprintKey::new(b"one"), FingerprintKey::new(b"two"));
        assert_eq!(one.draw("x").to_bits(), one.draw("x").to_bits());
        assert_ne!(one.draw("x").to_bits(), two.draw("x").to_bits());
        let mut tenths = [0_u32; 10];
        for id in 0..10_000 {
            let drawn = one.draw(&format!("{id:032x}")) * 10.0;
            let tenth = (0_u32..10).rev().find(|tenth| drawn >= f64::from(*tenth));
            tenths[tenth.unwrap() as usize] += 1;
        }
        // Five standard deviations of 10,000 draws at a tenth each.
        assert!(
            tenths.iter().all(|count| count.abs_diff(1000) < 150),
            "{tenths:?}"
        );
    }

    #[test]
    fn fingerprint_is_hmac_sha256() {
        // RFC 4231, test case 2.
        let key = FingerprintKey::new(b"Jefe");
        assert_eq!(
            key.fingerprint(b"what do ya want for nothing?"),
            "5bdcc146bf60754e"
        );
    }
}
