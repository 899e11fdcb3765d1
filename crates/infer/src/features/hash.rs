//! The hash behind every feature: an Fx-like multiply-rotate over code points.
//!
//! `h' = (rotl(h, 5) xor c) * K` on 64-bit words, bucket = the top bits. It is written out here,
//! not taken from a crate, because model files depend on it: it must never change with a version
//! or a platform. Collisions are cheap to make on purpose, which is harmless here: a bucket that an
//! attacker hits is no more than a feature that he might have written in clear.

/// An odd constant near 2^64 / pi.
const K: u64 = 0x517C_C1B7_2722_0A95;

/// Start of a word's hash.
pub(super) const WORD: u64 = 0x9E37_79B9_7F4A_7C15;
/// Start of the hash of two adjacent words.
pub(super) const PAIR: u64 = 0xC2B2_AE3D_27D4_EB4F;
/// Start of the hash of characters within a word.
pub(super) const CHARS: u64 = 0x1656_67B1_9E37_79F9;
/// Start of the hash of characters within an unspaced run.
pub(super) const RUN: u64 = 0xD6E8_FEB8_6659_FD93;
/// Hash of a text without tokens.
pub(super) const NOTHING: u64 = 0xA076_1D64_78BD_642F;

/// One step.
#[inline(always)]
pub(super) fn step(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(5) ^ value).wrapping_mul(K)
}

/// The bucket of a hash, where `shift` is 64 minus the number of bucket bits (8 to 24).
#[inline(always)]
pub(super) fn bucket(hash: u64, shift: u32) -> i32 {
    // At most 24 bits are left.
    #[allow(clippy::cast_possible_truncation)]
    let id = (hash >> shift) as i32;
    id
}
