use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_types::Verdict;

use crate::{Checkpoint, Chunk, DeadLetter, Flagged, Moderation, Prompt, Subject};

/// A type that travels on a topic. Sealed: the types are those of [`Subject`].
pub trait Record: Serialize + DeserializeOwned + sealed::Sealed {
    /// The subject under which the type's schema is registered.
    const SUBJECT: Subject;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! records {
    ($($record:ident),*) => {$(
        impl sealed::Sealed for $record {}
        impl Record for $record {
            const SUBJECT: Subject = Subject::$record;
        }
    )*};
}

records!(
    Prompt, Chunk, Verdict, Flagged, DeadLetter, Checkpoint, Moderation
);
