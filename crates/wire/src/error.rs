use apache_avro::error::Details;

use weir_types::DeadLetterReason;

use crate::Subject;

/// Why a frame could not be read. Says nothing of the text in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than a header has.
    #[error("frame is shorter than its 5 byte header")]
    TooShort,
    /// The first byte is not zero.
    #[error("frame begins with magic byte {0}, not 0")]
    BadMagic(u8),
    /// The id names no schema that is known here (see [`crate::SchemaIds`]).
    #[error("schema id {0} is not known")]
    UnknownSchema(u32),
    /// The id names the schema of another subject.
    #[error("expected a record of {expected}, found one of {found}")]
    WrongSchema {
        /// The subject of the type asked for.
        expected: Subject,
        /// The subject that the frame's schema belongs to.
        found: Subject,
    },
    /// The id names a schema that is registered under subjects of others only.
    #[error("schema id {0} is not of this topic's subject")]
    ForeignSchema(u32),
    /// The id names a schema that is registered under the right subject and cannot be read as ours.
    #[error("schema id {0} is incompatible with this version's schema")]
    IncompatibleSchema(u32),
    /// The datum does not fit its schema.
    #[error("datum is invalid: {0}")]
    Datum(DatumFault),
    /// A whole datum was read and this many bytes are left.
    #[error("{0} bytes follow the datum")]
    TrailingBytes(usize),
}

impl DecodeError {
    /// As what a dead letter counts that did not decode.
    #[must_use]
    pub const fn dead_letter_reason(&self) -> DeadLetterReason {
        match self {
            Self::TooShort | Self::BadMagic(_) => DeadLetterReason::MalformedFrame,
            Self::UnknownSchema(_) => DeadLetterReason::UnknownSchema,
            Self::WrongSchema { .. }
            | Self::ForeignSchema(_)
            | Self::IncompatibleSchema(_)
            | Self::Datum(_)
            | Self::TrailingBytes(_) => DeadLetterReason::Undecodable,
        }
    }
}

/// Why a record could not be written: its type and its schema disagree, a defect of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: record does not fit its schema")]
pub struct EncodeError {
    /// The record's subject.
    pub subject: Subject,
}

/// Why a schema is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is not an Avro schema.
    #[error("not an avro schema: {0}")]
    Invalid(String),
    /// A type in it holds itself.
    #[error("a type holds itself, so its records could nest without end")]
    Recursive,
    /// Records written with it cannot be read as this subject's.
    #[error("cannot be read as {subject}: {reason}")]
    Incompatible {
        /// The subject.
        subject: Subject,
        /// What does not fit.
        reason: String,
    },
}

/// What is wrong with a datum.
///
/// Avro's own errors are not passed on: some hold the offending bytes or print whole schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatumFault {
    /// It ends inside a value.
    #[error("it ends inside a value")]
    Cut,
    /// A length is negative or above [`crate::MAX_FIELD_BYTES`].
    #[error("a length is negative or too large")]
    Length,
    /// A number does not fit its type.
    #[error("a number is out of range")]
    Number,
    /// An index into a union or an enum is out of range.
    #[error("a union or enum index is out of range")]
    Index,
    /// A string is not UTF-8 (text is bytes and need not be).
    #[error("a string is not utf-8")]
    Utf8,
    /// It cannot be resolved into the reader's schema or type.
    #[error("it does not fit the reader's record")]
    Shape,
}

impl From<apache_avro::Error> for DatumFault {
    fn from(error: apache_avro::Error) -> Self {
        match error.into_details() {
            Details::ReadVariableIntegerBytes(_)
            | Details::ReadBytes(_)
            | Details::ReadString(_)
            | Details::ReadBoolean(_)
            | Details::ReadFloat(_)
            | Details::ReadDouble(_) => Self::Cut,
            Details::MemoryAllocation { .. } | Details::ConvertI64ToUsize(..) => Self::Length,
            Details::IntegerOverflow | Details::ZagI32(..) => Self::Number,
            Details::GetUnionVariant { .. }
            | Details::EnumSymbolIndex { .. }
            | Details::GetEnumValue { .. }
            | Details::ConvertI32ToUsize(..) => Self::Index,
            Details::ConvertToUtf8(_) | Details::ConvertToUtf8Error(_) => Self::Utf8,
            _ => Self::Shape,
        }
    }
}
