//! The checksums that keys carry: CRC-32, written in base 62 or 36.

use crate::work::spend;

/// CRC-32 as in zlib and IEEE 802.3 (reflected, polynomial 0xEDB88320).
///
/// By the byte-wise table: inputs are at most a few hundred bytes and rare.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index: u32 = 0;
        while index < 256 {
            let mut value = index;
            let mut bit = 0;
            while bit < 8 {
                value = (value >> 1) ^ if value & 1 == 1 { 0xedb8_8320 } else { 0 };
                bit += 1;
            }
            table[index as usize] = value;
            index += 1;
        }
        table
    };
    spend(bytes.len());
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        let [low, ..] = crc.to_le_bytes();
        (crc >> 8) ^ TABLE[usize::from(low ^ byte)]
    })
}

/// The value of `digits` in base `base` (36 or 62, digits in the order `0-9A-Za-z`, or `0-9a-z`
/// for 36); `None` when a byte is no digit or the value does not fit.
pub(super) fn parse_base(digits: &[u8], base: u32) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, &byte| {
        let digit = match (byte, base) {
            (b'0'..=b'9', _) => byte - b'0',
            (b'A'..=b'Z', 62) => byte - b'A' + 10,
            (b'a'..=b'z', 62) => byte - b'a' + 36,
            (b'a'..=b'z', 36) => byte - b'a' + 10,
            _ => return None,
        };
        value.checked_mul(base)?.checked_add(u32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_check_value() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn published_tokens_verify() {
        // The dummy token of secretlint's rule for GitHub, without its prefix.
        let body = concat!("qkJaB6MffYVzZXWq", "mcoF49yrUxP3wf");
        assert_eq!(parse_base(b"0LsakP", 62), Some(crc32(body.as_bytes())));
        // The shortest routable token in GitLab's design document, which has no prefix.
        let payload = concat!("bzoxd_Rb5_cHe", "We1JH56wr2FCBA.0r");
        assert_eq!(parse_base(b"1pum4t4", 36), Some(crc32(payload.as_bytes())));
    }

    #[test]
    fn bases_reject_what_is_no_digit_and_what_overflows() {
        assert_eq!(parse_base(b"zzzzzz", 62), None);
        assert_eq!(parse_base(b"a-", 62), None);
        assert_eq!(parse_base(b"A", 36), None);
        assert_eq!(parse_base(b"10", 36), Some(36));
    }
}
