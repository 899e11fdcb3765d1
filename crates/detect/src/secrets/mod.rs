//! What opens doors: API keys, private keys, tokens, passwords.

use crate::work::spend;

pub(crate) mod api_key;
pub(crate) mod entropy;
pub(crate) mod jwt;
pub(crate) mod private_key;

/// Whether at least `least` different bytes occur in `text`; bytes beyond ASCII count as ASCII.
fn is_varied(text: &[u8], least: u32) -> bool {
    spend(text.len());
    let seen = text
        .iter()
        .fold(0_u128, |seen, byte| seen | 1 << (byte & 0x7f));
    seen.count_ones() >= least
}

/// How many bytes from `from` on are of `class`, at most `most`.
fn run(text: &[u8], from: usize, most: usize, class: fn(u8) -> bool) -> usize {
    let length = text
        .get(from..)
        .unwrap_or_default()
        .iter()
        .take(most)
        .take_while(|byte| class(**byte))
        .count();
    spend(length + 1);
    length
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    /// `length` characters of `alphabet`, the same for the same seed (xorshift64).
    pub(super) fn random(alphabet: &[u8], length: usize, seed: u64) -> String {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let index = usize::try_from((state >> 11) % alphabet.len() as u64).unwrap();
                char::from(alphabet[index])
            })
            .collect()
    }
}
