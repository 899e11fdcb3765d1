//! Kafka's default partitioner, as the Java client and librdkafka's `murmur2_random` have it.

/// The partition of a record with this key, of `partitions` (`1..`).
#[must_use]
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    // The sign bit is cleared, so the number fits.
    let positive = i32::try_from(murmur2(key) & 0x7fff_ffff).unwrap_or(0);
    positive % partitions.max(1)
}

/// `org.apache.kafka.common.utils.Utils.murmur2`: murmur2 with 32 bits and Kafka's seed.
#[must_use]
pub fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    // The length wraps for keys above 4 GiB, of which there are none.
    #[expect(clippy::cast_possible_truncation, reason = "see above")]
    let mut hash = SEED ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of Apache Kafka's Java client (`UtilsTest.testMurmur2`).
    #[test]
    fn agrees_with_java() {
        let known: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ];
        for (key, hash) in known {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }

    #[test]
    fn partitions_are_in_range_and_none_is_left_out() {
        for count in [1, 3, 4, 64] {
            let mut hit = vec![false; usize::try_from(count).unwrap()];
            for number in 0..1000 {
                let partition = partition_of(format!("r-{number}").as_bytes(), count);
                hit[usize::try_from(partition).unwrap()] = true;
            }
            assert!(hit.iter().all(|hit| *hit), "{count}");
        }
    }
}
