use crate::WriterSchema;

/// What a schema describes; one for each topic that this crate reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// [`crate::Prompt`] on `weir.prompts.v1`.
    Prompt,
    /// [`crate::Chunk`] on `weir.chunks.v1`.
    Chunk,
    /// [`weir_types::Verdict`] on `weir.verdicts.v1`.
    Verdict,
    /// [`crate::Flagged`] on `weir.flagged.v1`.
    Flagged,
    /// [`crate::DeadLetter`] on `weir.dead-letters.v1`.
    DeadLetter,
    /// [`crate::Checkpoint`] on `weir.checkpoints.v1`.
    Checkpoint,
    /// [`crate::Moderation`] on `weir.moderation.v1`.
    Moderation,
}

impl Subject {
    /// All subjects.
    pub const ALL: [Self; 7] = [
        Self::Prompt,
        Self::Chunk,
        Self::Verdict,
        Self::Flagged,
        Self::DeadLetter,
        Self::Checkpoint,
        Self::Moderation,
    ];

    /// The name in a registry: `<topic>-value`, as Confluent's `TopicNameStrategy` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prompt => "weir.prompts.v1-value",
            Self::Chunk => "weir.chunks.v1-value",
            Self::Verdict => "weir.verdicts.v1-value",
            Self::Flagged => "weir.flagged.v1-value",
            Self::DeadLetter => "weir.dead-letters.v1-value",
            Self::Checkpoint => "weir.checkpoints.v1-value",
            Self::Moderation => "weir.moderation.v1-value",
        }
    }

    /// The file of its schema in `schemas/`.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Prompt => "prompt.avsc",
            Self::Chunk => "chunk.avsc",
            Self::Verdict => "verdict.avsc",
            Self::Flagged => "flagged.avsc",
            Self::DeadLetter => "dead-letter.avsc",
            Self::Checkpoint => "checkpoint.avsc",
            Self::Moderation => "moderation.avsc",
        }
    }

    /// The fixed id of the compiled-in schema; `schemas/README.md` lists them.
    ///
    /// A registry counts up from 1, so ids this high do not meet its own.
    #[must_use]
    pub const fn id(self) -> u32 {
        match self {
            Self::Prompt => 100_001,
            Self::Chunk => 100_008,
            Self::Verdict => 100_007,
            Self::Flagged => 100_004,
            Self::DeadLetter => 100_005,
            Self::Checkpoint => 100_009,
            Self::Moderation => 100_010,
        }
    }

    /// The compiled-in schema, as JSON.
    #[must_use]
    pub const fn schema_json(self) -> &'static str {
        match self {
            Self::Prompt => include_str!("../../../schemas/prompt.avsc"),
            Self::Chunk => include_str!("../../../schemas/chunk.avsc"),
            Self::Verdict => include_str!("../../../schemas/verdict.avsc"),
            Self::Flagged => include_str!("../../../schemas/flagged.avsc"),
            Self::DeadLetter => include_str!("../../../schemas/dead-letter.avsc"),
            Self::Checkpoint => include_str!("../../../schemas/checkpoint.avsc"),
            Self::Moderation => include_str!("../../../schemas/moderation.avsc"),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The schema that a frame was written with.
#[derive(Debug, Clone, Copy)]
pub enum Written<'a> {
    /// The compiled-in one: the fast way.
    AsCompiled(Subject),
    /// An earlier or later version: slower, and resolved into the compiled-in one.
    Otherwise(Subject, &'a WriterSchema),
    /// One that is registered under subjects of others only.
    Foreign,
    /// One that is registered under this subject and cannot be read as its records.
    Incompatible(Subject),
}

/// Which schema an id names. Answers from memory, since a lane thread asks.
///
/// A registry's client (`weir-registry`) implements this over what it has fetched so far, and is asked beforehand
/// whether a frame's id has still to be fetched: then the record is parked, and an id that is not found here is poison.
pub trait SchemaIds {
    /// The id to write `subject`'s compiled-in schema under.
    fn id_of(&self, subject: Subject) -> u32;

    /// What a frame with this id was written with; `None` if that is not known here.
    fn find(&self, id: u32) -> Option<Written<'_>>;
}

/// The compiled-in schemas under their fixed ids, and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompiledIn;

impl SchemaIds for CompiledIn {
    fn id_of(&self, subject: Subject) -> u32 {
        subject.id()
    }

    fn find(&self, id: u32) -> Option<Written<'_>> {
        Subject::ALL
            .into_iter()
            .find(|subject| subject.id() == id)
            .map(Written::AsCompiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_distinct_and_ids_lead_back() {
        for subject in Subject::ALL {
            let found = CompiledIn.find(subject.id());
            assert!(matches!(found, Some(Written::AsCompiled(same)) if same == subject));
            let same_name = |other: &&Subject| other.name() == subject.name();
            assert_eq!(Subject::ALL.iter().filter(same_name).count(), 1);
        }
        assert!(CompiledIn.find(1).is_none());
    }
}
