//! Which partition a key hashes to.

use serde_json::Value;
use weir_client::{murmur2, partition_of};

use super::{Played, bytes, same};

pub(crate) fn play(scenario: &Value) -> Played {
    let key = bytes(&scenario["key"]);
    let hash = i64::from(murmur2(&key).cast_signed());
    same("hash", &Some(hash), &scenario["murmur2"].as_i64())?;
    for (count, partition) in scenario["partitions"].as_object().unwrap() {
        let got = i64::from(partition_of(&key, count.parse().unwrap()));
        same(count, &Some(got), &partition.as_i64())?;
    }
    Ok(())
}
