//! Who did not judge, and why.

use weir_types::{Unjudged, UnjudgedCause};

/// Most entries that are kept: there are three detectors and six causes.
const MAX_ENTRIES: usize = 32;

/// A sorted set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UnjudgedSet(Vec<Unjudged>);

impl UnjudgedSet {
    pub(crate) fn add(&mut self, unjudged: &Unjudged) {
        let key = |entry: &Unjudged| (entry.detector.clone(), entry.cause);
        if let Err(place) = self.0.binary_search_by_key(&key(unjudged), key)
            && self.0.len() < MAX_ENTRIES
        {
            self.0.insert(place, unjudged.clone());
        }
    }

    /// Nothing looked at it.
    pub(crate) fn add_record(&mut self, cause: UnjudgedCause) {
        self.add(&Unjudged {
            detector: "record".to_owned(),
            cause,
        });
    }

    pub(crate) fn as_slice(&self) -> &[Unjudged] {
        &self.0
    }
}
